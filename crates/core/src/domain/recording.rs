//! Storing what the media cloud recorded.

use crate::{
    AccountId, FileFormat, NewRecording, Result, Seconds, UnixSeconds,
    store::Tx,
    table::{
        accounts::{self, AccountRow},
        broadcasts::{self, BroadcastRow},
        recordings::{self, About, RecordingRow, Span},
        rooms,
    },
};

/// Recordings under a minute are not worth a place in the lists of the dialects that join them.
const SHORTEST: Seconds = Seconds(60);

/// Which stored recording a new file may be added to, beyond the recording of the same file id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joining {
    /// The one recording of the owner that overlaps the file; files under a minute are dropped.
    Overlapping,
    /// None: each file id is a recording of its own.
    Never,
}

/// Stores a recording, or the file of a known one.
pub(crate) fn store(
    tx: &mut Tx<'_>,
    owner: AccountId,
    stream: &str,
    joining: Joining,
    new: &NewRecording,
) -> Result<()> {
    let end_at = new.end_at.unwrap_or(tx.now);
    let start_at = new.start_at.unwrap_or_else(|| end_at - new.duration.unwrap_or_default().max(Seconds(0)));
    if joining == Joining::Overlapping && end_at - start_at <= SHORTEST {
        return Ok(());
    }
    if let Some(known) = known(tx, owner, new, joining, (start_at, end_at))? {
        return set_url(tx, &known, new);
    }
    let about = about(tx, owner, start_at, end_at)?;
    // Where recordings are joined the notice tells both times, elsewhere an unknown duration stays unknown.
    let duration = new
        .duration
        .unwrap_or(if joining == Joining::Overlapping { end_at - start_at } else { Seconds(0) })
        .max(Seconds(0));
    recordings::insert(tx, owner, stream, new, Span { start_at, end_at, duration }, &about)
}

/// The stored recording a file belongs to.
fn known(
    tx: &mut Tx<'_>,
    owner: AccountId,
    new: &NewRecording,
    joining: Joining,
    span: (UnixSeconds, UnixSeconds),
) -> Result<Option<RecordingRow>> {
    let same_file = recordings::of_file(tx.conn, owner, &new.file_id)?;
    if same_file.is_some() || joining == Joining::Never {
        return Ok(same_file);
    }
    let mut overlapping = recordings::overlapping(tx.conn, owner, span)?;
    Ok(if overlapping.len() == 1 { overlapping.pop() } else { None })
}

fn set_url(tx: &mut Tx<'_>, known: &RecordingRow, new: &NewRecording) -> Result<()> {
    if new.format == FileFormat::Hls {
        recordings::set_hls_url(tx, known.id, &new.url)
    } else if new.format.rank() >= known.play_rank {
        recordings::set_play_url(tx, known.id, &new.url, new.format.rank())
    } else {
        Ok(())
    }
}

/// Describes a recording by the broadcast it overlaps most, else by the newer of the last broadcast and the plan; fills gaps with
/// the words the host said when it started the recording. A broadcast that was only prepared describes no recording that
/// another broadcast of the room overlaps (contract sxb §0).
fn about(tx: &mut Tx<'_>, owner: AccountId, start_at: UnixSeconds, end_at: UnixSeconds) -> Result<About> {
    let Some(host) = accounts::by_id(tx.conn, owner)? else { return Ok(About::default()) };
    let Some(room) = rooms::of_account(tx.conn, owner)? else { return Ok(About::default()) };
    let mut overlapping = broadcasts::overlapping(tx.conn, owner, (start_at, end_at))?;
    if overlapping.iter().any(|row| row.aired_at.is_some()) {
        overlapping.retain(|row| row.aired_at.is_some());
    }
    let overlap =
        |row: &BroadcastRow| end_at.min(row.ended_at.unwrap_or(end_at)) - start_at.max(row.started_at);
    // Equal overlaps: the newest, hence the first; `max_by_key` would take the last.
    let best = overlapping.into_iter().rev().max_by_key(overlap);
    let last = match best {
        Some(best) => Some(best),
        None => broadcasts::latest(tx.conn, owner)?
            .filter(|row| room.planned_at.is_none_or(|planned_at| planned_at <= row.started_at)),
    };
    let mut about = match last {
        Some(row) => of_broadcast(row, &host),
        None if room.planned_at.is_some() => About {
            title: room.plan_title,
            cover: room.plan_cover,
            location: room.plan_location,
            nickname: host.display_name().to_owned(),
            avatar: host.avatar,
        },
        None => About { nickname: host.display_name().to_owned(), avatar: host.avatar, ..About::default() },
    };
    if !(room.hint_name.is_empty() && room.hint_cover.is_empty()) {
        // It was said about one recording: this one.
        rooms::set_hint(tx, room.number, owner, "", "")?;
    }
    if about.title.is_empty() {
        about.title = room.hint_name;
    }
    if about.cover.is_empty() {
        about.cover = room.hint_cover;
    }
    Ok(about)
}

fn of_broadcast(row: BroadcastRow, host: &AccountRow) -> About {
    About {
        title: row.title,
        cover: row.cover,
        location: row.location,
        nickname: row.nickname.unwrap_or_else(|| host.display_name().to_owned()),
        avatar: row.avatar.unwrap_or_else(|| host.avatar.clone()),
    }
}

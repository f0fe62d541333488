//! Stores the recordings of the media cloud.

use crate::{
    AccountId, Dialect, FileFormat, NewRecording, RecordingHint, Result, Seconds, UnixSeconds,
    store::Tx,
    table::{
        accounts::{self, AccountRow},
        broadcasts::{self, BroadcastRow},
        recordings::{self, About, RecordingRow, Span},
        rooms,
    },
};

/// The stored recordings that a new file may be merged into, beyond the recording with the same file id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MergePolicy {
    /// The recording of the owner that covers the same time in other formats; files that are not longer than the shortest
    /// recording are dropped.
    Overlapping,
    /// None: each file id is a recording of its own.
    Never,
}

/// Stores a recording, or the file of a known one.
pub(crate) fn store(
    tx: &mut Tx<'_>,
    owner: AccountId,
    stream: &str,
    policy: MergePolicy,
    new: &NewRecording,
) -> Result<()> {
    let (start_at, end_at) = span(tx, new);
    let shortest = tx.config().media.shortest_recording;
    if policy == MergePolicy::Overlapping && shortest > Seconds(0) && end_at - start_at <= shortest {
        let seconds = (end_at - start_at).0;
        tracing::info!(stream, seconds, "a recording is not kept: media.shortest_recording is {shortest} s");
        return Ok(());
    }
    if merge(tx, owner, new, policy, (start_at, end_at))? {
        return Ok(());
    }
    let about = about(tx, owner, start_at, end_at)?;
    // Where files are merged, the notice has both times; elsewhere an unknown duration stays unknown.
    let duration = new
        .duration
        .unwrap_or(if policy == MergePolicy::Overlapping { end_at - start_at } else { Seconds(0) })
        .max(Seconds(0));
    recordings::insert(tx, owner, stream, new, Span { start_at, end_at, duration }, &about)
}

/// Stores a recording of a stream of RoomService. Without effect if the user's own room was not on air then: the stream was
/// pushed into the room of another user (contract roomservice §7.7).
pub(crate) fn store_of_room_service(
    tx: &mut Tx<'_>,
    owner: AccountId,
    stream: &str,
    policy: MergePolicy,
    new: &NewRecording,
) -> Result<()> {
    let span = span(tx, new);
    let own = broadcasts::overlapping(tx.conn, owner, span)?;
    if own.iter().any(|row| row.driver == Dialect::RoomService && row.aired_at.is_some()) {
        store(tx, owner, stream, policy, new)
    } else {
        let (start, end) = (span.0.0, span.1.0);
        tracing::info!(
            stream,
            start,
            end,
            "a recording is not kept: its user had no live of RoomService on air then"
        );
        Ok(())
    }
}

/// Start and end of a new recording.
fn span(tx: &Tx<'_>, new: &NewRecording) -> (UnixSeconds, UnixSeconds) {
    let end_at = new.end_at.unwrap_or(tx.now);
    let start_at = new.start_at.unwrap_or_else(|| end_at - new.duration.unwrap_or_default().max(Seconds(0)));
    (start_at, end_at)
}

/// Merges a file into the stored recording that it belongs to, if there is one.
fn merge(
    tx: &mut Tx<'_>,
    owner: AccountId,
    new: &NewRecording,
    policy: MergePolicy,
    span: (UnixSeconds, UnixSeconds),
) -> Result<bool> {
    let same_file = recordings::of_file(tx.conn, owner, &new.file_id)?;
    let known = match (same_file, policy) {
        (None, MergePolicy::Overlapping) => {
            of_the_same_time(recordings::overlapping_without(tx.conn, owner, span, new.format)?, span)
        }
        (same_file, _) => same_file,
    };
    let Some(known) = known else { return Ok(false) };
    // One file id may come in several formats.
    recordings::add_file(tx, owner, known.id, &new.file_id, new.format)?;
    set_url(tx, &known, new)?;
    Ok(true)
}

/// Seconds by which two formats of one recording differ at most, at the start and at the end.
const NEARLY: u64 = 30;

/// The one recording of the same stretch of time as a new file of another format: the overlap is more than half of the
/// shorter of both. If that holds for several recordings, it is the one whose start and end are nearly those of the file.
fn of_the_same_time(
    overlapping: Vec<RecordingRow>,
    (start_at, end_at): (UnixSeconds, UnixSeconds),
) -> Option<RecordingRow> {
    let halves = |row: &RecordingRow| {
        let overlap = end_at.min(row.end_at) - start_at.max(row.start_at);
        let shorter = (end_at - start_at).min(row.end_at - row.start_at);
        overlap.0 > shorter.0 / 2
    };
    let near = |row: &RecordingRow| {
        row.start_at.0.abs_diff(start_at.0) <= NEARLY && row.end_at.0.abs_diff(end_at.0) <= NEARLY
    };
    let mut same: Vec<_> = overlapping.into_iter().filter(halves).collect();
    if same.len() > 1 {
        same.retain(near);
    }
    if same.len() == 1 { same.pop() } else { None }
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

/// Takes the texts of a recording from the broadcast that it overlaps most, else from the newer of the last broadcast and the
/// plan; missing texts come from the hint that the host sent for this recording. A broadcast that was only prepared is not
/// considered if another broadcast of the room overlaps the recording (contract sxb §0).
fn about(tx: &mut Tx<'_>, owner: AccountId, start_at: UnixSeconds, end_at: UnixSeconds) -> Result<About> {
    let Some(host) = accounts::by_id(tx.conn, owner)? else { return Ok(About::default()) };
    let Some(room) = rooms::of_account(tx.conn, owner)? else { return Ok(About::default()) };
    let mut overlapping = broadcasts::overlapping(tx.conn, owner, (start_at, end_at))?;
    if overlapping.iter().any(|row| row.aired_at.is_some()) {
        overlapping.retain(|row| row.aired_at.is_some());
    }
    let overlap =
        |row: &BroadcastRow| end_at.min(row.ended_at.unwrap_or(end_at)) - start_at.max(row.started_at);
    // Of equal overlaps the newest broadcast counts: `max_by_key` takes the last, so the order is reversed.
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
        // The hint is for one recording, which is this one.
        rooms::set_hint(tx, room.number, owner, &RecordingHint::default())?;
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

//! Storing what the media cloud recorded.

use diesel::prelude::*;

use super::RecordingRow;
use crate::{
    AccountId, RecordingId, Result, UnixSeconds,
    account::{self, AccountRow},
    broadcast::BroadcastRow,
    room,
    store::{
        Tx,
        conn::on,
        schema::{broadcasts, recordings, rooms},
    },
};

/// Recordings under a minute are not worth a place in the lists of the dialects that join them.
const SHORTEST: i64 = 60;

/// What kind of file a recording is. A better file is never replaced by a worse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileFormat {
    /// Any file but the following.
    Other,
    /// FLV.
    Flv,
    /// MP4.
    Mp4,
    /// A playlist; it stands beside the file, not in its place.
    Hls,
}

impl FileFormat {
    /// The format of a name such as `mp4`, in any case.
    pub fn named(name: &str) -> Self {
        match name.trim().to_ascii_lowercase().as_str() {
            "hls" | "m3u8" => Self::Hls,
            "mp4" => Self::Mp4,
            "flv" => Self::Flv,
            _ => Self::Other,
        }
    }

    fn rank(self) -> i16 {
        match self {
            Self::Hls => 0,
            Self::Other => 1,
            Self::Flv => 2,
            Self::Mp4 => 3,
        }
    }
}

/// A file the media cloud has ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecording {
    /// The cloud's name of the recording.
    pub file_id: String,
    /// What kind of file.
    pub format: FileFormat,
    /// Where it is.
    pub url: String,
    /// When it begins; `None`: its end less its duration.
    pub start_at: Option<UnixSeconds>,
    /// When it ends; `None`: now.
    pub end_at: Option<UnixSeconds>,
    /// Seconds.
    pub duration: Option<i64>,
    /// Bytes.
    pub size: Option<i64>,
}

/// What a recording takes over from the broadcast it was made of.
#[derive(Default)]
struct About {
    title: String,
    cover: String,
    location: String,
    nickname: String,
    avatar: String,
}

/// Stores a recording, or the file of a known one. `join`: short ones are dropped, and what overlaps exactly one
/// recording of the owner is another file of that one.
pub(crate) fn store(
    tx: &mut Tx<'_>,
    owner: AccountId,
    stream: &str,
    join: bool,
    new: &NewRecording,
) -> Result<()> {
    let end_at = new.end_at.unwrap_or(tx.now);
    let start_at = new.start_at.unwrap_or_else(|| end_at.saturating_sub(new.duration.unwrap_or(0).max(0)));
    if join && end_at.saturating_sub(start_at) <= SHORTEST {
        return Ok(());
    }
    if let Some(known) = known(tx, owner, new, join, (start_at, end_at))? {
        return set_url(tx, &known, new);
    }
    let about = about(tx, owner, start_at, end_at)?;
    // Where recordings are joined the notice tells both times, elsewhere an unknown duration stays unknown.
    let duration = new.duration.unwrap_or(if join { end_at.saturating_sub(start_at) } else { 0 }).max(0);
    let (play_url, hls_url) =
        if new.format == FileFormat::Hls { ("", new.url.as_str()) } else { (new.url.as_str(), "") };
    let id: RecordingId = on!(tx.conn, |c| diesel::insert_into(recordings::table)
        .values((
            (
                recordings::account_id.eq(owner),
                recordings::file_id.eq(&new.file_id),
                recordings::file_name.eq(stream),
                recordings::title.eq(about.title),
                recordings::cover.eq(about.cover),
                recordings::location.eq(about.location),
                recordings::nickname.eq(about.nickname),
                recordings::avatar.eq(about.avatar),
            ),
            (
                recordings::play_url.eq(play_url),
                recordings::play_rank.eq(new.format.rank()),
                recordings::hls_url.eq(hls_url),
                recordings::start_at.eq(start_at),
                recordings::end_at.eq(end_at),
                recordings::duration.eq(duration),
                recordings::size.eq(new.size.unwrap_or(0).max(0)),
                recordings::likes.eq(0),
                recordings::viewers.eq(0),
                recordings::stored_at.eq(tx.now),
            ),
        ))
        .returning(recordings::id)
        .get_result(c))?;
    super::publish(tx, id)
}

/// The stored recording a file belongs to.
fn known(
    tx: &mut Tx<'_>,
    owner: AccountId,
    new: &NewRecording,
    join: bool,
    (start_at, end_at): (UnixSeconds, UnixSeconds),
) -> Result<Option<RecordingRow>> {
    let same_file: Option<RecordingRow> = on!(tx.conn, |c| recordings::table
        .filter(recordings::account_id.eq(owner).and(recordings::file_id.eq(&new.file_id)))
        .first(c)
        .optional())?;
    if same_file.is_some() || !join {
        return Ok(same_file);
    }
    let mut overlapping: Vec<RecordingRow> = on!(tx.conn, |c| recordings::table
        .filter(recordings::account_id.eq(owner))
        .filter(recordings::start_at.lt(end_at).and(recordings::end_at.gt(start_at)))
        .limit(2)
        .load(c))?;
    Ok(if overlapping.len() == 1 { overlapping.pop() } else { None })
}

fn set_url(tx: &mut Tx<'_>, known: &RecordingRow, new: &NewRecording) -> Result<()> {
    let id: RecordingId = known.id;
    if new.format == FileFormat::Hls {
        on!(tx.conn, |c| diesel::update(recordings::table.find(id))
            .set(recordings::hls_url.eq(&new.url))
            .execute(c))?;
    } else if new.format.rank() >= known.play_rank {
        on!(tx.conn, |c| diesel::update(recordings::table.find(id))
            .set((recordings::play_url.eq(&new.url), recordings::play_rank.eq(new.format.rank())))
            .execute(c))?;
    }
    super::publish(tx, id)
}

/// From the broadcast the recording overlaps most, else from the newer of the last broadcast and the plan; gaps are
/// filled with what the host said when it started the recording.
fn about(tx: &mut Tx<'_>, owner: AccountId, start_at: UnixSeconds, end_at: UnixSeconds) -> Result<About> {
    /// A recording overlaps few broadcasts; more than this would be nonsense.
    const SOME: i64 = 64;
    let Some(host) = account::by_id(tx.conn, owner)? else { return Ok(About::default()) };
    let Some(room) = room::of_account(tx.conn, owner)? else { return Ok(About::default()) };
    let overlapping: Vec<BroadcastRow> = on!(tx.conn, |c| broadcasts::table
        .filter(broadcasts::account_id.eq(owner).and(broadcasts::started_at.lt(end_at)))
        .filter(broadcasts::ended_at.is_null().or(broadcasts::ended_at.gt(start_at)))
        .order(broadcasts::id.desc())
        .limit(SOME)
        .load(c))?;
    let overlap =
        |row: &BroadcastRow| end_at.min(row.ended_at.unwrap_or(end_at)) - start_at.max(row.started_at);
    // Equal overlaps: the newest, hence the first; `max_by_key` would take the last.
    let best = overlapping.into_iter().rev().max_by_key(overlap);
    let last = match best {
        Some(best) => Some(best),
        None => crate::broadcast::latest(tx.conn, owner)?
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
        on!(tx.conn, |c| diesel::update(rooms::table.find(room.number))
            .set((rooms::hint_name.eq(""), rooms::hint_cover.eq("")))
            .execute(c))?;
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

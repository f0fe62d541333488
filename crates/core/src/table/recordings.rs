//! Tables `recordings`, replays with counters of their own, and `recording_files`, the files of each.

use std::sync::Arc;

use diesel::{prelude::*, sql_types::BigInt};

use super::counters::stepped;
use crate::{
    AccountId, Counted, FileFormat, FileId, NewRecording, Recording, RecordingId, Result, Seconds,
    UnixSeconds, UserId,
    model::{
        change::Change,
        counter::{RecordingCounters, Steps},
        fragment::Fragments,
        recording::RecordingEntry,
    },
    store::{
        Tx,
        conn::{Conn, on},
        prepared::prepared,
        schema::{accounts, recording_files, recordings},
    },
};

/// A row of the table.
#[derive(Debug, Clone, Queryable)]
pub(crate) struct RecordingRow {
    pub(crate) id: RecordingId,
    account_id: AccountId,
    file_id: FileId,
    file_name: String,
    title: String,
    cover: String,
    location: String,
    nickname: String,
    avatar: String,
    play_url: String,
    pub(crate) play_rank: i16,
    pub(crate) hls_url: String,
    pub(crate) start_at: UnixSeconds,
    pub(crate) end_at: UnixSeconds,
    duration: Seconds,
    size: i64,
    likes: i64,
    viewers: i64,
    stored_at: UnixSeconds,
}

/// A row with its owner's id, nickname and picture URL.
pub(crate) type OwnedRecordingRow = (RecordingRow, UserId, String, String);

impl RecordingRow {
    /// The recording of a row, as lists show it.
    pub(crate) fn into_recording(
        (row, user_id, owner_nickname, owner_avatar): OwnedRecordingRow,
    ) -> Recording {
        Recording {
            id: row.id,
            owner: row.account_id,
            fragments: Fragments::default(),
            user_id,
            owner_nickname,
            owner_avatar,
            file_id: row.file_id,
            file_name: row.file_name,
            title: row.title,
            cover: row.cover,
            location: row.location,
            nickname: row.nickname,
            avatar: row.avatar,
            play_url: row.play_url,
            hls_url: row.hls_url,
            start_at: row.start_at,
            end_at: row.end_at,
            duration: row.duration,
            size: row.size,
            likes: row.likes,
            viewers: row.viewers,
            stored_at: row.stored_at,
        }
    }
}

/// The recordings with some numbers; a number without a recording is left out.
pub(crate) fn by_id(conn: &mut Conn, ids: &[RecordingId]) -> Result<Vec<Recording>> {
    let owned = || {
        recordings::table.inner_join(accounts::table).select((
            recordings::all_columns,
            accounts::user_id,
            accounts::nickname,
            accounts::avatar,
        ))
    };
    let rows: Vec<OwnedRecordingRow> = match conn {
        // SQLite needs no round trip, and a statement for one recording stays prepared.
        Conn::Sqlite(c) => {
            let mut rows = Vec::with_capacity(ids.len());
            for id in ids {
                let recording = prepared!(owned().filter(recordings::id.eq(id)));
                rows.extend(recording.get_result::<OwnedRecordingRow>(c).optional()?);
            }
            rows
        }
        Conn::Postgres(c) => owned().filter(recordings::id.eq_any(ids)).load(c)?,
    };
    Ok(rows.into_iter().map(RecordingRow::into_recording).collect())
}

/// The entries of all recordings with a URL.
pub(crate) fn entries(conn: &mut Conn) -> Result<Vec<RecordingEntry>> {
    Ok(on!(conn, |c| recordings::table
        .filter(recordings::play_url.ne("").or(recordings::hls_url.ne("")))
        .select((recordings::id, recordings::account_id, recordings::end_at, recordings::play_url.ne("")))
        .load(c))?)
}

/// The number of the recording of an owner with a file id.
pub(crate) fn id_of(conn: &mut Conn, owner: AccountId, file_id: &FileId) -> Result<Option<RecordingId>> {
    Ok(on!(conn, |c| recordings::table
        .filter(recordings::account_id.eq(owner).and(recordings::file_id.eq(file_id)))
        .select(recordings::id)
        .first(c)
        .optional())?)
}

/// The recordings that ended last.
pub(crate) fn latest(conn: &mut Conn, limit: usize) -> Result<Vec<Recording>> {
    let rows: Vec<_> = on!(conn, |c| recordings::table
        .inner_join(accounts::table)
        .order((recordings::end_at.desc(), recordings::id.desc()))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((recordings::all_columns, accounts::user_id, accounts::nickname, accounts::avatar))
        .load(c))?;
    Ok(rows.into_iter().map(RecordingRow::into_recording).collect())
}

/// The recording of an owner with a file id, listed or not.
pub(crate) fn find(conn: &mut Conn, owner: &UserId, file_id: &FileId) -> Result<Option<Recording>> {
    let row = on!(conn, |c| recordings::table
        .inner_join(accounts::table)
        .filter(accounts::user_id.eq(owner).and(recordings::file_id.eq(file_id)))
        .select((recordings::all_columns, accounts::user_id, accounts::nickname, accounts::avatar))
        .first(c)
        .optional())?;
    Ok(row.map(RecordingRow::into_recording))
}

/// The recording of an owner that a file belongs to: the file that the recording began with, or one merged into it.
pub(crate) fn of_file(conn: &mut Conn, owner: AccountId, file_id: &FileId) -> Result<Option<RecordingRow>> {
    Ok(on!(conn, |c| recording_files::table
        .inner_join(recordings::table)
        .filter(recording_files::account_id.eq(owner).and(recording_files::file_id.eq(file_id)))
        .select(recordings::all_columns)
        .first(c)
        .optional())?)
}

/// Largest number of recordings that a new file is compared with.
const COMPARED: i64 = 64;

/// The recordings of an owner that overlap a span of time and have no file of a format, the latest first, among those that ended
/// soonest after its start.
pub(crate) fn overlapping_without(
    conn: &mut Conn,
    owner: AccountId,
    (start_at, end_at): (UnixSeconds, UnixSeconds),
    format: FileFormat,
) -> Result<Vec<RecordingRow>> {
    let mut rows: Vec<RecordingRow> = on!(conn, |c| recordings::table
        .filter(recordings::account_id.eq(owner).and(recordings::end_at.gt(start_at)))
        .order(recordings::end_at)
        .limit(COMPARED)
        .load(c))?;
    rows.retain(|row| row.start_at < end_at);
    let ids: Vec<RecordingId> = rows.iter().map(|row| row.id).collect();
    let same_format: Vec<RecordingId> = on!(conn, |c| recording_files::table
        .filter(recording_files::recording_id.eq_any(&ids))
        .filter(recording_files::format.eq(format.rank()))
        .select(recording_files::recording_id)
        .load(c))?;
    rows.retain(|row| !same_format.contains(&row.id));
    rows.sort_by_key(|row| std::cmp::Reverse((row.end_at, row.id)));
    Ok(rows)
}

/// Stores that a recording has a file. Idempotent.
pub(crate) fn add_file(
    tx: &mut Tx<'_>,
    owner: AccountId,
    id: RecordingId,
    file: &FileId,
    format: FileFormat,
) -> Result<()> {
    let row = (
        recording_files::account_id.eq(owner),
        recording_files::file_id.eq(file),
        recording_files::recording_id.eq(id),
        recording_files::format.eq(format.rank()),
    );
    on!(tx.conn, |c| diesel::insert_into(recording_files::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// The number of recordings of an account, listed or not.
pub(crate) fn count_of(conn: &mut Conn, owner: AccountId) -> Result<i64> {
    Ok(on!(conn, |c| recordings::table.filter(recordings::account_id.eq(owner)).count().get_result(c))?)
}

/// The texts that a recording takes over from the broadcast that it was made of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) title: String,
    pub(crate) cover: String,
    pub(crate) location: String,
    pub(crate) nickname: String,
    pub(crate) avatar: String,
}

/// The times of a recording.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start_at: UnixSeconds,
    pub(crate) end_at: UnixSeconds,
    /// 0 if unknown.
    pub(crate) duration: Seconds,
}

/// Stores a recording of a stream.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    owner: AccountId,
    stream: &str,
    new: &NewRecording,
    span: Span,
    about: &About,
) -> Result<()> {
    let (play_url, hls_url) =
        if new.format == FileFormat::Hls { ("", new.url.as_str()) } else { (new.url.as_str(), "") };
    let id: RecordingId = on!(tx.conn, |c| diesel::insert_into(recordings::table)
        .values((
            (
                recordings::account_id.eq(owner),
                recordings::file_id.eq(&new.file_id),
                recordings::file_name.eq(stream),
                recordings::title.eq(&about.title),
                recordings::cover.eq(&about.cover),
                recordings::location.eq(&about.location),
                recordings::nickname.eq(&about.nickname),
                recordings::avatar.eq(&about.avatar),
            ),
            (
                recordings::play_url.eq(play_url),
                recordings::play_rank.eq(new.format.rank()),
                recordings::hls_url.eq(hls_url),
                recordings::start_at.eq(span.start_at),
                recordings::end_at.eq(span.end_at),
                recordings::duration.eq(span.duration),
                recordings::size.eq(new.size.unwrap_or(0).max(0)),
                recordings::likes.eq(0),
                recordings::viewers.eq(0),
                recordings::stored_at.eq(tx.now),
            ),
        ))
        .returning(recordings::id)
        .get_result(c))?;
    add_file(tx, owner, id, &new.file_id, new.format)?;
    publish(tx, id)
}

/// Sets the URL of a recording's playlist.
pub(crate) fn set_hls_url(tx: &mut Tx<'_>, id: RecordingId, url: &str) -> Result<()> {
    on!(tx.conn, |c| diesel::update(recordings::table.find(id)).set(recordings::hls_url.eq(url)).execute(c))?;
    publish(tx, id)
}

/// Sets the URL of a recording's file, and the rank of the file's format.
pub(crate) fn set_play_url(tx: &mut Tx<'_>, id: RecordingId, url: &str, rank: i16) -> Result<()> {
    on!(tx.conn, |c| diesel::update(recordings::table.find(id))
        .set((recordings::play_url.eq(url), recordings::play_rank.eq(rank)))
        .execute(c))?;
    publish(tx, id)
}

/// Adds steps to a counter of a recording; without effect if the recording does not exist.
pub(crate) fn count(
    tx: &mut Tx<'_>,
    owner: &UserId,
    file_id: &FileId,
    counted: Counted,
    steps: Steps,
) -> Result<()> {
    let owners = accounts::table.filter(accounts::user_id.eq(owner)).select(accounts::id);
    let recording = recordings::table
        .filter(recordings::account_id.eq_any(owners))
        .filter(recordings::file_id.eq(file_id));
    let counters = (recordings::id, recordings::likes, recordings::viewers);
    let counters: Option<RecordingCounters> = match counted {
        Counted::Like => on!(tx.conn, |c| prepared!(
            diesel::update(recording)
                .set(recordings::likes.eq(stepped!(recordings::likes, steps)))
                .returning(counters)
        )
        .get_result(c)
        .optional())?,
        Counted::AnonymousViewer => on!(tx.conn, |c| prepared!(
            diesel::update(recording)
                .set(recordings::viewers.eq(stepped!(recordings::viewers, steps)))
                .returning(counters)
        )
        .get_result(c)
        .optional())?,
    };
    if let Some(counters) = counters {
        tx.changed(Change::RecordingCounters(counters));
    }
    Ok(())
}

/// Adds a step to the viewers of a recording for a named viewer.
pub(crate) fn step_viewers(tx: &mut Tx<'_>, id: RecordingId, step: i64) -> Result<()> {
    let counters: Option<RecordingCounters> = on!(tx.conn, |c| prepared!(
        diesel::update(recordings::table.filter(recordings::id.eq(id)).filter(
            (recordings::viewers + step).ge(0).and((recordings::viewers + step).le(i64::from(i32::MAX)))
        ))
        .set(recordings::viewers.eq(recordings::viewers + step))
        .returning((recordings::id, recordings::likes, recordings::viewers))
    )
    .get_result(c)
    .optional())?;
    if let Some(counters) = counters {
        tx.changed(Change::RecordingCounters(counters));
    }
    Ok(())
}

/// Reports the current state of a recording to the read model.
fn publish(tx: &mut Tx<'_>, id: RecordingId) -> Result<()> {
    for recording in by_id(tx.conn, &[id])? {
        tx.changed(Change::Recording(Arc::new(recording)));
    }
    Ok(())
}

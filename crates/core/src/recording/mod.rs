//! Recordings: replays, with counters of their own.

mod list;
mod store;

use std::sync::Arc;

use diesel::{prelude::*, sql_types::BigInt};

pub(crate) use self::store::store;
pub use self::{
    list::{RecordingFilter, RecordingOrder},
    store::{FileFormat, NewRecording},
};
use crate::{
    AccountId, Core, Counted, Dialect, Fragment, RecordingId, Result, Step, UnixSeconds,
    broadcast::{Counter, stepped},
    fragment::Fragments,
    live::{Change, RecordingCounters},
    store::{
        Tx,
        coalesce::Steps,
        conn::{Conn, on},
        prepared::prepared,
        schema::{accounts, recordings},
    },
};

/// A row of the table.
#[derive(Debug, Clone, Queryable)]
pub(crate) struct RecordingRow {
    pub(crate) id: RecordingId,
    account_id: AccountId,
    file_id: String,
    file_name: String,
    title: String,
    cover: String,
    location: String,
    nickname: String,
    avatar: String,
    play_url: String,
    play_rank: i16,
    hls_url: String,
    start_at: UnixSeconds,
    end_at: UnixSeconds,
    duration: i64,
    size: i64,
    likes: i64,
    viewers: i64,
    stored_at: UnixSeconds,
}

/// A recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Number; later stored ones have larger ones.
    pub id: RecordingId,
    pub(crate) owner: AccountId,
    pub(crate) fragments: Fragments,
    /// The owner's id.
    pub user_id: Arc<str>,
    /// The owner's nickname as of now, may be empty.
    pub owner_nickname: String,
    /// The owner's picture URL as of now, may be empty.
    pub owner_avatar: String,
    /// The cloud's name of it; unique together with the owner.
    pub file_id: String,
    /// The name of its file: the stream's.
    pub file_name: String,
    /// Title of the broadcast it was made of.
    pub title: String,
    /// Cover URL of that broadcast.
    pub cover: String,
    /// Location of that broadcast.
    pub location: String,
    /// The host's name in that broadcast.
    pub nickname: String,
    /// The host's picture URL in that broadcast.
    pub avatar: String,
    /// URL of a file, may be empty.
    pub play_url: String,
    /// URL of a playlist, may be empty.
    pub hls_url: String,
    /// When it begins.
    pub start_at: UnixSeconds,
    /// When it ends.
    pub end_at: UnixSeconds,
    /// Seconds, 0 if unknown.
    pub duration: i64,
    /// Bytes, 0 if unknown.
    pub size: i64,
    /// Likes of the recording.
    pub likes: i64,
    /// Viewers of the recording.
    pub viewers: i64,
    /// When it was stored.
    pub stored_at: UnixSeconds,
}

/// A row with its owner's id, nickname and picture URL.
pub(crate) type OwnedRecordingRow = (RecordingRow, String, String, String);

impl RecordingRow {
    /// The recording of a row, as lists show it.
    pub(crate) fn into_recording(
        (row, user_id, owner_nickname, owner_avatar): OwnedRecordingRow,
    ) -> Recording {
        Recording {
            id: row.id,
            owner: row.account_id,
            fragments: Fragments::default(),
            user_id: user_id.into(),
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

impl Recording {
    #[cfg(test)]
    pub(crate) fn example(id: i64, owner: AccountId, end_at: i64, play_url: &str, hls_url: &str) -> Self {
        Self {
            id: RecordingId(id),
            owner,
            fragments: Fragments::default(),
            user_id: "".into(),
            owner_nickname: String::new(),
            owner_avatar: String::new(),
            file_id: id.to_string(),
            file_name: String::new(),
            title: String::new(),
            cover: String::new(),
            location: String::new(),
            nickname: String::new(),
            avatar: String::new(),
            play_url: play_url.to_owned(),
            hls_url: hls_url.to_owned(),
            start_at: 0,
            end_at,
            duration: 0,
            size: 0,
            likes: 0,
            viewers: 0,
            stored_at: 0,
        }
    }

    /// What a dialect keeps with the recording as long as it stays as it is; made now if it is the first time.
    pub fn fragment(&self, dialect: Dialect, make: impl FnOnce() -> Fragment) -> &Fragment {
        self.fragments.of(dialect, make)
    }
}

/// Recordings. From [`Core::recordings`].
#[derive(Debug, Clone, Copy)]
pub struct Recordings<'a>(pub(crate) &'a Core);

impl Recordings<'_> {
    /// Counts on a recording, 0 to 2^31-1. Without effect where there is none.
    pub async fn count(&self, owner: &str, file_id: &str, counted: Counted, step: Step) -> Result<()> {
        let (owner, file_id) = (owner.to_owned(), file_id.to_owned());
        self.0.count(Counter::Recording { owner, file_id, counted }, step).await
    }
}

/// Moves a counter of a recording; without effect where there is none.
pub(crate) fn count(
    tx: &mut Tx<'_>,
    owner: &str,
    file_id: &str,
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

/// Tells the read model about a recording as it is now.
pub(crate) fn publish(tx: &mut Tx<'_>, id: RecordingId) -> Result<()> {
    for recording in by_id(tx.conn, &[id])? {
        tx.changed(Change::Recording(Arc::new(recording)));
    }
    Ok(())
}

/// Recordings by number, those that are there.
pub(crate) fn by_id(conn: &mut Conn, ids: &[RecordingId]) -> Result<Vec<Recording>> {
    let rows: Vec<_> = on!(conn, |c| recordings::table
        .inner_join(accounts::table)
        .filter(recordings::id.eq_any(ids))
        .select((recordings::all_columns, accounts::user_id, accounts::nickname, accounts::avatar))
        .load(c))?;
    Ok(rows.into_iter().map(RecordingRow::into_recording).collect())
}

/// The recordings that ended last.
pub(crate) fn latest(conn: &mut Conn, most: usize) -> Result<Vec<Recording>> {
    let rows: Vec<_> = on!(conn, |c| recordings::table
        .inner_join(accounts::table)
        .order((recordings::end_at.desc(), recordings::id.desc()))
        .limit(i64::try_from(most).unwrap_or(i64::MAX))
        .select((recordings::all_columns, accounts::user_id, accounts::nickname, accounts::avatar))
        .load(c))?;
    Ok(rows.into_iter().map(RecordingRow::into_recording).collect())
}

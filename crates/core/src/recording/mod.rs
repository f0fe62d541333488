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
    AccountId, Core, Counted, RecordingId, Result, Step, UnixSeconds,
    broadcast::{Counter, stepped},
    store::{
        Tx,
        conn::on,
        schema::{accounts, recordings},
        tally::Steps,
    },
};

/// A row of the table.
#[derive(Debug, Clone, Queryable)]
pub(crate) struct RecordingRow {
    pub(crate) id: RecordingId,
    _account_id: AccountId,
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

impl Recording {
    fn new((row, user_id, owner_nickname, owner_avatar): (RecordingRow, String, String, String)) -> Self {
        Self {
            id: row.id,
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
    match counted {
        Counted::Like => on!(tx.conn, |c| diesel::update(recording)
            .set(recordings::likes.eq(stepped!(recordings::likes, steps)))
            .execute(c))?,
        Counted::AnonymousViewer => on!(tx.conn, |c| diesel::update(recording)
            .set(recordings::viewers.eq(stepped!(recordings::viewers, steps)))
            .execute(c))?,
    };
    Ok(())
}

//! Table `short_videos`: clips that users have uploaded.

use diesel::prelude::*;

use crate::{
    AccountId, FileId, NewShortVideo, Result, ShortVideo, ShortVideoId, UnixSeconds, UserId,
    model::{change::Change, short_video::ShortVideoEntry},
    store::{
        Tx,
        conn::{Conn, on},
        prepared::prepared,
        schema::{accounts, short_videos},
    },
};

#[derive(Queryable)]
struct ShortVideoRow {
    id: ShortVideoId,
    _account_id: AccountId,
    file_id: FileId,
    title: String,
    cover: String,
    location: String,
    play_url: String,
    nickname: Option<String>,
    avatar: Option<String>,
    created_at: UnixSeconds,
}

/// A row with its owner's id, nickname and picture URL.
type OwnedShortVideoRow = (ShortVideoRow, UserId, String, String);

impl ShortVideoRow {
    /// The short video of a row, as lists show it.
    fn into_short_video((row, user_id, owner_nickname, owner_avatar): OwnedShortVideoRow) -> ShortVideo {
        ShortVideo {
            id: row.id,
            nickname: row.nickname.unwrap_or_else(|| {
                if owner_nickname.is_empty() { user_id.as_str().to_owned() } else { owner_nickname.clone() }
            }),
            avatar: row.avatar.unwrap_or_else(|| owner_avatar.clone()),
            user_id,
            owner_nickname,
            owner_avatar,
            file_id: row.file_id,
            title: row.title,
            cover: row.cover,
            location: row.location,
            play_url: row.play_url,
            created_at: row.created_at,
        }
    }
}

/// The clips with some numbers; a number without a clip is left out.
pub(crate) fn by_id(conn: &mut Conn, ids: &[ShortVideoId]) -> Result<Vec<ShortVideo>> {
    let owned = || {
        short_videos::table.inner_join(accounts::table).select((
            short_videos::all_columns,
            accounts::user_id,
            accounts::nickname,
            accounts::avatar,
        ))
    };
    let rows: Vec<OwnedShortVideoRow> = match conn {
        // SQLite needs no round trip, and a statement for one clip stays prepared.
        Conn::Sqlite(c) => {
            let mut rows = Vec::with_capacity(ids.len());
            for id in ids {
                let clip = prepared!(owned().filter(short_videos::id.eq(id)));
                rows.extend(clip.get_result::<OwnedShortVideoRow>(c).optional()?);
            }
            rows
        }
        Conn::Postgres(c) => owned().filter(short_videos::id.eq_any(ids)).load(c)?,
    };
    Ok(rows.into_iter().map(ShortVideoRow::into_short_video).collect())
}

/// The entries of all clips.
pub(crate) fn entries(conn: &mut Conn) -> Result<Vec<ShortVideoEntry>> {
    Ok(on!(conn, |c| short_videos::table.select((short_videos::created_at, short_videos::id)).load(c))?)
}

/// Those of some numbers that clips have.
pub(crate) fn existing(conn: &mut Conn, ids: &[ShortVideoId]) -> Result<Vec<ShortVideoId>> {
    let clips = short_videos::table.filter(short_videos::id.eq_any(ids)).select(short_videos::id);
    Ok(on!(conn, |c| clips.load(c))?)
}

/// The clip of an owner with a file id.
pub(crate) fn find(conn: &mut Conn, owner: &UserId, file_id: &FileId) -> Result<Option<ShortVideo>> {
    let row = on!(conn, |c| short_videos::table
        .inner_join(accounts::table)
        .filter(accounts::user_id.eq(owner).and(short_videos::file_id.eq(file_id)))
        .select((short_videos::all_columns, accounts::user_id, accounts::nickname, accounts::avatar))
        .first(c)
        .optional())?;
    Ok(row.map(ShortVideoRow::into_short_video))
}

/// The number of clips of an account.
pub(crate) fn count(conn: &mut Conn, owner: AccountId) -> Result<i64> {
    Ok(on!(conn, |c| short_videos::table.filter(short_videos::account_id.eq(owner)).count().get_result(c))?)
}

/// Stores a clip, which replaces the owner's clip with the same file id. It gets a new number, which orders equal times.
pub(crate) fn replace(tx: &mut Tx<'_>, owner: AccountId, video: &NewShortVideo) -> Result<()> {
    let replaced: Option<ShortVideoEntry> = on!(tx.conn, |c| diesel::delete(
        short_videos::table
            .filter(short_videos::account_id.eq(owner).and(short_videos::file_id.eq(&video.file_id)))
    )
    .returning((short_videos::created_at, short_videos::id))
    .get_result(c)
    .optional())?;
    if let Some(replaced) = replaced {
        tx.changed(Change::ShortVideoDeleted(replaced));
    }
    let info = video.user_info.as_ref();
    let entry: ShortVideoEntry = on!(tx.conn, |c| diesel::insert_into(short_videos::table)
        .values((
            short_videos::account_id.eq(owner),
            short_videos::file_id.eq(&video.file_id),
            short_videos::title.eq(&video.title),
            short_videos::cover.eq(info.map_or(&video.cover, |info| &info.cover)),
            short_videos::location.eq(info.map_or(&video.location, |info| &info.location)),
            short_videos::play_url.eq(&video.play_url),
            short_videos::nickname.eq(info.map(|info| &info.nickname)),
            short_videos::avatar.eq(info.map(|info| &info.avatar)),
            short_videos::created_at.eq(tx.now),
        ))
        .returning((short_videos::created_at, short_videos::id))
        .get_result(c))?;
    tx.changed(Change::ShortVideo(entry));
    Ok(())
}

/// Deletes the clips of an account.
pub(crate) fn delete_of_account(tx: &mut Tx<'_>, account: AccountId) -> Result<()> {
    let deleted: Vec<ShortVideoEntry> =
        on!(tx.conn, |c| diesel::delete(short_videos::table.filter(short_videos::account_id.eq(account)))
            .returning((short_videos::created_at, short_videos::id))
            .get_results(c))?;
    for entry in deleted {
        tx.changed(Change::ShortVideoDeleted(entry));
    }
    Ok(())
}

//! Table `short_videos`: clips that users have uploaded.

use diesel::prelude::*;

use crate::{
    AccountId, FileId, NewShortVideo, Page, Result, ShortVideo, ShortVideoId, UnixSeconds, UserId, Window,
    store::{
        Tx,
        conn::{Conn, on},
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

/// A page of the clips uploaded later than `after`, latest first.
pub(crate) fn page(conn: &mut Conn, after: UnixSeconds, window: Window) -> Result<Page<ShortVideo>> {
    let rows: Vec<_> = on!(conn, |c| short_videos::table
        .inner_join(accounts::table)
        .filter(short_videos::created_at.gt(after))
        .order((short_videos::created_at.desc(), short_videos::id.desc()))
        .limit(window.sql_limit())
        .offset(window.sql_offset())
        .select((short_videos::all_columns, accounts::user_id, accounts::nickname, accounts::avatar))
        .load(c))?;
    Page::read(window, rows.into_iter().map(ShortVideoRow::into_short_video).collect(), || {
        Ok(on!(conn, |c| short_videos::table
            .filter(short_videos::created_at.gt(after))
            .count()
            .get_result(c))?)
    })
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
    on!(tx.conn, |c| diesel::delete(
        short_videos::table
            .filter(short_videos::account_id.eq(owner).and(short_videos::file_id.eq(&video.file_id)))
    )
    .execute(c))?;
    let info = video.user_info.as_ref();
    on!(tx.conn, |c| diesel::insert_into(short_videos::table)
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
        .execute(c))?;
    Ok(())
}

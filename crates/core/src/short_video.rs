//! Short videos: clips their owners uploaded themselves.

use diesel::prelude::*;

use crate::{
    AccountId, Core, Page, Result, ShortVideoId, UnixSeconds, Window,
    account::{self, Actor},
    broadcast::UserInfo,
    store::{
        Tx,
        conn::on,
        schema::{accounts, short_videos},
    },
};

/// What an upload says about its clip.
#[derive(Debug, Clone, Default)]
pub struct NewShortVideo {
    /// The cloud's name of the file.
    pub file_id: String,
    /// Title.
    pub title: String,
    /// Cover URL, may be empty.
    pub cover: String,
    /// Location, may be empty.
    pub location: String,
    /// Where the file is.
    pub play_url: String,
    /// What the owner calls itself for this clip; else the profile is shown.
    pub user_info: Option<UserInfo>,
}

/// A short video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortVideo {
    /// Number; later uploads have larger ones.
    pub id: ShortVideoId,
    /// The owner's id.
    pub user_id: String,
    /// The owner's name: given with the clip, else the profile's as of now. May be empty.
    pub nickname: String,
    /// The owner's picture URL likewise.
    pub avatar: String,
    /// The owner's nickname as of now, may be empty.
    pub owner_nickname: String,
    /// The owner's picture URL as of now, may be empty.
    pub owner_avatar: String,
    /// The cloud's name of the file; unique together with the owner.
    pub file_id: String,
    /// Title.
    pub title: String,
    /// Cover URL, may be empty.
    pub cover: String,
    /// Location, may be empty.
    pub location: String,
    /// Where the file is.
    pub play_url: String,
    /// When it was uploaded last.
    pub created_at: UnixSeconds,
}

#[derive(Queryable)]
struct ShortVideoRow {
    id: ShortVideoId,
    _account_id: AccountId,
    file_id: String,
    title: String,
    cover: String,
    location: String,
    play_url: String,
    nickname: Option<String>,
    avatar: Option<String>,
    created_at: UnixSeconds,
}

/// A row with its owner's id, nickname and picture URL.
type OwnedShortVideoRow = (ShortVideoRow, String, String, String);

impl ShortVideoRow {
    /// The short video of a row, as lists show it.
    fn into_short_video((row, user_id, owner_nickname, owner_avatar): OwnedShortVideoRow) -> ShortVideo {
        ShortVideo {
            id: row.id,
            nickname: row.nickname.unwrap_or_else(|| {
                if owner_nickname.is_empty() { user_id.clone() } else { owner_nickname.clone() }
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

/// Short videos. From [`Core::short_videos`].
#[derive(Debug, Clone, Copy)]
pub struct ShortVideos<'a>(pub(crate) &'a Core);

impl ShortVideos<'_> {
    /// Stores a clip of the actor. The same file again replaces everything and moves to the top of the list.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
    pub async fn upload(&self, actor: Actor, video: NewShortVideo) -> Result<()> {
        self.0
            .store()
            .write(move |tx| {
                let owner = account::acting(tx, &actor)?.id;
                upload(tx, owner, &video)
            })
            .await
    }

    /// Clips uploaded later than `after`, latest first; and how many there are.
    pub async fn list(&self, after: Option<UnixSeconds>, window: Window) -> Result<Page<ShortVideo>> {
        let after = after.unwrap_or(UnixSeconds::MIN);
        self.0
            .store()
            .snapshot(move |conn| {
                let rows: Vec<_> = on!(conn, |c| short_videos::table
                    .inner_join(accounts::table)
                    .filter(short_videos::created_at.gt(after))
                    .order((short_videos::created_at.desc(), short_videos::id.desc()))
                    .limit(window.sql_limit())
                    .offset(window.sql_offset())
                    .select((
                        short_videos::all_columns,
                        accounts::user_id,
                        accounts::nickname,
                        accounts::avatar
                    ))
                    .load(c))?;
                Page::read(window, rows.into_iter().map(ShortVideoRow::into_short_video).collect(), || {
                    Ok(on!(conn, |c| short_videos::table
                        .filter(short_videos::created_at.gt(after))
                        .count()
                        .get_result(c))?)
                })
            })
            .await
    }

    /// The clip of an owner with that file id.
    pub async fn find(&self, owner: &str, file_id: &str) -> Result<Option<ShortVideo>> {
        let (owner, file_id) = (owner.to_owned(), file_id.to_owned());
        let row = self
            .0
            .store()
            .read(move |conn| {
                Ok(on!(conn, |c| short_videos::table
                    .inner_join(accounts::table)
                    .filter(accounts::user_id.eq(owner).and(short_videos::file_id.eq(file_id)))
                    .select((
                        short_videos::all_columns,
                        accounts::user_id,
                        accounts::nickname,
                        accounts::avatar
                    ))
                    .first(c)
                    .optional())?)
            })
            .await?;
        Ok(row.map(ShortVideoRow::into_short_video))
    }
}

fn upload(tx: &mut Tx<'_>, owner: AccountId, video: &NewShortVideo) -> Result<()> {
    // A new row, hence a new number: equal times are ordered by it.
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

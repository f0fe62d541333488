//! Short videos: clips that users have uploaded.

use diesel::Queryable;

use super::{
    broadcast::UserInfo,
    id::ShortVideoId,
    name::{FileId, UserId},
};
use crate::UnixSeconds;

/// The data of an upload.
#[derive(Debug, Clone, Default)]
pub struct NewShortVideo {
    /// The cloud's id of the file.
    pub file_id: FileId,
    /// Title.
    pub title: String,
    /// Cover URL, may be empty.
    pub cover: String,
    /// Location, may be empty.
    pub location: String,
    /// URL of the file.
    pub play_url: String,
    /// Names and pictures of the owner for this clip; `None`: those of the profile.
    pub user_info: Option<UserInfo>,
}

/// The columns of a short video that lists are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Queryable)]
pub(crate) struct ShortVideoEntry {
    pub(crate) created_at: UnixSeconds,
    pub(crate) id: ShortVideoId,
}

/// A short video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortVideo {
    /// Number; a later upload has a larger one.
    pub id: ShortVideoId,
    /// The owner's id.
    pub user_id: UserId,
    /// The owner's name: the one given with the clip, else the current one of the profile. May be empty.
    pub nickname: String,
    /// The owner's picture URL: the one given with the clip, else the current one of the profile. May be empty.
    pub avatar: String,
    /// The owner's current nickname, may be empty.
    pub owner_nickname: String,
    /// The owner's current picture URL, may be empty.
    pub owner_avatar: String,
    /// The cloud's id of the file; unique together with the owner.
    pub file_id: FileId,
    /// Title.
    pub title: String,
    /// Cover URL, may be empty.
    pub cover: String,
    /// Location, may be empty.
    pub location: String,
    /// URL of the file.
    pub play_url: String,
    /// Time of the last upload.
    pub created_at: UnixSeconds,
}

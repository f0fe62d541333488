//! A short video: a clip its owner uploaded.

use super::{
    broadcast::UserInfo,
    id::ShortVideoId,
    name::{FileId, UserId},
};
use crate::UnixSeconds;

/// What an upload says about its clip.
#[derive(Debug, Clone, Default)]
pub struct NewShortVideo {
    /// The cloud's name of the file.
    pub file_id: FileId,
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
    pub user_id: UserId,
    /// The owner's name: given with the clip, else the profile's as of now. May be empty.
    pub nickname: String,
    /// The owner's picture URL likewise.
    pub avatar: String,
    /// The owner's nickname as of now, may be empty.
    pub owner_nickname: String,
    /// The owner's picture URL as of now, may be empty.
    pub owner_avatar: String,
    /// The cloud's name of the file; unique together with the owner.
    pub file_id: FileId,
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

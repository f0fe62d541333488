//! A recording, the file it comes as, and the lists it is in.

use super::{
    fragment::{Fragment, Fragments},
    id::{AccountId, Dialect, RecordingId},
    name::{FileId, UserId},
};
use crate::{Seconds, UnixSeconds};

/// A recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Number; later stored ones have larger ones.
    pub id: RecordingId,
    pub(crate) owner: AccountId,
    pub(crate) fragments: Fragments,
    /// The owner's id.
    pub user_id: UserId,
    /// The owner's nickname as of now, may be empty.
    pub owner_nickname: String,
    /// The owner's picture URL as of now, may be empty.
    pub owner_avatar: String,
    /// The cloud's name of it; unique together with the owner.
    pub file_id: FileId,
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
    /// How long it is, 0 if unknown.
    pub duration: Seconds,
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
    #[cfg(test)]
    pub(crate) fn example(
        id: i64,
        owner: AccountId,
        end_at: UnixSeconds,
        play_url: &str,
        hls_url: &str,
    ) -> Self {
        Self {
            id: RecordingId(id),
            owner,
            fragments: Fragments::default(),
            user_id: "".into(),
            owner_nickname: String::new(),
            owner_avatar: String::new(),
            file_id: id.to_string().into(),
            file_name: String::new(),
            title: String::new(),
            cover: String::new(),
            location: String::new(),
            nickname: String::new(),
            avatar: String::new(),
            play_url: play_url.to_owned(),
            hls_url: hls_url.to_owned(),
            start_at: UnixSeconds(0),
            end_at,
            duration: Seconds(0),
            size: 0,
            likes: 0,
            viewers: 0,
            stored_at: UnixSeconds(0),
        }
    }

    /// What a dialect keeps with the recording as long as it stays as it is; made now if it is the first time.
    pub fn fragment(&self, dialect: Dialect, make: impl FnOnce() -> Fragment) -> &Fragment {
        self.fragments.of(dialect, make)
    }
}

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

    /// How good a file of this format is; a better file is never replaced by a worse one.
    pub(crate) fn rank(self) -> i16 {
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
    pub file_id: FileId,
    /// What kind of file.
    pub format: FileFormat,
    /// Where it is.
    pub url: String,
    /// When it begins; `None`: its end less its duration.
    pub start_at: Option<UnixSeconds>,
    /// When it ends; `None`: now.
    pub end_at: Option<UnixSeconds>,
    /// How long it is.
    pub duration: Option<Seconds>,
    /// Bytes.
    pub size: Option<i64>,
}

/// Which recordings a list shows. Those without any URL are in no list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordingFilter {
    /// Only those with a URL of a file.
    pub with_play_url: bool,
    /// Only those that ended later than this.
    pub ended_after: Option<UnixSeconds>,
    /// Only those of this user.
    pub owner: Option<UserId>,
    /// Only those whose file name begins so.
    pub file_name_prefix: Option<String>,
}

/// How a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingOrder {
    /// Latest end first, equal ends: the later stored first.
    Ended,
    /// The later stored first.
    Stored,
}

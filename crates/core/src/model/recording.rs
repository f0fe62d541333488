//! Recordings, their files, and the filters and orders of their lists.

use diesel::Queryable;

use super::{
    fragment::{Fragment, Fragments},
    id::{AccountId, Dialect, RecordingId},
    name::{FileId, UserId},
};
use crate::{Seconds, UnixSeconds};

/// A recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Number; a recording stored later has a larger one.
    pub id: RecordingId,
    pub(crate) owner: AccountId,
    pub(crate) fragments: Fragments,
    /// The owner's id.
    pub user_id: UserId,
    /// The owner's current nickname, may be empty.
    pub owner_nickname: String,
    /// The owner's current picture URL, may be empty.
    pub owner_avatar: String,
    /// The cloud's id of the recording; unique together with the owner.
    pub file_id: FileId,
    /// Name of the file: the stream code.
    pub file_name: String,
    /// Title of the recorded broadcast.
    pub title: String,
    /// Cover URL of the recorded broadcast.
    pub cover: String,
    /// Location of the recorded broadcast.
    pub location: String,
    /// The host's name in the recorded broadcast.
    pub nickname: String,
    /// The host's picture URL in the recorded broadcast.
    pub avatar: String,
    /// URL of a file, may be empty.
    pub play_url: String,
    /// URL of a playlist, may be empty.
    pub hls_url: String,
    /// Start of the recording.
    pub start_at: UnixSeconds,
    /// End of the recording.
    pub end_at: UnixSeconds,
    /// Duration, 0 if unknown.
    pub duration: Seconds,
    /// Size in bytes, 0 if unknown.
    pub size: i64,
    /// Likes of the recording.
    pub likes: i64,
    /// Viewers of the recording.
    pub viewers: i64,
    /// Time of storing.
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

    /// The entry of the recording; `None` without any URL, because such a recording is in no list.
    pub(crate) fn entry(&self) -> Option<RecordingEntry> {
        let has_file = !self.play_url.is_empty();
        (has_file || !self.hls_url.is_empty()).then_some(RecordingEntry {
            id: self.id,
            owner: self.owner,
            end_at: self.end_at,
            has_file,
        })
    }

    /// The fragment of a dialect, kept with this value; `make` makes it at the first call.
    pub fn fragment(&self, dialect: Dialect, make: impl FnOnce() -> Fragment) -> &Fragment {
        self.fragments.of(dialect, make)
    }
}

/// The columns of a listed recording that lists are ordered and filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub(crate) struct RecordingEntry {
    pub(crate) id: RecordingId,
    pub(crate) owner: AccountId,
    /// Never changes.
    pub(crate) end_at: UnixSeconds,
    /// Whether the recording has the URL of a file; otherwise it has only that of a playlist.
    pub(crate) has_file: bool,
}

/// The format of a recording's file. A better file is never replaced by a worse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileFormat {
    /// Any other format.
    Other,
    /// FLV.
    Flv,
    /// MP4.
    Mp4,
    /// A playlist, which is kept beside the file and does not replace it.
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

    /// The quality of the format: a file is never replaced by one of lower rank.
    pub(crate) fn rank(self) -> i16 {
        match self {
            Self::Hls => 0,
            Self::Other => 1,
            Self::Flv => 2,
            Self::Mp4 => 3,
        }
    }
}

/// A finished file of the media cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecording {
    /// The cloud's id of the recording.
    pub file_id: FileId,
    /// Format of the file.
    pub format: FileFormat,
    /// URL of the file.
    pub url: String,
    /// Start of the recording; `None`: its end minus its duration.
    pub start_at: Option<UnixSeconds>,
    /// End of the recording; `None`: now.
    pub end_at: Option<UnixSeconds>,
    /// Duration.
    pub duration: Option<Seconds>,
    /// Bytes.
    pub size: Option<i64>,
}

/// A filter of the lists of recordings. A recording without any URL is in no list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordingFilter {
    /// Only recordings with the URL of a file.
    pub with_play_url: bool,
    /// Only recordings of this user.
    pub owner: Option<UserId>,
}

/// The order of a list of recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingOrder {
    /// Latest end first; of equal ends the later stored first.
    Ended {
        /// Only recordings that ended later than this.
        after: Option<UnixSeconds>,
    },
    /// Latest stored first.
    Stored,
}

//! Streams: notices of the media cloud about them, and permits to publish them.

use diesel::Queryable;

use super::{
    id::{AccountId, RoomNumber},
    name::StreamCode,
    recording::NewRecording,
};
use crate::UnixSeconds;

/// The path of a notice. The paths differ in the effect of notices and in the ways to find a stream's room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackSource {
    /// The callback paths of both minilvb dialects: notices put lives on and off the air, files of one broadcast are merged, and
    /// the stream code may contain the user id.
    Shared,
    /// sxb's own path: only recordings have an effect, each file is a recording, and the push URL may contain the room number.
    Sxb {
        /// The room number of the push URL's parameters.
        room: Option<RoomNumber>,
    },
}

/// An event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEvent {
    /// Publishing started.
    Started {
        /// Identifies this push; its end carries the same.
        sequence: Option<String>,
    },
    /// Publishing stopped.
    Stopped {
        /// Identifies the push that ended.
        sequence: Option<String>,
    },
    /// A file of the stream is finished.
    Recorded(NewRecording),
}

/// A link-mic stream, which a viewer pushes into the live of another host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkMicStream {
    /// The code, which no other stream has.
    pub code: StreamCode,
    /// The time at which the code was made.
    pub made_at: UnixSeconds,
}

/// Push URLs of a code that were issued at or before a time are refused.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub(crate) struct Revocation {
    pub(crate) code: StreamCode,
    /// The account that lost its push URLs.
    pub(crate) account: AccountId,
    pub(crate) valid_from: UnixSeconds,
}

/// The code of the live whose user pushes a link-mic stream: the code before its last part, which is the time of the link-mic
/// stream in hex digits. `None` for a code of another form.
pub(crate) fn live_of_link_mic(code: &str) -> Option<&str> {
    let (live, time) = code.rsplit_once('_')?;
    (time.len() >= 8 && time.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(live)
}

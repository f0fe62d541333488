//! Notices of the media cloud about a stream.

use super::{id::RoomNumber, recording::NewRecording};

/// Which way a notice came, because the ways differ in what they may do and in how a stream names its room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackSource {
    /// The callback paths of both minilvb generations: events move lives, recordings of one broadcast are joined, the
    /// user id may stand in the stream code.
    Shared,
    /// sxb's own: only recordings count, each file on its own; the room number may stand in the push URL.
    Sxb {
        /// The room number of the push URL's parameters.
        room: Option<RoomNumber>,
    },
}

/// What happened to a stream.
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
    /// A file of it is ready.
    Recorded(NewRecording),
}

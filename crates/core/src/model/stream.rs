//! Notices of the media cloud about a stream.

use super::{id::RoomNumber, recording::NewRecording};

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

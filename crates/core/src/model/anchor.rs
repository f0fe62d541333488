//! Anchors: accounts that push streams into a live room (contract roomservice §4.5).

use super::name::{StreamCode, UserId};

/// The names by which an account takes part in a live room. Empty texts say nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnchorNames {
    /// Nickname.
    pub nickname: String,
    /// Picture URL.
    pub avatar: String,
}

/// The data of a broadcast that was opened as a live room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRoomInfo {
    /// The text that its creator gave.
    pub info: String,
    /// The names by which its creator takes part.
    pub creator: AnchorNames,
}

/// An account that pushes a stream into a live room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The anchor's id.
    pub user_id: UserId,
    /// The anchor's names.
    pub names: AnchorNames,
    /// The stream that the anchor pushes.
    pub stream_code: StreamCode,
}

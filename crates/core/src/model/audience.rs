//! Members of an audience, as lists show them and as the read model holds them.

use diesel::{prelude::*, sql_types::BigInt};

use super::{
    anchor::Anchor,
    id::{AccountId, Dialect, RecordingId, Role},
    name::{GroupId, UserId},
    session::TokenHash,
};
use crate::UnixSeconds;

/// A member as member lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The member's id.
    pub user_id: UserId,
    /// Role in the audience.
    pub role: Role,
}

/// The microphone of a member (sxb).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Microphone {
    /// The member talks with the host.
    On,
    /// The member only watches.
    Off,
}

/// The names that a member gives on entering.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberNames {
    /// Nickname, may be empty.
    pub nickname: String,
    /// Picture URL, may be empty.
    pub avatar: String,
}

/// A member as group lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// The member's id.
    pub user_id: UserId,
    /// Nickname, may be empty.
    pub nickname: String,
    /// Picture URL, may be empty.
    pub avatar: String,
}

/// A member of an audience, for the read model.
#[derive(Debug, Clone)]
pub(crate) struct MemberState {
    pub(crate) host: AccountId,
    pub(crate) account: AccountId,
    pub(crate) user_id: UserId,
    pub(crate) role: Role,
    pub(crate) dialect: Dialect,
    pub(crate) listed: Listed,
    pub(crate) position: i64,
    pub(crate) beat_at: UnixSeconds,
    /// The session through which the member watches; the membership ends with it.
    pub(crate) session: Option<TokenHash>,
    /// The sub-anchor that the member is, and its order of joining; it depends on `beat_at`.
    pub(crate) anchor: Option<Box<(i64, Anchor)>>,
}

/// A member of a recording's audience, for the read model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Queryable, QueryableByName)]
pub(crate) struct RecordingMember {
    #[diesel(sql_type = BigInt)]
    pub(crate) recording: RecordingId,
    /// The order of entry, which no two members share.
    #[diesel(sql_type = BigInt)]
    pub(crate) position: i64,
}

/// The group whose list a member is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listed {
    /// None: a host that has not entered its own group.
    Nowhere,
    /// The group of the host's latest broadcast, whatever its name.
    OwnGroup,
    /// The group with this name.
    Group(GroupId),
}

impl Listed {
    /// Makes the value from the columns of the table.
    pub(crate) fn new(listed: bool, group: Option<GroupId>) -> Self {
        match (listed, group) {
            (false, _) => Self::Nowhere,
            (true, None) => Self::OwnGroup,
            (true, Some(group)) => Self::Group(group),
        }
    }
}

//! Members of an audience, as lists show them and as the read model keeps them.

use super::{
    id::{AccountId, Dialect, Role},
    name::{GroupId, UserId},
    session::TokenHash,
};
use crate::UnixSeconds;

/// A member as member lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The member's id.
    pub user_id: UserId,
    /// What it is there.
    pub role: Role,
}

/// How a member wants to be called.
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

/// Somebody in an audience.
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
    /// The session it lives and dies with.
    pub(crate) session: Option<TokenHash>,
}

/// In which group's list a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listed {
    /// In none: a host that has not entered its own group.
    Nowhere,
    /// In that of the host's latest broadcast, whatever it is called.
    OwnGroup,
    /// In the one of this name.
    Group(GroupId),
}

impl Listed {
    /// As the table has it.
    pub(crate) fn new(listed: bool, group: Option<GroupId>) -> Self {
        match (listed, group) {
            (false, _) => Self::Nowhere,
            (true, None) => Self::OwnGroup,
            (true, Some(group)) => Self::Group(group),
        }
    }
}

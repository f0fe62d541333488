//! What a committed job did to the state that is served from memory.

use std::sync::Arc;

use diesel::Queryable;

use super::audience::Listed;
use crate::{
    AccountId, BroadcastId, Dialect, Recording, RecordingId, Role, State, UnixSeconds,
    broadcast::BroadcastInfo,
    session::{Session, TokenHash},
};

/// One change, in full: applying it again changes nothing.
#[derive(Debug)]
pub(crate) enum Change {
    /// The latest broadcast of a host; it replaces whatever was known of that host's broadcast.
    Broadcast(Box<Current>),
    /// A host has nothing on air any more.
    OffAir { host: AccountId },
    /// The host and all it owns is gone.
    HostGone(AccountId),
    /// Counters of a broadcast.
    Counters { host: AccountId, broadcast: BroadcastId, counters: Counters },
    /// A broadcast's clock.
    Renewed { host: AccountId, broadcast: BroadcastId, beat_at: UnixSeconds, lease: Option<i64> },
    /// Somebody is in an audience, as this row says.
    Member(Box<MemberState>),
    /// Somebody left an audience.
    Left { host: AccountId, account: AccountId },
    /// An audience went home.
    AudienceCleared { host: AccountId },
    /// The room of an account is other than it was: name, texts, picture, followers.
    Room(AccountId),
    /// An account follows other rooms than it did.
    Follows(AccountId),
    /// A recording, new or changed.
    Recording(Arc<Recording>),
    /// A recording's counters.
    RecordingCounters(RecordingCounters),
    /// An account goes by another name or picture.
    Renamed(Box<OwnerProfile>),
    /// A session exists, new or pushed out of memory before.
    SessionOpened(Box<Session>),
    /// Another process has changed the tables: the model that was read again and staged takes its place.
    Reloaded,
    /// A session is no more.
    SessionClosed(TokenHash),
    /// A session has read on in its lists: other gateways have to know where it stands.
    SessionRead(TokenHash),
}

/// A broadcast's counters as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Queryable)]
pub(crate) struct Counters {
    /// Likes counted one by one.
    pub(crate) counted_likes: i64,
    /// Likes as the host reported them last.
    pub(crate) host_likes: i64,
    /// Viewers counted without a name.
    pub(crate) anonymous: i64,
    /// Grows with every step where several gateways count. With SQLite nobody asks: its writer applies steps in their order.
    pub(crate) version: i64,
}

impl Counters {
    /// These, or the others if those are newer.
    pub(crate) fn or_newer(self, others: Self) -> Self {
        if others.version > self.version { others } else { self }
    }
}

/// A recording's counters as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub(crate) struct RecordingCounters {
    pub(crate) id: RecordingId,
    pub(crate) likes: i64,
    pub(crate) viewers: i64,
}

/// What the recordings of an account show of its profile.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub(crate) struct OwnerProfile {
    pub(crate) account: AccountId,
    pub(crate) nickname: String,
    pub(crate) avatar: String,
}

/// The latest broadcast of a host.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    pub(crate) info: Arc<BroadcastInfo>,
    pub(crate) state: State,
    pub(crate) counters: Counters,
    pub(crate) beat_at: UnixSeconds,
    /// Seconds after `beat_at` it may stay on air; `None`: for ever.
    pub(crate) lease: Option<i64>,
}

/// Somebody in an audience.
#[derive(Debug, Clone)]
pub(crate) struct MemberState {
    pub(crate) host: AccountId,
    pub(crate) account: AccountId,
    pub(crate) user_id: Arc<str>,
    pub(crate) role: Role,
    pub(crate) dialect: Dialect,
    pub(crate) listed: Listed,
    pub(crate) position: i64,
    pub(crate) beat_at: UnixSeconds,
    /// The session it lives and dies with.
    pub(crate) session: Option<TokenHash>,
}

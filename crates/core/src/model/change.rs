//! What a committed job did to the state that is served from memory.

use std::sync::Arc;

use super::{
    account::OwnerProfile,
    audience::MemberState,
    broadcast::BroadcastState,
    counter::{Counters, RecordingCounters},
    id::{AccountId, BroadcastId},
    recording::Recording,
    session::{Session, TokenHash},
};
use crate::{Seconds, UnixSeconds};

/// One change, in full: applying it again changes nothing.
#[derive(Debug)]
pub(crate) enum Change {
    /// The latest broadcast of a host; it replaces whatever was known of that host's broadcast.
    Broadcast(Box<BroadcastState>),
    /// A host has nothing on air any more.
    OffAir { host: AccountId },
    /// The host and all it owns is gone.
    AccountDeleted(AccountId),
    /// Counters of a broadcast.
    Counters { host: AccountId, broadcast: BroadcastId, counters: Counters },
    /// A broadcast's clock.
    Renewed { host: AccountId, broadcast: BroadcastId, beat_at: UnixSeconds, lease: Option<Seconds> },
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
    CursorsMoved(TokenHash),
}

//! Changes: reports of committed jobs, which the read model applies.

use std::sync::Arc;

use super::{
    account::OwnerProfile,
    audience::{MemberState, RecordingMember},
    broadcast::BroadcastState,
    counter::{Counters, RecordingCounters},
    id::{AccountId, BroadcastId},
    recording::Recording,
    session::{Session, TokenHash},
    short_video::ShortVideoEntry,
    stream::Revocation,
};
use crate::{Seconds, UnixSeconds};

/// One change with all its data. Applying a change again has no effect.
#[derive(Debug)]
pub(crate) enum Change {
    /// The latest broadcast of a host, which replaces the one in the read model.
    Broadcast(Box<BroadcastState>),
    /// A host has no broadcast on air any more.
    OffAir { host: AccountId },
    /// An account has been deleted with all its data.
    AccountDeleted(AccountId),
    /// Counters of a broadcast.
    Counters { host: AccountId, broadcast: BroadcastId, counters: Counters },
    /// A broadcast's new beat and lease.
    Renewed { host: AccountId, broadcast: BroadcastId, beat_at: UnixSeconds, lease: Option<Seconds> },
    /// A new or changed member of an audience.
    Member(Box<MemberState>),
    /// A member has left an audience.
    Left { host: AccountId, account: AccountId },
    /// All members have left an audience.
    AudienceCleared { host: AccountId },
    /// The room of an account has changed: its name, texts, picture or followers.
    Room(AccountId),
    /// The follows of an account have changed.
    Follows(AccountId),
    /// A new or changed recording.
    Recording(Arc<Recording>),
    /// A recording's counters.
    RecordingCounters(RecordingCounters),
    /// A new member of a recording's audience.
    RecordingMember(RecordingMember),
    /// A member has left a recording's audience.
    RecordingLeft(RecordingMember),
    /// A new short video.
    ShortVideo(ShortVideoEntry),
    /// A short video has been deleted.
    ShortVideoDeleted(ShortVideoEntry),
    /// The nickname or the avatar of an account has changed.
    Renamed(Box<OwnerProfile>),
    /// The earlier push URLs of a stream code are refused.
    Revoked(Revocation),
    /// A session to cache: a new one, or one that a member watches through.
    SessionOpened(Box<Session>),
    /// Another process has changed the tables: the staged model, read anew, replaces the read model.
    Reloaded,
    /// A session has ended.
    SessionClosed(TokenHash),
    /// The cursors of a session have moved, which other gateways have to know.
    CursorsMoved(TokenHash),
}

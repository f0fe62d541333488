//! A broadcast as others see it.

use std::{ops::Deref, sync::Arc};

use crate::{
    AccountId, BroadcastId, Dialect, Fragment, RoomNumber, State, UnixSeconds, fragment::Fragments,
    live::Counters,
};

/// Counters are shown up to here, whatever is stored: clients hold them in 32 bits.
const MOST: i64 = i32::MAX as i64;

/// What does not change while a broadcast is on air, but for its title and its host's profile.
#[derive(Debug, Clone, PartialEq)]
pub struct BroadcastInfo {
    /// Number; later broadcasts have larger ones.
    pub id: BroadcastId,
    /// The room's number.
    pub room: RoomNumber,
    /// The host.
    pub host: AccountId,
    /// The host's id.
    pub user_id: Arc<str>,
    /// The dialect that opened it.
    pub driver: Dialect,
    /// Title, may be empty.
    pub title: String,
    /// Cover URL, may be empty.
    pub cover: String,
    /// Location, may be empty.
    pub location: String,
    /// The host's name as this broadcast shows it.
    pub nickname: String,
    /// The host's picture URL as this broadcast shows it, may be empty.
    pub avatar: String,
    /// IM group.
    pub group_id: String,
    /// What kind of room its host said it is; [`BroadcastInfo::LIVE`] where nobody said.
    pub kind: String,
    /// Application number, where the dialect has one.
    pub app: Option<i64>,
    /// Name of its stream.
    pub stream_code: String,
    /// When it was opened.
    pub started_at: UnixSeconds,
    pub(crate) fragments: Fragments,
}

impl BroadcastInfo {
    /// The kind of an ordinary live room.
    pub const LIVE: &'static str = "live";

    /// What a dialect keeps with the broadcast as long as it stays as it is; made now if it is the first time.
    pub fn fragment(&self, dialect: Dialect, make: impl FnOnce() -> Fragment) -> &Fragment {
        self.fragments.of(dialect, make)
    }
}

/// A broadcast with its counters at one moment. Dereferences to its [`BroadcastInfo`].
#[derive(Debug, Clone)]
pub struct Broadcast {
    info: Arc<BroadcastInfo>,
    /// Where it stands.
    pub state: State,
    /// Likes through every dialect together, 0 to 2^31-1.
    pub likes: i64,
    /// Named audience without the host, and viewers without a name, 0 to 2^31-1.
    pub viewers: i64,
    /// Named audience, the host included while it is there.
    pub members: i64,
}

impl Broadcast {
    pub(crate) fn info(&self) -> &Arc<BroadcastInfo> {
        &self.info
    }

    pub(crate) fn new(
        info: Arc<BroadcastInfo>,
        state: State,
        counters: Counters,
        members: usize,
        viewers: usize,
    ) -> Self {
        let viewers = i64::try_from(viewers).unwrap_or(MOST);
        Self {
            info,
            state,
            likes: counters.counted_likes.saturating_add(counters.host_likes).min(MOST),
            viewers: viewers.saturating_add(counters.anonymous).min(MOST),
            members: i64::try_from(members).unwrap_or(MOST).min(MOST),
        }
    }
}

impl Deref for Broadcast {
    type Target = BroadcastInfo;

    fn deref(&self) -> &BroadcastInfo {
        &self.info
    }
}

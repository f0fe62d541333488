//! A broadcast as others see it, and what its host says when it begins.

use std::{ops::Deref, sync::Arc};

use super::{
    counter::{Counters, LARGEST_COUNT},
    fragment::{Fragment, Fragments},
    id::{AccountId, BroadcastId, Dialect, RoomNumber, State},
    name::{GroupId, StreamCode, UserId},
};
use crate::{Seconds, UnixSeconds};

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
    pub user_id: UserId,
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
    pub group_id: GroupId,
    /// What kind of room its host said it is; [`BroadcastInfo::LIVE`] where nobody said.
    pub kind: String,
    /// Application number, where the dialect has one.
    pub app: Option<i64>,
    /// Name of its stream.
    pub stream_code: StreamCode,
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
        let viewers = i64::try_from(viewers).unwrap_or(LARGEST_COUNT);
        Self {
            info,
            state,
            likes: counters.counted_likes.saturating_add(counters.host_likes).min(LARGEST_COUNT),
            viewers: viewers.saturating_add(counters.anonymous).min(LARGEST_COUNT),
            members: i64::try_from(members).unwrap_or(LARGEST_COUNT).min(LARGEST_COUNT),
        }
    }
}

impl Deref for Broadcast {
    type Target = BroadcastInfo;

    fn deref(&self) -> &BroadcastInfo {
        &self.info
    }
}

/// The latest broadcast of a host.
#[derive(Debug, Clone)]
pub(crate) struct BroadcastState {
    pub(crate) info: Arc<BroadcastInfo>,
    pub(crate) state: State,
    pub(crate) counters: Counters,
    pub(crate) beat_at: UnixSeconds,
    /// How long after `beat_at` it may stay on air; `None`: for ever.
    pub(crate) lease: Option<Seconds>,
}

/// What a host tells about itself when it announces a live through the dialect without accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserInfo {
    /// Nickname.
    pub nickname: String,
    /// Picture URL.
    pub avatar: String,
    /// Cover URL.
    pub cover: String,
    /// Location.
    pub location: String,
}

/// A live announced before its stream is up (seeds 000 and 002, `RequestLVBAddr`).
#[derive(Debug, Clone, Default)]
pub struct Announcement {
    /// IM group made by the app.
    pub group_id: GroupId,
    /// Title, may be empty.
    pub title: String,
    /// About the host.
    pub user_info: UserInfo,
}

/// Where a host is. Stored, shown to nobody: it never was.
#[derive(Debug, Clone, Default)]
pub struct HostLocation {
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// In words.
    pub address: String,
}

/// A room reported on air (seed 003 §四).
#[derive(Debug, Clone)]
pub struct Report {
    /// The caller's room.
    pub room: RoomNumber,
    /// Title, may be empty.
    pub title: String,
    /// Cover URL, may be empty.
    pub cover: String,
    /// What kind of room it is.
    pub kind: String,
    /// IM group.
    pub group_id: GroupId,
    /// Application number.
    pub app: i64,
    /// 0 iOS, 1 Android, 2 PC.
    pub device: i16,
    /// The screen is shared instead of the camera: another stream.
    pub screen: bool,
    /// Where the host is.
    pub place: HostLocation,
}

/// Which broadcasts a list wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OnAirFilter {
    /// Only broadcasts reported with this application number, and those that have none.
    pub app: Option<i64>,
    /// Only broadcasts whose kind is `live`.
    pub live_kind: bool,
}

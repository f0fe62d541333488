//! Broadcasts as lists show them, and the data with which hosts open them.

use std::{ops::Deref, sync::Arc};

use super::{
    anchor::LiveRoomInfo,
    counter::{Counters, LARGEST_COUNT},
    custom_field::CustomFields,
    fragment::{Fragment, Fragments},
    id::{AccountId, BroadcastId, Dialect, RoomNumber, State},
    name::{GroupId, StreamCode, UserId},
};
use crate::{Seconds, UnixSeconds};

/// The data of a broadcast that lists show. While on air, only its title, its custom fields, the
/// names and the stream of a live room's creator and the profile of its host change.
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
    /// The dialect that opened the broadcast.
    pub driver: Dialect,
    /// Title, may be empty.
    pub title: String,
    /// Cover URL, may be empty.
    pub cover: String,
    /// Location, may be empty.
    pub location: String,
    /// The host's name, as this broadcast shows it.
    pub nickname: String,
    /// The host's picture URL, as this broadcast shows it; may be empty.
    pub avatar: String,
    /// IM group.
    pub group_id: GroupId,
    /// Kind of the room, as reported by its host; otherwise [`BroadcastInfo::LIVE`].
    pub kind: String,
    /// Application number, where the dialect has one.
    pub app: Option<i64>,
    /// Stream code.
    pub stream_code: StreamCode,
    /// Time of opening.
    pub started_at: UnixSeconds,
    /// The data of a live room; `None` for a broadcast that another dialect has opened.
    pub live_room: Option<LiveRoomInfo>,
    /// The custom fields.
    pub fields: Arc<CustomFields>,
    pub(crate) fragments: Fragments,
}

impl BroadcastInfo {
    /// The kind of an ordinary live room.
    pub const LIVE: &'static str = "live";

    /// The fragment of a dialect, kept with this value; `make` makes it at the first call.
    pub fn fragment(&self, dialect: Dialect, make: impl FnOnce() -> Fragment) -> &Fragment {
        self.fragments.of(dialect, make)
    }
}

/// A broadcast with its counters at one moment. Dereferences to its [`BroadcastInfo`].
#[derive(Debug, Clone)]
pub struct Broadcast {
    info: Arc<BroadcastInfo>,
    /// State of the broadcast.
    pub state: State,
    /// Likes through all dialects, 0 to 2^31-1.
    pub likes: i64,
    /// Members without the host, and anonymous viewers, 0 to 2^31-1.
    pub viewers: i64,
    /// Members, including the host while it is a member.
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

/// The latest broadcast of a host, for the read model.
#[derive(Debug, Clone)]
pub(crate) struct BroadcastState {
    pub(crate) info: Arc<BroadcastInfo>,
    pub(crate) state: State,
    pub(crate) counters: Counters,
    pub(crate) beat_at: UnixSeconds,
    /// Time after `beat_at` for which the broadcast stays on air; `None`: until it is closed.
    pub(crate) lease: Option<Seconds>,
}

/// The data about a host in a minilvb-v1 announcement.
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
    /// IM group that the app has made.
    pub group_id: GroupId,
    /// Title, may be empty.
    pub title: String,
    /// Data about the host.
    pub user_info: UserInfo,
}

/// The location of a host. It is stored and never shown, as in the original servers.
#[derive(Debug, Clone, Default)]
pub struct HostLocation {
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Address as text.
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
    /// Kind of the room.
    pub kind: String,
    /// IM group.
    pub group_id: GroupId,
    /// Application number.
    pub app: i64,
    /// 0 iOS, 1 Android, 2 PC.
    pub device: i16,
    /// Whether the host shares its screen instead of its camera, which is another stream.
    pub screen: bool,
    /// Location of the host.
    pub place: HostLocation,
}

/// A filter of the live list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OnAirFilter {
    /// Only broadcasts with this application number, and broadcasts without one.
    pub app: Option<i64>,
    /// Only broadcasts whose kind is `live`.
    pub live_kind: bool,
}

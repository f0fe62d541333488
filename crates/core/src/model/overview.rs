//! One account at a glance, for an operator who looks into a complaint.

use super::{
    account::Account,
    broadcast::Broadcast,
    id::Dialect,
    room::{Plan, Room},
};
use crate::UnixSeconds;

/// An account with all that is shown of it somewhere.
#[derive(Debug, Clone)]
pub struct AccountOverview {
    /// The account.
    pub account: Account,
    /// Its room as its owner sees it.
    pub room: Option<Room>,
    /// What it announced for its next broadcast (minilvb-v2), and when.
    pub plan: Option<(Plan, UnixSeconds)>,
    /// Its latest broadcast.
    pub latest: Option<LatestBroadcast>,
    /// Its sessions, grouped by dialect, the last used one first.
    pub sessions: Vec<SessionOverview>,
    /// Recordings it owns, listed or not.
    pub recordings: i64,
    /// Short videos it owns.
    pub short_videos: i64,
}

/// The latest broadcast of a host, on air or not.
#[derive(Debug, Clone)]
pub struct LatestBroadcast {
    /// The broadcast, with its counters.
    pub broadcast: Broadcast,
    /// The last second on air unless its host is heard of again; `None` for one that does not end by itself, or is off
    /// the air.
    pub deadline: Option<UnixSeconds>,
    /// When the broadcast was taken off the air last; `None` while it is on air or was never there.
    pub ended_at: Option<UnixSeconds>,
}

/// A session without its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionOverview {
    /// The dialect it was opened in.
    pub dialect: Dialect,
    /// When it was opened.
    pub opened_at: UnixSeconds,
    /// When it was last used.
    pub used_at: UnixSeconds,
    /// Whether its token opens anything.
    pub alive: bool,
    /// Until when its refresh token gets a new one, in the dialect that has one.
    pub refresh_until: Option<UnixSeconds>,
}

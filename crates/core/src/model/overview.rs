//! The overview of an account, for an operator that looks into a complaint.

use super::{
    account::Account,
    broadcast::Broadcast,
    id::Dialect,
    room::{Plan, Room},
};
use crate::UnixSeconds;

/// An account with everything that the dialects show of it.
#[derive(Debug, Clone)]
pub struct AccountOverview {
    /// The account.
    pub account: Account,
    /// The room of the account, as its owner sees it.
    pub room: Option<Room>,
    /// The plan for its next broadcast (minilvb-v2), and the time of the plan.
    pub plan: Option<(Plan, UnixSeconds)>,
    /// The latest broadcast of the account.
    pub latest: Option<LatestBroadcast>,
    /// The sessions of the account, grouped by dialect, the last used one first.
    pub sessions: Vec<SessionOverview>,
    /// Number of recordings of the account, listed or not.
    pub recordings: i64,
    /// Number of short videos of the account.
    pub short_videos: i64,
}

/// The latest broadcast of a host, on air or not.
#[derive(Debug, Clone)]
pub struct LatestBroadcast {
    /// The broadcast, with its counters.
    pub broadcast: Broadcast,
    /// The last second on air unless another beat comes; `None` for a broadcast without a lease or off the air.
    pub deadline: Option<UnixSeconds>,
    /// Time at which the broadcast ended.
    pub ended_at: Option<UnixSeconds>,
}

/// A session without its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionOverview {
    /// Dialect of the session.
    pub dialect: Dialect,
    /// Time of opening.
    pub opened_at: UnixSeconds,
    /// Time of the last use.
    pub used_at: UnixSeconds,
    /// Whether the token is valid.
    pub alive: bool,
    /// End of the refresh token's validity, in the dialect that has one.
    pub refresh_until: Option<UnixSeconds>,
}

//! One account at a glance, for an operator who asks why somebody sees what it sees.
//!
//! Everything comes from the tables, in one state of them; nothing is changed, and nothing is ended that is due. Clocks
//! ("last used", deadlines) may lag a second behind a running server.

use std::sync::Arc;

use diesel::prelude::*;

use super::{Account, AccountRow, Accounts, by_user_id};
use crate::{
    Broadcast, Dialect, Plan, Result, Room, SessionConfig, State, UnixSeconds,
    broadcast::{self, BroadcastRow},
    room,
    session::SessionRow,
    store::{
        conn::{Conn, on},
        schema::{recordings, sessions, short_videos},
    },
};

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
    /// When it ended for good.
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

impl Accounts<'_> {
    /// The account of that id, guest or registered, with all that is shown of it somewhere.
    pub async fn overview(&self, user_id: &str) -> Result<Option<AccountOverview>> {
        let (user_id, policy, now) = (user_id.to_owned(), self.0.config().sessions, self.0.now());
        self.0.store().snapshot(move |conn| overview(conn, &user_id, policy, now)).await
    }
}

fn overview(
    conn: &mut Conn,
    user_id: &str,
    policy: SessionConfig,
    now: UnixSeconds,
) -> Result<Option<AccountOverview>> {
    let Some(row) = by_user_id(conn, user_id)? else { return Ok(None) };
    let id = row.id;
    let latest = broadcast::latest_of(conn, &row)?;
    let (mut room, mut plan) = (None, None);
    if let Some(found) = room::of_account(conn, id)? {
        let on_air = latest.as_ref().map(|(_, shown)| shown).filter(|shown| shown.state == State::OnAir);
        room = room::seen_by(conn, id, found.number, on_air.cloned())?;
        let (title, cover, location) = (found.plan_title, found.plan_cover, found.plan_location);
        plan = found.planned_at.map(|at| (Plan { title, cover, location }, at));
    }
    Ok(Some(AccountOverview {
        room,
        plan,
        latest: latest.map(|(row, broadcast)| LatestBroadcast::new(&row, broadcast)),
        sessions: open_sessions(conn, &row, policy, now)?,
        recordings: on!(conn, |c| recordings::table
            .filter(recordings::account_id.eq(id))
            .count()
            .get_result(c))?,
        short_videos: on!(conn, |c| short_videos::table
            .filter(short_videos::account_id.eq(id))
            .count()
            .get_result(c))?,
        account: row.into(),
    }))
}

impl LatestBroadcast {
    fn new(row: &BroadcastRow, broadcast: Broadcast) -> Self {
        let lease = row.lease.filter(|_| row.state == State::OnAir);
        Self {
            broadcast,
            deadline: lease.map(|lease| row.beat_at.saturating_add(lease)),
            ended_at: row.ended_at,
        }
    }
}

/// Without those that are over and only wait to be swept.
fn open_sessions(
    conn: &mut Conn,
    owner: &AccountRow,
    policy: SessionConfig,
    now: UnixSeconds,
) -> Result<Vec<SessionOverview>> {
    let rows: Vec<SessionRow> = on!(conn, |c| sessions::table
        .filter(sessions::account_id.eq(owner.id))
        .order((sessions::dialect, sessions::used_at.desc(), sessions::digest))
        .load(c))?;
    let user_id: Arc<str> = owner.user_id.as_str().into();
    let overviews = rows.into_iter().filter_map(|row| {
        let (dialect, opened_at, used_at) = (row.dialect, row.opened_at, row.used_at);
        let refresh_until = row.refresh_until.filter(|until| *until > now);
        let alive = row.session(Arc::clone(&user_id))?.is_alive(policy, now);
        Some(SessionOverview { dialect, opened_at, used_at, alive, refresh_until })
    });
    Ok(overviews.filter(|session| session.alive || session.refresh_until.is_some()).collect())
}

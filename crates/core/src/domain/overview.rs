//! The overview of an account, for an operator that looks into a complaint.
//!
//! All data come from one snapshot of the tables. Nothing is changed, and nothing past its deadline is ended. Last uses and
//! deadlines may be a second older than in a running server.

use crate::{
    AccountOverview, Broadcast, LatestBroadcast, Plan, Result, SessionConfig, SessionOverview, State,
    UnixSeconds, UserId,
    store::conn::Conn,
    table::{
        accounts::{self, AccountRow},
        broadcasts::{self, BroadcastRow},
        recordings, rooms, sessions, short_videos,
    },
};

/// The account with a user id, guest or registered, with everything that the dialects show of it.
pub(crate) fn overview(
    conn: &mut Conn,
    user_id: &UserId,
    policy: SessionConfig,
    now: UnixSeconds,
) -> Result<Option<AccountOverview>> {
    let Some(row) = accounts::by_user_id(conn, user_id)? else { return Ok(None) };
    let id = row.id;
    let latest = broadcasts::latest_of(conn, &row)?;
    let (mut room, mut plan) = (None, None);
    if let Some(found) = rooms::of_account(conn, id)? {
        let on_air = latest.as_ref().map(|(_, shown)| shown).filter(|shown| shown.state == State::OnAir);
        room = rooms::seen_by(conn, id, found.number, on_air.cloned())?;
        let (title, cover, location) = (found.plan_title, found.plan_cover, found.plan_location);
        plan = found.planned_at.map(|at| (Plan { title, cover, location }, at));
    }
    Ok(Some(AccountOverview {
        room,
        plan,
        latest: latest.map(|(row, broadcast)| latest_broadcast(&row, broadcast)),
        sessions: open_sessions(conn, &row, policy, now)?,
        recordings: recordings::count_of(conn, id)?,
        short_videos: short_videos::count(conn, id)?,
        account: row.into(),
    }))
}

/// The sessions of an account, without ended ones whose rows are not deleted yet.
fn open_sessions(
    conn: &mut Conn,
    owner: &AccountRow,
    policy: SessionConfig,
    now: UnixSeconds,
) -> Result<Vec<SessionOverview>> {
    let rows = sessions::of_account(conn, owner.id)?;
    let overviews = rows.into_iter().filter_map(|row| {
        let (dialect, opened_at, used_at) = (row.dialect, row.opened_at, row.used_at);
        let refresh_until = row.refresh_until.filter(|until| *until > now);
        let alive = row.session(owner.user_id.clone())?.is_alive(policy, now);
        Some(SessionOverview { dialect, opened_at, used_at, alive, refresh_until })
    });
    Ok(overviews.filter(|session| session.alive || session.refresh_until.is_some()).collect())
}

fn latest_broadcast(row: &BroadcastRow, broadcast: Broadcast) -> LatestBroadcast {
    let lease = row.lease.filter(|_| row.state == State::OnAir);
    LatestBroadcast { broadcast, deadline: lease.map(|lease| row.beat_at + lease), ended_at: row.ended_at }
}

//! Broadcasts: one going-on-air of a room, whichever dialect drives it.
//!
//! One broadcast per room at a time. The dialect that opened it is its *driver* and owns its clock; closing works
//! through every dialect, see [`close`]. A new broadcast starts with counters at 0.

mod close;
mod count;
mod open;
mod view;

use diesel::prelude::*;

pub(crate) use self::{
    close::{expire, stream_started, stream_stopped, take_over},
    count::{Counter, apply as apply_steps, counts, isolation as isolation_of_steps, report_likes, stepped},
};
pub use self::{
    count::{Counted, Step},
    open::{Announcement, HostLocation, Report, UserInfo},
    view::{Broadcast, BroadcastInfo},
};
use crate::{
    AccountId, BroadcastId, Core, Dialect, Error, OnAirFilter, Page, Result, RoomNumber, State, UnixSeconds,
    Window,
    account::{self, AccountRow},
    fragment::Fragments,
    live::{Change, Counters, Current},
    store::{
        Tx,
        conn::{Conn, on},
        prepared::prepared,
        schema::{audience, broadcasts, rooms},
    },
};

/// A row of the table.
#[derive(Debug, Clone, Queryable)]
pub(crate) struct BroadcastRow {
    pub(crate) id: BroadcastId,
    pub(crate) account_id: AccountId,
    pub(crate) room: RoomNumber,
    pub(crate) driver: Dialect,
    pub(crate) state: State,
    pub(crate) title: String,
    pub(crate) cover: String,
    pub(crate) location: String,
    pub(crate) nickname: Option<String>,
    pub(crate) avatar: Option<String>,
    pub(crate) group_id: Option<String>,
    kind: String,
    app: Option<i64>,
    _device: Option<i16>,
    _screen: bool,
    _longitude: Option<f64>,
    _latitude: Option<f64>,
    _place: String,
    stream_code: String,
    push_sequence: Option<String>,
    pub(crate) started_at: UnixSeconds,
    pub(crate) ended_at: Option<UnixSeconds>,
    pub(crate) beat_at: UnixSeconds,
    pub(crate) lease: Option<i64>,
}

impl BroadcastRow {
    /// The group its own audience is in.
    pub(crate) fn group(&self) -> String {
        self.group_id.clone().unwrap_or_else(|| self.room.to_string())
    }

    /// This broadcast as others see it.
    pub(crate) fn info(&self, host: &AccountRow) -> BroadcastInfo {
        BroadcastInfo {
            id: self.id,
            room: self.room,
            host: self.account_id,
            user_id: host.user_id.as_str().into(),
            driver: self.driver,
            title: self.title.clone(),
            cover: self.cover.clone(),
            location: self.location.clone(),
            nickname: self.nickname.clone().unwrap_or_else(|| host.display_name().to_owned()),
            avatar: self.avatar.clone().unwrap_or_else(|| host.avatar.clone()),
            group_id: self.group(),
            kind: self.kind.clone(),
            app: self.app,
            stream_code: self.stream_code.clone(),
            started_at: self.started_at,
            fragments: Fragments::default(),
        }
    }

    /// This broadcast as the read model keeps it.
    pub(crate) fn current(&self, host: &AccountRow, counters: Counters) -> Current {
        Current {
            info: std::sync::Arc::new(self.info(host)),
            state: self.state,
            counters,
            beat_at: self.beat_at,
            lease: self.lease,
        }
    }
}

/// Broadcasts. From [`Core::broadcasts`].
#[derive(Debug, Clone, Copy)]
pub struct Broadcasts<'a>(pub(crate) &'a Core);

impl Broadcasts<'_> {
    /// A page of what is on air, newest start first, and how many match.
    pub async fn on_air(&self, filter: OnAirFilter, window: Window) -> Result<Page<Broadcast>> {
        self.0.expire_due().await?;
        let live = self.0.memory().live();
        Ok(Page { total: live.total(filter), items: live.page(filter, window.offset, window.limit) })
    }

    /// The broadcast a room has on air.
    pub async fn of_room(&self, room: RoomNumber) -> Result<Option<Broadcast>> {
        self.0.expire_due().await?;
        let live = self.0.memory().live();
        Ok(live.host_of_room(room).and_then(|host| live.broadcast(host)))
    }

    /// The latest broadcast of a user, on air or not.
    pub async fn latest(&self, user_id: &str) -> Result<Option<Broadcast>> {
        self.0.expire_due().await?;
        {
            let live = self.0.memory().live();
            if let Some(on_air) = live.host_of_user(user_id).and_then(|host| live.broadcast(host)) {
                return Ok(Some(on_air));
            }
        }
        let user_id = user_id.to_owned();
        self.0
            .store()
            .snapshot(move |conn| {
                let Some(host) = account::by_user_id(conn, &user_id)? else { return Ok(None) };
                Ok(latest_of(conn, &host)?.map(|(_, shown)| shown))
            })
            .await
    }
}

/// The latest broadcast of a host.
pub(crate) fn latest(conn: &mut Conn, host: AccountId) -> Result<Option<BroadcastRow>> {
    Ok(on!(conn, |c| broadcasts::table
        .filter(broadcasts::account_id.eq(host))
        .order(broadcasts::id.desc())
        .first(c)
        .optional())?)
}

/// The latest broadcast of a host, and how others see it, by the tables alone.
pub(crate) fn latest_of(conn: &mut Conn, host: &AccountRow) -> Result<Option<(BroadcastRow, Broadcast)>> {
    let Some(row) = latest(conn, host.id)? else { return Ok(None) };
    let (members, viewers) = audience_size(conn, host.id)?;
    let Current { info, state, counters, .. } = row.current(host, count::counters_of(conn, row.id)?);
    Ok(Some((row, Broadcast::new(info, state, counters, members, viewers))))
}

/// Who hosts what a room has on air.
///
/// Errors: [`Error::NotOnAir`], also for a number no room has.
pub(crate) fn host_on_air(tx: &mut Tx<'_>, room: RoomNumber) -> Result<AccountId> {
    let host: Option<AccountId> = on!(tx.conn, |c| prepared!(
        broadcasts::table
            .inner_join(rooms::table.on(rooms::broadcast_id.eq(broadcasts::id.nullable())))
            .filter(rooms::number.eq(room).and(broadcasts::state.eq(State::OnAir)))
            .select(broadcasts::account_id)
            .limit(1)
    )
    .get_result(c)
    .optional())?;
    host.ok_or(Error::NotOnAir)
}

/// Everybody in a host's audience, and everybody but the host.
fn audience_size(conn: &mut Conn, host: AccountId) -> Result<(usize, usize)> {
    let of_host = || audience::table.filter(audience::host_id.eq(host));
    let members: i64 = on!(conn, |c| of_host().count().get_result(c))?;
    let viewers: i64 = on!(conn, |c| of_host().filter(audience::account_id.ne(host)).count().get_result(c))?;
    Ok((usize::try_from(members).unwrap_or(0), usize::try_from(viewers).unwrap_or(0)))
}

/// Tells the read model about a broadcast as it is now.
pub(crate) fn publish(tx: &mut Tx<'_>, row: &BroadcastRow, host: &AccountRow) -> Result<()> {
    let counters = count::counters_of(tx.conn, row.id)?;
    tx.changed(Change::Broadcast(Box::new(row.current(host, counters))));
    Ok(())
}

/// The profile of a host has changed: what it has on air shows it.
pub(crate) fn show_again(tx: &mut Tx<'_>, host: AccountId) -> Result<()> {
    let Some(row) = latest(tx.conn, host)?.filter(|row| row.state == State::OnAir) else { return Ok(()) };
    if let Some(host) = account::by_id(tx.conn, host)? {
        publish(tx, &row, &host)?;
    }
    Ok(())
}

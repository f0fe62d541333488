//! Preparing, opening and renewing.

use std::sync::Arc;

use diesel::prelude::*;

use super::{BroadcastInfo, BroadcastRow, Broadcasts, count, latest, publish};
use crate::{
    AccountId, Dialect, Error, Result, RoomNumber, State, UnixSeconds,
    account::{self, AccountRow, Actor},
    audience,
    broadcast::close::{Close, close, end},
    live::{Change, Counters},
    room::{self, RoomRow},
    store::{
        Tx,
        conn::on,
        prepared::prepared,
        schema::{accounts, broadcasts, rooms},
    },
    stream,
};

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
    pub group_id: String,
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
    pub group_id: String,
    /// Application number.
    pub app: i64,
    /// 0 iOS, 1 Android, 2 PC.
    pub device: i16,
    /// The screen is shared instead of the camera: another stream.
    pub screen: bool,
    /// Where the host is.
    pub place: HostLocation,
}

#[derive(Insertable)]
#[diesel(table_name = broadcasts, treat_none_as_default_value = false)]
struct NewBroadcast {
    account_id: AccountId,
    room: RoomNumber,
    driver: Dialect,
    state: State,
    title: String,
    cover: String,
    location: String,
    nickname: Option<String>,
    avatar: Option<String>,
    group_id: Option<String>,
    kind: String,
    app: Option<i64>,
    device: Option<i16>,
    screen: bool,
    longitude: Option<f64>,
    latitude: Option<f64>,
    place: String,
    stream_code: String,
    push_sequence: Option<String>,
    started_at: UnixSeconds,
    beat_at: UnixSeconds,
    lease: Option<i64>,
}

impl NewBroadcast {
    fn by(driver: Dialect, state: State, room: &RoomRow, stream_code: String, now: UnixSeconds) -> Self {
        Self {
            account_id: room.account_id,
            room: room.number,
            driver,
            state,
            title: String::new(),
            cover: String::new(),
            location: String::new(),
            nickname: None,
            avatar: None,
            group_id: None,
            kind: BroadcastInfo::LIVE.to_owned(),
            app: None,
            device: None,
            screen: false,
            longitude: None,
            latitude: None,
            place: String::new(),
            stream_code,
            push_sequence: None,
            started_at: now,
            beat_at: now,
            lease: None,
        }
    }
}

impl Broadcasts<'_> {
    /// minilvb-v1: announces a live. It replaces the host's broadcast, is not listed yet, and starts with counters 0.
    /// A guest's user info becomes its profile.
    ///
    /// Errors: [`Error::ProofRequired`].
    pub async fn announce(&self, actor: Actor, announcement: Announcement) -> Result<super::Broadcast> {
        self.0
            .store()
            .write(move |tx| {
                let host = account::acting(tx, &actor)?;
                let host = if host.is_registered() {
                    host
                } else {
                    introduce(tx, host.id, &announcement.user_info)?
                };
                let room = room::ensure(tx, &host)?;
                let info = announcement.user_info.clone();
                let new = NewBroadcast {
                    title: announcement.title.clone(),
                    cover: info.cover,
                    location: info.location,
                    nickname: Some(info.nickname),
                    avatar: Some(info.avatar),
                    group_id: Some(announcement.group_id.clone()),
                    ..NewBroadcast::by(
                        Dialect::MinilvbV1,
                        State::Prepared,
                        &room,
                        stream::code_of_host(tx, &host)?,
                        tx.now,
                    )
                };
                let row = replace(tx, &host, &new, false)?;
                let info = Arc::new(row.info(&host));
                Ok(super::Broadcast::new(info, row.state, Counters::default(), 1, 0))
            })
            .await
    }

    /// minilvb-v1: puts the announced live on the air, or takes what is on air off it. Without effect where there is
    /// nothing to move; on air is only for what this dialect announced.
    ///
    /// Errors: [`Error::ProofRequired`].
    pub async fn set_on_air(&self, actor: Actor, on_air: bool) -> Result<()> {
        self.0
            .store()
            .write(move |tx| {
                let host = account::acting(tx, &actor)?;
                let Some(row) = latest(tx.conn, host.id)? else { return Ok(()) };
                if on_air {
                    put_on_air(tx, &host, &row, None)
                } else {
                    close(tx, &host, &row, Close::Suspend)
                }
            })
            .await
    }

    /// sxb: allots the caller's room. Whatever it had on air ends; the caller is the only one in the room, which is
    /// not on air yet. Always the same number for an account.
    pub async fn prepare(&self, account: AccountId) -> Result<RoomNumber> {
        self.0
            .store()
            .write(move |tx| {
                let host = account::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
                let room = room::ensure(tx, &host)?;
                let code = stream::code_of_room(tx, &room, &host, false)?;
                stream::code_of_room(tx, &room, &host, true)?;
                let new = NewBroadcast::by(Dialect::Sxb, State::Prepared, &room, code, tx.now);
                replace(tx, &host, &new, false)?;
                Ok(room.number)
            })
            .await
    }

    /// sxb: puts the caller's room on the air with a new broadcast. Those who are in it stay if it was prepared or put
    /// on the air by this dialect before.
    ///
    /// Errors: [`Error::NotRoomOwner`].
    pub async fn report(&self, account: AccountId, report: Report) -> Result<()> {
        self.0
            .store()
            .write(move |tx| {
                let host = account::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
                let room = room::of_account(tx.conn, account)?
                    .filter(|room| room.number == report.room)
                    .ok_or(Error::NotRoomOwner)?;
                let keep = latest(tx.conn, account)?
                    .is_some_and(|row| row.driver == Dialect::Sxb && row.state != State::Ended);
                let report = report.clone();
                let new = NewBroadcast {
                    title: report.title,
                    cover: report.cover,
                    group_id: Some(report.group_id),
                    kind: report.kind,
                    app: Some(report.app),
                    device: Some(report.device),
                    screen: report.screen,
                    longitude: report.place.longitude,
                    latitude: report.place.latitude,
                    place: report.place.address,
                    lease: Some(tx.config().timeouts.sxb_host),
                    ..NewBroadcast::by(
                        Dialect::Sxb,
                        State::OnAir,
                        &room,
                        stream::code_of_room(tx, &room, &host, report.screen)?,
                        tx.now,
                    )
                };
                replace(tx, &host, &new, keep)?;
                Ok(())
            })
            .await
    }

    /// qplus: the host pushes for `lease` seconds more. Opens a broadcast unless this dialect has one on air.
    ///
    /// Errors: [`Error::NotRoomOwner`].
    pub async fn push(&self, account: AccountId, room: RoomNumber, lease: i64) -> Result<()> {
        // A sibling may just have ended it: only the tables know.
        let renewed = !self.0.has_siblings() && {
            let live = self.0.memory().live();
            live.on_air(account).is_some_and(|on_air| {
                on_air.info.room == room
                    && on_air.info.driver == Dialect::Qplus
                    && on_air.lease == Some(lease)
            })
        };
        if renewed {
            self.0.expire_due().await?;
            if self.0.memory().beat_broadcast(account, Dialect::Qplus, self.0.now()) {
                return Ok(());
            }
        }
        self.0
            .store()
            .write(move |tx| {
                let owned = own_room(tx, account, room)?;
                let last = latest(tx.conn, account)?;
                if let Some(row) = &last
                    && row.driver == Dialect::Qplus
                    && row.state == State::OnAir
                {
                    return renew(tx, row, Some(lease));
                }
                let host = account::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
                let new = NewBroadcast {
                    title: owned.shown_name(last.as_ref().map(|row| row.title.as_str())).to_owned(),
                    lease: Some(lease),
                    ..NewBroadcast::by(
                        Dialect::Qplus,
                        State::OnAir,
                        &owned,
                        stream::code_of_host(tx, &host)?,
                        tx.now,
                    )
                };
                replace(tx, &host, &new, false)?;
                Ok(())
            })
            .await
    }

    /// qplus: the host stops; whatever the room has on air ends.
    ///
    /// Errors: [`Error::NotRoomOwner`].
    pub async fn stop_push(&self, account: AccountId, room: RoomNumber) -> Result<()> {
        self.0
            .store()
            .write(move |tx| {
                own_room(tx, account, room)?;
                close_own(tx, account, Close::End { prepared: false })
            })
            .await
    }

    /// sxb: the caller ends its own live, or leaves somebody else's room.
    pub async fn exit(&self, account: AccountId, room: Option<RoomNumber>) -> Result<()> {
        self.0
            .store()
            .write(move |tx| {
                let own = room::of_account(tx.conn, account)?.map(|room| room.number);
                match room {
                    Some(other) if own != Some(other) => match room::owner(tx.conn, other)? {
                        Some(host) => audience::remove(tx, host, account).map(|_| ()),
                        None => Ok(()),
                    },
                    _ => close_own(tx, account, Close::End { prepared: true }),
                }
            })
            .await
    }

    /// The broadcast of a room that is on air, whoever asks.
    ///
    /// Errors: [`Error::NotOnAir`].
    pub async fn require_on_air(&self, room: RoomNumber) -> Result<super::Broadcast> {
        self.of_room(room).await?.ok_or(Error::NotOnAir)
    }
}

fn own_room(tx: &mut Tx<'_>, account: AccountId, room: RoomNumber) -> Result<RoomRow> {
    room::of_account(tx.conn, account)?.filter(|own| own.number == room).ok_or(Error::NotRoomOwner)
}

fn close_own(tx: &mut Tx<'_>, account: AccountId, how: Close) -> Result<()> {
    let (Some(host), Some(row)) = (account::by_id(tx.conn, account)?, latest(tx.conn, account)?) else {
        return Ok(());
    };
    close(tx, &host, &row, how)
}

/// A guest's words about itself are its profile.
fn introduce(tx: &mut Tx<'_>, guest: AccountId, info: &UserInfo) -> Result<AccountRow> {
    let row: AccountRow = on!(tx.conn, |c| prepared!(
        diesel::update(accounts::table.find(guest))
            .set((
                accounts::nickname.eq(&info.nickname),
                accounts::avatar.eq(&info.avatar),
                accounts::frontcover.eq(&info.cover),
            ))
            .returning(accounts::all_columns)
    )
    .get_result(c))?;
    account::announce(tx, &row);
    Ok(row)
}

/// Ends what the host has and starts the next broadcast, with the host in its audience.
fn replace(
    tx: &mut Tx<'_>,
    host: &AccountRow,
    new: &NewBroadcast,
    keep_audience: bool,
) -> Result<BroadcastRow> {
    if let Some(old) = latest(tx.conn, host.id)?.filter(|old| old.state != State::Ended) {
        end(tx, &old)?;
    }
    if !keep_audience {
        audience::clear(tx, host.id)?;
    }
    let row: BroadcastRow =
        on!(tx.conn, |c| diesel::insert_into(broadcasts::table).values(new).get_result(c))?;
    on!(tx.conn, |c| prepared!(
        diesel::update(rooms::table.find(row.room)).set(rooms::broadcast_id.eq(row.id))
    )
    .run(c))?;
    count::begin(tx, &row)?;
    publish(tx, &row, host)?;
    audience::seat_host(tx, host, new.driver)?;
    Ok(row)
}

/// Puts an announced live on the air; without effect on everything else.
pub(super) fn put_on_air(
    tx: &mut Tx<'_>,
    host: &AccountRow,
    row: &BroadcastRow,
    sequence: Option<&str>,
) -> Result<()> {
    if row.driver != Dialect::MinilvbV1 || row.state == State::Ended {
        return Ok(());
    }
    let row: BroadcastRow = on!(tx.conn, |c| diesel::update(broadcasts::table.find(row.id))
        .set((
            broadcasts::state.eq(State::OnAir),
            broadcasts::ended_at.eq(None::<UnixSeconds>),
            sequence.map(|sequence| broadcasts::push_sequence.eq(sequence)),
        ))
        .returning(broadcasts::all_columns)
        .get_result(c))?;
    publish(tx, &row, host)?;
    Ok(())
}

/// Opens a broadcast of what the host planned (minilvb-v2), because its stream has started.
pub(super) fn open_planned(
    tx: &mut Tx<'_>,
    host: &AccountRow,
    room: &RoomRow,
    sequence: Option<&str>,
    code: &str,
) -> Result<()> {
    let new = NewBroadcast {
        title: room.plan_title.clone(),
        cover: room.plan_cover.clone(),
        location: room.plan_location.clone(),
        push_sequence: sequence.map(str::to_owned),
        ..NewBroadcast::by(Dialect::MinilvbV2, State::OnAir, room, code.to_owned(), tx.now)
    };
    replace(tx, host, &new, false)?;
    Ok(())
}

fn renew(tx: &mut Tx<'_>, row: &BroadcastRow, lease: Option<i64>) -> Result<()> {
    let beat_at = tx.now;
    on!(tx.conn, |c| prepared!(
        diesel::update(broadcasts::table.find(row.id))
            .set((broadcasts::beat_at.eq(beat_at), broadcasts::lease.eq(lease)))
    )
    .run(c))?;
    tx.changed(Change::Renewed { host: row.account_id, broadcast: row.id, beat_at, lease });
    Ok(())
}

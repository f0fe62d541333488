//! Announces, prepares, opens and renews broadcasts.

use std::sync::Arc;

use crate::{
    AccountId, Actor, Announcement, Broadcast, Client, Dialect, Error, Report, Result, RoomNumber, Seconds,
    State, StreamCode,
    domain::{actor, audience::add_host, room, stream_code},
    limit::Limit,
    model::counter::Counters,
    sign::stream::VideoSource,
    store::Tx,
    table::{
        accounts::{self, AccountRow},
        audience,
        broadcasts::{self, BroadcastRow, NewBroadcast},
        rooms::RoomRow,
    },
};

/// Whether the members of the last broadcast stay when the next one opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastMembers {
    /// They stay.
    Stay,
    /// They leave.
    Leave,
}

/// minilvb-v1: announces a live, which replaces the host's broadcast, is not listed yet, and starts with counters at 0. The
/// user info of a guest becomes its profile.
///
/// Errors: [`Error::ProofRequired`].
pub(crate) fn announce(tx: &mut Tx<'_>, actor: &Actor, announcement: &Announcement) -> Result<Broadcast> {
    let host = actor::hosting(tx, actor)?;
    let info = &announcement.user_info;
    let host = if host.is_registered() { host } else { accounts::set_guest_profile(tx, host.id, info)? };
    let room = room::ensure(tx, &host)?;
    let code = stream_code::code_of_host(tx, &host)?;
    let new = NewBroadcast {
        title: announcement.title.clone(),
        cover: info.cover.clone(),
        location: info.location.clone(),
        nickname: Some(info.nickname.clone()),
        avatar: Some(info.avatar.clone()),
        group_id: Some(announcement.group_id.clone()),
        lease: guest_lease(tx, &host),
        ..NewBroadcast::by(Dialect::MinilvbV1, State::Prepared, &room, code, tx.now)
    };
    let row = replace(tx, &host, new, LastMembers::Leave)?;
    Ok(Broadcast::new(Arc::new(row.info(&host)), row.state, Counters::default(), 1, 0))
}

/// sxb: prepares the room of an account and returns its number, which is always the same for an account. A broadcast on air
/// ends; the room is not on air yet, and its owner is its only member.
pub(crate) fn prepare(tx: &mut Tx<'_>, account: AccountId) -> Result<RoomNumber> {
    let host = accounts::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
    let room = room::ensure(tx, &host)?;
    let code = stream_code::code_of_room(tx, &room, &host, VideoSource::Camera)?;
    stream_code::code_of_room(tx, &room, &host, VideoSource::Screen)?;
    let new = NewBroadcast::by(Dialect::Sxb, State::Prepared, &room, code, tx.now);
    replace(tx, &host, new, LastMembers::Leave)?;
    Ok(room.number)
}

/// sxb: puts the room of an account on the air with a new broadcast. Its members stay if the room was prepared or put on the
/// air by this dialect before.
///
/// Errors: [`Error::NotRoomOwner`].
pub(crate) fn report(tx: &mut Tx<'_>, account: AccountId, report: &Report) -> Result<()> {
    let host = accounts::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
    let room = room::owned(tx, account, report.room)?;
    let last = broadcasts::latest(tx.conn, account)?;
    let continues = last.is_some_and(|row| row.driver == Dialect::Sxb && row.state != State::Ended);
    let source = if report.screen { VideoSource::Screen } else { VideoSource::Camera };
    let code = stream_code::code_of_room(tx, &room, &host, source)?;
    let new = NewBroadcast {
        title: report.title.clone(),
        cover: report.cover.clone(),
        group_id: Some(report.group_id.clone()),
        kind: report.kind.clone(),
        app: Some(report.app),
        device: Some(report.device),
        screen: report.screen,
        longitude: report.place.longitude,
        latitude: report.place.latitude,
        place: report.place.address.clone(),
        lease: Some(tx.config().timeouts.sxb_host),
        ..NewBroadcast::by(Dialect::Sxb, State::OnAir, &room, code, tx.now)
    };
    replace(tx, &host, new, if continues { LastMembers::Stay } else { LastMembers::Leave })?;
    Ok(())
}

/// qplus: the host pushes for `lease` more seconds. Opens a broadcast unless the room has one of this dialect on air.
///
/// Errors: [`Error::NotRoomOwner`].
pub(crate) fn push(tx: &mut Tx<'_>, account: AccountId, room: RoomNumber, lease: Seconds) -> Result<()> {
    let room = room::owned(tx, account, room)?;
    let last = broadcasts::latest(tx.conn, account)?;
    if let Some(row) = &last
        && row.driver == Dialect::Qplus
        && row.state == State::OnAir
    {
        return broadcasts::renew(tx, row, Some(lease));
    }
    let host = accounts::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
    let code = stream_code::code_of_host(tx, &host)?;
    let new = NewBroadcast {
        title: room.shown_name(last.as_ref().map(|row| row.title.as_str())).to_owned(),
        lease: Some(lease),
        ..NewBroadcast::by(Dialect::Qplus, State::OnAir, &room, code, tx.now)
    };
    replace(tx, &host, new, LastMembers::Leave)?;
    Ok(())
}

/// minilvb-v2: opens the broadcast that the host has planned, because its stream has started.
pub(crate) fn open_planned(
    tx: &mut Tx<'_>,
    host: &AccountRow,
    room: &RoomRow,
    sequence: Option<&str>,
    code: &StreamCode,
) -> Result<()> {
    let new = NewBroadcast {
        title: room.plan_title.clone(),
        cover: room.plan_cover.clone(),
        location: room.plan_location.clone(),
        push_sequence: sequence.map(str::to_owned),
        ..NewBroadcast::by(Dialect::MinilvbV2, State::OnAir, room, code.to_owned(), tx.now)
    };
    replace(tx, host, new, LastMembers::Leave)?;
    Ok(())
}

/// Puts an announced live on the air; without effect on every other broadcast.
///
/// Errors: [`Error::RateLimited`] if guests have too many lives on air from the place of this one.
pub(crate) fn put_on_air(
    tx: &mut Tx<'_>,
    host: &AccountRow,
    row: &BroadcastRow,
    sequence: Option<&str>,
) -> Result<()> {
    if row.driver != Dialect::MinilvbV1 || row.state == State::Ended {
        return Ok(());
    }
    if row.state == State::Prepared {
        check_guest_lives(tx, host.id, row.opened_from.as_deref())?;
    }
    broadcasts::put_on_air(tx, row, host, sequence)
}

/// minilvb-v1: puts the announced live of an actor on the air; without effect if there is none.
///
/// Errors: [`Error::ProofRequired`].
pub(crate) fn put_announced_on_air(tx: &mut Tx<'_>, actor: &Actor) -> Result<()> {
    let host = actor::hosting(tx, actor)?;
    match broadcasts::latest(tx.conn, host.id)? {
        Some(row) => put_on_air(tx, &host, &row, None),
        None => Ok(()),
    }
}

/// The time for which the live of a guest in minilvb-v1, where nothing shows that its host is gone, stays on air unless it is
/// renewed.
fn guest_lease(tx: &Tx<'_>, host: &AccountRow) -> Option<Seconds> {
    let lease = tx.config().timeouts.guest_live;
    (!host.is_registered() && lease > Seconds(0)).then_some(lease)
}

/// Checks that the place from which a guest has begun its live ([`Client::origin`]) may have one more on air. Without effect for
/// registered hosts, of which no place is known.
///
/// Errors: [`Error::RateLimited`].
fn check_guest_lives(tx: &mut Tx<'_>, host: AccountId, opened_from: Option<&str>) -> Result<()> {
    let Some(opened_from) = opened_from.filter(|origin| !Client::is_exempt_origin(origin)) else {
        return Ok(());
    };
    let others = broadcasts::on_air_from(tx.conn, opened_from, host)?;
    tx.check_limit(Limit::GuestLives, others)
}

/// Uses one of the client's budget of lives. Preparing and opening a live is one, counted where the live is announced (minilvb-v1),
/// prepared (sxb) or opened (the others).
///
/// Errors: [`Error::RateLimited`].
fn spend_live(tx: &mut Tx<'_>, last: Option<&BroadcastRow>, new: &NewBroadcast) -> Result<()> {
    let last = last.filter(|row| row.driver == new.driver);
    let is_counted = match (new.driver, new.state) {
        (Dialect::Sxb, State::OnAir) => last.is_none_or(|row| row.state != State::Prepared),
        // A room that was created and never opened is counted when the next one is created.
        (Dialect::RoomService, State::Prepared) => last.is_some_and(|row| row.aired_at.is_none()),
        _ => true,
    };
    if is_counted { tx.spend(Limit::Lives) } else { Ok(()) }
}

/// Ends the host's broadcast and starts the next one, with the host in its audience.
///
/// Errors: [`Error::RateLimited`].
pub(crate) fn replace(
    tx: &mut Tx<'_>,
    host: &AccountRow,
    new: NewBroadcast,
    last_members: LastMembers,
) -> Result<BroadcastRow> {
    let last = broadcasts::latest(tx.conn, host.id)?;
    spend_live(tx, last.as_ref(), &new)?;
    let opened_from = tx.client().filter(|_| !host.is_registered()).map(Client::origin);
    check_guest_lives(tx, host.id, opened_from.as_deref())?;
    if let Some(old) = last.filter(|row| row.state != State::Ended) {
        broadcasts::end(tx, &old)?;
    }
    let new = NewBroadcast { opened_from, ..new };
    if last_members == LastMembers::Leave {
        audience::clear(tx, host.id)?;
    }
    let row = broadcasts::insert(tx, new, host)?;
    add_host(tx, host, row.driver)?;
    Ok(row)
}

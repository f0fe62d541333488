//! Anchors: the creator of a live room, and sub-anchors, who push streams of their own into it (contract roomservice §4.5 to
//! §4.7).

use super::{
    claim::claim,
    lookup::{close, find},
    room::with_texts,
};
use crate::{
    AccountId, AnchorNames, Dialect, Error, GroupId, ProfileUpdate, Result, Role, RoomTexts, Seconds, State,
    StreamCode,
    domain::{
        account,
        audience::{entering, step_down},
        broadcast::open::{LastMembers, replace},
        room, stream_code,
    },
    model::{live_room, session::TokenHash},
    store::Tx,
    table::{
        accounts::{self, AccountRow},
        audience::{self as members, MemberRow},
        broadcasts::{self, BroadcastRow, NewBroadcast, latest},
        sessions,
    },
};

/// Time for which nobody else can open a room under the id of one that has ended: the sub-anchors of that room repeat their
/// call when their stream reconnects, and would go live themselves.
const REMEMBERED: Seconds = Seconds(3_600);

/// An account that enters a live room as an anchor.
#[derive(Debug, Clone)]
pub(crate) struct AnchorEntry {
    pub(crate) account: AccountId,
    /// The session, with which a sub-anchor leaves.
    pub(crate) session: TokenHash,
    pub(crate) room: GroupId,
    pub(crate) stream_code: StreamCode,
    pub(crate) names: AnchorNames,
    /// The texts of a room that is created by this call.
    pub(crate) texts: RoomTexts,
}

/// Makes the stream code of an account, and gives the account a room number.
///
/// Errors: [`Error::InvalidSession`]; [`Error::Busy`] if every code that was tried belongs to another account.
pub(crate) fn stream(tx: &mut Tx<'_>, account: AccountId) -> Result<StreamCode> {
    let user = accounts::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
    room::ensure(tx, &user)?;
    stream_code::code_in_room_service(tx, &user)
}

/// Enters a live room as an anchor: opens the caller's room, which is created if no room has the id, or joins another one's
/// room on air as a sub-anchor. Renews an anchor that is there already. A sub-anchor of another room is a viewer there from now
/// on.
///
/// Errors: [`Error::ForeignStream`]; [`Error::NotOnAir`] if the room is another account's and not a live room on air, or if it
/// has just ended; [`Error::RoomFull`]; for a new room those of [`create`](super::room::create); [`Error::InvalidSession`].
pub(crate) fn enter(tx: &mut Tx<'_>, entry: &AnchorEntry) -> Result<()> {
    let user = accounts::by_id(tx.conn, entry.account)?.ok_or(Error::InvalidSession)?;
    stream_code::check_owner(tx.conn, &entry.stream_code, user.id)?;
    match find(tx, &entry.room)? {
        Some(row) if row.account_id == user.id && row.driver == Dialect::RoomService => {
            step_down_elsewhere(tx, &user, user.id)?;
            let user = fill_guest_profile(tx, user, &entry.names)?;
            if row.state == State::OnAir {
                broadcasts::renew_creator(tx, &row, &user, &entry.names, &entry.stream_code)
            } else {
                open(tx, &user, entry, Some(row))
            }
        }
        Some(row) if row.account_id != user.id => {
            if row.driver != Dialect::RoomService || row.state != State::OnAir {
                return Err(Error::NotOnAir);
            }
            step_down_elsewhere(tx, &user, row.account_id)?;
            let user = fill_guest_profile(tx, user, &entry.names)?;
            join(tx, &user, entry, row.account_id)
        }
        _ => {
            check_unknown(tx, &user, &entry.room)?;
            step_down_elsewhere(tx, &user, user.id)?;
            let user = fill_guest_profile(tx, user, &entry.names)?;
            open(tx, &user, entry, None)
        }
    }
}

/// Checks that the id of a new room is not that of a room that has ended, which the caller was a sub-anchor of.
fn check_unknown(tx: &mut Tx<'_>, user: &AccountRow, id: &GroupId) -> Result<()> {
    if live_room::is_generated("room", id) {
        return Err(Error::NotOnAir);
    }
    let is_own = latest(tx.conn, user.id)?.is_some_and(|row| row.group_id.as_ref() == Some(id));
    let lately = (tx.now - REMEMBERED, tx.now);
    if !is_own && broadcasts::was_room_of_other(tx.conn, id, user.id, lately)? {
        return Err(Error::NotOnAir);
    }
    Ok(())
}

/// Puts the room of a user on the air: the prepared one, or a new one.
fn open(
    tx: &mut Tx<'_>,
    user: &AccountRow,
    entry: &AnchorEntry,
    prepared: Option<BroadcastRow>,
) -> Result<()> {
    let room = room::ensure(tx, user)?;
    if prepared.is_none() {
        claim(tx, user, &room, &entry.room)?;
    }
    let lease = tx.config().timeouts.anchor;
    let new = NewBroadcast {
        lease: Some(lease),
        anchor_name: Some(entry.names.nickname.clone()),
        anchor_avatar: Some(entry.names.avatar.clone()),
        ..NewBroadcast::by(Dialect::RoomService, State::OnAir, &room, entry.stream_code.clone(), tx.now)
    };
    let new = match prepared {
        Some(row) => NewBroadcast {
            title: row.title,
            cover: row.cover,
            location: row.location,
            group_id: row.group_id,
            room_info: row.room_info,
            ..new
        },
        None => with_texts(new, &room, user, &entry.room, &entry.texts),
    };
    replace(tx, user, new, LastMembers::Leave).map(drop)
}

/// Makes a user a sub-anchor of a host's room, or renews it.
fn join(tx: &mut Tx<'_>, user: &AccountRow, entry: &AnchorEntry, host: AccountId) -> Result<()> {
    sessions::cache_session(tx, &entry.session)?.ok_or(Error::InvalidSession)?;
    let row = entering(tx, host, user.id, Dialect::RoomService)?;
    let position = match row.anchor_position.filter(|_| row.stream_code.is_some()) {
        Some(position) => position,
        None if members::sub_anchors(tx.conn, host)? + 1 >= tx.config().most_anchors => {
            return Err(Error::RoomFull);
        }
        None => tx.next_position()?,
    };
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let row = MemberRow {
        role: Role::OnMic,
        nickname: given(&entry.names.nickname),
        avatar: given(&entry.names.avatar),
        beat_at: tx.now,
        session: Some(entry.session.bytes().to_vec()),
        stream_code: Some(entry.stream_code.clone()),
        anchor_position: Some(position),
        ..row
    };
    members::put(tx, &row, &user.user_id)
}

/// Makes a user a viewer wherever it is a sub-anchor, except in one room.
fn step_down_elsewhere(tx: &mut Tx<'_>, user: &AccountRow, except: AccountId) -> Result<()> {
    for row in members::anchored(tx.conn, user.id)? {
        if row.host_id != except {
            step_down(tx, row, &user.user_id)?;
        }
    }
    Ok(())
}

/// Takes the names of a guest over into its profile, as its other announcements do (contract roomservice §7.2).
fn fill_guest_profile(tx: &mut Tx<'_>, user: AccountRow, names: &AnchorNames) -> Result<AccountRow> {
    let differs = |given: &str, known: &str| !given.is_empty() && given != known;
    let is_new = differs(&names.nickname, &user.nickname) || differs(&names.avatar, &user.avatar);
    if user.is_registered() || !is_new {
        return Ok(user);
    }
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let (nickname, avatar) = (given(&names.nickname), given(&names.avatar));
    account::update_profile(tx, user.id, &ProfileUpdate { nickname, avatar, ..ProfileUpdate::default() })?;
    accounts::by_id(tx.conn, user.id)?.ok_or(Error::InvalidSession)
}

/// Leaves a live room as an anchor: the room of the caller ends; a sub-anchor is a viewer from now on.
///
/// Errors: [`Error::NotAnAnchor`].
pub(crate) fn leave(tx: &mut Tx<'_>, account: AccountId, id: &GroupId) -> Result<()> {
    let row = find(tx, id)?.filter(|row| row.driver == Dialect::RoomService).ok_or(Error::NotAnAnchor)?;
    if row.account_id == account {
        return close(tx, &row);
    }
    let member = members::find(tx, row.account_id, account)?.filter(|member| member.stream_code.is_some());
    let member = member.ok_or(Error::NotAnAnchor)?;
    let user = accounts::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
    step_down(tx, member, &user.user_id)
}

/// Renews an anchor by the tables alone, where the read model may be behind those of another gateway.
///
/// Errors: [`Error::NotAnAnchor`].
pub(crate) fn beat(tx: &mut Tx<'_>, account: AccountId, id: &GroupId) -> Result<()> {
    let row = find(tx, id)?.filter(|row| row.driver == Dialect::RoomService && row.state == State::OnAir);
    let row = row.ok_or(Error::NotAnAnchor)?;
    if row.account_id == account {
        return broadcasts::renew(tx, &row, row.lease);
    }
    let member = members::find(tx, row.account_id, account)?.filter(|member| member.stream_code.is_some());
    let member = member.ok_or(Error::NotAnAnchor)?;
    let user = accounts::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
    members::put(tx, &MemberRow { beat_at: tx.now, ..member }, &user.user_id)
}

/// Whether an account is an anchor of a live room on air.
pub(super) fn is_anchor(tx: &mut Tx<'_>, row: &BroadcastRow, account: AccountId) -> Result<bool> {
    Ok(row.account_id == account
        || members::find(tx, row.account_id, account)?.is_some_and(|member| member.stream_code.is_some()))
}

//! Decides whether an id can be that of a new room (contract roomservice §4.4). No two rooms that are created or on air have
//! the same id, letter case ignored.

use super::lookup::{close, is_current};
use crate::{
    Error, GroupId, Result, Seconds,
    model::live_room::{self, generated},
    store::Tx,
    table::{
        accounts::{self, AccountRow},
        broadcasts,
        rooms::RoomRow,
        sessions,
    },
};

/// Largest number of ids that are tried; with 48 random bits a second one is unlikely.
const TRIES: u32 = 8;

/// Time for which an announced live keeps the id of its group: long enough to go on air, and short, because anybody can announce a
/// live that never does.
const ANNOUNCED_FOR: Seconds = Seconds(60);

/// An id that no room has.
///
/// Errors: [`Error::Busy`] if every id that was tried is in use.
pub(super) fn unused(tx: &mut Tx<'_>) -> Result<GroupId> {
    for _ in 0..TRIES {
        let id = GroupId::from(generated("room", tx.random()));
        if broadcasts::room_with_id(tx.conn, &id)?.is_none()
            && broadcasts::on_air_in_group(tx.conn, &id)?.is_none()
        {
            return Ok(id);
        }
    }
    Err(Error::Busy)
}

/// Checks that an id is free for a new room of `creator`, as the id of the creator's present room is. A user id belongs to its
/// user, but a room on air is not ended by a user id that was registered after the room was opened.
///
/// Errors: [`Error::InvalidRoomId`]; [`Error::RoomTaken`] if another account has a room with the id, if it is another account's
/// user id, or if it is a number but not that of the creator's room.
pub(super) fn claim(tx: &mut Tx<'_>, creator: &AccountRow, room: &RoomRow, id: &GroupId) -> Result<()> {
    if !live_room::is_possible(id) {
        return Err(Error::InvalidRoomId);
    }
    if live_room::is_number(id) && *id.as_str() != *room.number.to_string() {
        return Err(Error::RoomTaken);
    }
    match broadcasts::room_with_id(tx.conn, id)? {
        Some(row) if row.account_id == creator.id => return Ok(()),
        Some(row) if is_current(tx, &row) => return Err(Error::RoomTaken),
        // A room that was not opened in time; the upkeep would end it as well.
        Some(row) => close(tx, &row)?,
        None => {}
    }
    let is_own_name = *id.as_str() == *creator.user_id;
    let lately = (tx.now - ANNOUNCED_FOR, tx.now);
    if !is_own_name
        && (is_name_of_other(tx, id, creator)?
            || broadcasts::is_group_of_other(tx.conn, id, creator.id, lately)?)
    {
        return Err(Error::RoomTaken);
    }
    Ok(())
}

/// Whether an id is the user id of another account, letter case ignored. Anybody may make guests through minilvb-v1, so of
/// guests only those count that have logged in here.
fn is_name_of_other(tx: &mut Tx<'_>, id: &GroupId, creator: &AccountRow) -> Result<bool> {
    let used_after = tx.now - tx.config().sessions.room_service_idle;
    for user in accounts::spelled_like(tx.conn, id)? {
        if user.id != creator.id
            && (user.is_registered() || sessions::has_room_service(tx.conn, user.id, used_after)?)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

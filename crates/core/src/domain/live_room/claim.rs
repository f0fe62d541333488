//! Decides whether an id can be that of a new room (contract roomservice §4.4). No two rooms that are created or on air have
//! the same id, letter case ignored.

use super::lookup::{close, is_current};
use crate::{
    Error, GroupId, Result,
    model::live_room::{self, generated},
    store::Tx,
    table::{
        accounts::{self, AccountRow},
        broadcasts,
        rooms::RoomRow,
    },
};

/// Largest number of ids that are tried; with 48 random bits a second one is unlikely.
const TRIES: u32 = 8;

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

/// Makes an id free for a new room of `creator`. The id of the creator's present room is free; a user id belongs to its user,
/// for whom a room of another user that has taken it ends.
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
    let is_own_name = *id.as_str() == *creator.user_id;
    let is_other_name = accounts::spelled_like(tx.conn, id)?.iter().any(|user| user.id != creator.id);
    if is_other_name && !is_own_name {
        return Err(Error::RoomTaken);
    }
    let holder = broadcasts::room_with_id(tx.conn, id)?.filter(|row| row.account_id != creator.id);
    if let Some(row) = holder {
        let is_named_after_host = match accounts::by_id(tx.conn, row.account_id)? {
            Some(host) => row.group_id.as_deref() == Some(&*host.user_id),
            None => false,
        };
        if is_current(tx, &row) && (!is_own_name || is_named_after_host) {
            return Err(Error::RoomTaken);
        }
        close(tx, &row)?;
    }
    if !is_own_name && broadcasts::is_group_of_other(tx.conn, id, creator.id)? {
        return Err(Error::RoomTaken);
    }
    Ok(())
}

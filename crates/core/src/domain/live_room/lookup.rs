//! Finds the broadcast that the id of a live room means (contract roomservice §7.5), and ends it.

use crate::{
    Dialect, GroupId, Result, RoomNumber, State,
    model::{live_room, rule},
    store::{Tx, conn::Conn},
    table::{
        audience as members,
        broadcasts::{self, BroadcastRow, end, latest},
        rooms,
    },
};

/// Finds the broadcast that an id means: on air in any dialect, or a prepared room of RoomService. Digits are a room number.
pub(crate) fn find(tx: &mut Tx<'_>, id: &GroupId) -> Result<Option<BroadcastRow>> {
    let found = if live_room::is_number(id) {
        match live_room::room_number(id) {
            Some(number) => of_room(tx.conn, number)?,
            None => None,
        }
    } else {
        match broadcasts::room_with_id(tx.conn, id)?.filter(|row| row.group_id.as_ref() == Some(id)) {
            Some(row) => Some(row),
            None => broadcasts::on_air_in_group(tx.conn, id)?,
        }
    };
    Ok(found.filter(|row| is_current(tx, row)))
}

fn of_room(conn: &mut Conn, number: RoomNumber) -> Result<Option<BroadcastRow>> {
    match rooms::owner(conn, number)? {
        Some(host) => latest(conn, host),
        None => Ok(None),
    }
}

/// Whether a broadcast is on air, or a room that was created and is not forgotten yet.
pub(super) fn is_current(tx: &Tx<'_>, row: &BroadcastRow) -> bool {
    match row.state {
        State::OnAir => true,
        State::Prepared => {
            row.driver == Dialect::RoomService && rule::broadcast_ends_at(row.beat_at, row.lease) > tx.now
        }
        State::Ended => false,
    }
}

/// Ends a room and empties its audience.
pub(super) fn close(tx: &mut Tx<'_>, row: &BroadcastRow) -> Result<()> {
    end(tx, row)?;
    members::clear(tx, row.account_id)
}

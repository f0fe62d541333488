//! Table `follows`: one row per account and room that it follows.

use diesel::prelude::*;

use crate::{
    AccountId, Result, RoomNumber,
    model::change::Change,
    store::{
        Tx,
        conn::{Conn, on},
        schema::{follows, rooms},
    },
};

/// The rooms that an account follows, with their owners, the newest owner first.
pub(crate) fn of_account(conn: &mut Conn, account: AccountId) -> Result<Vec<(RoomNumber, AccountId)>> {
    Ok(on!(conn, |c| follows::table
        .inner_join(rooms::table)
        .filter(follows::account_id.eq(account))
        .order(rooms::account_id.desc())
        .select((rooms::number, rooms::account_id))
        .load(c))?)
}

/// Makes an account follow the room of an owner; without effect for a room it follows already.
pub(crate) fn insert(tx: &mut Tx<'_>, account: AccountId, room: RoomNumber, owner: AccountId) -> Result<()> {
    let inserted = on!(tx.conn, |c| diesel::insert_into(follows::table)
        .values((follows::account_id.eq(account), follows::room.eq(room)))
        .on_conflict_do_nothing()
        .execute(c))?;
    if inserted > 0 {
        let room = rooms::table.find(room);
        on!(tx.conn, |c| diesel::update(room).set(rooms::followers.eq(rooms::followers + 1)).execute(c))?;
    }
    tx.changed(Change::Follows(account));
    tx.changed(Change::Room(owner));
    Ok(())
}

/// Makes an account stop following the room of an owner; without effect for a room it does not follow.
pub(crate) fn delete(tx: &mut Tx<'_>, account: AccountId, room: RoomNumber, owner: AccountId) -> Result<()> {
    let deleted = on!(tx.conn, |c| diesel::delete(follows::table.find((account, room))).execute(c))?;
    if deleted > 0 {
        let room = rooms::table.find(room);
        on!(tx.conn, |c| diesel::update(room).set(rooms::followers.eq(rooms::followers - 1)).execute(c))?;
    }
    tx.changed(Change::Follows(account));
    tx.changed(Change::Room(owner));
    Ok(())
}

/// Makes an account stop following all rooms.
pub(crate) fn delete_of_account(tx: &mut Tx<'_>, account: AccountId) -> Result<()> {
    let followed = of_account(tx.conn, account)?;
    let rooms_followed = || follows::table.filter(follows::account_id.eq(account)).select(follows::room);
    on!(tx.conn, |c| diesel::update(rooms::table.filter(rooms::number.eq_any(rooms_followed())))
        .set(rooms::followers.eq(rooms::followers - 1))
        .execute(c))?;
    on!(tx.conn, |c| diesel::delete(follows::table.filter(follows::account_id.eq(account))).execute(c))?;
    tx.changed(Change::Follows(account));
    for (_, owner) in followed {
        tx.changed(Change::Room(owner));
    }
    Ok(())
}

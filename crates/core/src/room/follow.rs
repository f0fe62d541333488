//! Following rooms.

use diesel::prelude::*;

use super::{Rooms, owner};
use crate::{
    AccountId, Error, Result, RoomNumber, account,
    live::Change,
    store::{
        Tx,
        conn::on,
        schema::{follows, rooms},
    },
};

impl Rooms<'_> {
    /// Follows a room, or stops following it; doing it twice is doing it once. One may follow one's own room.
    ///
    /// Errors: [`Error::RoomNotFound`], [`Error::InvalidSession`] if the account has been deleted meanwhile.
    pub async fn follow(&self, account: AccountId, room: RoomNumber, follow: bool) -> Result<()> {
        self.0
            .store()
            .write(move |tx| {
                let owner = owner(tx.conn, room)?.ok_or(Error::RoomNotFound)?;
                account::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
                if follow {
                    on!(tx.conn, |c| diesel::insert_into(follows::table)
                        .values((follows::account_id.eq(account), follows::room.eq(room)))
                        .on_conflict_do_nothing()
                        .execute(c))?;
                } else {
                    on!(tx.conn, |c| diesel::delete(follows::table.find((account, room))).execute(c))?;
                }
                tx.changed(Change::Follows(account));
                tx.changed(Change::Room(owner));
                Ok(())
            })
            .await
    }
}

/// An account that is about to be deleted follows nothing any more.
pub(crate) fn unfollow_all(tx: &mut Tx<'_>, account: AccountId) -> Result<()> {
    let owners: Vec<AccountId> = on!(tx.conn, |c| follows::table
        .inner_join(rooms::table)
        .filter(follows::account_id.eq(account))
        .select(rooms::account_id)
        .load(c))?;
    on!(tx.conn, |c| diesel::delete(follows::table.filter(follows::account_id.eq(account))).execute(c))?;
    tx.changed(Change::Follows(account));
    for owner in owners {
        tx.changed(Change::Room(owner));
    }
    Ok(())
}

//! Following rooms.

use diesel::prelude::*;

use super::{Rooms, owner};
use crate::{
    AccountId, Error, Result, RoomNumber, account,
    store::{conn::on, schema::follows},
};

impl Rooms<'_> {
    /// Follows a room, or stops following it; doing it twice is doing it once. One may follow one's own room.
    ///
    /// Errors: [`Error::RoomNotFound`], [`Error::InvalidSession`] if the account has been deleted meanwhile.
    pub async fn follow(&self, account: AccountId, room: RoomNumber, follow: bool) -> Result<()> {
        self.0
            .store()
            .write(move |tx| {
                owner(tx.conn, room)?.ok_or(Error::RoomNotFound)?;
                account::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
                if follow {
                    on!(tx.conn, |c| diesel::insert_into(follows::table)
                        .values((follows::account_id.eq(account), follows::room.eq(room)))
                        .on_conflict_do_nothing()
                        .execute(c))?;
                } else {
                    on!(tx.conn, |c| diesel::delete(follows::table.find((account, room))).execute(c))?;
                }
                Ok(())
            })
            .await
    }
}

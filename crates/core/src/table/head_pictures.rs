//! Table `head_pictures`: uploaded pictures, one per account.

use diesel::prelude::*;

use crate::{
    AccountId, Picture, PictureId, Result,
    model::change::Change,
    store::{
        Tx,
        conn::{Conn, on},
        schema::{accounts, head_pictures},
    },
};

/// Stores the picture of an account, which replaces the last one, and returns its number.
pub(crate) fn replace(tx: &mut Tx<'_>, account: AccountId, picture: &Picture) -> Result<PictureId> {
    on!(tx.conn, |c| diesel::delete(head_pictures::table.filter(head_pictures::account_id.eq(account)))
        .execute(c))?;
    let id: PictureId = on!(tx.conn, |c| diesel::insert_into(head_pictures::table)
        .values((head_pictures::account_id.eq(account), head_pictures::bytes.eq(&*picture.0)))
        .returning(head_pictures::id)
        .get_result(c))?;
    on!(tx.conn, |c| diesel::update(accounts::table.find(account))
        .set(accounts::head_picture.eq(id))
        .execute(c))?;
    tx.changed(Change::Room(account));
    Ok(id)
}

/// The picture with a number.
pub(crate) fn find(conn: &mut Conn, id: PictureId) -> Result<Option<Picture>> {
    let bytes: Option<Vec<u8>> =
        on!(conn, |c| head_pictures::table.find(id).select(head_pictures::bytes).first(c).optional())?;
    Ok(bytes.map(|bytes| Picture(bytes.into())))
}

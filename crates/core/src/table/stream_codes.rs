//! Table `stream_codes`: every stream code ever issued, with the account that it belongs to.

use diesel::prelude::*;

use crate::{
    AccountId, Result,
    store::{
        Tx,
        conn::{Conn, on},
        schema::stream_codes,
    },
};

/// A whole stream code.
pub(crate) const WHOLE: i16 = 0;
/// The part of a code after its last underscore, which identifies a stream whatever business id a publisher puts before it.
pub(crate) const TAIL: i16 = 1;

/// The account that a code belongs to.
pub(crate) fn owner(conn: &mut Conn, kind: i16, code: &str) -> Result<Option<AccountId>> {
    Ok(on!(conn, |c| stream_codes::table
        .find((kind, code))
        .select(stream_codes::account_id)
        .first(c)
        .optional())?)
}

/// Stores a code for an account; returns `false` if the code belongs to another account.
pub(crate) fn keep(tx: &mut Tx<'_>, kind: i16, code: &str, account: AccountId) -> Result<bool> {
    if let Some(owner) = owner(tx.conn, kind, code)? {
        return Ok(owner == account);
    }
    on!(tx.conn, |c| diesel::insert_into(stream_codes::table)
        .values((
            stream_codes::kind.eq(kind),
            stream_codes::code.eq(code),
            stream_codes::account_id.eq(account),
        ))
        .execute(c))?;
    Ok(true)
}

/// Gives a code that another account owns to an account.
pub(crate) fn give(tx: &mut Tx<'_>, kind: i16, code: &str, account: AccountId) -> Result<()> {
    on!(tx.conn, |c| diesel::update(stream_codes::table.find((kind, code)))
        .set(stream_codes::account_id.eq(account))
        .execute(c))?;
    Ok(())
}

//! Table `revoked_codes`: codes of lives whose earlier push URLs are refused. A row outlives its account.

use diesel::prelude::*;

use crate::{
    AccountId, Result, Seconds, StreamCode,
    model::{change::Change, stream::Revocation},
    store::{
        Tx,
        conn::{Conn, on},
        schema::revoked_codes,
    },
};

/// Revokes the push URLs of some codes that were issued up to now.
pub(crate) fn put(tx: &mut Tx<'_>, account: AccountId, codes: Vec<StreamCode>) -> Result<()> {
    for code in codes {
        let row = (
            revoked_codes::code.eq(&code),
            revoked_codes::account_id.eq(account),
            revoked_codes::valid_from.eq(tx.now),
        );
        on!(tx.conn, |c| diesel::insert_into(revoked_codes::table)
            .values(row)
            .on_conflict(revoked_codes::code)
            .do_update()
            .set((revoked_codes::account_id.eq(account), revoked_codes::valid_from.eq(tx.now)))
            .execute(c))?;
        tx.changed(Change::Revoked(Revocation { code, account, valid_from: tx.now }));
    }
    Ok(())
}

/// Whether one of some codes is revoked.
pub(crate) fn contains_any(conn: &mut Conn, codes: &[&str]) -> Result<bool> {
    let revoked = revoked_codes::table.filter(revoked_codes::code.eq_any(codes));
    Ok(on!(conn, |c| diesel::select(diesel::dsl::exists(revoked)).get_result(c))?)
}

/// All rows, the oldest first.
pub(crate) fn all(conn: &mut Conn) -> Result<Vec<Revocation>> {
    Ok(on!(conn, |c| revoked_codes::table.order(revoked_codes::valid_from).load(c))?)
}

/// The rows of some accounts.
pub(crate) fn of_accounts(conn: &mut Conn, accounts: &[AccountId]) -> Result<Vec<Revocation>> {
    Ok(on!(conn, |c| revoked_codes::table
        .filter(revoked_codes::account_id.eq_any(accounts))
        .order(revoked_codes::valid_from)
        .load(c))?)
}

/// Time for which a revocation is stored: no push URL is valid for longer, and a push runs on when its URL has ended.
const KEPT_FOR: Seconds = Seconds(7 * 24 * 3_600);

/// Deletes the rows of old revocations.
pub(crate) fn prune(tx: &mut Tx<'_>) -> Result<()> {
    let before = tx.now - KEPT_FOR;
    on!(tx.conn, |c| diesel::delete(revoked_codes::table.filter(revoked_codes::valid_from.lt(before)))
        .execute(c))?;
    Ok(())
}

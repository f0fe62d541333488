//! Table `reports`: reports of users about hosts, for the operator.

use diesel::prelude::*;

use crate::{
    AccountId, Result,
    store::{Tx, conn::on, schema::reports},
};

/// Stores a report of `reporter` about `host`.
pub(crate) fn insert(tx: &mut Tx<'_>, reporter: AccountId, host: AccountId) -> Result<()> {
    on!(tx.conn, |c| diesel::insert_into(reports::table)
        .values((
            reports::reporter_id.eq(reporter),
            reports::host_id.eq(host),
            reports::reported_at.eq(tx.now),
        ))
        .execute(c))?;
    Ok(())
}

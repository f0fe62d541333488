//! Reports of users about hosts: stored for the operator, without any other effect.

use super::actor;
use crate::{
    Actor, Result, UserId,
    limit::Limit,
    store::Tx,
    table::{accounts, reports},
};

/// Stores a report about a host; changes nothing for a host that does not exist.
///
/// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired), [`Error::RateLimited`](crate::Error::RateLimited).
pub(crate) fn report(tx: &mut Tx<'_>, reporter: &Actor, host: &UserId) -> Result<()> {
    let Some(host) = accounts::by_user_id(tx.conn, host)? else {
        return actor::known(tx, reporter).map(drop);
    };
    let reporter = actor::acting(tx, reporter)?.id;
    tx.spend(Limit::Uploads)?;
    reports::insert(tx, reporter, host.id)
}

//! Actors: which account acts when a request carries no credential, and guests that come into being so.

use crate::{
    Actor, Error, Result,
    store::{Tx, conn::Conn},
    table::accounts::{self, AccountRow},
};

/// The account of a name, made a guest's if no account has that name yet.
pub(crate) fn ensure(tx: &mut Tx<'_>, user_id: &str) -> Result<AccountRow> {
    if let Some(row) = accounts::by_user_id(tx.conn, user_id)? {
        return Ok(row);
    }
    accounts::insert(tx, user_id, None)
}

/// The account that acts, a new guest included.
///
/// Errors: [`Error::ProofRequired`] for an unproven name that is registered, or differs from a registered one in ASCII
/// case only.
pub(crate) fn acting(tx: &mut Tx<'_>, actor: &Actor) -> Result<AccountRow> {
    match actor {
        Actor::Proven(id) => accounts::by_id(tx.conn, *id)?.ok_or(Error::InvalidSession),
        Actor::Unproven(user_id) => {
            unclaimed(tx.conn, user_id)?;
            ensure(tx, user_id)
        }
    }
}

/// Checks that an actor may act, without making a guest.
///
/// Errors: [`Error::ProofRequired`], [`Error::InvalidSession`] if the account has been deleted.
pub(crate) fn may_act(conn: &mut Conn, actor: &Actor) -> Result<()> {
    match actor {
        Actor::Proven(id) => accounts::by_id(conn, *id)?.map(|_| ()).ok_or(Error::InvalidSession),
        Actor::Unproven(user_id) => unclaimed(conn, user_id),
    }
}

fn unclaimed(conn: &mut Conn, user_id: &str) -> Result<()> {
    if accounts::registered_like(conn, user_id)?.is_some() { Err(Error::ProofRequired) } else { Ok(()) }
}

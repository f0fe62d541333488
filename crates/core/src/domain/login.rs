//! Login: finds the account of an identifier, and opens a session after the check of a password or of a ticket.

use super::{actor, session};
use crate::{
    Dialect, Error, Identifier, IssuedSession, Result, UnixSeconds, UserId,
    model::password::StoredPassword,
    store::{Tx, conn::Conn},
    table::accounts::{self, AccountRow},
};

/// The registered account of an identifier.
pub(crate) fn find(conn: &mut Conn, identifier: &Identifier) -> Result<Option<AccountRow>> {
    let found = match identifier {
        Identifier::UserId(user_id) => accounts::by_user_id(conn, user_id)?,
        Identifier::Any(text) => {
            // A guest's user id must not hide the account that has the same text as its phone number.
            match accounts::by_user_id(conn, text)?.filter(AccountRow::is_registered) {
                Some(row) => Some(row),
                None => match accounts::by_phone(conn, text)? {
                    Some(row) => Some(row),
                    None => accounts::by_email(conn, text)?,
                },
            }
        }
    };
    Ok(found.filter(AccountRow::is_registered))
}

/// Opens a session for an account whose password was checked against `checked`.
///
/// Errors: [`Error::WrongPassword`] if the password was changed since the check: a change ends all sessions, this one
/// included; [`Error::NoSuchAccount`] if the account was deleted.
pub(crate) fn open(
    tx: &mut Tx<'_>,
    account: &AccountRow,
    checked: &StoredPassword,
    dialect: Dialect,
) -> Result<IssuedSession> {
    match accounts::password(tx.conn, account.id)? {
        Some(current) if current == *checked => session::open(tx, account.id, &account.user_id, dialect),
        Some(_) => Err(Error::WrongPassword),
        None => Err(Error::NoSuchAccount),
    }
}

/// The account that a checked ticket may log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// A registered account, or a guest, which is created if it does not exist.
    Anyone,
    /// A registered account.
    Registered,
}

/// RoomService: opens a session for the user of a ticket that was made at a time (contract roomservice §4.1).
///
/// Errors: [`Error::ProofRequired`] if a registered account differs from the user id in ASCII case only;
/// [`Error::NoSuchAccount`]; [`Error::WrongPassword`] if the password was set after the ticket was made.
pub(crate) fn open_by_ticket(
    tx: &mut Tx<'_>,
    user_id: &UserId,
    made_at: UnixSeconds,
    admitted: Admitted,
) -> Result<IssuedSession> {
    let account = match accounts::registered_like(tx.conn, user_id)? {
        Some(row) if row.user_id == *user_id => row,
        Some(_) => return Err(Error::ProofRequired),
        None if admitted == Admitted::Registered => return Err(Error::NoSuchAccount),
        None => actor::ensure(tx, user_id)?,
    };
    if account.password_set_at.is_some_and(|set_at| made_at < set_at) {
        return Err(Error::WrongPassword);
    }
    session::open(tx, account.id, &account.user_id, Dialect::RoomService)
}

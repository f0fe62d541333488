//! Login: finds the account of an identifier, and opens a session after the password check.

use super::session;
use crate::{
    Dialect, Error, Identifier, IssuedSession, Result,
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

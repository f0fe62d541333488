//! Registration: gives a user id a password, also if a guest has used the id before.

use super::{broadcast, session, stream_code};
use crate::{
    Error, NewAccount, Result, UserId,
    model::password::StoredPassword,
    store::{Tx, conn::Conn},
    table::{
        accounts::{self, AccountRow},
        audience,
    },
};

/// Whether a text identifies a registered account as user id, phone or e-mail address. One text must not identify two accounts.
pub(crate) fn used(conn: &mut Conn, value: &str) -> Result<bool> {
    Ok(accounts::by_user_id(conn, value)?.is_some_and(|row| row.is_registered())
        || accounts::by_phone(conn, value)?.is_some()
        || accounts::by_email(conn, value)?.is_some())
}

/// The registered account that keeps a user id from being registered: the id is its own, in any ASCII case, or its phone or
/// e-mail address.
pub(crate) fn holder(conn: &mut Conn, user_id: &UserId) -> Result<Option<AccountRow>> {
    // The exact spelling takes precedence.
    if let Some(row) = accounts::by_user_id(conn, user_id)?.filter(AccountRow::is_registered) {
        return Ok(Some(row));
    }
    for find in [accounts::registered_like, accounts::by_phone, accounts::by_email] {
        if let Some(row) = find(conn, user_id)? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// Checks that all identifiers of a registration are free.
///
/// Errors, first match: [`Error::AccountExists`], [`Error::PhoneExists`], [`Error::EmailExists`].
pub(crate) fn check(conn: &mut Conn, new: &NewAccount) -> Result<()> {
    if accounts::registered_like(conn, &new.user_id)?.is_some() || used(conn, &new.user_id)? {
        return Err(Error::AccountExists);
    }
    if let Some(phone) = &new.phone
        && used(conn, phone)?
    {
        return Err(Error::PhoneExists);
    }
    if let Some(email) = &new.email
        && used(conn, email)?
    {
        return Err(Error::EmailExists);
    }
    Ok(())
}

/// Registers an account. The broadcasts of guests with this user id, in any ASCII case, and their memberships in broadcasts
/// end, their push URLs are revoked, and their sessions end, because such a guest may not act any more, not even to leave. A guest with exactly
/// this user id becomes the account.
///
/// Errors: those of [`check`].
pub(crate) fn register(tx: &mut Tx<'_>, new: &NewAccount, stored: &StoredPassword) -> Result<AccountRow> {
    check(tx.conn, new)?;
    let guests = accounts::spelled_like(tx.conn, &new.user_id)?;
    for guest in &guests {
        broadcast::close::close_for_registration(tx, guest)?;
        audience::leave_everywhere(tx, guest.id)?;
        stream_code::revoke(tx, guest.id)?;
        session::close_account(tx, guest.id, None)?;
    }
    let id = match guests.iter().find(|guest| guest.user_id == new.user_id) {
        Some(guest) => guest.id,
        None => accounts::insert(tx, &new.user_id, Some(stored))?.id,
    };
    accounts::register(tx, id, new, stored)
}

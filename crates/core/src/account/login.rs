//! Logging in: identifier and password to a session.

use std::net::IpAddr;

use diesel::prelude::*;

use super::{Account, AccountRow, Accounts, Password, StoredPassword, by_email, by_phone, by_user_id};
use crate::{
    Dialect, Error, Result, session,
    session::IssuedSession,
    store::{
        conn::{Conn, on},
        schema::accounts,
    },
};

/// How a user names itself at login.
#[derive(Debug, Clone)]
pub enum Identifier {
    /// The user id.
    UserId(String),
    /// The user id, the phone number or the e-mail address.
    Any(String),
}

impl Identifier {
    fn find(&self, conn: &mut Conn) -> Result<Option<AccountRow>> {
        let found = match self {
            Self::UserId(user_id) => by_user_id(conn, user_id)?,
            Self::Any(text) => {
                // A guest's name must not hide whose phone it is.
                match by_user_id(conn, text)?.filter(AccountRow::is_registered) {
                    Some(row) => Some(row),
                    None => match by_phone(conn, text)? {
                        Some(row) => Some(row),
                        None => by_email(conn, text)?,
                    },
                }
            }
        };
        Ok(found.filter(AccountRow::is_registered))
    }
}

impl Accounts<'_> {
    /// Checks a password without opening a session. `forms` are the readings of what the client sent; any may match.
    ///
    /// Errors: [`Error::NoSuchAccount`], [`Error::WrongPassword`], [`Error::RateLimited`] after too many failures from
    /// this address, [`Error::Busy`].
    pub async fn verify(
        &self,
        identifier: Identifier,
        forms: &[Password],
        client: Option<IpAddr>,
    ) -> Result<Account> {
        self.check(identifier, forms, client).await.map(|(row, _)| row.into())
    }

    /// Logs in: checks the password and opens a session as the dialect's policy wants it. Errors as
    /// [`Accounts::verify`].
    pub async fn login(
        &self,
        dialect: Dialect,
        identifier: Identifier,
        forms: &[Password],
        client: Option<IpAddr>,
    ) -> Result<(Account, IssuedSession)> {
        let (row, stored) = self.check(identifier, forms, client).await?;
        let (id, user_id) = (row.id, row.user_id.clone());
        let grant = self
            .0
            .store()
            .write(move |tx| {
                // The password may have been changed while it was checked; that ended all sessions, and this one.
                let current: Option<Option<String>> = on!(tx.conn, |c| accounts::table
                    .find(id)
                    .select(accounts::password)
                    .first(c)
                    .optional())?;
                match current.flatten() {
                    Some(current) if current == stored.0 => session::open(tx, id, &user_id, dialect),
                    Some(_) => Err(Error::WrongPassword),
                    None => Err(Error::NoSuchAccount),
                }
            })
            .await?;
        Ok((row.into(), grant))
    }

    async fn check(
        &self,
        identifier: Identifier,
        forms: &[Password],
        client: Option<IpAddr>,
    ) -> Result<(AccountRow, StoredPassword)> {
        let row =
            self.0.store().read(move |conn| identifier.find(conn)).await?.ok_or(Error::NoSuchAccount)?;
        let stored = StoredPassword(row.password.clone().ok_or(Error::NoSuchAccount)?);
        let throttle = self.0.throttle();
        if !throttle.may_log_in(row.id, client, self.0.now()) {
            return Err(Error::RateLimited);
        }
        let right = self.0.hasher().verify(forms, &row.user_id, stored.clone()).await?;
        throttle.tried(row.id, client, right, self.0.now());
        if right { Ok((row, stored)) } else { Err(Error::WrongPassword) }
    }
}

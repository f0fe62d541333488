//! Registration: a name gets a password, whoever used it before.

use std::net::IpAddr;

use diesel::prelude::*;

use super::{
    Account, AccountRow, Accounts, Password, StoredPassword, announce, by_email, by_phone, by_user_id,
    insert, registered_like,
};
use crate::{
    Error, Result, Sex, audience, broadcast,
    store::{
        Tx,
        conn::{Conn, on},
        schema::accounts,
    },
};

/// What a registration asks for. The dialect has checked its own rules for the texts.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The id, 1 character or more.
    pub user_id: String,
    /// The password.
    pub password: Password,
    /// A phone number that shall identify the account too.
    pub phone: Option<String>,
    /// An e-mail address that shall identify the account too.
    pub email: Option<String>,
    /// Nickname to start with; empty: the user id stands for it.
    pub nickname: String,
    /// URL of a picture to start with.
    pub avatar: String,
    /// Sex to start with.
    pub sex: Sex,
    /// URL of a cover to start with.
    pub frontcover: String,
    /// Address to start with.
    pub address: String,
    /// Where the registration comes from; `None`: the operator.
    pub client: Option<IpAddr>,
}

impl NewAccount {
    /// A registration with nothing but id and password, by the operator or an embedding service.
    pub fn new(user_id: impl Into<String>, password: Password) -> Self {
        Self {
            user_id: user_id.into(),
            password,
            phone: None,
            email: None,
            nickname: String::new(),
            avatar: String::new(),
            sex: Sex::Unknown,
            frontcover: String::new(),
            address: String::new(),
            client: None,
        }
    }
}

impl Accounts<'_> {
    /// Registers an account. A guest's name is taken over: its broadcast ends, it leaves the audiences it is in, room
    /// number and recordings stay with the name, the profile starts anew. Guests whose names differ in ASCII case only
    /// end and leave likewise.
    ///
    /// Errors, first match: [`Error::RegistrationClosed`] (not for the operator), [`Error::AccountExists`],
    /// [`Error::PhoneExists`], [`Error::EmailExists`], [`Error::RateLimited`], [`Error::Busy`].
    pub async fn register(&self, new: NewAccount) -> Result<Account> {
        self.open_to(new.client)?;
        // Refuse early what would be refused anyway: hashing is the expensive part.
        let early = new.clone();
        self.0.store().snapshot(move |conn| check(conn, &early)).await?;
        if !self.0.throttle().may_register(new.client, self.0.now()) {
            return Err(Error::RateLimited);
        }
        let client = new.client;
        let outcome = match self.0.hasher().hash(&new.password, &new.user_id).await {
            Ok(stored) => self.0.store().write(move |tx| register(tx, &new, &stored)).await,
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            self.0.throttle().unregister(client);
        }
        outcome.map(Account::from)
    }

    /// Refuses everybody but the operator while registration is closed.
    pub(super) fn open_to(self, client: Option<IpAddr>) -> Result<()> {
        if client.is_some() && !self.0.config().accounts.open_registration {
            return Err(Error::RegistrationClosed);
        }
        Ok(())
    }
}

/// Whether a value identifies somebody registered, in whatever role: it may not serve two accounts.
pub(super) fn used(conn: &mut Conn, value: &str) -> Result<bool> {
    Ok(by_user_id(conn, value)?.is_some_and(|row| row.is_registered())
        || by_phone(conn, value)?.is_some()
        || by_email(conn, value)?.is_some())
}

/// Whether all identifiers are free.
fn check(conn: &mut Conn, new: &NewAccount) -> Result<()> {
    if registered_like(conn, &new.user_id)?.is_some() || used(conn, &new.user_id)? {
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

fn register(tx: &mut Tx<'_>, new: &NewAccount, stored: &StoredPassword) -> Result<AccountRow> {
    check(tx.conn, new)?;
    // Guests of this name in any case can do nothing from now on: they could not even leave.
    let guests: Vec<AccountRow> = on!(tx.conn, |c| accounts::table
        .filter(accounts::folded.eq(new.user_id.to_ascii_lowercase()))
        .load(c))?;
    for guest in &guests {
        broadcast::take_over(tx, guest)?;
        audience::leave_everywhere(tx, guest.id)?;
    }
    let id = match guests.iter().find(|guest| guest.user_id == new.user_id) {
        Some(guest) => guest.id,
        None => insert(tx, &new.user_id, Some(stored))?.id,
    };
    let row: AccountRow = on!(tx.conn, |c| diesel::update(accounts::table.find(id))
        .set((
            accounts::password.eq(&stored.0),
            accounts::phone.eq(&new.phone),
            accounts::email.eq(&new.email),
            accounts::nickname.eq(&new.nickname),
            accounts::avatar.eq(&new.avatar),
            accounts::sex.eq(new.sex),
            accounts::frontcover.eq(&new.frontcover),
            accounts::address.eq(&new.address),
        ))
        .get_result(c))?;
    announce(tx, &row);
    Ok(row)
}

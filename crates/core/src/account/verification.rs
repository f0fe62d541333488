//! Proving control of a phone: one-time codes, and grants an operator opens out of band.

use std::net::IpAddr;

use diesel::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::{Account, Accounts, NewAccount, Password, ProfileUpdate, by_phone, by_user_id, register::used};
use crate::{
    Error, Result, UnixSeconds, random,
    session::{self, Session, TokenHash},
    store::{
        Tx,
        conn::{Conn, on},
        schema::{accounts, verifications},
    },
};

/// Seconds a code or grant is valid.
const LIFETIME: i64 = 600;
/// Wrong tries after which a code is dead.
const TRIES: i16 = 5;
/// Seconds between two codes for a phone.
const PAUSE: i64 = 60;

/// What a code is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To register with the phone.
    Register,
    /// To set a new password for the account that has the phone.
    Reset,
}

/// A grant has no code: it is open, or not.
const GRANT: i16 = 3;

impl Purpose {
    fn number(self) -> i16 {
        match self {
            Self::Register => 1,
            Self::Reset => 2,
        }
    }
}

/// What somebody who wants a new password brings along.
#[derive(Clone)]
pub enum ResetProof {
    /// Nothing is asked for: the operator lets everybody who knows a phone number do it.
    NotNeeded,
    /// A live session, which must be of that very account, or a code for the phone, or nothing but an open grant.
    Of {
        /// The session.
        session: Option<std::sync::Arc<Session>>,
        /// The code.
        code: Option<SecretString>,
    },
}

impl Accounts<'_> {
    /// Whether a code for a phone would be good for anything.
    ///
    /// Errors: [`Error::PhoneExists`], [`Error::RegistrationClosed`] (register), [`Error::NoSuchAccount`] (reset).
    pub async fn may_ask_for_code(&self, phone: &str, purpose: Purpose) -> Result<()> {
        let phone = phone.to_owned();
        let open = self.0.config().accounts.open_registration;
        self.0.store().read(move |conn| useful(conn, &phone, purpose, open)).await
    }

    /// Makes a six-digit code for a phone, valid for ten minutes, in place of an older one. Delivering it is the
    /// caller's business.
    ///
    /// Errors: those of [`Accounts::may_ask_for_code`], [`Error::RateLimited`] less than a minute after the last one.
    pub async fn issue_code(&self, phone: &str, purpose: Purpose) -> Result<SecretString> {
        let phone = phone.to_owned();
        self.0
            .store()
            .write(move |tx| {
                let open = tx.config().accounts.open_registration;
                useful(tx.conn, &phone, purpose, open)?;
                let last: Option<UnixSeconds> = on!(tx.conn, |c| verifications::table
                    .find((&phone, purpose.number()))
                    .select(verifications::created_at)
                    .first(c)
                    .optional())?;
                if last.is_some_and(|last| tx.now < last + PAUSE) {
                    return Err(Error::RateLimited);
                }
                let code = format!("{:06}", random::number(tx.random()) % 1_000_000);
                put(tx, &phone, purpose.number(), &code)?;
                Ok(code.into())
            })
            .await
    }

    /// Opens a grant: for ten minutes the account with that phone may set a new password once.
    ///
    /// Errors: [`Error::NoSuchAccount`].
    pub async fn grant_reset(&self, phone: &str) -> Result<()> {
        let phone = phone.to_owned();
        self.0
            .store()
            .write(move |tx| {
                by_phone(tx.conn, &phone)?.ok_or(Error::NoSuchAccount)?;
                put(tx, &phone, GRANT, "")
            })
            .await
    }

    /// Registers with a phone and the code sent to it; id and nickname are made up. `address` is what the profile starts
    /// with.
    ///
    /// Errors: [`Error::RegistrationClosed`], [`Error::WrongCode`], [`Error::PhoneExists`], and those of
    /// [`Accounts::register`].
    pub async fn register_by_phone(
        &self,
        phone: &str,
        password: Password,
        code: &SecretString,
        address: &str,
        client: Option<IpAddr>,
    ) -> Result<Account> {
        self.open_to(client)?;
        let (wanted, code) = (phone.to_owned(), code.clone());
        let right = self
            .0
            .store()
            .write(move |tx| {
                let right = try_code(tx, &wanted, Purpose::Register.number(), code.expose_secret())?;
                if right && by_phone(tx.conn, &wanted)?.is_some() {
                    return Err(Error::PhoneExists);
                }
                Ok(right)
            })
            .await?;
        if !right {
            return Err(Error::WrongCode);
        }
        let name = self.free_name().await?;
        let new = NewAccount {
            phone: Some(phone.to_owned()),
            address: address.to_owned(),
            client,
            ..NewAccount::new(name, password)
        };
        let account = self.register(new).await?;
        let nickname = format!("nick-{}", account.id);
        let update = ProfileUpdate { nickname: Some(nickname), ..ProfileUpdate::default() };
        self.update_profile(account.id, update).await?;
        self.get(account.id).await?.ok_or(Error::NoSuchAccount)
    }

    async fn free_name(&self) -> Result<String> {
        for _ in 0..8 {
            let name = format!("user{:010}", random::number(self.0.random()));
            let wanted = name.clone();
            if self.0.store().read(move |conn| by_user_id(conn, &wanted)).await?.is_none() {
                return Ok(name);
            }
        }
        Err(Error::Busy)
    }

    /// Sets a new password for the account with a phone and returns the account; all its sessions end.
    ///
    /// Errors: [`Error::NoSuchAccount`]; [`Error::WrongCode`] without sufficient proof, whether the phone is known or
    /// not; [`Error::RateLimited`] beyond ten times in an hour; [`Error::Busy`].
    pub async fn reset_password(
        &self,
        phone: &str,
        password: &Password,
        proof: ResetProof,
    ) -> Result<Account> {
        let found = self.find_by_phone(phone).await?;
        let account = match (&proof, found) {
            (_, Some(account)) => account,
            (ResetProof::NotNeeded, None) => return Err(Error::NoSuchAccount),
            (ResetProof::Of { .. }, None) => return Err(Error::WrongCode),
        };
        let by_session = match &proof {
            ResetProof::NotNeeded => true,
            ResetProof::Of { session, .. } => {
                session.as_ref().is_some_and(|session| session.account() == account.id)
            }
        };
        if !by_session {
            let code = match &proof {
                ResetProof::Of { code, .. } => code.clone(),
                ResetProof::NotNeeded => None,
            };
            let phone = phone.to_owned();
            let proven = self
                .0
                .store()
                .write(move |tx| match &code {
                    Some(code) => try_code(tx, &phone, Purpose::Reset.number(), code.expose_secret()),
                    None => try_code(tx, &phone, GRANT, ""),
                })
                .await?;
            if !proven {
                return Err(Error::WrongCode);
            }
        }
        if !self.0.throttle().may_reset(account.id, self.0.now()) {
            return Err(Error::RateLimited);
        }
        let stored = self.0.hasher().hash(password, &account.user_id).await?;
        let id = account.id;
        self.0
            .store()
            .write(move |tx| {
                on!(tx.conn, |c| diesel::update(accounts::table.find(id))
                    .set(accounts::password.eq(&stored.0))
                    .execute(c))?;
                session::close_account(tx, id, None)?;
                Ok(())
            })
            .await?;
        Ok(account)
    }
}

fn useful(conn: &mut Conn, phone: &str, purpose: Purpose, open: bool) -> Result<()> {
    match purpose {
        Purpose::Register if used(conn, phone)? => Err(Error::PhoneExists),
        Purpose::Register if !open => Err(Error::RegistrationClosed),
        Purpose::Reset if by_phone(conn, phone)?.is_none() => Err(Error::NoSuchAccount),
        Purpose::Register | Purpose::Reset => Ok(()),
    }
}

/// Forgets what is no longer valid: anybody may ask for codes, for any number of phones.
pub(crate) fn sweep(tx: &mut Tx<'_>) -> Result<()> {
    let now = tx.now;
    on!(tx.conn, |c| diesel::delete(verifications::table.filter(verifications::valid_until.le(now)))
        .execute(c))?;
    Ok(())
}

fn put(tx: &mut Tx<'_>, phone: &str, purpose: i16, code: &str) -> Result<()> {
    let values = (
        verifications::digest.eq(TokenHash::of(code).bytes().to_vec()),
        verifications::tries.eq(0_i16),
        verifications::created_at.eq(tx.now),
        verifications::valid_until.eq(tx.now + LIFETIME),
    );
    on!(tx.conn, |c| diesel::insert_into(verifications::table)
        .values((verifications::phone.eq(phone), verifications::purpose.eq(purpose), values.clone()))
        .on_conflict((verifications::phone, verifications::purpose))
        .do_update()
        .set(values)
        .execute(c))?;
    Ok(())
}

/// Uses a code up if it is right, counts the try if not.
fn try_code(tx: &mut Tx<'_>, phone: &str, purpose: i16, code: &str) -> Result<bool> {
    let row = verifications::table.find((phone, purpose));
    let known: Option<(Vec<u8>, i16, UnixSeconds)> = on!(tx.conn, |c| row
        .select((verifications::digest, verifications::tries, verifications::valid_until))
        .first(c)
        .optional())?;
    let Some((digest, tries, valid_until)) = known else { return Ok(false) };
    let right =
        tries < TRIES && tx.now < valid_until && bool::from(digest.ct_eq(TokenHash::of(code).bytes()));
    if right {
        on!(tx.conn, |c| diesel::delete(row).execute(c))?;
    } else {
        // No further than needed: the column has 16 bits, and a counter that wraps revives the code.
        on!(tx.conn, |c| diesel::update(row.filter(verifications::tries.lt(TRIES)))
            .set(verifications::tries.eq(verifications::tries + 1))
            .execute(c))?;
    }
    Ok(right)
}

//! Accounts: who somebody is, in every dialect.
//!
//! A *registered* account has a password; a *guest* is a name that acted through the dialect without credentials
//! (minilvb-v1) before anybody registered it. Ids compare exactly; registration also refuses an id that differs from
//! a registered one in ASCII case only.

mod guard;
mod login;
mod overview;
mod password;
mod profile;
mod register;
mod verification;

use std::sync::Arc;

use diesel::prelude::*;

pub(crate) use self::{
    guard::LoginThrottle,
    password::{Hasher, StoredPassword},
    verification::sweep,
};
pub use self::{
    login::Identifier,
    overview::{AccountOverview, LatestBroadcast, SessionOverview},
    password::Password,
    profile::{Picture, Profile, ProfileUpdate},
    register::NewAccount,
    verification::{Purpose, ResetProof},
};
use crate::{
    AccountId, Core, Error, PictureId, Result, Sex, UnixSeconds, audience,
    live::{Change, OwnerProfile},
    room, session,
    store::{
        Tx,
        conn::{Conn, on},
        schema::{accounts, verifications},
    },
};

/// A row of the table.
#[derive(Debug, Clone, Queryable)]
pub(crate) struct AccountRow {
    pub(crate) id: AccountId,
    pub(crate) user_id: String,
    #[expect(dead_code, reason = "a column of the index, not of the domain")]
    folded: String,
    password: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    pub(crate) nickname: String,
    pub(crate) avatar: String,
    sex: Sex,
    frontcover: String,
    address: String,
    head_picture: Option<PictureId>,
    created_at: UnixSeconds,
}

impl AccountRow {
    pub(crate) fn is_registered(&self) -> bool {
        self.password.is_some()
    }

    /// What others see as the name: the nickname, the user id where there is none.
    pub(crate) fn display_name(&self) -> &str {
        if self.nickname.is_empty() { &self.user_id } else { &self.nickname }
    }

    pub(crate) fn frontcover(&self) -> &str {
        &self.frontcover
    }
}

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Number, never reused.
    pub id: AccountId,
    /// The id its user types, case-sensitive.
    pub user_id: Arc<str>,
    /// Has a password; otherwise it is a guest.
    pub registered: bool,
    /// Phone number, an identifier beside the user id.
    pub phone: Option<String>,
    /// E-mail address, an identifier beside the user id.
    pub email: Option<String>,
    /// What the user tells about itself.
    pub profile: Profile,
    /// When it was first seen.
    pub created_at: UnixSeconds,
}

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        Self {
            id: row.id,
            registered: row.is_registered(),
            user_id: row.user_id.into(),
            phone: row.phone,
            email: row.email,
            profile: Profile {
                nickname: row.nickname,
                avatar: row.avatar,
                sex: row.sex,
                frontcover: row.frontcover,
                address: row.address,
                head_picture: row.head_picture,
            },
            created_at: row.created_at,
        }
    }
}

impl Account {
    /// What others see as the name: the nickname, the user id where there is none.
    pub fn display_name(&self) -> &str {
        if self.profile.nickname.is_empty() { &self.user_id } else { &self.profile.nickname }
    }
}

/// Who acts, in the dialect whose requests carry no credential.
#[derive(Debug, Clone)]
pub enum Actor {
    /// A name without proof: must not be a registered account's.
    Unproven(String),
    /// An account that proved to be it.
    Proven(AccountId),
}

/// Accounts. From [`Core::accounts`].
#[derive(Debug, Clone, Copy)]
pub struct Accounts<'a>(pub(crate) &'a Core);

impl Accounts<'_> {
    /// The account of that number.
    pub async fn get(&self, id: AccountId) -> Result<Option<Account>> {
        Ok(self.0.store().read(move |conn| by_id(conn, id)).await?.map(Account::from))
    }

    /// The account, guest or registered, of that id.
    pub async fn find(&self, user_id: &str) -> Result<Option<Account>> {
        let user_id = user_id.to_owned();
        Ok(self.0.store().read(move |conn| by_user_id(conn, &user_id)).await?.map(Account::from))
    }

    /// The registered account with that phone number.
    pub async fn find_by_phone(&self, phone: &str) -> Result<Option<Account>> {
        let phone = phone.to_owned();
        Ok(self.0.store().read(move |conn| by_phone(conn, &phone)).await?.map(Account::from))
    }

    /// Whether somebody may act, for what stores nothing: no guest is made.
    ///
    /// Errors: [`Error::ProofRequired`], [`Error::InvalidSession`] if the account has been deleted.
    pub async fn may_act(&self, actor: Actor) -> Result<()> {
        self.0.store().read(move |conn| may_act(conn, &actor)).await
    }

    /// Accounts ordered by id text, those behind `after` only: for walking through all of them.
    pub async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Account>> {
        let after = after.unwrap_or_default().to_owned();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows: Vec<AccountRow> = self
            .0
            .store()
            .read(move |conn| {
                Ok(on!(conn, |c| accounts::table
                    .filter(accounts::user_id.gt(after))
                    .order(accounts::user_id)
                    .limit(limit)
                    .load(c))?)
            })
            .await?;
        Ok(rows.into_iter().map(Account::from).collect())
    }

    /// Replaces the password and ends the account's sessions in all dialects.
    ///
    /// Errors: [`Error::NoSuchAccount`] if no registered account has that id.
    pub async fn set_password(&self, user_id: &str, password: &Password) -> Result<()> {
        let stored = self.0.hasher().hash(password, user_id).await?;
        let user_id = user_id.to_owned();
        self.0
            .store()
            .write(move |tx| {
                let account = by_user_id(tx.conn, &user_id)?
                    .filter(AccountRow::is_registered)
                    .ok_or(Error::NoSuchAccount)?
                    .id;
                on!(tx.conn, |c| diesel::update(accounts::table.filter(accounts::id.eq(account)))
                    .set(accounts::password.eq(&stored.0))
                    .execute(c))?;
                session::close_account(tx, account, None)?;
                Ok(())
            })
            .await
    }

    /// Deletes an account and all it owns; its room number is never given out again.
    ///
    /// Errors: [`Error::NoSuchAccount`].
    pub async fn delete(&self, user_id: &str) -> Result<()> {
        let user_id = user_id.to_owned();
        self.0
            .store()
            .write(move |tx| {
                let AccountRow { id: account, phone, .. } =
                    by_user_id(tx.conn, &user_id)?.ok_or(Error::NoSuchAccount)?;
                session::close_account(tx, account, None)?;
                audience::leave_everywhere(tx, account)?;
                audience::leave_recordings(tx, account)?;
                room::unfollow_all(tx, account)?;
                // The next owner of the phone must not find a grant open.
                on!(tx.conn, |c| diesel::delete(
                    verifications::table.filter(verifications::phone.nullable().eq(phone))
                )
                .execute(c))?;
                on!(tx.conn, |c| diesel::delete(accounts::table.filter(accounts::id.eq(account)))
                    .execute(c))?;
                tx.changed(Change::HostGone(account));
                Ok(())
            })
            .await
    }
}

pub(crate) fn by_id(conn: &mut Conn, id: AccountId) -> Result<Option<AccountRow>> {
    Ok(on!(conn, |c| accounts::table.find(id).first(c).optional())?)
}

pub(crate) fn by_user_id(conn: &mut Conn, user_id: &str) -> Result<Option<AccountRow>> {
    Ok(on!(conn, |c| accounts::table.filter(accounts::user_id.eq(user_id)).first(c).optional())?)
}

pub(crate) fn by_phone(conn: &mut Conn, phone: &str) -> Result<Option<AccountRow>> {
    Ok(on!(conn, |c| accounts::table.filter(accounts::phone.eq(phone)).first(c).optional())?)
}

fn by_email(conn: &mut Conn, email: &str) -> Result<Option<AccountRow>> {
    Ok(on!(conn, |c| accounts::table.filter(accounts::email.eq(email)).first(c).optional())?)
}

/// The registered account whose id equals this one ignoring ASCII case.
fn registered_like(conn: &mut Conn, user_id: &str) -> Result<Option<AccountRow>> {
    Ok(on!(conn, |c| accounts::table
        .filter(accounts::folded.eq(user_id.to_ascii_lowercase()).and(accounts::password.is_not_null()))
        .first(c)
        .optional())?)
}

/// The account of a name, made a guest's if nobody has it yet.
pub(crate) fn ensure(tx: &mut Tx<'_>, user_id: &str) -> Result<AccountRow> {
    if let Some(row) = by_user_id(tx.conn, user_id)? {
        return Ok(row);
    }
    insert(tx, user_id, None)
}

/// The account that acts, a new guest included.
///
/// Errors: [`Error::ProofRequired`] for an unproven name that is registered, or differs from a registered one in ASCII
/// case only.
pub(crate) fn acting(tx: &mut Tx<'_>, actor: &Actor) -> Result<AccountRow> {
    match actor {
        Actor::Proven(id) => by_id(tx.conn, *id)?.ok_or(Error::InvalidSession),
        Actor::Unproven(user_id) => {
            unclaimed(tx.conn, user_id)?;
            ensure(tx, user_id)
        }
    }
}

fn may_act(conn: &mut Conn, actor: &Actor) -> Result<()> {
    match actor {
        Actor::Proven(id) => by_id(conn, *id)?.map(|_| ()).ok_or(Error::InvalidSession),
        Actor::Unproven(user_id) => unclaimed(conn, user_id),
    }
}

fn unclaimed(conn: &mut Conn, user_id: &str) -> Result<()> {
    if registered_like(conn, user_id)?.is_some() { Err(Error::ProofRequired) } else { Ok(()) }
}

/// Tells the read model what an account goes by now: its recordings show it.
pub(crate) fn announce(tx: &mut Tx<'_>, row: &AccountRow) {
    let (nickname, avatar) = (row.nickname.clone(), row.avatar.clone());
    tx.changed(Change::Renamed(Box::new(OwnerProfile { account: row.id, nickname, avatar })));
}

/// Likewise, whatever it goes by.
fn renamed(tx: &mut Tx<'_>, account: AccountId) -> Result<()> {
    if let Some(row) = by_id(tx.conn, account)? {
        announce(tx, &row);
    }
    Ok(())
}

fn insert(tx: &mut Tx<'_>, user_id: &str, password: Option<&StoredPassword>) -> Result<AccountRow> {
    Ok(on!(tx.conn, |c| diesel::insert_into(accounts::table)
        .values((
            accounts::user_id.eq(user_id),
            accounts::folded.eq(user_id.to_ascii_lowercase()),
            accounts::password.eq(password.map(|stored| &stored.0)),
            accounts::nickname.eq(""),
            accounts::avatar.eq(""),
            accounts::sex.eq(Sex::Unknown),
            accounts::frontcover.eq(""),
            accounts::address.eq(""),
            accounts::created_at.eq(tx.now),
        ))
        .get_result(c))?)
}

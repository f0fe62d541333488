//! Table `accounts`: one row per account, guest or registered.

use diesel::prelude::*;

use crate::{
    Account, AccountId, NewAccount, PictureId, Profile, ProfileUpdate, Result, Sex, UnixSeconds, UserId,
    UserInfo,
    model::{account::OwnerProfile, change::Change, password::StoredPassword},
    store::{
        Tx,
        conn::{Conn, on},
        prepared::prepared,
        schema::accounts,
    },
};

/// A row of the table.
#[derive(Debug, Clone, Queryable)]
pub(crate) struct AccountRow {
    pub(crate) id: AccountId,
    pub(crate) user_id: UserId,
    #[expect(dead_code, reason = "a column of the index, not of the domain")]
    folded: String,
    pub(crate) password: Option<String>,
    pub(crate) phone: Option<String>,
    email: Option<String>,
    pub(crate) nickname: String,
    pub(crate) avatar: String,
    sex: Sex,
    frontcover: String,
    address: String,
    head_picture: Option<PictureId>,
    created_at: UnixSeconds,
    pub(crate) imported: bool,
    /// The second in which the password was last set; `None`: a guest.
    pub(crate) password_set_at: Option<UnixSeconds>,
}

impl AccountRow {
    pub(crate) fn is_registered(&self) -> bool {
        self.password.is_some()
    }

    /// The name that others see: the nickname, or the user id of an account without one.
    pub(crate) fn display_name(&self) -> &str {
        if self.nickname.is_empty() { &self.user_id } else { &self.nickname }
    }

    pub(crate) fn frontcover(&self) -> &str {
        &self.frontcover
    }
}

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        Self {
            id: row.id,
            registered: row.is_registered(),
            user_id: row.user_id,
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
            imported: row.imported,
        }
    }
}

#[derive(AsChangeset)]
#[diesel(table_name = accounts)]
struct Changes<'a> {
    nickname: Option<&'a str>,
    avatar: Option<&'a str>,
    sex: Option<Sex>,
    frontcover: Option<&'a str>,
    address: Option<&'a str>,
}

/// The account with a number.
pub(crate) fn by_id(conn: &mut Conn, id: AccountId) -> Result<Option<AccountRow>> {
    Ok(on!(conn, |c| accounts::table.find(id).first(c).optional())?)
}

/// The account with a user id, guest or registered.
pub(crate) fn by_user_id(conn: &mut Conn, user_id: &str) -> Result<Option<AccountRow>> {
    Ok(on!(conn, |c| accounts::table.filter(accounts::user_id.eq(user_id)).first(c).optional())?)
}

/// The registered account with a phone number.
pub(crate) fn by_phone(conn: &mut Conn, phone: &str) -> Result<Option<AccountRow>> {
    Ok(on!(conn, |c| accounts::table.filter(accounts::phone.eq(phone)).first(c).optional())?)
}

/// The registered account with an e-mail address.
pub(crate) fn by_email(conn: &mut Conn, email: &str) -> Result<Option<AccountRow>> {
    Ok(on!(conn, |c| accounts::table.filter(accounts::email.eq(email)).first(c).optional())?)
}

/// The registered account whose user id equals a text, ASCII case ignored.
pub(crate) fn registered_like(conn: &mut Conn, user_id: &str) -> Result<Option<AccountRow>> {
    Ok(on!(conn, |c| accounts::table
        .filter(accounts::folded.eq(user_id.to_ascii_lowercase()).and(accounts::password.is_not_null()))
        .first(c)
        .optional())?)
}

/// All accounts, guests included, whose user id equals a text, ASCII case ignored.
pub(crate) fn spelled_like(conn: &mut Conn, user_id: &str) -> Result<Vec<AccountRow>> {
    Ok(on!(conn, |c| accounts::table.filter(accounts::folded.eq(user_id.to_ascii_lowercase())).load(c))?)
}

/// Accounts in the order of their user ids, from the first after `after` on.
pub(crate) fn after(conn: &mut Conn, after: &str, limit: usize) -> Result<Vec<AccountRow>> {
    Ok(on!(conn, |c| accounts::table
        .filter(accounts::user_id.gt(after))
        .order(accounts::user_id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .load(c))?)
}

/// The parts of some accounts' profiles that their recordings show.
pub(crate) fn owner_profiles(conn: &mut Conn, owners: &[AccountId]) -> Result<Vec<OwnerProfile>> {
    Ok(on!(conn, |c| accounts::table
        .filter(accounts::id.eq_any(owners))
        .select((accounts::id, accounts::nickname, accounts::avatar))
        .load(c))?)
}

/// The stored password of an account; `None` for a guest and for a deleted account.
pub(crate) fn password(conn: &mut Conn, account: AccountId) -> Result<Option<StoredPassword>> {
    let found: Option<Option<String>> =
        on!(conn, |c| accounts::table.find(account).select(accounts::password).first(c).optional())?;
    Ok(found.flatten().map(StoredPassword))
}

/// Inserts an account; without a password it is a guest.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    user_id: &str,
    password: Option<&StoredPassword>,
) -> Result<AccountRow> {
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
            accounts::password_set_at.eq(password.map(|_| tx.now)),
        ))
        .get_result(c))?)
}

/// Gives an account the password and the profile of its registration, which replaces the old profile.
pub(crate) fn register(
    tx: &mut Tx<'_>,
    account: AccountId,
    new: &NewAccount,
    stored: &StoredPassword,
) -> Result<AccountRow> {
    let now = tx.now;
    let row: AccountRow = on!(tx.conn, |c| diesel::update(accounts::table.find(account))
        .set((
            accounts::password.eq(&stored.0),
            accounts::password_set_at.eq(now),
            accounts::phone.eq(&new.phone),
            accounts::email.eq(&new.email),
            accounts::nickname.eq(&new.nickname),
            accounts::avatar.eq(&new.avatar),
            accounts::sex.eq(new.sex),
            accounts::frontcover.eq(&new.frontcover),
            accounts::address.eq(&new.address),
            accounts::imported.eq(new.imported),
        ))
        .get_result(c))?;
    publish(tx, &row);
    Ok(row)
}

/// Gives a guest the profile in its announcement of a live.
pub(crate) fn set_guest_profile(tx: &mut Tx<'_>, guest: AccountId, info: &UserInfo) -> Result<AccountRow> {
    let row: AccountRow = on!(tx.conn, |c| prepared!(
        diesel::update(accounts::table.find(guest))
            .set((
                accounts::nickname.eq(&info.nickname),
                accounts::avatar.eq(&info.avatar),
                accounts::frontcover.eq(&info.cover),
            ))
            .returning(accounts::all_columns)
    )
    .get_result(c))?;
    publish(tx, &row);
    Ok(row)
}

/// Changes a profile and returns the row, also if the update is empty. `None`: the account does not exist.
pub(crate) fn update_profile(
    tx: &mut Tx<'_>,
    account: AccountId,
    update: &ProfileUpdate,
) -> Result<Option<AccountRow>> {
    if *update == ProfileUpdate::default() {
        return by_id(tx.conn, account);
    }
    let changes = Changes {
        nickname: update.nickname.as_deref(),
        avatar: update.avatar.as_deref(),
        sex: update.sex,
        frontcover: update.frontcover.as_deref(),
        address: update.address.as_deref(),
    };
    on!(tx.conn, |c| diesel::update(accounts::table.find(account)).set(&changes).execute(c))?;
    let row = by_id(tx.conn, account)?;
    if let Some(row) = &row {
        publish(tx, row);
    }
    Ok(row)
}

/// Replaces the password of an account.
pub(crate) fn set_password(tx: &mut Tx<'_>, account: AccountId, stored: &StoredPassword) -> Result<()> {
    let now = tx.now;
    on!(tx.conn, |c| diesel::update(accounts::table.find(account))
        .set((accounts::password.eq(&stored.0), accounts::password_set_at.eq(now)))
        .execute(c))?;
    Ok(())
}

/// Deletes an account. Foreign keys delete every row that belongs to it.
pub(crate) fn delete(tx: &mut Tx<'_>, account: AccountId) -> Result<()> {
    on!(tx.conn, |c| diesel::delete(accounts::table.find(account)).execute(c))?;
    tx.changed(Change::AccountDeleted(account));
    Ok(())
}

/// Reports the nickname and the avatar of an account to the read model, where recordings show them.
fn publish(tx: &mut Tx<'_>, row: &AccountRow) {
    let (nickname, avatar) = (row.nickname.clone(), row.avatar.clone());
    tx.changed(Change::Renamed(Box::new(OwnerProfile { account: row.id, nickname, avatar })));
}

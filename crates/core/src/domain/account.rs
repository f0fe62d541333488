//! Accounts: profiles, passwords, deletion.

use super::{group, session, stream_code};
use crate::{
    AccountId, Error, Picture, PictureId, ProfileUpdate, Result, UserId,
    limit::Limit,
    model::password::StoredPassword,
    store::Tx,
    table::{
        accounts::{self, AccountRow},
        audience, broadcasts, follows, head_pictures, short_videos, verifications,
    },
};

/// Replaces the password of a registered account, ends its sessions in all dialects and revokes its push URLs.
///
/// Errors: [`Error::NoSuchAccount`].
pub(crate) fn set_password(tx: &mut Tx<'_>, user_id: &UserId, stored: &StoredPassword) -> Result<()> {
    let account = accounts::by_user_id(tx.conn, user_id)?
        .filter(AccountRow::is_registered)
        .ok_or(Error::NoSuchAccount)?;
    replace_password(tx, account.id, stored)
}

/// Replaces the password of an account, ends its sessions in all dialects and revokes its push URLs: the old password may
/// have been a stranger's, too.
pub(crate) fn replace_password(tx: &mut Tx<'_>, account: AccountId, stored: &StoredPassword) -> Result<()> {
    accounts::set_password(tx, account, stored)?;
    stream_code::revoke(tx, account)?;
    session::close_account(tx, account, None)?;
    Ok(())
}

/// Changes a profile; a broadcast on air shows the change at once.
///
/// Errors: [`Error::NoSuchAccount`].
pub(crate) fn update_profile(tx: &mut Tx<'_>, account: AccountId, update: &ProfileUpdate) -> Result<()> {
    let row = accounts::update_profile(tx, account, update)?.ok_or(Error::NoSuchAccount)?;
    broadcasts::publish_on_air(tx, &row)
}

/// Stores a head picture, which replaces the last one, and returns its number.
///
/// Errors: [`Error::NoSuchAccount`], [`Error::RateLimited`].
pub(crate) fn set_head_picture(tx: &mut Tx<'_>, account: AccountId, picture: &Picture) -> Result<PictureId> {
    accounts::by_id(tx.conn, account)?.ok_or(Error::NoSuchAccount)?;
    tx.spend(Limit::Uploads)?;
    head_pictures::replace(tx, account, picture)
}

/// Deletes an account and all its data.
///
/// Errors: [`Error::NoSuchAccount`].
pub(crate) fn delete(tx: &mut Tx<'_>, user_id: &UserId) -> Result<()> {
    let account = accounts::by_user_id(tx.conn, user_id)?.ok_or(Error::NoSuchAccount)?;
    session::close_account(tx, account.id, None)?;
    audience::leave_everywhere(tx, account.id)?;
    group::leave_recordings(tx, account.id)?;
    follows::delete_of_account(tx, account.id)?;
    short_videos::delete_of_account(tx, account.id)?;
    // A grant must not stay open for the next account with the phone.
    if let Some(phone) = &account.phone {
        verifications::delete_of_phone(tx, phone)?;
    }
    // The next account with the user id gets the same codes.
    stream_code::revoke(tx, account.id)?;
    accounts::delete(tx, account.id)
}

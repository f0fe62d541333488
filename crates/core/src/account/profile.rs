//! What a user tells about itself.

use std::fmt;

use bytes::Bytes;
use diesel::prelude::*;

use super::{Accounts, by_id, renamed};
use crate::{
    AccountId, Error, PictureId, Result, Sex, broadcast,
    live::Change,
    store::{
        conn::on,
        schema::{accounts, head_pictures},
    },
};

/// A profile. Texts are never absent, only empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Nickname; empty: the user id stands for it.
    pub nickname: String,
    /// URL of a picture.
    pub avatar: String,
    /// Sex.
    pub sex: Sex,
    /// URL of the cover shown for broadcasts.
    pub frontcover: String,
    /// Address, shown to nobody.
    pub address: String,
    /// An uploaded picture; has nothing to do with `avatar`.
    pub head_picture: Option<PictureId>,
}

/// Changes to a profile; `None` keeps what is there.
#[derive(Debug, Clone, Default)]
pub struct ProfileUpdate {
    /// New nickname.
    pub nickname: Option<String>,
    /// New picture URL.
    pub avatar: Option<String>,
    /// New sex.
    pub sex: Option<Sex>,
    /// New cover URL.
    pub frontcover: Option<String>,
    /// New address.
    pub address: Option<String>,
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

/// An uploaded head picture.
#[derive(Clone)]
pub struct Picture(pub Bytes);

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture of {} bytes", self.0.len())
    }
}

impl Accounts<'_> {
    /// Changes a profile; what is on air shows the new name at once.
    ///
    /// Errors: [`Error::NoSuchAccount`].
    pub async fn update_profile(&self, account: AccountId, update: ProfileUpdate) -> Result<()> {
        self.0
            .store()
            .write(move |tx| {
                let changes = Changes {
                    nickname: update.nickname.as_deref(),
                    avatar: update.avatar.as_deref(),
                    sex: update.sex,
                    frontcover: update.frontcover.as_deref(),
                    address: update.address.as_deref(),
                };
                let nothing = changes.nickname.is_none()
                    && changes.avatar.is_none()
                    && changes.sex.is_none()
                    && changes.frontcover.is_none()
                    && changes.address.is_none();
                if nothing {
                    return by_id(tx.conn, account)?.map(|_| ()).ok_or(Error::NoSuchAccount);
                }
                let touched =
                    on!(tx.conn, |c| diesel::update(accounts::table.find(account)).set(&changes).execute(c))?;
                if touched == 0 {
                    return Err(Error::NoSuchAccount);
                }
                renamed(tx, account)?;
                broadcast::show_again(tx, account)
            })
            .await
    }

    /// Stores a head picture in place of the last one and returns its new number.
    ///
    /// Errors: [`Error::NoSuchAccount`].
    pub async fn set_head_picture(&self, account: AccountId, picture: Picture) -> Result<PictureId> {
        self.0
            .store()
            .write(move |tx| {
                by_id(tx.conn, account)?.ok_or(Error::NoSuchAccount)?;
                on!(tx.conn, |c| diesel::delete(
                    head_pictures::table.filter(head_pictures::account_id.eq(account))
                )
                .execute(c))?;
                let id: PictureId = on!(tx.conn, |c| diesel::insert_into(head_pictures::table)
                    .values((head_pictures::account_id.eq(account), head_pictures::bytes.eq(&*picture.0)))
                    .returning(head_pictures::id)
                    .get_result(c))?;
                on!(tx.conn, |c| diesel::update(accounts::table.find(account))
                    .set(accounts::head_picture.eq(id))
                    .execute(c))?;
                tx.changed(Change::Room(account));
                Ok(id)
            })
            .await
    }

    /// The bytes of a head picture.
    pub async fn head_picture(&self, id: PictureId) -> Result<Option<Picture>> {
        let bytes: Option<Vec<u8>> = self
            .0
            .store()
            .read(move |conn| {
                Ok(on!(conn, |c| head_pictures::table
                    .find(id)
                    .select(head_pictures::bytes)
                    .first(c)
                    .optional())?)
            })
            .await?;
        Ok(bytes.map(|bytes| Picture(bytes.into())))
    }
}

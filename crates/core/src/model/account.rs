//! An account and what its user tells about itself.

use std::{fmt, net::IpAddr, sync::Arc};

use bytes::Bytes;
use diesel::Queryable;
use secrecy::SecretString;

use super::{
    id::{AccountId, PictureId, Sex},
    name::UserId,
    password::Password,
    session::Session,
};
use crate::UnixSeconds;

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Number, never reused.
    pub id: AccountId,
    /// The id its user types, case-sensitive.
    pub user_id: UserId,
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
    Unproven(UserId),
    /// An account that proved to be it.
    Proven(AccountId),
}

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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

/// An uploaded head picture.
#[derive(Clone)]
pub struct Picture(pub Bytes);

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture of {} bytes", self.0.len())
    }
}

/// What the recordings of an account show of its profile.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub(crate) struct OwnerProfile {
    pub(crate) account: AccountId,
    pub(crate) nickname: String,
    pub(crate) avatar: String,
}

/// What a registration asks for. The dialect has checked its own rules for the texts.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The id, 1 character or more.
    pub user_id: UserId,
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
    pub fn new(user_id: impl Into<UserId>, password: Password) -> Self {
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

/// How a user names itself at login.
#[derive(Debug, Clone)]
pub enum Identifier {
    /// The user id.
    UserId(UserId),
    /// The user id, the phone number or the e-mail address.
    Any(String),
}

/// What a code is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To register with the phone.
    Register,
    /// To set a new password for the account that has the phone.
    Reset,
}

/// What somebody who wants a new password brings along.
#[derive(Clone)]
pub enum ResetProof {
    /// Nothing is asked for: the operator lets everybody who knows a phone number do it.
    NotNeeded,
    /// A live session, which must be of that very account, or a code for the phone, or nothing but an open grant.
    Of {
        /// The session.
        session: Option<Arc<Session>>,
        /// The code.
        code: Option<SecretString>,
    },
}

//! Accounts, profiles, and the values of registration and login.

use std::{fmt, sync::Arc};

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
    /// The id that its user types, case-sensitive.
    pub user_id: UserId,
    /// Whether the account has a password; an account without one is a guest.
    pub registered: bool,
    /// Phone number, an identifier beside the user id.
    pub phone: Option<String>,
    /// E-mail address, an identifier beside the user id.
    pub email: Option<String>,
    /// Profile of the user.
    pub profile: Profile,
    /// Time of creation.
    pub created_at: UnixSeconds,
    /// Whether the account was taken over from an original server.
    pub imported: bool,
}

impl Account {
    /// The name that others see: the nickname, or the user id of an account without one.
    pub fn display_name(&self) -> &str {
        if self.profile.nickname.is_empty() { &self.user_id } else { &self.profile.nickname }
    }
}

/// The account that acts, in the dialect whose requests may carry no credential (minilvb-v1).
#[derive(Debug, Clone)]
pub enum Actor {
    /// A user id without proof, which must not be registered.
    Unproven(UserId),
    /// A user id without proof, which is that of an imported account or, if `guests` is set, not registered. The operator has
    /// decided to trust the ids of imported accounts.
    Trusted {
        /// The user id.
        user_id: UserId,
        /// Whether a user id that is not registered may act, too.
        guests: bool,
    },
    /// An account that has proved its identity.
    Proven(AccountId),
}

/// A profile. Texts are never absent, only empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Nickname; if empty, the user id is shown instead.
    pub nickname: String,
    /// URL of a picture.
    pub avatar: String,
    /// Sex.
    pub sex: Sex,
    /// URL of the cover shown for broadcasts.
    pub frontcover: String,
    /// Address; never shown to other users.
    pub address: String,
    /// The uploaded picture; independent of `avatar`.
    pub head_picture: Option<PictureId>,
}

/// Changes to a profile; `None` keeps the old value.
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

/// The parts of an account's profile that its recordings show.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub(crate) struct OwnerProfile {
    pub(crate) account: AccountId,
    pub(crate) nickname: String,
    pub(crate) avatar: String,
}

/// The data of a registration. The dialect has checked its own rules for the texts.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The id, 1 character or more.
    pub user_id: UserId,
    /// The password.
    pub password: Password,
    /// A phone number that identifies the account as well.
    pub phone: Option<String>,
    /// An e-mail address that identifies the account as well.
    pub email: Option<String>,
    /// First nickname; if empty, the user id is shown instead.
    pub nickname: String,
    /// URL of the first picture.
    pub avatar: String,
    /// First sex.
    pub sex: Sex,
    /// URL of the first cover.
    pub frontcover: String,
    /// First address.
    pub address: String,
    /// Whether the account is taken over from an original server; see [`Actor::Trusted`].
    pub imported: bool,
}

impl NewAccount {
    /// A registration with user id and password only, by the operator or an embedding service.
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
            imported: false,
        }
    }
}

/// The text by which a login names the account.
#[derive(Debug, Clone)]
pub enum Identifier {
    /// The user id.
    UserId(UserId),
    /// The user id, the phone number or the e-mail address.
    Any(String),
}

/// The purpose of a verification code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Registration with the phone.
    Register,
    /// A new password for the account with the phone.
    Reset,
}

/// The proof with a request for a new password.
#[derive(Clone)]
pub enum ResetProof {
    /// No proof is required: the operator allows it to every client that knows the phone number.
    NotNeeded,
    /// A valid session of the account, or a code for the phone; without both, an open grant.
    Of {
        /// The session.
        session: Option<Arc<Session>>,
        /// The code.
        code: Option<SecretString>,
    },
}

//! The errors of domain operations and of the start.

use std::{error, fmt, iter};

/// Every way a domain operation can fail. Adapters map it to their codes in one exhaustive match.
#[derive(Debug, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "a new failure has to break every adapter's build")]
pub enum Error {
    /// The user id is registered, differs from a registered one in ASCII case only, or is the phone number or e-mail address
    /// of an account.
    #[error("the account exists already")]
    AccountExists,
    /// The phone is in use as an identifier.
    #[error("the phone number is taken")]
    PhoneExists,
    /// The e-mail is in use as an identifier.
    #[error("the e-mail address is taken")]
    EmailExists,
    /// The operator has closed registration.
    #[error("registration is closed")]
    RegistrationClosed,
    /// No registered account has the identifier.
    #[error("no such account")]
    NoSuchAccount,
    /// The account exists, and its password is another one.
    #[error("wrong password")]
    WrongPassword,
    /// The caller named a registered account without a proof of its identity.
    #[error("a registered account acts only with a proof of its identity")]
    ProofRequired,
    /// The token is unknown, replaced or expired, or its session has been ended.
    #[error("the session is not valid")]
    InvalidSession,
    /// The room is not the caller's.
    #[error("the room does not belong to the caller")]
    NotRoomOwner,
    /// The caller has no room.
    #[error("the caller has no room")]
    NoRoom,
    /// No room has that number.
    #[error("no such room")]
    RoomNotFound,
    /// The room is not on air.
    #[error("the room is not on air")]
    NotOnAir,
    /// The id is in use for a room of another account, or is another account's user id (RoomService).
    #[error("the id of the room is taken")]
    RoomTaken,
    /// The text cannot be the id of a new room (RoomService).
    #[error("not a possible id of a room")]
    InvalidRoomId,
    /// The caller is not an anchor of the room (RoomService).
    #[error("the caller is no anchor of the room")]
    NotAnAnchor,
    /// The room has its full number of anchors (RoomService).
    #[error("the room has its full number of anchors")]
    RoomFull,
    /// The stream is not the caller's (RoomService).
    #[error("the stream does not belong to the caller")]
    ForeignStream,
    /// A custom field cannot have that value, or the live has too many of them (RoomService).
    #[error("the custom field is refused")]
    FieldRefused,
    /// Two passwords of a room would be equal.
    #[error("two passwords of the room would be equal")]
    RoomPasswordsCollide,
    /// The verification code is wrong, used up or expired.
    #[error("wrong verification code")]
    WrongCode,
    /// The caller has done this too often.
    #[error("too many attempts")]
    RateLimited,
    /// The server cannot take more work now.
    #[error("busy")]
    Busy,
    /// The core is shutting down, or its storage cannot be reached.
    #[error("the storage is unavailable")]
    Unavailable,
    /// The storage failed.
    #[error("the storage failed")]
    Storage(#[source] Box<dyn error::Error + Send + Sync>),
}

/// The result of a domain operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Makes an error for another caller of the same failed commit.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Storage(source) => Self::Storage(causes(&**source).to_string().into()),
            Self::Busy => Self::Busy,
            _ => Self::Unavailable,
        }
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Storage(Box::new(error))
    }
}

/// Writes an error and its causes as one text, separated by `: `. Errors are logged in this form.
///
/// ```
/// use relive_core::{Error, causes};
/// let full = Error::Storage("database or disk is full".into());
/// assert_eq!(causes(&full).to_string(), "the storage failed: database or disk is full");
/// ```
pub fn causes<'a>(error: &'a (dyn error::Error + 'static)) -> impl fmt::Display + 'a {
    fmt::from_fn(move |f| {
        write!(f, "{error}")?;
        iter::successors(error.source(), |cause| cause.source()).try_for_each(|cause| write!(f, ": {cause}"))
    })
}

/// Why the core could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The scheme of the database URL is unknown.
    #[error("database.url must start with sqlite:// or postgres://, not {0:?}")]
    UnknownDatabase(String),
    /// The database could not be opened.
    #[error("cannot open the database {path:?}")]
    Open {
        /// The file, or the server and the name of the database.
        path: String,
        /// The cause.
        #[source]
        source: Box<dyn error::Error + Send + Sync>,
    },
    /// A server or a command holds the lock on the database.
    #[error("the database is in use by another server or command: {0}")]
    InUse(String),
    /// The operation exists for SQLite only: PostgreSQL has tools of its own for it.
    #[error("this works with SQLite only; PostgreSQL has pg_dump and pg_restore, see docs/OPERATIONS.md")]
    NotSqlite,
    /// The two databases do not allow the copy.
    #[error("cannot copy: {0}")]
    NotACopy(&'static str),
    /// The database was written by a newer relive.
    #[error(
        "the database has schema {found}, this relive knows up to {known}: run the relive that wrote it, or a newer one"
    )]
    NewerSchema {
        /// Version in the database.
        found: String,
        /// Newest version known here.
        known: String,
    },
    /// A migration failed.
    #[error("cannot migrate the database to this version's schema")]
    Migrate(#[source] Box<dyn error::Error + Send + Sync>),
    /// The stored state could not be read.
    #[error("cannot read the database")]
    Load(#[source] Error),
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
    /// The password hash parameters are out of range.
    #[error("accounts.argon2: {0}")]
    Argon2(String),
}

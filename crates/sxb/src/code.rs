//! The codes of the wire (seed 003, 错误码; contract sxb §3.2) and their texts.

use std::fmt;

use relive_core::{Error, causes};

/// Why a call failed, as the client is told. 10007 (logged in already) is reserved: the later login wins. 20002 belongs
/// to calls of the protocol's first generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// 10001: nothing is called so, or it is not configured here.
    BadRequest,
    /// 10001: the URL's `timeStamp` or `sign` is missing or wrong.
    BadSign,
    /// 10001: the callback's `t` or `sign` is missing, wrong or over.
    BadCallbackSign,
    /// 10002: not JSON, `null`, nested too deeply, or too long.
    BadJson,
    /// 10003: JSON, but no object.
    NotAnObject,
    /// 10003: this field.
    Field(&'static str, Fault),
    /// 10003: the operator takes no registrations.
    RegistrationClosed,
    /// 10004.
    UserExists,
    /// 10005.
    NoSuchUser,
    /// 10006.
    WrongPassword,
    /// 10006: the account may not do this.
    NotAnAdmin,
    /// 10008.
    LoggedOut,
    /// 10009.
    TokenExpired,
    /// 10010.
    NoSuchRoom,
    /// 20001.
    NotOwnRoom,
    /// 90000: `account/verify` only.
    BadUserSig,
    /// 90000: not now.
    Busy,
    /// 90000.
    Internal,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Absent, `null`, or empty where something has to be.
    Missing,
    /// Of another type than this.
    Not(&'static str),
    /// Not one of these.
    OutOf(&'static str),
    /// Too long.
    TooLong,
    /// Has characters that may not be there.
    BadText,
}

impl Code {
    /// The number in the envelope.
    pub(crate) const fn number(self) -> i32 {
        match self {
            Self::BadRequest | Self::BadSign | Self::BadCallbackSign => 10001,
            Self::BadJson => 10002,
            Self::NotAnObject | Self::Field(..) | Self::RegistrationClosed => 10003,
            Self::UserExists => 10004,
            Self::NoSuchUser => 10005,
            Self::WrongPassword | Self::NotAnAdmin => 10006,
            Self::LoggedOut => 10008,
            Self::TokenExpired => 10009,
            Self::NoSuchRoom => 10010,
            Self::NotOwnRoom => 20001,
            Self::BadUserSig | Self::Busy | Self::Internal => 90000,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Field(name, fault) => {
                return match fault {
                    Fault::Missing => write!(f, "{name} missing"),
                    Fault::Not(what) => write!(f, "{name} must be {what}"),
                    Fault::OutOf(values) => write!(f, "{name} must be {values}"),
                    Fault::TooLong => write!(f, "{name} is too long"),
                    Fault::BadText => write!(f, "{name} has forbidden characters"),
                };
            }
            Self::BadRequest => "Invalid request.",
            Self::BadSign => "bad sign",
            Self::BadCallbackSign => "bad callback signature",
            Self::BadJson => "request is not valid JSON",
            Self::NotAnObject => "request is not a JSON object",
            Self::RegistrationClosed => "registration is closed",
            Self::UserExists => "user id already registered",
            Self::NoSuchUser => "no such user",
            Self::WrongPassword => "wrong password",
            Self::NotAnAdmin => "not an administrator",
            Self::LoggedOut => "already logged out",
            Self::TokenExpired => "token expired",
            Self::NoSuchRoom => "room does not exist",
            Self::NotOwnRoom => "room not allocated to this user",
            Self::BadUserSig => "user signature is not valid",
            Self::Busy => "server busy, try again later",
            Self::Internal => "internal error",
        })
    }
}

impl From<Error> for Code {
    /// The edge between domain and wire: what failed inside is logged here, once, and never sent.
    fn from(error: Error) -> Self {
        match error {
            Error::AccountExists | Error::PhoneExists | Error::EmailExists => Self::UserExists,
            Error::RegistrationClosed => Self::RegistrationClosed,
            Error::NoSuchAccount => Self::NoSuchUser,
            Error::WrongPassword => Self::WrongPassword,
            Error::InvalidSession | Error::ProofRequired => Self::TokenExpired,
            Error::NotRoomOwner | Error::NoRoom => Self::NotOwnRoom,
            Error::RoomNotFound | Error::NotOnAir => Self::NoSuchRoom,
            Error::RateLimited | Error::Busy => Self::Busy,
            // Whoever found it away has said so; each caller would say it again.
            Error::Unavailable => Self::Internal,
            Error::RoomPasswordsCollide | Error::WrongCode | Error::Storage(_) => {
                tracing::error!(adapter = "sxb", error = %causes(&error), "request failed");
                Self::Internal
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn logged(error: Error) -> String {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let writer = move || writer.try_clone().unwrap();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(writer).finish();
        tracing::subscriber::with_default(subscriber, || {
            assert!(matches!(Code::from(error), Code::Internal));
        });
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn what_failed_inside_is_logged_with_its_cause() {
        let text = logged(Error::Storage("database or disk is full".into()));
        assert!(text.contains("request failed") && text.contains("database or disk is full"), "{text}");
    }

    #[test]
    fn a_database_that_is_away_is_not_logged_by_every_request() {
        assert_eq!(logged(Error::Unavailable), "");
    }
}

//! The codes of this dialect (seed 003, 错误码; contract sxb §3.2) and their texts.

use std::fmt;

use relive_core::{Error, causes};

/// The reason why a call failed, as sent to the client. 10007 (already logged in) is never sent, because a login ends
/// the previous session; 20002 belongs to calls of the protocol's first generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// 10001: an unknown call, or a call that is not configured.
    BadRequest,
    /// 10001: `timeStamp` or `sign` is missing or invalid.
    BadSign,
    /// 10001: `t` or `sign` of a callback is missing, invalid or expired.
    BadCallbackSign,
    /// 10002: the body is not JSON, or `null`, or nested too deeply, or too long.
    BadJson,
    /// 10003: the body is JSON, but not an object.
    NotAnObject,
    /// 10003: a field is invalid.
    Field(&'static str, Fault),
    /// 10003: the operator has closed registration.
    RegistrationClosed,
    /// 10004: the user id is taken.
    UserExists,
    /// 10005: no user has that id.
    NoSuchUser,
    /// 10006: the password is wrong.
    WrongPassword,
    /// 10006: the account is not an administrator's.
    NotAnAdmin,
    /// 10008: the session to end does not exist.
    LoggedOut,
    /// 10009: the token is unknown or expired.
    TokenExpired,
    /// 10010: no room has that number, or the room is not on air.
    NoSuchRoom,
    /// 20001: the room is not the caller's.
    NotOwnRoom,
    /// 90000: the IM ticket is invalid; `account/verify` only.
    BadUserSig,
    /// 90000: the server is busy.
    Busy,
    /// 90000: a failure of the server.
    Internal,
}

/// A reason to refuse a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Missing, `null`, or empty although a text is required.
    Missing,
    /// Not of this type.
    Not(&'static str),
    /// Not one of these values.
    OutOf(&'static str),
    /// Too long.
    TooLong,
    /// A text with forbidden characters.
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
    /// Logs an internal failure, here and nowhere else; its cause is never sent to a client.
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
            // The storage logs its outage once; it is not logged again for each request.
            Error::Unavailable => Self::Internal,
            Error::RoomPasswordsCollide
            | Error::WrongCode
            | Error::FieldRefused
            | Error::ForeignStream
            | Error::InvalidRoomId
            | Error::NotAnAnchor
            | Error::RoomFull
            | Error::RoomTaken
            | Error::Storage(_) => {
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
    fn a_storage_failure_is_logged_with_its_cause() {
        let text = logged(Error::Storage("database or disk is full".into()));
        assert!(text.contains("request failed") && text.contains("database or disk is full"), "{text}");
    }

    #[test]
    fn an_unavailable_database_is_not_logged_per_request() {
        assert_eq!(logged(Error::Unavailable), "");
    }
}

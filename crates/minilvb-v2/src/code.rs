//! The codes of this dialect and their messages.

use std::fmt;

use relive_core::{Error, Seconds, causes};
use relive_wire::JsonError;

/// A refusal; a text in it stands behind ` | ` in the message. Success is 200. The seed only defines "200 is success";
/// the other numbers are those of the original server (contract minilvb-v2 §3). Its number 601 was documented, but
/// never sent, and is not used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// 400: an unknown call, or a method other than POST.
    BadRequest(&'static str),
    /// 498: the proof of the caller's identity is missing or invalid.
    InvalidToken,
    /// 498: the clock of the client is off by so many seconds, positive if it is ahead.
    ClockOff(Seconds),
    /// 500: a failure of the server.
    ServerError(&'static str),
    /// 602: the body or the named field is invalid.
    InvalidParameter(&'static str),
    /// 610: the user id of `/register` has a wrong form.
    UserIdFormat,
    /// 611: the password of `/register` has a wrong form.
    PasswordFormat,
    /// 612: the user id is taken.
    UserExists,
    /// 620: no user has that user id.
    NoSuchUser,
    /// 621: the password is wrong.
    WrongPassword,
}

impl Code {
    /// The number of a success.
    pub(crate) const SUCCESS: i32 = 200;

    /// The number in the envelope.
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::BadRequest(_) => 400,
            Self::InvalidToken | Self::ClockOff(_) => 498,
            Self::ServerError(_) => 500,
            Self::InvalidParameter(_) => 602,
            Self::UserIdFormat => 610,
            Self::PasswordFormat => 611,
            Self::UserExists => 612,
            Self::NoSuchUser => 620,
            Self::WrongPassword => 621,
        }
    }
}

/// The message in the envelope.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadRequest(detail) => write!(f, "Bad Request | {detail}"),
            Self::InvalidToken => f.write_str("Invalid Token"),
            Self::ClockOff(Seconds(ahead)) => {
                let side = if *ahead < 0 { "behind" } else { "ahead" };
                write!(f, "Invalid Token | the clock of this device is {} s {side}", ahead.unsigned_abs())
            }
            Self::ServerError(detail) => write!(f, "Server Error | {detail}"),
            Self::InvalidParameter(detail) => write!(f, "Invalid Parameter | {detail}"),
            Self::UserIdFormat => {
                f.write_str("userid format error | 4 to 24 of A-Z a-z 0-9 _ -, not all digits")
            }
            Self::PasswordFormat => f.write_str("password format error | 1 to 128 of A-Z a-z 0-9"),
            Self::UserExists => f.write_str("user exist | choose another userid"),
            Self::NoSuchUser => f.write_str("user not exist"),
            Self::WrongPassword => f.write_str("password error"),
        }
    }
}

impl From<Error> for Code {
    fn from(error: Error) -> Self {
        match error {
            Error::AccountExists | Error::PhoneExists | Error::EmailExists => Self::UserExists,
            Error::RegistrationClosed => Self::InvalidParameter("registration is closed"),
            Error::NoSuchAccount => Self::NoSuchUser,
            Error::WrongPassword => Self::WrongPassword,
            Error::ProofRequired | Error::InvalidSession => Self::InvalidToken,
            // No operation that this dialect uses fails with one of these.
            Error::NotRoomOwner
            | Error::NoRoom
            | Error::RoomNotFound
            | Error::NotOnAir
            | Error::RoomPasswordsCollide
            | Error::FieldRefused
            | Error::ForeignStream
            | Error::InvalidRoomId
            | Error::NotAnAnchor
            | Error::RoomFull
            | Error::RoomTaken
            | Error::WrongCode => Self::InvalidParameter("not possible here"),
            Error::RateLimited => Self::ServerError("too many attempts, try again later"),
            Error::Busy => Self::ServerError("busy, try again"),
            Error::Unavailable => Self::ServerError("storage unavailable"),
            Error::Storage(_) => {
                tracing::error!(adapter = "minilvb-v2", error = %causes(&error), "storage failed");
                Self::ServerError("storage failure")
            }
        }
    }
}

impl From<JsonError> for Code {
    fn from(error: JsonError) -> Self {
        Self::InvalidParameter(match error {
            JsonError::Empty | JsonError::Malformed => "body is not JSON",
            JsonError::Null | JsonError::NotAnObject => "body is not a JSON object",
        })
    }
}

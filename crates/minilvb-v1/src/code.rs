//! The numbers of `returnValue`, the texts of `returnMsg`, and the reasons to refuse a request.
//!
//! The apps only test whether the number is 0; the texts are for developers of clients.

use std::fmt;

use relive_core::{Error, causes};

/// A value of `returnValue`.
///
/// Source: contract minilvb-v1 §3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Success.
    Ok = 0,
    /// The id of a registered account without a valid signature.
    Sign = 498,
    /// `Action` or a field is missing, or of another type, length or range.
    Input = 1000,
    /// The storage cannot be reached.
    Unreachable = 2002,
    /// The storage failed; also "no such live or recording", for which the original server used this number.
    Database = 2003,
    /// A service that is not configured, or any other failure.
    Internal = 4000,
    /// The body is not a JSON object.
    Json = 4001,
    /// A field has a value without meaning.
    Value = 4002,
    /// Too many requests.
    Busy = 4003,
}

impl Code {
    /// `returnValue`.
    pub(crate) const fn number(self) -> i32 {
        self as i32
    }

    /// `returnMsg`; never empty, because the iOS app crashes without one.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Ok => "return successfully!",
            Self::Sign => "Invalid Token",
            Self::Input => "invalid param in json from client!",
            Self::Unreachable => "connect db error",
            Self::Database => "db operator error",
            Self::Internal => "system internal error",
            Self::Json => "json format error",
            Self::Value => "request para error",
            Self::Busy => "request too frequent",
        }
    }
}

impl From<&Error> for Code {
    fn from(error: &Error) -> Self {
        match error {
            Error::ProofRequired | Error::InvalidSession => Self::Sign,
            Error::RateLimited | Error::Busy => Self::Busy,
            Error::Unavailable => Self::Unreachable,
            Error::Storage(_)
            | Error::NotOnAir
            | Error::NoRoom
            | Error::NoSuchAccount
            | Error::RoomNotFound => Self::Database,
            // No operation that this dialect uses fails with one of these.
            Error::AccountExists
            | Error::EmailExists
            | Error::NotRoomOwner
            | Error::PhoneExists
            | Error::RegistrationClosed
            | Error::RoomPasswordsCollide
            | Error::FieldRefused
            | Error::ForeignStream
            | Error::InvalidRoomId
            | Error::NotAnAnchor
            | Error::RoomFull
            | Error::RoomTaken
            | Error::WrongCode
            | Error::WrongPassword => Self::Internal,
        }
    }
}

/// A reason to refuse a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Missing, or `null`.
    Missing,
    /// Empty, or white space only.
    Empty,
    /// Of another type, or a text with a forbidden character.
    WrongType,
    /// Longer than allowed.
    TooLong,
    /// A number outside of its range.
    OutOfRange,
    /// Of the right type, but not one of the defined values.
    Undefined,
}

impl Fault {
    const fn text(self) -> &'static str {
        match self {
            Self::Missing => " is missing",
            Self::Empty => " is empty",
            Self::WrongType => " has a wrong type",
            Self::TooLong => " is too long",
            Self::OutOfRange => " is out of range",
            Self::Undefined => "",
        }
    }
}

/// A refusal of a request. `Display` writes the reply's `returnMsg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `returnValue`.
    pub(crate) code: Code,
    field: Option<(&'static str, Fault)>,
}

impl Refusal {
    /// Refuses a field because of its presence, type, length or range.
    pub(crate) const fn input(field: &'static str, fault: Fault) -> Self {
        Self { code: Code::Input, field: Some((field, fault)) }
    }

    /// Refuses a field because its value is not defined.
    pub(crate) const fn value(field: &'static str) -> Self {
        Self { code: Code::Value, field: Some((field, Fault::Undefined)) }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self { code, field: None }
    }
}

impl From<Error> for Refusal {
    /// Logs a failure of the storage, here and nowhere else; its cause is never sent to a client.
    fn from(error: Error) -> Self {
        if let Error::Storage(_) = error {
            tracing::error!(
                adapter = "minilvb-v1",
                error = %causes(&error),
                "storage failed"
            );
        }
        Code::from(&error).into()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.text())?;
        match self.field {
            Some((field, fault)) => write!(f, " | {field}{}", fault.text()),
            None => Ok(()),
        }
    }
}

//! The numbers and texts of `returnValue` and `returnMsg`, and why a request is refused.
//!
//! The apps only ask whether the number is 0; the texts are for whoever debugs a client.

use std::fmt;

use relive_core::{Error, causes};

/// A number of the envelope.
///
/// Source: contract minilvb-v1 §3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Done.
    Ok = 0,
    /// A registered account's id without proof.
    Sign = 498,
    /// `Action` or a field is missing, or of another type, length or range.
    Input = 1000,
    /// The storage cannot be reached.
    Unreachable = 2002,
    /// The storage failed; also "no such live or recording", which the original reported this way.
    Database = 2003,
    /// Anything else; a service that is not configured.
    Internal = 4000,
    /// The body is no JSON object.
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
            // No call of this dialect leads there.
            Error::AccountExists
            | Error::EmailExists
            | Error::NotRoomOwner
            | Error::PhoneExists
            | Error::RegistrationClosed
            | Error::RoomPasswordsCollide
            | Error::WrongCode
            | Error::WrongPassword => Self::Internal,
        }
    }
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not there, or `null`.
    Missing,
    /// Nothing but white space.
    Empty,
    /// Of another type, or with a character no text may have.
    WrongType,
    /// Longer than allowed.
    TooLong,
    /// A number below or above its range.
    OutOfRange,
    /// Well-typed, but without meaning.
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

/// Why a request is refused. Displayed, it is the reply's `returnMsg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `returnValue`.
    pub(crate) code: Code,
    field: Option<(&'static str, Fault)>,
}

impl Refusal {
    /// A field whose presence, type, length or range is wrong.
    pub(crate) const fn input(field: &'static str, fault: Fault) -> Self {
        Self { code: Code::Input, field: Some((field, fault)) }
    }

    /// A field whose value has no meaning.
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
    /// The edge: what failed inside is logged here, once, and never sent.
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

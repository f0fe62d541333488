//! What the cloud is told: `{"code":…}`, and whether it shall try again.

use http::StatusCode;
use relive_core::{Error, causes};
use relive_wire::Reply;

/// An outcome.
///
/// Source: contract minilvb-v1 §6.3, contract minilvb-v2 §6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Taken, or without meaning here.
    Ok,
    /// No JSON object.
    Malformed,
    /// A member that has to be there is not.
    Incomplete,
    /// The signature is wrong or too old, or there is no key to check it with.
    Unproven,
    /// A recording of a stream nobody has.
    UnknownStream,
    /// The storage failed: the cloud shall send the notice again.
    Failed,
}

impl Code {
    const fn number(self) -> i32 {
        match self {
            Self::Ok => 0,
            Self::UnknownStream | Self::Failed => 2003,
            Self::Malformed => 4001,
            Self::Incomplete => 4002,
            Self::Unproven => 4003,
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Failed => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::OK,
        }
    }

    /// The reply; its code is the metric label, too.
    pub(crate) fn reply(self, interface: &'static str) -> Reply {
        let number = self.number();
        Reply::json(interface, number, format!("{{\"code\":{number}}}")).with_status(self.status())
    }
}

impl From<Error> for Code {
    /// The edge: what failed inside is logged here, once, and never sent.
    fn from(error: Error) -> Self {
        match error {
            Error::RoomNotFound => {
                tracing::warn!(adapter = "callback", "recording of a stream nobody has");
                Self::UnknownStream
            }
            Error::Storage(_) => {
                tracing::error!(
                    adapter = "callback",
                    error = %causes(&error),
                    "storage failed"
                );
                Self::Failed
            }
            // Busy and unavailable pass. A notice leads to none of the others; if it did, the cloud should not give up.
            Error::Busy
            | Error::Unavailable
            | Error::AccountExists
            | Error::EmailExists
            | Error::InvalidSession
            | Error::NoRoom
            | Error::NoSuchAccount
            | Error::NotOnAir
            | Error::NotRoomOwner
            | Error::PhoneExists
            | Error::ProofRequired
            | Error::RateLimited
            | Error::RegistrationClosed
            | Error::RoomPasswordsCollide
            | Error::WrongCode
            | Error::WrongPassword => Self::Failed,
        }
    }
}

//! The replies to the cloud: `{"code":…}`, with an HTTP status that decides whether the cloud sends the notice again.

use http::StatusCode;
use relive_core::{Error, causes};
use relive_wire::Reply;

/// The outcome of a notice.
///
/// Source: contract minilvb-v1 §6.3, contract minilvb-v2 §6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Processed, or of a kind that is ignored.
    Ok,
    /// The body is not a JSON object.
    Malformed,
    /// A required member is missing.
    Incomplete,
    /// The signature is wrong or too old, or no key is configured.
    Unproven,
    /// A recording of a stream that belongs to no room.
    UnknownStream,
    /// The storage failed; the cloud has to send the notice again.
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

    /// Writes the reply; its code is the metric label, too.
    pub(crate) fn reply(self, interface: &'static str) -> Reply {
        let number = self.number();
        Reply::json(interface, number, format!("{{\"code\":{number}}}")).with_status(self.status())
    }
}

impl From<Error> for Code {
    /// Logs a failure of the storage, here and nowhere else; its cause is never sent to the cloud.
    fn from(error: Error) -> Self {
        match error {
            Error::RoomNotFound => {
                tracing::warn!(adapter = "callback", "recording of an unknown stream");
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
            // `Busy` and `Unavailable` are temporary. No notice fails with one of the others; if one did, the cloud
            // should try again as well.
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
            | Error::FieldRefused
            | Error::ForeignStream
            | Error::InvalidRoomId
            | Error::NotAnAnchor
            | Error::RoomFull
            | Error::RoomTaken
            | Error::WrongCode
            | Error::WrongPassword => Self::Failed,
        }
    }
}

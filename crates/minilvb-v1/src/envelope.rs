//! Writes replies: an object with three members, all of which are in every reply.
//!
//! `returnData` is an object even if both seeds say "empty": iOS and Android accept `{}` and crash without the member.

use bytes::Bytes;
use relive_wire::Reply;
use serde::Serialize;

use crate::code::{Code, Refusal};

#[derive(Serialize)]
struct Envelope<'a, T> {
    #[serde(rename = "returnValue")]
    value: i32,
    #[serde(rename = "returnMsg")]
    message: &'a str,
    #[serde(rename = "returnData")]
    data: T,
}

impl<T: Serialize> Envelope<'_, T> {
    #[expect(clippy::expect_used, reason = "texts, numbers and lists of them can always be serialized")]
    fn encode(&self) -> Bytes {
        serde_json::to_vec(self).expect("invariant: replies serialize").into()
    }
}

/// `{}`.
#[derive(Serialize)]
struct Nothing {}

/// The reply to a call that returns no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Done;

/// The body of a successful reply.
#[derive(Debug)]
pub(crate) struct Success(Bytes);

impl Success {
    /// Takes a complete body, envelope included.
    pub(crate) fn new(body: Vec<u8>) -> Self {
        Self(body.into())
    }
}

impl From<Done> for Success {
    /// Returns a constant: likes come by the thousand, so the same text is not serialized for each of them.
    fn from(_: Done) -> Self {
        const DONE: &[u8] = br#"{"returnValue":0,"returnMsg":"return successfully!","returnData":{}}"#;
        Self(Bytes::from_static(DONE))
    }
}

impl<T: Serialize> From<T> for Success {
    fn from(data: T) -> Self {
        Self(Envelope { value: Code::Ok.number(), message: Code::Ok.text(), data }.encode())
    }
}

/// Writes the reply of a call that succeeded.
pub(crate) fn accept(interface: &'static str, success: Success) -> Reply {
    Reply::json(interface, Code::Ok.number(), success.0)
}

/// Writes the reply of a refused call. Its HTTP status is 200 as well: Android takes any other status for a broken
/// network.
pub(crate) fn refuse(interface: &'static str, refusal: &Refusal) -> Reply {
    let value = refusal.code.number();
    let envelope = Envelope { value, message: &refusal.to_string(), data: Nothing {} };
    Reply::json(interface, value, envelope.encode())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constant_reply_equals_the_serialized_one() {
        let written = Success::from(Nothing {});
        assert_eq!(Success::from(Done).0, written.0);
    }
}

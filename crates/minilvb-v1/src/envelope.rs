//! The shape of every reply: three members, always all of them.
//!
//! `returnData` is an object even where both seeds say "empty": iOS and Android read `{}` and crash on nothing.

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
    #[expect(clippy::expect_used, reason = "texts, numbers and lists of them always have a JSON form")]
    fn encode(&self) -> Bytes {
        serde_json::to_vec(self).expect("invariant: replies serialize").into()
    }
}

/// `{}`.
#[derive(Serialize)]
struct Nothing {}

/// The reply to a call that has nothing to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Done;

/// The body of a successful reply.
#[derive(Debug)]
pub(crate) struct Success(Bytes);

impl Success {
    /// A whole body, envelope included.
    pub(crate) fn new(body: Vec<u8>) -> Self {
        Self(body.into())
    }
}

impl From<Done> for Success {
    /// Likes come by the thousand: no need to write this anew for each.
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

/// A successful reply.
pub(crate) fn accept(interface: &'static str, success: Success) -> Reply {
    Reply::json(interface, Code::Ok.number(), success.0)
}

/// A refusal; HTTP 200 like everything else, because Android takes any other status for a broken network.
pub(crate) fn refuse(interface: &'static str, refusal: &Refusal) -> Reply {
    let value = refusal.code.number();
    let envelope = Envelope { value, message: &refusal.to_string(), data: Nothing {} };
    Reply::json(interface, value, envelope.encode())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constant_reply_is_what_would_be_written() {
        let written = Success::from(Nothing {});
        assert_eq!(Success::from(Done).0, written.0);
    }
}

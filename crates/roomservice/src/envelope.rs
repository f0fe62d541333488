//! Writes replies: `{"code":…,"message":"…","timestamp":…,…}` (contract roomservice §3).

use std::borrow::Cow;

use http::header::X_CONTENT_TYPE_OPTIONS;
use relive_core::UnixSeconds;
use relive_wire::{Reply, number};
use serde::Serialize;

use crate::code::Code;

/// No fields beside those of the envelope.
#[derive(Debug, Serialize)]
pub(crate) struct Nothing {}

/// The members of a reply that stand beside those of the envelope, as JSON without braces.
#[derive(Debug, Default)]
pub(crate) struct Members(pub(crate) Vec<u8>);

/// The code, the message and the members of a reply.
#[derive(Debug)]
pub(crate) struct Answer {
    code: i32,
    message: Cow<'static, str>,
    members: Members,
}

impl Answer {
    /// Writes the whole reply. Clients compute the offset of their clock from the time, in milliseconds.
    pub(crate) fn into_reply(self, interface: &'static str, now: UnixSeconds) -> Reply {
        let Members(members) = self.members;
        let mut body = Vec::with_capacity(96 + self.message.len() + members.len());
        body.extend_from_slice(b"{\"code\":");
        number(&mut body, i64::from(self.code));
        body.extend_from_slice(b",\"message\":");
        // Writing a text to memory cannot fail.
        let _ = serde_json::to_writer(&mut body, &*self.message);
        body.extend_from_slice(b",\"timestamp\":");
        number(&mut body, now.0.saturating_mul(1_000));
        if !members.is_empty() {
            body.push(b',');
            body.extend_from_slice(&members);
        }
        body.push(b'}');
        Reply::json(interface, self.code, body).with_header(X_CONTENT_TYPE_OPTIONS, "nosniff")
    }
}

impl From<Members> for Answer {
    fn from(members: Members) -> Self {
        Self { code: Code::SUCCESS, message: "请求成功".into(), members }
    }
}

/// Writes a success with the members of an object.
impl<D: Serialize> From<D> for Answer {
    fn from(data: D) -> Self {
        match serde_json::to_vec(&data) {
            Ok(object) => {
                let members = object.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
                Members(members.unwrap_or_default().to_vec()).into()
            }
            Err(error) => {
                tracing::error!(adapter = "roomservice", %error, "reply could not be serialized");
                Code::Server("reply").into()
            }
        }
    }
}

impl From<Code> for Answer {
    fn from(code: Code) -> Self {
        Self { code: code.number(), message: code.to_string().into(), members: Members::default() }
    }
}

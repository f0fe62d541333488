//! The one shape of every reply (seed 003, 通用字段说明; contract sxb §3.1) and the headers that go with it.

use bytes::Bytes;
use http::{
    HeaderMap, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, HeaderName,
    },
};
use relive_wire::{Reply, array, count};
use serde::Serialize;

use crate::code::Code;

/// Success with nothing more to say: by far the most frequent reply.
const DONE: &[u8] = br#"{"errorCode":0,"errorInfo":"","errInfo":""}"#;

/// The seed's table names the text `errInfo`, its examples and every client `errorInfo`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a, T> {
    error_code: i32,
    error_info: &'a str,
    err_info: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a T>,
}

impl<T: Serialize> Envelope<'_, T> {
    #[expect(
        clippy::expect_used,
        reason = "texts, numbers and lists of them always are JSON, memory takes them"
    )]
    fn write(&self) -> Bytes {
        let mut body = Vec::with_capacity(256);
        serde_json::to_writer(&mut body, self).expect("a reply is JSON");
        body.into()
    }
}

/// What a handler returns when the call has data to return; others return `()`.
pub(crate) struct Data<T>(pub(crate) T);

/// The body of a successful reply.
pub(crate) struct Payload(Bytes);

impl From<()> for Payload {
    fn from((): ()) -> Self {
        Self(Bytes::from_static(DONE))
    }
}

impl<T: Serialize> From<Data<T>> for Payload {
    fn from(Data(data): Data<T>) -> Self {
        Self(Envelope { error_code: 0, error_info: "", err_info: "", data: Some(&data) }.write())
    }
}

impl Payload {
    /// A list: the length of the whole list, and the rows of one page, each appended by `write` as one JSON value.
    pub(crate) fn of_rows<T>(total: usize, name: &str, rows: &[T], write: impl Fn(&mut Vec<u8>, &T)) -> Self {
        let mut body = Vec::with_capacity(128 + 256 * rows.len());
        body.extend_from_slice(br#"{"errorCode":0,"errorInfo":"","errInfo":"","data":{"total":"#);
        count(&mut body, total);
        body.extend_from_slice(b",\"");
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(b"\":");
        array(&mut body, rows, write);
        body.extend_from_slice(b"}}");
        Self(body.into())
    }
}

/// The reply of a call.
pub(crate) fn reply(interface: &'static str, outcome: Result<Payload, Code>) -> Reply {
    let (code, body) = match outcome {
        Ok(Payload(body)) => (0, body),
        Err(code) => {
            let text = code.to_string();
            let envelope =
                Envelope::<()> { error_code: code.number(), error_info: &text, err_info: &text, data: None };
            (code.number(), envelope.write())
        }
    };
    Reply::json(interface, code, body).with_header(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
}

/// The reply to a browser that asks whether it may call.
pub(crate) fn preflight(interface: &'static str) -> Reply {
    let allowed: [(HeaderName, &'static str); 3] = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type"),
    ];
    let nothing =
        Reply { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::new(), interface, code: 0 };
    allowed.into_iter().fold(nothing, |reply, (name, value)| reply.with_header(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constant_is_what_would_be_written() {
        let written = Envelope::<()> { error_code: 0, error_info: "", err_info: "", data: None }.write();
        assert_eq!(written, DONE);
    }
}

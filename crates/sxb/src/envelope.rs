//! Writes replies and their headers (seed 003, 通用字段说明; contract sxb §3.1).

use bytes::Bytes;
use relive_wire::{Reply, array, count};
use serde::Serialize;

use crate::code::Code;

/// A success without data, by far the most frequent reply.
const DONE: &[u8] = br#"{"errorCode":0,"errorInfo":"","errInfo":""}"#;

/// The members of every reply. The text is called `errInfo` in the table of the seed, and `errorInfo` in its examples
/// and in every client.
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
    #[expect(clippy::expect_used, reason = "texts, numbers and lists of them can always be serialized")]
    fn write(&self) -> Bytes {
        let mut body = Vec::with_capacity(256);
        serde_json::to_writer(&mut body, self).expect("invariant: replies serialize");
        body.into()
    }
}

/// The data of a call. Handlers of calls without data return `()`.
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
    /// Writes a list: the length of the whole list, and the rows of one page, each appended by `write` as one JSON
    /// value.
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

/// Writes the reply of a call.
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
    Reply::json(interface, code, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constant_reply_equals_the_serialized_one() {
        let written = Envelope::<()> { error_code: 0, error_info: "", err_info: "", data: None }.write();
        assert_eq!(written, DONE);
    }
}

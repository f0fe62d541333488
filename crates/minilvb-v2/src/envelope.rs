//! Writes replies: `{"code":…,"message":"…","data":{…}}` (contract minilvb-v2 §3).

use http::header::X_CONTENT_TYPE_OPTIONS;
use relive_wire::Reply;
use serde::Serialize;

use crate::code::Code;

#[derive(Serialize)]
struct Envelope<'a, D> {
    code: i32,
    message: &'a str,
    data: D,
}

/// No data: `{}`, never `[]` or `null`.
#[derive(Debug, Serialize)]
pub(crate) struct Nothing {}

/// The complete body of a reply, and its code.
#[derive(Debug)]
pub(crate) struct Answer {
    code: i32,
    body: Vec<u8>,
}

impl Answer {
    fn new(code: i32, message: &str, data: impl Serialize) -> serde_json::Result<Self> {
        let mut body = Vec::with_capacity(512);
        serde_json::to_writer(&mut body, &Envelope { code, message, data })?;
        Ok(Self { code, body })
    }

    /// Takes the complete body of a success, envelope included.
    pub(crate) fn success(body: Vec<u8>) -> Self {
        Self { code: Code::SUCCESS, body }
    }

    pub(crate) fn into_reply(self, interface: &'static str) -> Reply {
        Reply::json(interface, self.code, self.body).with_header(X_CONTENT_TYPE_OPTIONS, "nosniff")
    }
}

/// Writes a success with these data.
impl<D: Serialize> From<D> for Answer {
    fn from(data: D) -> Self {
        Self::new(Code::SUCCESS, "OK", data).unwrap_or_else(|error| {
            tracing::error!(adapter = "minilvb-v2", %error, "reply could not be serialized");
            Code::ServerError("reply").into()
        })
    }
}

impl From<Code> for Answer {
    fn from(code: Code) -> Self {
        let number = code.number();
        Self::new(number, &code.to_string(), Nothing {})
            .unwrap_or_else(|_| Self { code: number, body: Vec::new() })
    }
}

//! Writes replies: a JSON object with `access`, `status`, `desc` and the members of the call, or a picture.

use bytes::Bytes;
use http::{HeaderValue, header};
use relive_core::causes;
use relive_wire::Reply;
use serde::Serialize;

use crate::code::Code;

/// The answer of a successful call.
pub(crate) enum Answer {
    /// A JSON object with the members of the call.
    Members(serde_json::Result<Vec<u8>>),
    /// A picture, sent unchanged.
    Picture(HeadPicture),
}

/// The bytes of a head picture.
pub(crate) struct HeadPicture(pub(crate) Bytes);

impl<T: Serialize> From<T> for Answer {
    fn from(members: T) -> Self {
        Self::Members(serde_json::to_vec(&members))
    }
}

impl From<HeadPicture> for Answer {
    fn from(picture: HeadPicture) -> Self {
        Self::Picture(picture)
    }
}

/// The answer of a call without members.
#[derive(Debug, Serialize)]
pub(crate) struct Done {}

/// Writes the reply of a call, named as in the interface table (contract qplus §1.4, §3).
pub(crate) fn reply(api: &'static str, outcome: Result<Answer, Code>) -> Reply {
    match outcome {
        Ok(Answer::Members(Ok(members))) => json(api, Code::Success, &members),
        Ok(Answer::Members(Err(error))) => {
            tracing::error!(
                adapter = "qplus",
                interface = api,
                error = %causes(&error),
                "reply could not be serialized"
            );
            json(api, Code::Server, b"{}")
        }
        Ok(Answer::Picture(picture)) => raw(api, picture),
        Err(code) => json(api, code, b"{}"),
    }
}

/// Writes a JSON reply. `access`, `status` and `desc` contain no character that JSON escapes.
fn json(api: &'static str, code: Code, members: &[u8]) -> Reply {
    let number = code.number();
    let mut body =
        format!(r#"{{"access":"/live/{api}","status":{number},"desc":"{}""#, code.text()).into_bytes();
    match members {
        [b'{', rest @ ..] if rest != b"}" => {
            body.reserve(rest.len() + 1);
            body.push(b',');
            body.extend_from_slice(rest);
        }
        _ => body.push(b'}'),
    }
    Reply::json(api, number, body)
}

/// Writes a picture. Users can upload any bytes, so the headers keep browsers from running these as a page or a script.
fn raw(api: &'static str, HeadPicture(bytes): HeadPicture) -> Reply {
    let content_type = content_type(&bytes);
    let mut reply = Reply::json(api, Code::Success.number(), bytes);
    reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
        .with_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with_header(header::CACHE_CONTROL, "no-cache")
}

/// Determines the media type by the leading bytes (contract qplus §4.5b).
fn content_type(bytes: &Bytes) -> &'static str {
    match &**bytes {
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "image/png",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_follow_those_of_the_envelope() {
        #[derive(Serialize)]
        struct Number {
            number: i32,
        }
        let body = |outcome| String::from_utf8(reply("Login", outcome).body.to_vec()).unwrap();
        assert_eq!(
            body(Ok(Number { number: 7 }.into())),
            r#"{"access":"/live/Login","status":10000,"desc":"成功","number":7}"#
        );
        assert_eq!(body(Ok(Done {}.into())), r#"{"access":"/live/Login","status":10000,"desc":"成功"}"#);
        assert_eq!(
            body(Err(Code::SessionExpired)),
            r#"{"access":"/live/Login","status":10003,"desc":"登录过期,重新登录"}"#
        );
    }

    #[test]
    fn the_leading_bytes_determine_the_media_type() {
        for (bytes, expected) in [
            (&b"\xff\xd8\xff\xe0"[..], "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n", "image/png"),
            (b"GIF87a", "image/gif"),
            (b"RIFF\x01\x02\x03\x04WEBPVP8 ", "image/webp"),
            (b"RIFF\x01\x02\x03\x04WAVE", "application/octet-stream"),
            (b"\xff\xd8", "application/octet-stream"),
            (b"<script>", "application/octet-stream"),
            (b"", "application/octet-stream"),
        ] {
            assert_eq!(content_type(&Bytes::from_static(bytes)), expected, "{bytes:?}");
        }
    }
}

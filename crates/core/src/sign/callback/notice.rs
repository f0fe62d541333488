//! Reads the JSON body of a notice leniently. Does not check the sender.

use std::fmt;

use serde_json::{Map, Value};

use crate::sign::url::query_value;

/// A number of a notice: a JSON integer, or a string that is a plain decimal integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Number {
    /// Absent or `null`.
    #[default]
    Missing,
    /// Present, but not an integer of 64 bits.
    NotNumeric,
    /// The number.
    Is(i64),
}

impl Number {
    /// The number, if there is one.
    pub const fn value(self) -> Option<i64> {
        match self {
            Self::Is(number) => Some(number),
            Self::Missing | Self::NotNumeric => None,
        }
    }
}

/// The body is not a JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed")]
pub struct MalformedNotice;

/// The members of a notice that the contracts use. A text may arrive as an integer and a number as a decimal string;
/// `null` counts as absent; the last of duplicate members counts; all other members are ignored. Texts are kept as they
/// arrived, empty ones too.
///
/// Source: contracts tencent-cloud h.1, minilvb-v1 §6.3, minilvb-v2 §6, sxb §6.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Notice {
    /// Last second at which the notice is valid, as received: an integer or a string of digits; else absent.
    pub t: Option<String>,
    /// The signature; absent unless a string.
    pub sign: Option<String>,
    /// 0 push ended, 1 push started, 100 recording ready, 200 screenshot, and others; absent unless an integer or a
    /// decimal string.
    pub event_type: Option<i64>,
    /// Stream code.
    pub stream_id: Option<String>,
    /// Stream code, under its other name.
    pub channel_id: Option<String>,
    /// Query of the push URL, `txSecret` included.
    pub stream_param: Option<String>,
    /// Identifies one push: the notices of its start and of its end carry the same value.
    pub sequence: Option<String>,
    /// Id of a recording, older clouds.
    pub video_id: Option<String>,
    /// Id of a recording, newer clouds.
    pub file_id: Option<String>,
    /// URL of a recording.
    pub video_url: Option<String>,
    /// `flv`, `hls`, `mp4`, …
    pub file_format: Option<String>,
    /// Size of a recording in bytes.
    pub file_size: Number,
    /// Start of a recording, Unix seconds.
    pub start_time: Number,
    /// End of a recording, Unix seconds.
    pub end_time: Number,
    /// Length of a recording in seconds.
    pub duration: Number,
}

/// Prints no `sign` and no URL parameters.
impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice")
            .field("t", &self.t)
            .field("event_type", &self.event_type)
            .field("stream_id", &self.stream_id)
            .field("sequence", &self.sequence)
            .field("video_id", &self.video_id)
            .field("file_id", &self.file_id)
            .field("file_format", &self.file_format)
            .finish_non_exhaustive()
    }
}

impl Notice {
    /// Reads a body: UTF-8, a leading byte order mark is skipped.
    ///
    /// ```
    /// use relive_core::sign::callback::{MalformedNotice, Notice, Number};
    /// let notice = Notice::parse(br#"{"event_type":"100","start_time":"17","duration":"long"}"#)?;
    /// assert_eq!(notice.event_type, Some(100));
    /// assert_eq!(notice.start_time, Number::Is(17));
    /// assert_eq!(notice.duration, Number::NotNumeric);
    /// assert_eq!(notice.end_time, Number::Missing);
    /// # Ok::<(), MalformedNotice>(())
    /// ```
    pub fn parse(body: &[u8]) -> Result<Self, MalformedNotice> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let object: Map<String, Value> = serde_json::from_slice(body).map_err(|_| MalformedNotice)?;
        let text = |name| object.get(name).and_then(text);
        let number = |name| object.get(name).map_or(Number::Missing, number);
        Ok(Self {
            t: object.get("t").and_then(expiry),
            sign: object.get("sign").and_then(Value::as_str).map(str::to_owned),
            event_type: number("event_type").value(),
            stream_id: text("stream_id"),
            channel_id: text("channel_id"),
            stream_param: text("stream_param"),
            sequence: text("sequence"),
            video_id: text("video_id"),
            file_id: text("file_id"),
            video_url: text("video_url"),
            file_format: text("file_format"),
            file_size: number("file_size"),
            start_time: number("start_time"),
            end_time: number("end_time"),
            duration: number("duration"),
        })
    }

    /// The id of the recording: `video_id`, else `file_id`; an empty id counts as absent.
    ///
    /// Source: DESIGN §2 (Recording), contract minilvb-v2 §6.
    pub fn recording_id(&self) -> Option<&str> {
        nonempty(self.video_id.as_ref()).or_else(|| nonempty(self.file_id.as_ref()))
    }

    /// The stream code: `stream_id`, else `channel_id`; an empty code counts as absent.
    ///
    /// Source: contract sxb §6.
    pub fn stream_code(&self) -> Option<&str> {
        nonempty(self.stream_id.as_ref()).or_else(|| nonempty(self.channel_id.as_ref()))
    }

    /// The first value of a parameter in `stream_param`, decoded; an empty value counts as absent. The publisher chose the
    /// text, so trust every other source of the same fact more.
    pub fn stream_param(&self, name: &str) -> Option<String> {
        let query = self.stream_param.as_deref()?;
        query_value(query.strip_prefix('?').unwrap_or(query), name)
    }
}

fn nonempty(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

fn expiry(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        Value::String(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(text.clone())
        }
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

fn number(value: &Value) -> Number {
    let number = match value {
        Value::Null => return Number::Missing,
        Value::Number(number) => number.as_i64(),
        // `str::parse` alone would also take a leading `+`.
        Value::String(text) if !text.starts_with('+') => text.parse().ok(),
        _ => None,
    };
    number.map_or(Number::NotNumeric, Number::Is)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Notice {
        Notice::parse(body.as_bytes()).expect("an object")
    }

    #[test]
    fn only_an_object_is_a_notice() {
        for body in ["", " ", "null", "[]", "1", "{", "{}x", "{\"a\":\"\u{1}\"}", "{\"a\":1e999}"] {
            assert_eq!(Notice::parse(body.as_bytes()).unwrap_err(), MalformedNotice, "{body}");
        }
        assert!(Notice::parse(b"{\"a\":\"\xff\"}").is_err());
        assert!(Notice::parse(b"\xef\xbb\xbf {}").is_ok());
    }

    #[test]
    fn the_last_of_duplicate_members_counts() {
        let notice = parse(r#"{"stream_id":"a","event_type":1,"stream_id":"b","event_type":null}"#);
        assert_eq!(notice.stream_id.as_deref(), Some("b"));
        assert_eq!(notice.event_type, None);
    }

    #[test]
    fn ids_fall_back_and_may_be_integers() {
        let notice = parse(r#"{"video_id":"","file_id":52,"channel_id":"c","sequence":7000000000000000001}"#);
        assert_eq!(notice.recording_id(), Some("52"));
        assert_eq!(notice.stream_code(), Some("c"));
        assert_eq!(notice.sequence.as_deref(), Some("7000000000000000001"));
        assert_eq!(parse("{}").recording_id(), None);
    }

    #[test]
    fn numbers_are_integers_or_decimal_strings() {
        for (json, number) in [
            ("5", Number::Is(5)),
            ("\"-5\"", Number::Is(-5)),
            ("\"+5\"", Number::NotNumeric),
            ("\"5.5\"", Number::NotNumeric),
            ("5.5", Number::NotNumeric),
            ("\"\"", Number::NotNumeric),
            ("18446744073709551615", Number::NotNumeric),
            ("{}", Number::NotNumeric),
            ("null", Number::Missing),
        ] {
            assert_eq!(parse(&format!("{{\"duration\":{json}}}")).duration, number, "{json}");
        }
    }

    #[test]
    fn stream_param_is_read_like_a_query() {
        let notice = parse(r#"{"stream_param":"?bizid=1&groupid=a%20b&groupid=c&empty="}"#);
        assert_eq!(notice.stream_param("groupid").as_deref(), Some("a b"));
        assert_eq!(notice.stream_param("empty"), None);
        assert_eq!(parse("{}").stream_param("groupid"), None);
    }

    #[test]
    fn debug_prints_no_secret() {
        let notice =
            parse(r#"{"t":1,"sign":"SECRET","stream_param":"txSecret=SECRET","video_url":"u?SECRET"}"#);
        assert!(!format!("{notice:?}").contains("SECRET"));
    }
}

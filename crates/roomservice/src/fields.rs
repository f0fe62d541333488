//! Reads bodies and their fields (contract roomservice §2, §4). A text may also be an integer, an integer may also be a decimal
//! text or a float without a fraction; `null` is the same as a missing field. Lengths are counted in bytes.

use std::borrow::Cow;

use http::{HeaderMap, header::CONTENT_TYPE};
use relive_core::{AnchorNames, GroupId, RoomTexts};
use relive_wire::{Integer, Object, Value};

use crate::code::Code;

/// Deepest accepted nesting of a body.
const DEPTH_LIMIT: u8 = 64;
/// Longest id of a room that is looked up: minilvb-v1's group ids have up to 128 characters.
const LONGEST_ROOM_ID: usize = 512;

/// A body.
#[derive(Debug, Default)]
pub(crate) struct Input<'a> {
    pub(crate) object: Object<'a>,
    /// Whether the body is a form, from which parameters that are missing in the query are taken.
    pub(crate) is_form: bool,
}

impl<'a> Input<'a> {
    /// Parses a body by its content type: a form, or else JSON. A body that begins as an object is JSON whatever its type: `curl -d`
    /// calls everything a form.
    pub(crate) fn parse(headers: &HeaderMap, body: &'a [u8]) -> Result<Self, Code> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        if !is_form(headers) || body.trim_ascii_start().starts_with(b"{") {
            return Ok(Self { object: Object::parse(body, DEPTH_LIMIT)?, is_form: false });
        }
        if std::str::from_utf8(body).is_err() {
            return Err(Code::Parameter("body is not UTF-8"));
        }
        let pairs = form_urlencoded::parse(body).map(|(name, value)| (name, Value::Text(value)));
        Ok(Self { object: pairs.collect(), is_form: true })
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// A request without fields of its own.
pub(crate) struct Empty;

impl TryFrom<&Object<'_>> for Empty {
    type Error = Code;

    fn try_from(_: &Object<'_>) -> Result<Self, Code> {
        Ok(Self)
    }
}

/// A text of at most `longest` bytes. `None`: missing.
pub(crate) fn text<'o>(
    object: &'o Object<'_>,
    name: &'static str,
    longest: usize,
) -> Result<Option<Cow<'o, str>>, Code> {
    let Some(value) = object.present(name) else { return Ok(None) };
    let text = match value {
        Value::Float(number) if number.fract() != 0.0 => None,
        other => other.text_or_number(),
    };
    let usable = text.filter(|text| text.len() <= longest && !text.contains('\0'));
    usable.map(Some).ok_or(Code::Parameter(name))
}

/// A text of at most `longest` bytes that is not missing; it may be empty.
pub(crate) fn required_text<'o>(
    object: &'o Object<'_>,
    name: &'static str,
    longest: usize,
) -> Result<Cow<'o, str>, Code> {
    text(object, name, longest)?.ok_or(Code::Parameter(name))
}

/// A text of at most `longest` bytes; empty if it is missing.
pub(crate) fn text_or_empty(object: &Object<'_>, name: &'static str, longest: usize) -> Result<String, Code> {
    Ok(text(object, name, longest)?.unwrap_or_default().into_owned())
}

/// The id of a room.
pub(crate) fn room_id(object: &Object<'_>) -> Result<GroupId, Code> {
    let id = required_text(object, "roomID", LONGEST_ROOM_ID)?;
    if id.is_empty() { Err(Code::Parameter("roomID")) } else { Ok(id.into()) }
}

/// An integer. `None`: missing.
pub(crate) fn integer(object: &Object<'_>, name: &'static str) -> Result<Option<i64>, Code> {
    let Some(value) = object.present(name) else { return Ok(None) };
    value.integer(Integer::Lenient).map(Some).ok_or(Code::Parameter(name))
}

/// A text of at most `longest` characters inside a text that may be a JSON object; empty if it is not there.
fn inner(object: &Object<'_>, name: &str, longest: usize) -> String {
    let text = object.get(name).and_then(Value::text).unwrap_or_default();
    if text.contains('\0') || text.chars().nth(longest).is_some() { String::new() } else { text.to_owned() }
}

/// The texts in a description of a room (contract roomservice §7.2). A description that is no JSON object is the title.
pub(crate) fn room_texts(info: String) -> RoomTexts {
    /// Largest number of characters of a title.
    const TITLE: usize = 128;
    let (title, cover, location) = match Object::parse(info.as_bytes(), DEPTH_LIMIT) {
        Ok(object) => {
            let title = object.get("title").and_then(Value::text).filter(|text| !text.contains('\0'));
            let title = title.unwrap_or_default().chars().take(TITLE).collect();
            (title, inner(&object, "frontcover", 1_024), inner(&object, "location", 255))
        }
        Err(_) => (info.chars().take(TITLE).collect(), String::new(), String::new()),
    };
    RoomTexts { info, title, cover, location }
}

/// The names in the text about a viewer (contract roomservice §4.11).
pub(crate) fn names_in(info: &str) -> AnchorNames {
    match Object::parse(info.as_bytes(), DEPTH_LIMIT) {
        Ok(object) => AnchorNames {
            nickname: inner(&object, "userName", 256),
            avatar: inner(&object, "userAvatar", 1_024),
        },
        Err(_) => AnchorNames::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(json: &str, read: impl Fn(&Object<'_>) -> T) -> T {
        read(&Object::parse(json.as_bytes(), 64).unwrap())
    }

    #[test]
    fn texts_are_strings_or_integers_of_a_length_in_bytes() {
        let read = |json: &str| with(json, |object| text(object, "a", 6).map(|it| it.map(Cow::into_owned)));
        for (json, expected) in [
            (r#"{"a":"小直"}"#, Some("小直")),
            (r#"{"a":""}"#, Some("")),
            (r#"{"a":10086}"#, Some("10086")),
            (r#"{"a":7.0}"#, Some("7")),
            (r#"{"a":null}"#, None),
            ("{}", None),
        ] {
            assert_eq!(read(json), Ok(expected.map(str::to_owned)), "{json}");
        }
        for json in [
            r#"{"a":"小直播"}"#,
            r#"{"a":1000000}"#,
            r#"{"a":1.5}"#,
            r#"{"a":true}"#,
            r#"{"a":[]}"#,
            r#"{"a":{}}"#,
            r#"{"a":"\u0000"}"#,
        ] {
            assert_eq!(read(json), Err(Code::Parameter("a")), "{json}");
        }
    }

    #[test]
    fn a_description_is_read_as_the_apps_write_it() {
        let texts =
            room_texts(r#"{"title":"Harbour","frontcover":"http://c","location":"Xiamen"}"#.to_owned());
        assert_eq!((&*texts.title, &*texts.cover, &*texts.location), ("Harbour", "http://c", "Xiamen"));
        let texts = room_texts("Harbour ".repeat(20));
        assert_eq!((texts.title.len(), texts.info.len(), &*texts.cover), (128, 160, ""));
        for info in ["{}", r#"{"title":7,"frontcover":[],"location":"\u0000"}"#] {
            let texts = room_texts(info.to_owned());
            assert_eq!((&*texts.title, &*texts.cover, &*texts.location), ("", "", ""), "{info}");
        }
        assert_eq!(names_in(r#"{"userName":"Bob","userAvatar":""}"#).nickname, "Bob");
        assert_eq!(names_in("Bob"), AnchorNames::default());
    }
}

//! Reads the fields of requests (contract minilvb-v2 §0, §2.1, §2.4, §3). An integer may also be a decimal text or a float
//! without a fraction, a text may also be a number, and is trimmed; `null` is the same as a missing field.

use std::borrow::Cow;

use relive_wire::{Integer, Object, Value};

use crate::code::Code;

/// The white space that is trimmed off.
const BLANK: [char; 5] = [' ', '\t', '\n', '\r', '\x0b'];

/// A request without fields of its own.
pub(crate) struct Empty;

impl TryFrom<&Object<'_>> for Empty {
    type Error = Code;

    fn try_from(_: &Object<'_>) -> Result<Self, Code> {
        Ok(Self)
    }
}

/// A text as sent; without the blanks at its ends it has at most `width` characters. `None`: missing.
pub(crate) fn untrimmed<'o>(
    object: &'o Object<'_>,
    name: &'static str,
    width: usize,
) -> Result<Option<Cow<'o, str>>, Code> {
    let Some(value) = object.present(name) else { return Ok(None) };
    match value.text_or_number() {
        Some(text) if !text.contains('\0') && is_within(trim(&text), width) => Ok(Some(text)),
        _ => Err(Code::InvalidParameter(name)),
    }
}

/// A trimmed text of at most `width` characters. `None`: missing.
pub(crate) fn text<'o>(
    object: &'o Object<'_>,
    name: &'static str,
    width: usize,
) -> Result<Option<Cow<'o, str>>, Code> {
    Ok(untrimmed(object, name, width)?.map(|text| match text {
        Cow::Borrowed(text) => Cow::Borrowed(trim(text)),
        number @ Cow::Owned(_) => number,
    }))
}

/// A trimmed text of at most `width` characters, neither missing nor empty.
pub(crate) fn required_text<'o>(
    object: &'o Object<'_>,
    name: &'static str,
    width: usize,
) -> Result<Cow<'o, str>, Code> {
    text(object, name, width)?.filter(|text| !text.is_empty()).ok_or(Code::InvalidParameter(name))
}

/// A trimmed text of at most `width` characters; empty if it is missing.
pub(crate) fn text_or_empty(object: &Object<'_>, name: &'static str, width: usize) -> Result<String, Code> {
    Ok(text(object, name, width)?.unwrap_or_default().into_owned())
}

/// An integer that must not be missing.
pub(crate) fn required_integer(object: &Object<'_>, name: &'static str) -> Result<i64, Code> {
    let value = object.present(name).and_then(|value| value.integer(Integer::Lenient));
    value.ok_or(Code::InvalidParameter(name))
}

/// A number of seconds or milliseconds, as a JSON number or a text: finite and not negative, a fraction is allowed.
/// `None`: missing.
pub(crate) fn time(object: &Object<'_>, name: &'static str) -> Result<Option<f64>, Code> {
    let Some(value) = object.present(name) else { return Ok(None) };
    let number = match value {
        #[expect(clippy::cast_precision_loss, reason = "times are far below 2^53")]
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Text(text) => trim(text).parse().ok(),
        _ => None,
    };
    let usable = number.filter(|number: &f64| number.is_finite() && *number >= 0.0);
    usable.map(Some).ok_or(Code::InvalidParameter(name))
}

/// Whether this dialect admits a user id: 4 to 24 of `A-Z a-z 0-9 _ -`, not only digits (contract minilvb-v2 §2.1).
///
/// ```
/// assert!(minilvb_v2::admits_user_id("ningmeng_07") && minilvb_v2::admits_user_id("a23456789012345678901234"));
/// assert!(!["abc", "1234", "a.bcd", "小直播间"].into_iter().any(minilvb_v2::admits_user_id));
/// ```
pub fn admits_user_id(id: &str) -> bool {
    (4..=24).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        && !id.bytes().all(|byte| byte.is_ascii_digit())
}

/// The user id; see [`admits_user_id`].
pub(crate) fn required_user_id<'o>(object: &'o Object<'_>) -> Result<Cow<'o, str>, Code> {
    required_text(object, "userid", 24)
        .ok()
        .filter(|id| admits_user_id(id))
        .ok_or(Code::InvalidParameter("userid"))
}

/// Removes the blanks at both ends.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(BLANK)
}

fn is_within(text: &str, width: usize) -> bool {
    text.len() <= width || text.chars().nth(width).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(json: &str, read: impl Fn(&Object<'_>) -> T) -> T {
        read(&Object::parse(json.as_bytes(), 64).unwrap())
    }

    #[test]
    fn texts_are_trimmed_and_counted_in_characters() {
        let read =
            |json: &str| with(json, |object| text(object, "a", 3).map(|text| text.map(Cow::into_owned)));
        assert_eq!(read(r#"{"a":" \t小直播\r\n"}"#), Ok(Some("小直播".to_owned())));
        assert_eq!(read(r#"{"a":""}"#), Ok(Some(String::new())));
        assert_eq!(read(r#"{"a":null}"#), Ok(None));
        assert_eq!(read("{}"), Ok(None));
        assert_eq!(read(r#"{"a":107}"#), Ok(Some("107".to_owned())));
        assert_eq!(read(r#"{"a":1.0}"#), Ok(Some("1".to_owned())));
        for bad in [
            r#"{"a":"小直播间"}"#,
            r#"{"a":1000}"#,
            r#"{"a":1e99}"#,
            r#"{"a":["x"]}"#,
            r#"{"a":"\u0000"}"#,
            r#"{"a":true}"#,
        ] {
            assert_eq!(read(bad), Err(Code::InvalidParameter("a")), "{bad}");
        }
    }

    #[test]
    fn times_are_numbers_in_any_spelling() {
        let read = |json: &str| with(json, |object| time(object, "t"));
        assert_eq!(read("{}"), Ok(None));
        assert_eq!(read(r#"{"t":null}"#), Ok(None));
        assert_eq!(read(r#"{"t":10}"#), Ok(Some(10.0)));
        assert_eq!(read(r#"{"t":"10"}"#), Ok(Some(10.0)));
        assert_eq!(read(r#"{"t":1767225600123.456}"#), Ok(Some(1_767_225_600_123.456)));
        assert_eq!(read(r#"{"t":"1767225600123.456"}"#), Ok(Some(1_767_225_600_123.456)));
        for bad in [r#""""#, r#""x""#, r#""NaN""#, r#""inf""#, "-1", r#""-1""#, "-0.5", "true", "[]", "{}"] {
            assert_eq!(read(&format!("{{\"t\":{bad}}}")), Err(Code::InvalidParameter("t")), "{bad}");
        }
    }

    #[test]
    fn user_ids_have_the_forms_that_either_app_accepts() {
        let read = |id: &str| {
            with(&format!("{{\"userid\":\"{id}\"}}"), |object| required_user_id(object).map(Cow::into_owned))
        };
        for good in ["abcd", "ningmeng_07", "1234-", "____", "A-b_9", "a23456789012345678901234"] {
            assert_eq!(read(good).as_deref(), Ok(good));
        }
        for bad in ["", "abc", "1234", "a234567890123456789012345", "ab.cd", "ab cd", "小直播间", "a@bc"]
        {
            assert_eq!(read(bad), Err(Code::InvalidParameter("userid")), "{bad}");
        }
    }
}

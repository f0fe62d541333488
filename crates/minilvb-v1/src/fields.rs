//! Reads the fields of requests: decides which JSON values are a text, a number or a missing field in this dialect.
//!
//! Lengths are in characters. The meaning of a value is left to the request types.
//!
//! Source: contract minilvb-v1 §3.3, §3.4.

use std::borrow::Cow;

use relive_core::{FileId, UserId, UserInfo, Window};
use relive_wire::{Integer, Object, Value};

use crate::code::{Fault, Refusal};

/// Deepest accepted nesting of a body, the outermost object included (contract minilvb-v1 §3.2).
pub(crate) const DEPTH: u8 = 64;
/// Longest user id.
const USER_ID: usize = 128;
/// Longest IM group id.
pub(crate) const GROUP_ID: usize = 128;
/// Longest file id; also the longest group id where a file id is possible.
pub(crate) const FILE_ID: usize = 255;
/// Longest title.
pub(crate) const TITLE: usize = 255;
/// Longest nickname.
pub(crate) const NICKNAME: usize = 128;
/// Longest location.
pub(crate) const LOCATION: usize = 255;
/// Longest URL.
pub(crate) const URL: usize = 1024;

/// Whether this dialect admits a user id: 1 to 128 characters, no U+0000, no white space at the ends, which it removes
/// (contract minilvb-v1 §3.4).
///
/// ```
/// assert!(minilvb_v1::admits_user_id("小直播 1"));
/// assert!(!["", " a", "a\0", &"a".repeat(129)].into_iter().any(minilvb_v1::admits_user_id));
/// ```
pub fn admits_user_id(id: &str) -> bool {
    !id.is_empty() && id.trim() == id && !id.contains('\0') && id.chars().count() <= USER_ID
}

/// The members of a request, or of an object inside a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(Option<&'a Object<'a>>);

impl<'a> Fields<'a> {
    pub(crate) const fn of(object: &'a Object<'a>) -> Self {
        Self(Some(object))
    }

    /// The value of the member of that name; `None` if the member is missing or `null`.
    pub(crate) fn get(self, name: &str) -> Option<&'a Value<'a>> {
        self.0?.present(name)
    }

    /// A text that must not be missing and not be white space only.
    pub(crate) fn required(self, name: &'static str, most: usize) -> Result<Cow<'a, str>, Refusal> {
        let text = self.present(name, most)?;
        if text.is_empty() { Err(Refusal::input(name, Fault::Empty)) } else { Ok(text) }
    }

    /// A user id that must not be missing.
    pub(crate) fn user_id(self, name: &'static str) -> Result<UserId, Refusal> {
        self.required(name, USER_ID).map(UserId::from)
    }

    /// A text that must not be missing, but may be empty.
    pub(crate) fn present(self, name: &'static str, most: usize) -> Result<Cow<'a, str>, Refusal> {
        let value = self.get(name).ok_or(Refusal::input(name, Fault::Missing))?;
        text(value, most).map_err(|fault| Refusal::input(name, fault))
    }

    /// A text; empty if it is missing.
    pub(crate) fn optional(self, name: &'static str, most: usize) -> Result<Cow<'a, str>, Refusal> {
        match self.get(name) {
            Some(value) => text(value, most).map_err(|fault| Refusal::input(name, fault)),
            None => Ok(Cow::Borrowed("")),
        }
    }

    /// A number that must not be missing: a JSON integer, also with a fraction of zeros, as untyped Gson maps send all numbers
    /// (contract minilvb-v1 §0), or a plain decimal string, that fits into `i32`.
    pub(crate) fn integer(self, name: &'static str) -> Result<i32, Refusal> {
        let value = self.get(name).ok_or(Refusal::input(name, Fault::Missing))?;
        let number = value.integer(Integer::Lenient).ok_or(Refusal::input(name, Fault::WrongType))?;
        i32::try_from(number).map_err(|_| Refusal::input(name, Fault::OutOfRange))
    }

    /// A number that must not be missing and not be negative.
    pub(crate) fn natural(self, name: &'static str) -> Result<u32, Refusal> {
        u32::try_from(self.integer(name)?).map_err(|_| Refusal::input(name, Fault::OutOfRange))
    }

    /// An object; empty if it is missing, or if it is `[]`, as PHP encodes an empty map.
    pub(crate) fn object(self, name: &'static str) -> Result<Self, Refusal> {
        match self.get(name) {
            None => Ok(Self(None)),
            Some(Value::List(items)) if items.is_empty() => Ok(Self(None)),
            Some(Value::Object(object)) => Ok(Self(Some(object))),
            Some(_) => Err(Refusal::input(name, Fault::WrongType)),
        }
    }

    /// Whether there are no members.
    pub(crate) fn is_empty(self) -> bool {
        self.0.is_none_or(Object::is_empty)
    }

    /// The window of `pageno` and `pagesize`. Pages count from 1, and 0 means 1. A size is at most 100, larger ones
    /// mean 100, and 0 means 10 (contract minilvb-v1 §4.4).
    pub(crate) fn page(self) -> Result<Window, Refusal> {
        let number = self.natural("pageno")?.max(1) - 1;
        let limit = match self.natural("pagesize")? {
            0 => 10,
            size => usize::try_from(size).unwrap_or(usize::MAX).min(100),
        };
        Ok(Window { offset: usize::try_from(number).unwrap_or(usize::MAX).saturating_mul(limit), limit })
    }

    /// `fileid` of a request about a file; a missing or empty one is refused as an undefined value.
    pub(crate) fn file_id(self) -> Result<FileId, Refusal> {
        let file_id = self.optional("fileid", FILE_ID)?;
        if file_id.is_empty() { Err(Refusal::value("fileid")) } else { Ok(file_id.into()) }
    }

    /// The members of a `userinfo`, each of which may be missing (seed 000 §1, seed 002 §1).
    pub(crate) fn user_info(self) -> Result<UserInfo, Refusal> {
        Ok(UserInfo {
            nickname: self.optional("nickname", NICKNAME)?.into_owned(),
            avatar: self.optional("headpic", URL)?.into_owned(),
            cover: self.optional("frontcover", URL)?.into_owned(),
            location: self.optional("location", LOCATION)?.into_owned(),
        })
    }
}

/// Trims a text. An integer becomes its decimal digits, because apps of third parties send numeric ids.
fn text<'a>(value: &'a Value<'a>, most: usize) -> Result<Cow<'a, str>, Fault> {
    let text = match value {
        Value::Text(text) => Cow::Borrowed(text.trim()),
        Value::Int(number) => Cow::Owned(number.to_string()),
        _ => return Err(Fault::WrongType),
    };
    if text.contains('\0') {
        return Err(Fault::WrongType);
    }
    // Counts characters only if there are more bytes than allowed characters.
    if text.len() > most && text.chars().count() > most {
        return Err(Fault::TooLong);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read<T>(body: &str, read: impl Fn(Fields<'_>) -> Result<T, Refusal>) -> Result<T, String> {
        let object = Object::parse(body.as_bytes(), 64).unwrap();
        read(Fields::of(&object)).map_err(|refusal| refusal.to_string())
    }

    fn text_of(json: &str) -> Result<String, String> {
        read(&format!("{{\"a\":{json}}}"), |fields| fields.required("a", 4).map(Cow::into_owned))
    }

    #[test]
    fn texts_are_trimmed_and_may_be_integers() {
        for (json, text) in [
            (r#"" a ""#, "a"),
            ("\"\\u3000a\\u00a0\"", "a"),
            ("12", "12"),
            ("-3", "-3"),
            ("\"0\"", "0"),
            ("0", "0"),
            ("\"早安早安\"", "早安早安"),
            ("\"a%'\\\\\"", "a%'\\"),
        ] {
            assert_eq!(text_of(json).as_deref(), Ok(text), "{json}");
        }
    }

    #[test]
    fn values_that_are_no_text_are_refused() {
        for (json, fault) in [
            ("null", "is missing"),
            ("\" \"", "is empty"),
            ("1.0", "has a wrong type"),
            ("true", "has a wrong type"),
            ("[]", "has a wrong type"),
            ("{}", "has a wrong type"),
            ("18446744073709551615", "has a wrong type"),
            ("\"a\\u0000\"", "has a wrong type"),
            ("\"abcde\"", "is too long"),
            ("12345", "is too long"),
        ] {
            assert_eq!(
                text_of(json),
                Err(format!("invalid param in json from client! | a {fault}")),
                "{json}"
            );
        }
    }

    #[test]
    fn integers_have_three_spellings_and_32_bits() {
        let integer = |json: &str| read(&format!("{{\"a\":{json}}}"), |fields| fields.integer("a"));
        for (json, number) in
            [("1", 1), ("1.0", 1), ("-3.00", -3), ("\"1\"", 1), ("\"-3\"", -3), ("2147483647", i32::MAX)]
        {
            assert_eq!(integer(json), Ok(number), "{json}");
        }
        for json in ["2147483648", "-2147483649", "\"2147483648\""] {
            assert!(integer(json).unwrap_err().ends_with("is out of range"), "{json}");
        }
        for json in ["1.5", "15e-1", "true", "\"\"", "\" 1\"", "\"+1\"", "\"1.0\"", "[]", "{}"] {
            assert!(integer(json).unwrap_err().ends_with("has a wrong type"), "{json}");
        }
    }

    #[test]
    fn pages_start_at_one_and_have_a_size() {
        let page = |number: &str, size: &str| {
            read(&format!("{{\"pageno\":{number},\"pagesize\":{size}}}"), |fields| {
                fields.page().map(|window| (window.offset, window.limit))
            })
        };
        assert_eq!(page("0", "0"), Ok((0, 10)));
        assert_eq!(page("1", "5"), Ok((0, 5)));
        assert_eq!(page("3", "\"20\""), Ok((40, 20)));
        assert_eq!(page("2", "101"), Ok((100, 100)));
        assert_eq!(page("2147483647", "100"), Ok((214_748_364_600, 100)));
        assert!(page("-1", "20").is_err());
        assert!(page("1", "-1").is_err());
    }

    proptest! {
        #[test]
        fn a_text_within_its_length_comes_back_trimmed(text in "\\PC{0,12}") {
            let json = serde_json::json!({ "a": text }).to_string();
            let expected = text.trim();
            let found = read(&json, |fields| fields.present("a", 8).map(Cow::into_owned));
            prop_assert_eq!(found.ok(), (expected.chars().count() <= 8).then(|| expected.to_owned()));
        }
    }
}

//! Reads the fields of requests (contract qplus §1.3), and checks those that several calls share.
//!
//! Member names match in any ASCII casing; the exact spelling takes precedence. A missing member, `null` and the zero
//! value (`""`, `0`) are the same. U+0000 and every wrong type are 10002. Lengths are in characters unless stated
//! otherwise.

use std::borrow::Cow;

use relive_core::Password;
use relive_wire::{Integer, Object, Value};

use crate::code::Code;

/// The input from which a handler decodes its request.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    /// The query, without `?`.
    pub(crate) query: &'a str,
    /// The body; an empty object for the one call without a body.
    pub(crate) body: Object<'a>,
}

impl Input<'_> {
    /// A text; empty if it is missing.
    pub(crate) fn text(&self, key: &str) -> Result<&str, Code> {
        match self.body.get_ignore_case(key) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::Text(text)) if !text.contains('\0') => Ok(text),
            Some(_) => Err(Code::Param),
        }
    }

    /// A text that clients may also send as a number (contract qplus §1.3, `keyword`).
    pub(crate) fn text_or_number(&self, key: &str) -> Result<Cow<'_, str>, Code> {
        match self.body.get_ignore_case(key) {
            Some(Value::Int(number)) => Ok(number.to_string().into()),
            _ => self.text(key).map(Cow::Borrowed),
        }
    }

    /// An integer, which may also be a decimal string; 0 if it is missing.
    pub(crate) fn integer(&self, key: &str) -> Result<i64, Code> {
        match self.body.get_ignore_case(key) {
            None | Some(Value::Null) => Ok(0),
            Some(value) => value.integer(Integer::Text).ok_or(Code::Param),
        }
    }

    /// The session id, in any form.
    pub(crate) fn session(&self) -> Result<&str, Code> {
        self.text("sessionId")
    }
}

/// Converts 1 and 0 to `true` and `false`. A missing field is 0.
pub(crate) fn flag(number: i64) -> Result<bool, Code> {
    match number {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Code::Param),
    }
}

/// Whether a text has more than `characters` characters.
pub(crate) fn longer(text: &str, characters: usize) -> bool {
    text.len() > characters && text.chars().nth(characters).is_some()
}

/// Checks a phone number: `1[3-9]`, then 5 to 9 digits (contract qplus §4.2).
pub(crate) fn phone(text: &str) -> Result<&str, Code> {
    let valid = matches!(text.as_bytes(), [b'1', b'3'..=b'9', rest @ ..]
        if (5..=9).contains(&rest.len()) && rest.iter().all(u8::is_ascii_digit));
    if valid { Ok(text) } else { Err(Code::Param) }
}

/// Checks a new password: 6 to 128 bytes.
pub(crate) fn new_password(text: &str) -> Result<Password, Code> {
    if (6..=128).contains(&text.len()) { Ok(Password::plain(text)) } else { Err(Code::Param) }
}

/// Checks an e-mail address: `[A-Za-z0-9_.+-]+@[A-Za-z0-9.-]+\.[A-Za-z0-9]{2,}`, at most 64 characters.
pub(crate) fn email(text: &str) -> Result<&str, Code> {
    let valid = |part: &str, extra: &[u8]| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || extra.contains(&byte))
    };
    let well_formed = text.len() <= 64
        && text.split_once('@').is_some_and(|(local, domain)| {
            valid(local, b"_.+-")
                && domain
                    .rsplit_once('.')
                    .is_some_and(|(head, last)| valid(head, b".-") && last.len() >= 2 && valid(last, b""))
        });
    if well_formed { Ok(text) } else { Err(Code::Param) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(body: &str) -> Input<'_> {
        let body = Object::parse(body.as_bytes(), 64).unwrap();
        Input { query: "", body }
    }

    #[test]
    fn the_exact_casing_takes_precedence_over_others() {
        let input = input(r#"{"NICKNAME":"a","nickName":"b","Sex":2}"#);
        assert_eq!(input.text("nickName"), Ok("b"));
        assert_eq!(input.text("nickname"), Ok("b"), "the last member");
        assert_eq!(input.integer("sex"), Ok(2));
    }

    #[test]
    fn missing_null_and_zero_are_the_same() {
        let input = input(r#"{"a":null,"b":"","c":0}"#);
        assert_eq!([input.text("a"), input.text("b"), input.text("z")], [Ok(""); 3]);
        assert_eq!([input.integer("a"), input.integer("c"), input.integer("z")], [Ok(0); 3]);
    }

    #[test]
    fn wrong_types_are_refused() {
        let input = input(
            r#"{"number":1,"float":1.0,"bool":true,"list":[],"object":{},"text":"x","digits":"12","nul":"a\u0000b"}"#,
        );
        for key in ["number", "float", "bool", "list", "object", "nul"] {
            assert_eq!(input.text(key), Err(Code::Param), "{key}");
        }
        for key in ["float", "bool", "list", "object", "text", "nul"] {
            assert_eq!(input.integer(key), Err(Code::Param), "{key}");
        }
        assert_eq!(input.integer("digits"), Ok(12));
        assert_eq!(input.text_or_number("number").as_deref(), Ok("1"));
        assert_eq!(input.text_or_number("float"), Err(Code::Param));
    }

    #[test]
    fn lengths_are_in_characters() {
        assert!(!longer("主播主播", 4) && longer("主播主播台", 4) && !longer("", 0) && longer("a", 0));
    }

    #[test]
    fn phones_have_their_form() {
        for good in ["1312345", "13512023289", "19900000000"] {
            assert_eq!(phone(good), Ok(good));
        }
        for bad in [
            "",
            "1",
            "13",
            "131234",
            "135120232890",
            "12512023289",
            "23512023289",
            "1351202328x",
            "１３５１２３４５",
        ] {
            assert_eq!(phone(bad), Err(Code::Param), "{bad}");
        }
    }

    #[test]
    fn emails_have_their_form() {
        let longest = format!("{}@b.cn", "a".repeat(59));
        for good in ["a@b.cn", "A_b.c-d+e@x-y.z.c0m", "example@qq.com", &longest] {
            assert_eq!(email(good), Ok(good));
        }
        let too_long = format!("{}@b.cn", "a".repeat(60));
        for bad in [
            "", "a", "a@b", "@b.cn", "a@.cn", "a@b.c", "a@b.c-", "a@b@c.cn", "a b@c.cn", "é@b.cn", "a@b.cn ",
            &too_long,
        ] {
            assert_eq!(email(bad), Err(Code::Param), "{bad}");
        }
    }

    #[test]
    fn lengths_of_passwords_are_in_bytes() {
        assert!(
            new_password("12345").is_err() && new_password("123456").is_ok() && new_password("密码").is_ok()
        );
        assert!(new_password(&"x".repeat(128)).is_ok() && new_password(&"x".repeat(129)).is_err());
    }
}

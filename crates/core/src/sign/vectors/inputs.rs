//! Reads the inputs of a vector: an input that is absent or of another type makes the vector malformed.

use serde_json::Value;

use super::mismatch::{Mismatch, malformed};
use crate::{
    Seconds, StreamCode, UnixSeconds,
    sign::{
        Key,
        url::{Address, HexCase, Protection},
    },
};

/// Members of a JSON object, by type.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a>(pub(super) &'a Value);

impl<'a> Inputs<'a> {
    pub(super) fn get<T>(self, name: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Result<T, Mismatch> {
        self.0.get(name).and_then(read).ok_or_else(|| malformed(name))
    }

    /// `None` for `null` and for an absent member.
    pub(super) fn optional<T>(
        self,
        name: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Mismatch> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.get(name, read).map(Some),
        }
    }

    pub(super) fn text(self, name: &str) -> Result<&'a str, Mismatch> {
        self.get(name, Value::as_str)
    }

    pub(super) fn key(self, name: &str) -> Result<Key<'a>, Mismatch> {
        self.text(name).map(Key)
    }

    pub(super) fn integer(self, name: &str) -> Result<i64, Mismatch> {
        self.get(name, Value::as_i64)
    }

    pub(super) fn time(self, name: &str) -> Result<UnixSeconds, Mismatch> {
        self.integer(name).map(UnixSeconds)
    }

    pub(super) fn length(self, name: &str) -> Result<Seconds, Mismatch> {
        self.integer(name).map(Seconds)
    }

    pub(super) fn random(self) -> Result<u32, Mismatch> {
        self.get("random", |value| value.as_u64()?.try_into().ok())
    }

    /// A string, or an integer converted to a string.
    pub(super) fn spelled(self, name: &str) -> Result<String, Mismatch> {
        self.get(name, spell)
    }

    /// The name-value pairs of an object.
    pub(super) fn members(self, name: &str) -> Result<Vec<(&'a str, &'a str)>, Mismatch> {
        let pair = |(name, value): (&'a String, &'a Value)| Some((name.as_str(), value.as_str()?));
        self.get(name, |value| value.as_object()?.iter().map(pair).collect())
    }

    /// A list of name-value pairs; values may be integers.
    pub(super) fn pairs(self, name: &str) -> Result<Vec<(&'a str, String)>, Mismatch> {
        let pair = |value: &'a Value| match value.as_array()?.as_slice() {
            [name, value] => Some((name.as_str()?, spell(value)?)),
            _ => None,
        };
        self.get(name, |value| value.as_array()?.iter().map(pair).collect())
    }

    pub(super) fn hex_case(self) -> Result<HexCase, Mismatch> {
        match self.text("hex_case")? {
            "upper" => Ok(HexCase::Upper),
            "lower" => Ok(HexCase::Lower),
            _ => Err(malformed("hex_case")),
        }
    }

    pub(super) fn stream(self) -> Result<StreamCode, Mismatch> {
        self.text("stream").map(StreamCode::from)
    }

    pub(super) fn address(self, stream: &'a StreamCode) -> Result<Address<'a>, Mismatch> {
        Ok(Address { host: self.text("domain")?, app: self.text("app")?, stream })
    }

    pub(super) fn protection(self) -> Result<Option<Protection<'a>>, Mismatch> {
        match self.optional("key", Value::as_str)? {
            None | Some("") => Ok(None),
            Some(key) => Ok(Some(Protection {
                key: Key(key),
                expires: self.time("expire_unix")?,
                case: self.hex_case()?,
            })),
        }
    }
}

fn spell(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn borrowed<'a>(pairs: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    pairs.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

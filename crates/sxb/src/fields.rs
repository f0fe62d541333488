//! Reads the fields of requests: decides which JSON values are accepted for a type, and limits the length of texts
//! (contract sxb §3.2, §3.3).

use std::ops::RangeInclusive;

use relive_core::{Role, RoomNumber, Window};
use relive_wire::{Integer, Object, Value};

use crate::code::{Code, Fault};

/// Longest stored text in bytes, if no source sets a limit.
pub(crate) const MAX_TEXT_BYTES: usize = 255;

/// The members of an object.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a Object<'a>);

impl<'a> Fields<'a> {
    fn required(self, name: &'static str) -> Result<&'a Value<'a>, Code> {
        self.0.present(name).ok_or(Code::Field(name, Fault::Missing))
    }

    /// A text that must not be missing, but may be empty.
    pub(crate) fn text(self, name: &'static str) -> Result<&'a str, Code> {
        text(name, self.required(name)?)
    }

    /// A text that must be neither missing nor empty.
    pub(crate) fn filled(self, name: &'static str) -> Result<&'a str, Code> {
        Some(self.text(name)?).filter(|text| !text.is_empty()).ok_or(Code::Field(name, Fault::Missing))
    }

    /// A text; `None` if it is missing. Another type is refused.
    pub(crate) fn optional_text(self, name: &'static str) -> Result<Option<&'a str>, Code> {
        self.0.present(name).map(|value| text(name, value)).transpose()
    }

    /// A text of at most `max_bytes` bytes; empty if it is missing or of another type.
    pub(crate) fn lenient_text(self, name: &'static str, max_bytes: usize) -> Result<String, Code> {
        match self.0.present(name) {
            Some(value @ Value::Text(_)) => short(name, text(name, value)?, max_bytes),
            _ => Ok(String::new()),
        }
    }

    /// A text of at most `max_bytes` bytes that must not be missing, but may be empty.
    pub(crate) fn short_text(self, name: &'static str, max_bytes: usize) -> Result<String, Code> {
        short(name, self.text(name)?, max_bytes)
    }

    /// A text of at most `max_bytes` bytes; empty if it is missing. Another type is refused.
    pub(crate) fn optional_short_text(self, name: &'static str, max_bytes: usize) -> Result<String, Code> {
        short(name, self.optional_text(name)?.unwrap_or_default(), max_bytes)
    }

    /// An integer that must not be missing.
    pub(crate) fn integer(self, name: &'static str) -> Result<i64, Code> {
        integer(name, self.required(name)?)
    }

    /// An integer; `None` if it is missing. Another type is refused.
    pub(crate) fn optional_integer(self, name: &'static str) -> Result<Option<i64>, Code> {
        self.0.present(name).map(|value| integer(name, value)).transpose()
    }

    /// An integer within a range; `values` describes the range in the error text.
    pub(crate) fn integer_in(
        self,
        name: &'static str,
        range: RangeInclusive<i64>,
        values: &'static str,
    ) -> Result<i64, Code> {
        let number = self.integer(name)?;
        if range.contains(&number) { Ok(number) } else { Err(Code::Field(name, Fault::OutOf(values))) }
    }

    /// An integer within a range; `None` if it is missing. `values` describes the range in the error text.
    pub(crate) fn optional_integer_in(
        self,
        name: &'static str,
        range: RangeInclusive<i64>,
        values: &'static str,
    ) -> Result<Option<i64>, Code> {
        let number = self.optional_integer(name)?;
        if number.is_none_or(|number| range.contains(&number)) {
            Ok(number)
        } else {
            Err(Code::Field(name, Fault::OutOf(values)))
        }
    }

    /// `true` or `false`; missing is `false`.
    pub(crate) fn flag(self, name: &'static str) -> Result<bool, Code> {
        match self.0.present(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(Code::Field(name, Fault::Not("a boolean"))),
        }
    }

    /// An object that must not be missing.
    pub(crate) fn object(self, name: &'static str) -> Result<Self, Code> {
        let object = self.required(name)?.object().ok_or(Code::Field(name, Fault::Not("an object")))?;
        Ok(Self(object))
    }

    /// An angle in degrees; `None` if it is missing or of another type.
    pub(crate) fn degrees(self, name: &str) -> Option<f64> {
        match self.0.get(name)? {
            #[expect(clippy::cast_precision_loss, reason = "an angle in degrees is far below 2^53")]
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// `roomnum`, any integer. The core checks whether a room has that number.
    pub(crate) fn room(self) -> Result<RoomNumber, Code> {
        self.integer("roomnum").map(RoomNumber)
    }

    /// `role`: 0 viewer, 1 host, 2 on mic (seed 003 §六).
    pub(crate) fn role(self) -> Result<Role, Code> {
        Ok(match self.integer_in("role", 0..=2, "0, 1 or 2")? {
            1 => Role::Host,
            2 => Role::OnMic,
            _ => Role::Viewer,
        })
    }

    /// `index`, an offset from 0, and `size` up to 50.
    pub(crate) fn window(self) -> Result<Window, Code> {
        let offset = self.index()?;
        Ok(Window { offset, limit: self.size(50, "0..50")? })
    }

    /// `index`, 0 or more.
    pub(crate) fn index(self) -> Result<usize, Code> {
        let index = self.integer_in("index", 0..=i64::MAX, "0 or more")?;
        Ok(usize::try_from(index).unwrap_or(usize::MAX))
    }

    /// `size`, 0 to `max`.
    pub(crate) fn size(self, max: i64, values: &'static str) -> Result<usize, Code> {
        let size = self.integer_in("size", 0..=max, values)?;
        Ok(usize::try_from(size).unwrap_or(0))
    }
}

fn text<'a>(name: &'static str, value: &'a Value<'_>) -> Result<&'a str, Code> {
    let text = value.text().ok_or(Code::Field(name, Fault::Not("a string")))?;
    if text.contains('\0') { Err(Code::Field(name, Fault::BadText)) } else { Ok(text) }
}

/// Reads an integer, which may also be a decimal string, as some clients send it, or a float without a fraction.
fn integer(name: &'static str, value: &Value<'_>) -> Result<i64, Code> {
    value.integer(Integer::Lenient).ok_or(Code::Field(name, Fault::Not("an integer")))
}

/// Refuses a text of more than `max_bytes` bytes.
fn short(name: &'static str, text: &str, max_bytes: usize) -> Result<String, Code> {
    if text.len() <= max_bytes { Ok(text.to_owned()) } else { Err(Code::Field(name, Fault::TooLong)) }
}

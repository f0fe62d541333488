//! How this protocol reads its fields: which types pass for which, how long a text may be, what an error says (contract
//! sxb §3.2, §3.3).

use std::ops::RangeInclusive;

use relive_core::{Role, RoomNumber, Window};
use relive_wire::{Integer, Object, Value};

use crate::code::{Code, Fault};

/// Bytes of a text that is kept where no source says how long it may be.
pub(crate) const LONG: usize = 255;

/// The members of an object.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a Object<'a>);

impl<'a> Fields<'a> {
    fn required(self, name: &'static str) -> Result<&'a Value<'a>, Code> {
        self.0.present(name).ok_or(Code::Field(name, Fault::Missing))
    }

    /// A text, maybe empty.
    pub(crate) fn text(self, name: &'static str) -> Result<&'a str, Code> {
        text(name, self.required(name)?)
    }

    /// A text, not empty.
    pub(crate) fn filled(self, name: &'static str) -> Result<&'a str, Code> {
        Some(self.text(name)?).filter(|text| !text.is_empty()).ok_or(Code::Field(name, Fault::Missing))
    }

    /// A text that may be missing, but not of another type.
    pub(crate) fn optional_text(self, name: &'static str) -> Result<Option<&'a str>, Code> {
        self.0.present(name).map(|value| text(name, value)).transpose()
    }

    /// A text that is empty if it is missing or of another type, and of so many bytes at most.
    pub(crate) fn lenient_text(self, name: &'static str, most: usize) -> Result<String, Code> {
        match self.0.present(name) {
            Some(value @ Value::Text(_)) => short(name, text(name, value)?, most),
            _ => Ok(String::new()),
        }
    }

    /// A text, maybe empty, of at most `most` bytes.
    pub(crate) fn short_text(self, name: &'static str, most: usize) -> Result<String, Code> {
        short(name, self.text(name)?, most)
    }

    /// A text of at most `most` bytes, empty if it is missing; another type is an error.
    pub(crate) fn optional_short_text(self, name: &'static str, most: usize) -> Result<String, Code> {
        short(name, self.optional_text(name)?.unwrap_or_default(), most)
    }

    /// An integer.
    pub(crate) fn integer(self, name: &'static str) -> Result<i64, Code> {
        integer(name, self.required(name)?)
    }

    /// An integer that may be missing, but not of another type.
    pub(crate) fn optional_integer(self, name: &'static str) -> Result<Option<i64>, Code> {
        self.0.present(name).map(|value| integer(name, value)).transpose()
    }

    /// An integer of a range; `values` says in words which one.
    pub(crate) fn integer_in(
        self,
        name: &'static str,
        range: RangeInclusive<i64>,
        values: &'static str,
    ) -> Result<i64, Code> {
        let number = self.integer(name)?;
        if range.contains(&number) { Ok(number) } else { Err(Code::Field(name, Fault::OutOf(values))) }
    }

    /// `true` or `false`; missing is `false`.
    pub(crate) fn flag(self, name: &'static str) -> Result<bool, Code> {
        match self.0.present(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(Code::Field(name, Fault::Not("a boolean"))),
        }
    }

    /// An object.
    pub(crate) fn object(self, name: &'static str) -> Result<Self, Code> {
        let object = self.required(name)?.object().ok_or(Code::Field(name, Fault::Not("an object")))?;
        Ok(Self(object))
    }

    /// A number of degrees, if there is one.
    pub(crate) fn degrees(self, name: &str) -> Option<f64> {
        match self.0.get(name)? {
            #[expect(clippy::cast_precision_loss, reason = "no place on earth has that many degrees")]
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// `roomnum`. Any integer will do; whether it is a room's is the domain's business.
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

    /// `size`, 0 to `most`.
    pub(crate) fn size(self, most: i64, values: &'static str) -> Result<usize, Code> {
        let size = self.integer_in("size", 0..=most, values)?;
        Ok(usize::try_from(size).unwrap_or(0))
    }
}

fn text<'a>(name: &'static str, value: &'a Value<'_>) -> Result<&'a str, Code> {
    let text = value.text().ok_or(Code::Field(name, Fault::Not("a string")))?;
    if text.contains('\0') { Err(Code::Field(name, Fault::BadText)) } else { Ok(text) }
}

/// Every integer may come as a decimal string, as some clients send some of them, or with a zero fraction.
fn integer(name: &'static str, value: &Value<'_>) -> Result<i64, Code> {
    value.integer(Integer::Lenient).ok_or(Code::Field(name, Fault::Not("an integer")))
}

/// A text of so many bytes at most.
fn short(name: &'static str, text: &str, most: usize) -> Result<String, Code> {
    if text.len() <= most { Ok(text.to_owned()) } else { Err(Code::Field(name, Fault::TooLong)) }
}

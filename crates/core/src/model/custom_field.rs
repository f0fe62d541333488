//! Custom fields: numbers and texts that clients keep with a broadcast (contract roomservice §4.13).

use serde::{Deserialize, Serialize};

use super::counter::LARGEST_COUNT;
use crate::{Error, Result};

/// Largest number of custom fields of a broadcast.
const MOST_FIELDS: usize = 32;
/// Largest number of custom fields of a broadcast that its anchors have not made.
const MOST_FIELDS_OF_OTHERS: usize = 16;
/// Largest number of bytes of all custom fields as a JSON object, without the likes.
const MOST_BYTES: usize = 4_096 - LIKES_BYTES;
/// Largest number of bytes of the fields that the anchors have not made.
const MOST_BYTES_OF_OTHERS: usize = 2_048;
/// Largest number of bytes of the likes, which stand in the same object: `"praise":2147483647,`.
const LIKES_BYTES: usize = 20;

/// The value of a custom field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// A number within ±(2^31-1).
    Number(i64),
    /// A text.
    Text(String),
}

/// A change of a custom field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldChange {
    /// Adds to a number; a field that does not exist starts at 0, and the sum stops at ±(2^31-1).
    Add(i64),
    /// Replaces the value; only for anchors of the room.
    Set(FieldValue),
}

/// A custom field as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Field {
    name: String,
    value: FieldValue,
    /// Whether an anchor of the room has made the field.
    by_anchor: bool,
}

/// The custom fields of a broadcast, in the order of their creation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomFields(Vec<Field>);

impl CustomFields {
    /// The names and values, in the order of creation.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &FieldValue)> {
        self.0.iter().map(|field| (field.name.as_str(), &field.value))
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// From the column of the table; a text that no gateway writes stands for no fields.
    pub(crate) fn from_column(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// For the column of the table.
    pub(crate) fn to_column(&self) -> Option<String> {
        serde_json::to_string(self).ok().filter(|_| !self.is_empty())
    }

    /// Applies a change to a field, which is created if it does not exist.
    ///
    /// Errors: [`Error::FieldRefused`] if a number is added to a text, or if there would be too many fields or bytes.
    pub(crate) fn apply(&mut self, name: &str, change: FieldChange, by_anchor: bool) -> Result<()> {
        let known = self.0.iter_mut().find(|field| field.name == name);
        let before = match &known {
            Some(Field { value: FieldValue::Number(number), .. }) => *number,
            Some(_) if matches!(change, FieldChange::Add(_)) => return Err(Error::FieldRefused),
            Some(_) | None => 0,
        };
        let value = match change {
            FieldChange::Add(step) => {
                FieldValue::Number(before.saturating_add(step).clamp(-LARGEST_COUNT, LARGEST_COUNT))
            }
            FieldChange::Set(value) => value,
        };
        match known {
            Some(field) => field.value = value,
            None => self.0.push(Field { name: name.to_owned(), value, by_anchor }),
        }
        let of_others = || self.0.iter().filter(|field| !field.by_anchor);
        if self.0.len() > MOST_FIELDS
            || of_others().count() > MOST_FIELDS_OF_OTHERS
            || bytes(self.0.iter()) > MOST_BYTES
            || bytes(of_others()) > MOST_BYTES_OF_OTHERS
        {
            return Err(Error::FieldRefused);
        }
        Ok(())
    }
}

/// Length of some fields as a JSON object.
fn bytes<'a>(fields: impl Iterator<Item = &'a Field>) -> usize {
    let json =
        |value: &dyn Fn() -> serde_json::Result<String>| value().map_or(usize::MAX / 4, |text| text.len());
    let field = |field: &Field| {
        json(&|| serde_json::to_string(&field.name)) + json(&|| serde_json::to_string(&field.value)) + 2
    };
    fields.map(field).fold(1, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: usize) -> FieldChange {
        FieldChange::Set(FieldValue::Text("x".repeat(length)))
    }

    #[test]
    fn numbers_are_added_from_zero_and_stop_at_the_ends() {
        let mut fields = CustomFields::default();
        fields.apply("a", FieldChange::Add(-3), false).unwrap();
        fields.apply("a", FieldChange::Add(1), true).unwrap();
        fields.apply("b", FieldChange::Set(FieldValue::Number(LARGEST_COUNT)), true).unwrap();
        fields.apply("b", FieldChange::Add(1_000), false).unwrap();
        let shown: Vec<_> = fields.iter().collect();
        assert_eq!(shown, [("a", &FieldValue::Number(-2)), ("b", &FieldValue::Number(LARGEST_COUNT))]);
        fields.apply("a", text(3), true).unwrap();
        assert!(matches!(fields.apply("a", FieldChange::Add(1), true), Err(Error::FieldRefused)));
        assert_eq!(CustomFields::from_column(fields.to_column().as_deref()), fields);
        assert_eq!(
            (CustomFields::default().to_column(), CustomFields::from_column(Some("x"))),
            (None, CustomFields::default())
        );
    }

    #[test]
    fn the_number_and_the_length_of_fields_are_bounded() {
        let mut fields = CustomFields::default();
        let mut make = |range: std::ops::Range<usize>, by_anchor| {
            range.map(|at| fields.clone_and_apply(at, by_anchor)).filter(|made| *made).count()
        };
        assert_eq!(make(0..20, false), 16);
        assert_eq!(make(20..60, true), 16);
        let mut fields = CustomFields::default();
        for at in 0..15 {
            fields.apply(&format!("f{at:02}"), text(256), true).unwrap();
        }
        // Each field has 3 + 2 bytes of name, 256 + 2 of value, a colon and a comma: 15 of them and a brace have 3976 bytes.
        assert!(fields.clone().apply("f15", text(91), true).is_ok());
        assert!(fields.apply("f15", text(92), true).is_err());
    }

    #[test]
    fn viewers_leave_room_for_the_fields_of_anchors() {
        let mut fields = CustomFields::default();
        let name = |at: u8| format!("{}{at:x}", "\u{1}".repeat(63));
        for at in 0..5 {
            fields.apply(&name(at), FieldChange::Add(1), false).unwrap();
        }
        let sixth = fields.clone().apply(&name(5), FieldChange::Add(1), false);
        assert!(matches!(sixth, Err(Error::FieldRefused)), "each of them has 384 bytes");
        for at in 0..7 {
            fields.apply(&format!("{at}"), text(256), true).unwrap();
        }
    }

    impl CustomFields {
        /// Applies a change if it is possible.
        fn clone_and_apply(&mut self, at: usize, by_anchor: bool) -> bool {
            let mut changed = self.clone();
            let made = changed.apply(&at.to_string(), FieldChange::Add(1), by_anchor).is_ok();
            if made {
                *self = changed;
            }
            made
        }
    }
}

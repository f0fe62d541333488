//! Reads JSON objects as leniently as the original servers did, without copying texts.

use std::{borrow::Cow, cell::Cell, fmt};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// The reason why a body is not a JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonError {
    /// Zero bytes, or white space only.
    Empty,
    /// Not JSON, not UTF-8, nested deeper than allowed, or of more values or members than any client sends.
    Malformed,
    /// The literal `null`.
    Null,
    /// JSON, but neither an object nor `null`.
    NotAnObject,
}

/// A JSON value; a text borrows from the body unless it contains an escape.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction and exponent that fits into `i64`.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string with its escapes decoded.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Value<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// The spellings of an integer that a dialect takes beside a JSON integer; see [`Value::integer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integer {
    /// `"12"`, `"-3"`: a string that is a plain decimal integer.
    Text,
    /// Such a string, or `1.0`, `1e2`: a float without a fraction.
    Lenient,
}

/// 2^53: above it, neighbouring integers are the same float.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl<'a> Value<'a> {
    /// The text of a JSON string; `None` for every other type.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a JSON string, or a number as decimal text; `None` for every other type, and for a number so large that
    /// it is not known exactly.
    ///
    /// ```
    /// use relive_wire::Value;
    /// assert_eq!(Value::Text("a".into()).text_or_number().as_deref(), Some("a"));
    /// assert_eq!(Value::Int(-7).text_or_number().as_deref(), Some("-7"));
    /// assert_eq!(Value::Float(1.0).text_or_number().as_deref(), Some("1"));
    /// assert_eq!(Value::Float(1.5).text_or_number().as_deref(), Some("1.5"));
    /// assert_eq!(Value::Float(1e300).text_or_number(), None);
    /// assert_eq!(Value::Bool(true).text_or_number(), None);
    /// ```
    pub fn text_or_number(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Int(number) => Some(number.to_string().into()),
            Self::Float(number) if number.abs() <= EXACT => Some(number.to_string().into()),
            _ => None,
        }
    }

    /// The object; `None` for every other type.
    pub fn object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The integer in one of the allowed spellings; `None` for everything else.
    ///
    /// ```
    /// use relive_wire::{Integer, Value};
    /// assert_eq!(Value::Int(7).integer(Integer::Text), Some(7));
    /// assert_eq!(Value::Text("-7".into()).integer(Integer::Text), Some(-7));
    /// assert_eq!(Value::Float(7.0).integer(Integer::Text), None);
    /// assert_eq!(Value::Float(7.0).integer(Integer::Lenient), Some(7));
    /// assert_eq!(Value::Float(7.5).integer(Integer::Lenient), None);
    /// assert_eq!(Value::Text("7.0".into()).integer(Integer::Lenient), None);
    /// ```
    pub fn integer(&self, spelling: Integer) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            #[expect(clippy::cast_possible_truncation, reason = "checked: no fraction and within ±2^53")]
            Self::Float(number)
                if spelling == Integer::Lenient && number.fract() == 0.0 && number.abs() <= EXACT =>
            {
                Some(*number as i64)
            }
            Self::Text(text) => decimal(text),
            _ => None,
        }
    }
}

/// Parses `-?[0-9]+` within `i64`. `str::parse` alone would also accept a leading `+`.
fn decimal(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// A JSON object: its members in their order, duplicate keys included; a look-up finds the last member of a key.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Object<'a> {
    /// Parses a body in UTF-8. A leading byte order mark and surrounding white space are skipped. The outermost object
    /// has depth 1; a body with deeper nesting than `max_depth` is malformed, and so is one with more than 4,096 values or
    /// 1,024 members in all, because each of them takes many times the memory of its text.
    ///
    /// ```
    /// use relive_wire::{JsonError, Object};
    /// let body = "\u{feff} {\"a\":1,\"a\":\"x\\/y\"}".as_bytes();
    /// assert_eq!(Object::parse(body, 12).unwrap().get("a").unwrap().text(), Some("x/y"));
    /// assert_eq!(Object::parse(b"", 12), Err(JsonError::Empty));
    /// assert_eq!(Object::parse(b"{\"a\":", 12), Err(JsonError::Malformed));
    /// assert_eq!(Object::parse(b"[1]", 12), Err(JsonError::NotAnObject));
    /// assert_eq!(Object::parse(b"{\"a\":[[]]}", 2), Err(JsonError::Malformed));
    /// ```
    pub fn parse(body: &'a [u8], max_depth: u8) -> Result<Self, JsonError> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        // Validate UTF-8 once: from a `str` the deserializer borrows texts without validating each of them.
        let text = std::str::from_utf8(body).map_err(|_| JsonError::Malformed)?;
        if text.bytes().all(|byte| byte.is_ascii_whitespace()) {
            return Err(JsonError::Empty);
        }
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let budget = Budget { values: Cell::new(MOST_VALUES), members: Cell::new(MOST_MEMBERS) };
        let root = Node { levels: max_depth, budget: &budget };
        let value = root.deserialize(&mut deserializer).map_err(|_| JsonError::Malformed)?;
        deserializer.end().map_err(|_| JsonError::Malformed)?;
        match value {
            Value::Object(object) => Ok(object),
            Value::Null => Err(JsonError::Null),
            _ => Err(JsonError::NotAnObject),
        }
    }

    /// The value of the last member of that name, `null` included.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Like [`Object::get`], but `None` also if the value is `null`.
    pub fn present(&self, key: &str) -> Option<&Value<'a>> {
        self.get(key).filter(|value| **value != Value::Null)
    }

    /// The value of the member of that name, ASCII case ignored. The exact spelling takes precedence over other
    /// casings; of those, the last member is used.
    pub fn get_ignore_case(&self, key: &str) -> Option<&Value<'a>> {
        self.get(key).or_else(|| {
            self.0.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
        })
    }

    /// Whether the object has no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Members in their order, such as the pairs of a form.
impl<'a> FromIterator<(Cow<'a, str>, Value<'a>)> for Object<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, Value<'a>)>>(members: I) -> Self {
        Self(members.into_iter().collect())
    }
}

/// Largest number of values in a body, the outermost one included.
const MOST_VALUES: u32 = 4_096;
/// Largest number of members in all objects of a body.
const MOST_MEMBERS: u32 = 1_024;

/// How many values and members a body may still have.
struct Budget {
    values: Cell<u32>,
    members: Cell<u32>,
}

fn spend<E: de::Error>(left: &Cell<u32>) -> Result<(), E> {
    left.set(left.get().checked_sub(1).ok_or_else(|| E::custom("too many values"))?);
    Ok(())
}

/// A value that is about to be read.
#[derive(Clone, Copy)]
struct Node<'b> {
    /// How many levels of nesting are left below the value.
    levels: u8,
    budget: &'b Budget,
}

impl Node<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1).ok_or_else(|| E::custom("nested too deeply"))?;
        Ok(Self { levels, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        spend(&self.budget.values)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        #[expect(clippy::cast_precision_loss, reason = "beyond 63 bits no field needs the exact number")]
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Value::Float(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value<'de>, A::Error> {
        let deeper = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(deeper)? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value<'de>, A::Error> {
        let deeper = self.deeper()?;
        let mut object = Vec::new();
        while let Some(key) = members.next_key_seed(Key)? {
            spend(&self.budget.members)?;
            object.push((key, members.next_value_seed(deeper)?));
        }
        Ok(Value::Object(Object(object)))
    }
}

/// Deserializes a member name, borrowed if it contains no escape.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member name")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_duplicate_and_the_exact_casing_take_precedence() {
        let object = Object::parse(br#"{"A":1,"a":2,"A":3,"aB":4}"#, 12).unwrap();
        assert_eq!(object.get("A"), Some(&Value::Int(3)));
        assert_eq!(object.get_ignore_case("a"), Some(&Value::Int(2)));
        assert_eq!(object.get_ignore_case("AB"), Some(&Value::Int(4)));
        assert_eq!(object.get("b"), None);
    }

    #[test]
    fn depth_counts_arrays_and_objects() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert!(Object::parse(nested(12).as_bytes(), 12).is_ok());
        assert_eq!(Object::parse(nested(13).as_bytes(), 12), Err(JsonError::Malformed));
        assert_eq!(Object::parse(nested(5000).as_bytes(), 64), Err(JsonError::Malformed));
    }

    #[test]
    fn values_and_members_of_a_body_are_limited() {
        let list = |items: usize| format!("{{\"a\":[{}]}}", vec!["0"; items].join(","));
        assert!(Object::parse(list(4_094).as_bytes(), 12).is_ok());
        assert_eq!(Object::parse(list(4_095).as_bytes(), 12), Err(JsonError::Malformed));
        let nested = |objects: usize| format!("{{\"a\":[{}]}}", vec!["{\"\":1}"; objects].join(","));
        assert!(Object::parse(nested(1_023).as_bytes(), 12).is_ok());
        assert_eq!(Object::parse(nested(1_024).as_bytes(), 12), Err(JsonError::Malformed));
        let flat = |members: usize| format!("{{{}}}", vec!["\"\":1"; members].join(","));
        assert!(Object::parse(flat(1_024).as_bytes(), 12).is_ok());
        assert_eq!(Object::parse(flat(1_025).as_bytes(), 12), Err(JsonError::Malformed));
    }

    #[test]
    fn integers_and_floats_are_told_apart() {
        let object =
            Object::parse(br#"{"i":9223372036854775807,"u":9223372036854775808,"f":1.0,"e":1e400}"#, 2);
        assert_eq!(object, Err(JsonError::Malformed), "an infinite number is no JSON number");
        let object =
            Object::parse(br#"{"i":9223372036854775807,"u":9223372036854775808,"f":1.0}"#, 2).unwrap();
        assert_eq!(object.get("i"), Some(&Value::Int(i64::MAX)));
        assert_eq!(object.get("u").and_then(|value| value.integer(Integer::Lenient)), None);
        assert_eq!(object.get("f").and_then(|value| value.integer(Integer::Text)), None);
        for text in ["", "-", "+1", " 1", "1 ", "1e2", "0x1", "99999999999999999999"] {
            assert_eq!(Value::Text(text.into()).integer(Integer::Lenient), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_the_parser_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Object::parse(&body, 12);
        }

        #[test]
        fn an_object_written_by_serde_json_is_read_back(text in ".*", number in any::<i64>(), key in "[a-z]{1,8}") {
            let body = serde_json::json!({ &key: [text.clone(), number] }).to_string();
            let object = Object::parse(body.as_bytes(), 12).unwrap();
            let expected = Value::List(vec![Value::Text(text.into()), Value::Int(number)]);
            prop_assert_eq!(object.get(&key), Some(&expected));
        }
    }
}

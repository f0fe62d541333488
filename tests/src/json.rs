//! Changes parts of a JSON text and keeps the rest as it is written.

use std::fmt::{self, Display, Formatter};

use anyhow::{Context as _, Result};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

/// The members of a JSON object in the order of the text, duplicates included.
#[derive(Debug)]
pub(crate) struct Members<V>(pub(crate) Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Members<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<V>(Vec<(String, V)>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Reader<V> {
            type Value = Members<V>;

            fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Members<V>, A::Error> {
                while let Some(member) = map.next_entry()? {
                    self.0.push(member);
                }
                Ok(Members(self.0))
            }
        }

        deserializer.deserialize_map(Reader(Vec::new()))
    }
}

/// Tracks which characters of a JSON text belong to a string.
#[derive(Debug, Default)]
struct Strings {
    open: bool,
    escaped: bool,
}

impl Strings {
    /// Tells whether the next character belongs to a string, quotes included.
    fn holds(&mut self, next: char) -> bool {
        let before = self.open;
        if next == '"' && !self.escaped {
            self.open = !self.open;
        }
        self.escaped = self.open && next == '\\' && !self.escaped;
        before || self.open
    }
}

/// Removes the white space between the tokens of a JSON text.
pub(crate) fn compact(json: &str) -> String {
    let mut strings = Strings::default();
    json.chars().filter(|&next| strings.holds(next) || !next.is_ascii_whitespace()).collect()
}

/// Writes a JSON text on one line with a space behind each comma and colon; `padded`: also inside braces.
pub(crate) fn spaced(json: &str, padded: bool) -> String {
    let mut strings = Strings::default();
    let mut line = String::new();
    let mut opened = false;
    for next in compact(json).chars() {
        let token = !strings.holds(next);
        let closes = token && next == '}';
        if padded && opened != closes {
            line.push(' ');
        }
        line.push(next);
        if token && matches!(next, ',' | ':') {
            line.push(' ');
        }
        opened = token && next == '{';
    }
    line
}

/// The text of a JSON object or list, cut into its items and the text around them.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The bracket, with the white space behind it.
    open: String,
    items: Vec<Item>,
    /// The white space before the closing bracket, and the bracket.
    close: String,
    /// The separator before an inserted item.
    separator: String,
}

#[derive(Debug)]
struct Item {
    /// The comma before the item with the white space behind it; none for the first item and for inserted ones.
    before: Option<String>,
    /// The name of a member; none for an element of a list.
    name: Option<String>,
    /// The text of a member's name with the colon.
    label: String,
    value: String,
}

impl Parts {
    /// Cuts the text of an object or a list.
    ///
    /// # Errors
    /// If the text is neither.
    pub(crate) fn of(json: &str) -> Result<Self> {
        let values: Vec<(Option<String>, &RawValue)> = if json.starts_with('[') {
            let elements: Vec<&RawValue> = serde_json::from_str(json)?;
            elements.into_iter().map(|value| (None, value)).collect()
        } else {
            let members: Members<&RawValue> = serde_json::from_str(json)?;
            members.0.into_iter().map(|(name, value)| (Some(name), value)).collect()
        };
        let mut parts =
            Self { open: String::new(), items: Vec::new(), close: String::new(), separator: String::new() };
        let mut end = 0;
        for (name, value) in values {
            let value = value.get();
            let start = value.as_ptr().addr() - json.as_ptr().addr();
            let between = json.get(end..start).context("a value overlaps the one before")?;
            let (before, label) = between.split_at(between.find('"').unwrap_or(between.len()));
            let before = if end == 0 {
                before.clone_into(&mut parts.open);
                None
            } else {
                Some(before.to_owned())
            };
            parts.items.push(Item { before, name, label: label.to_owned(), value: value.to_owned() });
            end = start + value.len();
        }
        let rest = json.get(end..).context("the last value is too long")?;
        if parts.items.is_empty() {
            let (open, close) = rest.split_at(1);
            open.clone_into(&mut parts.open);
            close.clone_into(&mut parts.close);
        } else {
            rest.clone_into(&mut parts.close);
        }
        let white_space = parts.open.get(1..).unwrap_or_default();
        parts.separator = match parts.items.iter().find_map(|item| item.before.clone()) {
            Some(before) => before,
            None if white_space.contains('\n') => format!(",{white_space}"),
            None => ", ".to_owned(),
        };
        Ok(parts)
    }

    /// The names of the members, in their order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.items.iter().filter_map(|item| item.name.clone()).collect()
    }

    /// The number of items.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// The index of a member.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.items.iter().position(|item| item.name.as_deref() == Some(name))
    }

    /// The text of the value at an index.
    pub(crate) fn value(&self, at: usize) -> Option<&str> {
        self.items.get(at).map(|item| item.value.as_str())
    }

    /// The text of a member's value.
    pub(crate) fn member(&self, name: &str) -> Option<&str> {
        self.position(name).and_then(|at| self.value(at))
    }

    /// Replaces the value at an index.
    pub(crate) fn replace(&mut self, at: usize, value: String) {
        if let Some(item) = self.items.get_mut(at) {
            item.value = value;
        }
    }

    /// Inserts an element, or a member with a name, before the item at an index.
    pub(crate) fn insert(&mut self, at: usize, name: Option<&str>, value: String) {
        let label = name.map_or_else(String::new, |name| format!("{}: ", Value::from(name)));
        let item = Item { before: None, name: name.map(str::to_owned), label, value };
        self.items.insert(at.min(self.items.len()), item);
    }

    /// Removes the item at an index.
    pub(crate) fn remove(&mut self, at: usize) {
        if at < self.items.len() {
            self.items.remove(at);
        }
    }
}

impl Display for Parts {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.items.is_empty() {
            return write!(formatter, "{}{}", self.open.trim_end(), self.close.trim_start());
        }
        formatter.write_str(&self.open)?;
        for (at, item) in self.items.iter().enumerate() {
            if at > 0 {
                formatter.write_str(item.before.as_ref().unwrap_or(&self.separator))?;
            }
            write!(formatter, "{}{}", item.label, item.value)?;
        }
        formatter.write_str(&self.close)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_inside_strings_is_kept() {
        let text = "{ \"a b\" : [ 1 , \"x, \\\" : y\" ],\n  \"c\": { } }";
        assert_eq!(compact(text), r#"{"a b":[1,"x, \" : y"],"c":{}}"#);
        assert_eq!(spaced(text, false), r#"{"a b": [1, "x, \" : y"], "c": {}}"#);
        assert_eq!(spaced(text, true), r#"{ "a b": [1, "x, \" : y"], "c": {} }"#);
        assert_eq!(spaced(r#"{"a":{"b":"{"}}"#, true), r#"{ "a": { "b": "{" } }"#);
    }

    #[test]
    fn parts_put_together_are_the_text_they_were_cut_from() {
        for text in [
            "{}",
            "[]",
            r#"{ "a1": 1,"b" : [1,  2] }"#,
            "[\n  1,\n  \"\\\"\",   {}\n]",
            r#"{"a": 1, "a": 2}"#,
        ] {
            assert_eq!(Parts::of(text).unwrap().to_string(), text);
        }
        assert!(Parts::of("1").is_err());
    }

    #[test]
    fn an_inserted_item_is_separated_like_its_neighbours() {
        let inserted = |text: &str, at| {
            let mut parts = Parts::of(text).unwrap();
            parts.insert(at, Some("n"), "0".to_owned());
            parts.to_string()
        };
        assert_eq!(inserted("{}", 0), r#"{"n": 0}"#);
        assert_eq!(inserted(r#"{ "a": 1 }"#, 0), r#"{ "n": 0, "a": 1 }"#);
        assert_eq!(inserted("{\n  \"a\": 1\n}", 1), "{\n  \"a\": 1,\n  \"n\": 0\n}");
        assert_eq!(inserted(r#"{"a":1,"b":2}"#, 1), r#"{"a":1,"n": 0,"b":2}"#);
    }

    #[test]
    fn a_removed_item_takes_its_separator_with_it() {
        let removed = |text: &str, at| {
            let mut parts = Parts::of(text).unwrap();
            parts.remove(at);
            parts.to_string()
        };
        assert_eq!(removed("[\n  1,\n  2,\n  3\n]", 0), "[\n  2,\n  3\n]");
        assert_eq!(removed("[\n  1,\n  2,\n  3\n]", 2), "[\n  1,\n  2\n]");
        assert_eq!(removed("[ 1 ]", 0), "[]");
    }
}

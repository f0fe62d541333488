//! JSON as text.

use std::fmt::{self, Formatter};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

/// The members of a JSON object in the order they are written in, doubles included.
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

/// Follows a JSON text character by character to know which of them belong to a string.
#[derive(Debug, Default)]
struct Strings {
    open: bool,
    escaped: bool,
}

impl Strings {
    /// Whether the next character belongs to a string; its quotes do.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_inside_strings_is_kept() {
        let text = "{ \"a b\" : [ 1 , \"x, \\\" : y\" ],\n  \"c\": { } }";
        assert_eq!(compact(text), r#"{"a b":[1,"x, \" : y"],"c":{}}"#);
    }
}

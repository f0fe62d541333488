//! Placeholders in contract data.

use std::{collections::HashMap, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use relive_core::{Seconds, UnixSeconds, sign::digest::md5_hex};
use serde_json::Value;

/// The values of the placeholders at one step of a case.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) saved: HashMap<String, Value>,
    pub(crate) now: UnixSeconds,
}

impl Scope {
    /// Returns the value of one placeholder; `name` is the text between `${` and `}`.
    fn value(&self, name: &str) -> Value {
        if let Some(shift) = name.strip_prefix("now")
            && let Some(shift) = if shift.is_empty() { Some(0) } else { shift.parse::<i64>().ok() }
        {
            return (self.now + Seconds(shift)).0.into();
        }
        match name.split_once(':') {
            Some(("md5", text)) => md5_hex(self.text(text)).into(),
            Some(("base64", text)) => STANDARD.encode(self.text(text)).into(),
            Some(("slashes", text)) => self.text(text).replace('/', "\\/").into(),
            Some(("len", count)) => "x".repeat(count.parse().unwrap_or_else(|_| panic!("{name:?}"))).into(),
            _ => self.saved.get(name).unwrap_or_else(|| panic!("nothing was saved as {name:?}")).clone(),
        }
    }

    /// Fills in the placeholders of a text.
    pub(crate) fn text(&self, template: &str) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, inside, after)) = next_placeholder(rest) {
            text += before;
            text += &plain(&self.value(inside));
            rest = after;
        }
        text + rest
    }

    /// Fills in the placeholders of a JSON text. A string that is only a placeholder becomes the value with its type;
    /// the rest of the text stays byte for byte.
    pub(crate) fn json(&self, template: &str) -> String {
        let mut json = String::new();
        let mut rest = template;
        while let Some((before, inside, after)) = next_placeholder(rest) {
            let value = self.value(inside);
            match (before.strip_suffix('"'), after.strip_prefix('"')) {
                (Some(before), Some(after)) if !before.ends_with('\\') => {
                    json += before;
                    json += &value.to_string();
                    rest = after;
                }
                _ => {
                    json += before;
                    json += Value::from(plain(&value)).to_string().trim_matches('"');
                    rest = after;
                }
            }
        }
        json + rest
    }

    /// Adds a text to `found` for each difference between the expected and the received value at the JSON pointer `at`.
    pub(crate) fn differences(&self, expected: &Value, got: &Value, at: &str, found: &mut Vec<String>) {
        match (expected, got) {
            (Value::Object(members), Value::Object(others)) => {
                let open = members.get("...") == Some(&Value::Bool(true));
                for (name, value) in members.iter().filter(|(name, _)| *name != "...") {
                    let at = format!("{at}/{name}");
                    match others.get(name) {
                        Some(other) => self.differences(value, other, &at, found),
                        None => found.push(difference(&at, Some(value), None)),
                    }
                }
                for (name, value) in others.iter().filter(|(name, _)| !open && !members.contains_key(*name)) {
                    found.push(difference(&format!("{at}/{name}"), None, Some(value)));
                }
            }
            (Value::Array(items), Value::Array(others)) => {
                let (start, end) = agreeing_ends(self, items, others);
                let between = |list: &'_ [Value]| start..list.len() - end;
                let mut items = items.get(between(items)).unwrap_or_default().iter();
                let mut others = others.get(between(others)).unwrap_or_default().iter();
                for index in start.. {
                    let at = format!("{at}/{index}");
                    match (items.next(), others.next()) {
                        (Some(item), Some(other)) => self.differences(item, other, &at, found),
                        (None, None) => break,
                        (item, other) => found.push(difference(&at, item, other)),
                    }
                }
            }
            (Value::String(template), got) if template.contains("${") => {
                if !self.fits(template, got) {
                    found.push(difference(at, Some(expected), Some(got)));
                }
            }
            (expected, got) if expected == got => {}
            (expected, got) => found.push(difference(at, Some(expected), Some(got))),
        }
    }

    /// Tells whether a received value has no difference from the expected one.
    pub(crate) fn agrees(&self, expected: &Value, got: &Value) -> bool {
        let mut found = Vec::new();
        self.differences(expected, got, "", &mut found);
        found.is_empty()
    }

    fn fits(&self, template: &str, got: &Value) -> bool {
        let whole = template.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        match whole {
            Some("any") => true,
            Some("string") => got.as_str().is_some_and(|text| !text.is_empty()),
            Some("integer") => got.is_i64() || got.is_u64(),
            Some("hex32") => got.as_str().is_some_and(|text| {
                text.len() == 32
                    && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
            }),
            Some(inside) if inside.starts_with("match:") => {
                let pattern = self.text(inside.trim_start_matches("match:"));
                got.as_str().is_some_and(|text| matches(&pattern, text))
            }
            Some(inside) if next_placeholder(template).is_some_and(|(_, whole, _)| whole == inside) => {
                self.value(inside) == *got
            }
            _ => got.as_str() == Some(&self.text(template)),
        }
    }
}

/// Describes a difference like a patch: the place, the expected value behind `-`, the received value behind `+`.
pub(crate) fn difference(at: &str, expected: Option<&Value>, got: Option<&Value>) -> String {
    let mut text = at.to_owned();
    for (sign, value) in [('-', expected), ('+', got)] {
        if let Some(value) = value {
            let _ = write!(text, "\n    {sign} {value}");
        }
    }
    text
}

/// Counts the agreeing elements at the start of two lists and, in the rest, at their end.
pub(crate) fn agreeing_ends(scope: &Scope, expected: &[Value], got: &[Value]) -> (usize, usize) {
    let agree = |(expected, got): &(&Value, &Value)| scope.agrees(expected, got);
    let start = expected.iter().zip(got).take_while(agree).count();
    let rest = |list: &[Value]| list.len() - start;
    let end = expected.iter().rev().zip(got.iter().rev()).take(rest(expected).min(rest(got)));
    (start, end.take_while(agree).count())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Splits a text into the parts before, inside and behind its first placeholder; placeholders may nest.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let mut depth = 1;
    let end = rest.char_indices().find_map(|(index, character)| {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(index)
    })?;
    Some((before, rest.get(..end)?, rest.get(end + 1..)?))
}

/// Tells whether a text matches a pattern in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len()).any(|at| rest.get(at..).is_some_and(|rest| matches(tail, rest)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn placeholders_keep_types_and_nest() {
        let mut scope = Scope { now: UnixSeconds(1000), ..Scope::default() };
        scope.saved.insert("room".to_owned(), json!(7));
        scope.saved.insert("name".to_owned(), json!("a\"b"));
        assert_eq!(
            scope.json(r#"{"a":"${room}","b":"x${room}","c":"\/${name}"}"#),
            r#"{"a":7,"b":"x7","c":"\/a\"b"}"#
        );
        assert_eq!(scope.text("${now+5}/${now}"), "1005/1000");
        assert_eq!(scope.text("${md5:S3cr${now}}"), md5_hex("S3cr1000"));
        scope.saved.insert("url".to_owned(), json!("rtmp://h/a?b=c|d"));
        assert_eq!(scope.text("${slashes:${url}}"), r"rtmp:\/\/h\/a?b=c|d");
    }

    #[test]
    fn differences_are_found() {
        let scope = Scope { now: UnixSeconds(1000), ..Scope::default() };
        let differ = |expected: Value, got: Value| {
            let mut found = Vec::new();
            scope.differences(&expected, &got, "", &mut found);
            !found.is_empty()
        };
        assert!(!differ(json!({"a": "${any}", "...": true}), json!({"a": null, "b": 1})));
        assert!(differ(json!({"a": "${any}"}), json!({"a": null, "b": 1})));
        assert!(differ(json!({"a": 1, "...": true}), json!({})));
        assert!(differ(json!([1]), json!([1, 2])));
        assert!(differ(json!("${now}"), json!("1000")), "a number is no text");
        assert!(!differ(json!("${now}"), json!(1000)));
        assert!(!differ(json!("${match:http://*/${now}.flv}"), json!("http://h/live/1000.flv")));
        assert!(differ(json!("${hex32}"), json!("0123")));
    }
}

//! Makes spoilt copies of the body of a request.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Value, json};

/// A spoilt body.
#[derive(Debug, Clone)]
pub(crate) struct Mutant {
    pub(crate) name: String,
    pub(crate) body: Bytes,
    pub(crate) kind: Kind,
}

/// The kind of defect of a spoilt body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Not JSON in UTF-8, or too deeply nested.
    NotJson,
    /// JSON, but no object.
    NotAnObject,
    /// An object with an unusual member or value, which the server may accept.
    Odd,
}

/// Placeholder in a JSON text for a token that no [`Value`] can hold, such as a number out of range.
const RAW: &str = "@raw@";
const DEEP: &str = "3,000 brackets";

/// Spoils a whole body.
pub(crate) fn bodies(body: &[u8]) -> Vec<Mutant> {
    let whole = String::from_utf8_lossy(body).into_owned();
    let mut mutants = Vec::new();
    let mut add = |name: &str, body: Vec<u8>, kind| {
        mutants.push(Mutant { name: name.to_owned(), body: body.into(), kind });
    };
    add("empty", Vec::new(), Kind::Odd);
    for text in
        ["not json", "{", "{\"a\":", "{'a':1}", "{\"a\":NaN}", "{\"a\":01}", "a=1&b=2", "<a/>", " ", "\0"]
    {
        let kind = if text == " " { Kind::Odd } else { Kind::NotJson };
        add(text, text.into(), kind);
    }
    for text in ["[]", "\"text\"", "1", "true", "-0.5"] {
        add(text, text.into(), Kind::NotAnObject);
    }
    add("null", "null".into(), Kind::NotAnObject);
    add("a list of it", format!("[{whole}]").into(), Kind::NotAnObject);
    add("30,000 brackets", "[".repeat(30_000).into(), Kind::NotJson);
    add("8,000 objects", format!("{}1{}", "{\"a\":".repeat(8_000), "}".repeat(8_000)).into(), Kind::NotJson);
    if let Some(inside) = whole.strip_suffix('}').filter(|inside| inside.len() > 1) {
        let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
        add("cut short", inside.into(), Kind::NotJson);
        add("something behind it", format!("{whole}x").into(), Kind::NotJson);
        add("twice", format!("{whole}{whole}").into(), Kind::NotJson);
        add("nested too deeply", format!("{inside},\"zz\":{deep}}}").into(), Kind::NotJson);
        let mut bytes = format!("{inside},\"zz\":\"").into_bytes();
        bytes.extend_from_slice(b"\xff\xfe\"}");
        add("not UTF-8", bytes, Kind::NotJson);
        let mut bytes = format!("{inside},\"zz\":\"").into_bytes();
        bytes.extend_from_slice(b"\xed\xa0\x80\"}");
        add("half a surrogate pair in UTF-8", bytes, Kind::NotJson);
        add("an empty name", format!("{inside},\"\":1}}").into(), Kind::Odd);
        add("a byte order mark", format!("\u{feff}{whole}").into(), Kind::Odd);
        let many = ",\"k\":1".repeat(4_000);
        add("4,000 times a member", format!("{inside}{many}}}").into(), Kind::Odd);
    }
    mutants
}

/// Spoils every field that the interface is known to have.
pub(crate) fn fields(body: &[u8], fields: &BTreeSet<Vec<String>>) -> Vec<Mutant> {
    let Ok(Value::Object(whole)) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let whole = Value::Object(whole);
    let mut mutants = Vec::new();
    for path in fields {
        let mut add = |name: &str, value: Value, raw: Option<&str>| {
            let mut body = whole.clone();
            if put(&mut body, path, value) {
                let mut text = body.to_string();
                if let Some(raw) = raw {
                    text = text.replace(&format!("\"{RAW}\""), raw);
                }
                let name = format!("{} = {name}", path.join("."));
                let kind = if name.ends_with(DEEP) { Kind::NotJson } else { Kind::Odd };
                mutants.push(Mutant { name, body: text.into(), kind });
            }
        };
        for value in [
            json!(null),
            json!(true),
            json!(0),
            json!(-1),
            json!(1.5),
            json!(2.0),
            json!(i64::from(i32::MAX) + 1),
            json!(u64::MAX),
            json!(""),
            json!(" "),
            json!("1"),
            json!("1e3"),
            json!("１２"),
            json!("\u{0}"),
            json!("a\nb\r\tc\u{202e}\u{feff}"),
            json!("' OR 1=1; -- %s%n%00 ../../etc/passwd"),
            json!([]),
            json!({}),
            json!({"a": [1]}),
        ] {
            let name = value.to_string();
            add(&name, value, None);
        }
        for raw in ["1e400", "-99999999999999999999999999", "1E+2", "\"\\ud800\""] {
            add(raw, json!(RAW), Some(raw));
        }
        add("300,000 letters", json!("x".repeat(300_000)), None);
        add(DEEP, json!(RAW), Some(&format!("{}{}", "[".repeat(3_000), "]".repeat(3_000))));
        if let Some(text) = text_at(&whole, path) {
            add("its text with U+0000 behind", json!(format!("{text}\u{0}")), None);
            add("its text with white space around", json!(format!(" {text}\u{3000}")), None);
        }
    }
    mutants
}

fn text_at<'a>(body: &'a Value, path: &[String]) -> Option<&'a str> {
    path.iter().try_fold(body, |value, name| value.get(name))?.as_str()
}

/// Puts a value at a path of member names; `false` if the path leads through a value that is no object.
fn put(body: &mut Value, path: &[String], value: Value) -> bool {
    let Some((last, parents)) = path.split_last() else { return false };
    let mut place = body;
    for name in parents {
        let Value::Object(members) = place else { return false };
        place = members.entry(name).or_insert_with(|| json!({}));
    }
    let Value::Object(members) = place else { return false };
    members.insert(last.clone(), value);
    true
}

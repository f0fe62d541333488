//! What a client needs of a reply: the kind of value behind a JSON pointer, whatever else the reply holds.

use std::fmt::{self, Display, Formatter};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, de};
use serde_json::Value;

use crate::json::Members;

/// The needs of one reply, in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct Needs(Vec<(Pointer, Need)>);

impl<'de> Deserialize<'de> for Needs {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Members(written) = Members::<String>::deserialize(deserializer)?;
        let needs = written.into_iter().map(|(pointer, need)| {
            Ok((Pointer::parse(&pointer)?, Need::parse(&need).with_context(|| pointer.clone())?))
        });
        needs
            .collect::<Result<_>>()
            .map(Self)
            .map_err(|error| de::Error::custom(format_args!("no need: {error:#}")))
    }
}

impl Needs {
    /// Tells whether there is nothing to check.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Describes each need that a body does not meet: the pointer, the kind, and the value that came instead.
    pub(crate) fn unmet(&self, body: &Value) -> Vec<String> {
        let mut unmet = Vec::new();
        for (pointer, need) in &self.0 {
            for (at, got) in pointer.values(body) {
                if !need.is_met(got) {
                    let got = got.map_or_else(|| "nothing".to_owned(), Value::to_string);
                    unmet.push(format!("{at} has to be {need}, got {got}"));
                }
            }
        }
        unmet
    }
}

/// A JSON pointer in which `*` stands for each element of a list.
#[derive(Debug)]
struct Pointer(Vec<String>);

impl Pointer {
    fn parse(text: &str) -> Result<Self> {
        let mut names = text.split('/');
        if names.next() != Some("") {
            bail!("{text:?} is no JSON pointer");
        }
        Ok(Self(names.map(|name| name.replace("~1", "/").replace("~0", "~")).collect()))
    }

    /// Finds the values behind the pointer, each with its own pointer; no value where a member or an element is
    /// missing. `*` in an empty list is a missing element.
    fn values<'a>(&self, body: &'a Value) -> Vec<(String, Option<&'a Value>)> {
        let mut found = vec![(String::new(), Some(body))];
        for name in &self.0 {
            found = found.into_iter().flat_map(|(at, value)| step(&at, value, name)).collect();
        }
        found
    }
}

/// Goes from a value to its member or element of that name, or to all elements.
fn step<'a>(at: &str, value: Option<&'a Value>, name: &str) -> Vec<(String, Option<&'a Value>)> {
    match value {
        Some(Value::Array(items)) if name == "*" && !items.is_empty() => {
            items.iter().enumerate().map(|(index, item)| (format!("{at}/{index}"), Some(item))).collect()
        }
        Some(Value::Array(items)) => {
            let item = name.parse().ok().and_then(|index: usize| items.get(index));
            vec![(format!("{at}/{name}"), item)]
        }
        value => vec![(format!("{at}/{name}"), value.and_then(|value| value.get(name)))],
    }
}

/// Kinds of which a value has to be one.
#[derive(Debug)]
struct Need(Vec<Kind>);

#[derive(Debug)]
enum Kind {
    Plain(Plain),
    /// A list; `filled`: with at least one element.
    List {
        of: Need,
        filled: bool,
    },
}

/// The kinds with a name.
#[derive(Debug, Clone, Copy)]
enum Plain {
    Absent,
    Any,
    Null,
    Bool,
    String,
    FilledString,
    Digits,
    Url,
    Int,
    Int32,
    Number,
    Object,
}

const NAMES: [(&str, Plain); 12] = [
    ("absent", Plain::Absent),
    ("any", Plain::Any),
    ("null", Plain::Null),
    ("bool", Plain::Bool),
    ("string", Plain::String),
    ("string+", Plain::FilledString),
    ("digits", Plain::Digits),
    ("url", Plain::Url),
    ("int", Plain::Int),
    ("int32", Plain::Int32),
    ("number", Plain::Number),
    ("object", Plain::Object),
];

impl Need {
    fn parse(text: &str) -> Result<Self> {
        alternatives(text).into_iter().map(Kind::parse).collect::<Result<_>>().map(Self)
    }

    fn is_met(&self, got: Option<&Value>) -> bool {
        self.0.iter().any(|kind| kind.fits(got))
    }
}

/// Splits a text at each `|` outside brackets.
fn alternatives(text: &str) -> Vec<&str> {
    let mut depth = 0;
    text.split(|next| {
        match next {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        next == '|' && depth == 0
    })
    .collect()
}

impl Kind {
    fn parse(text: &str) -> Result<Self> {
        if let Some((_, plain)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(Self::Plain(*plain));
        }
        let (list, filled) = text.strip_suffix('+').map_or((text, false), |list| (list, true));
        let inside = list.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let inside = inside.with_context(|| format!("{text:?} is no kind of value"))?;
        Ok(Self::List { of: Need::parse(inside)?, filled })
    }

    fn fits(&self, got: Option<&Value>) -> bool {
        match (self, got) {
            (Self::Plain(plain), got) => plain.fits(got),
            (Self::List { of, filled }, Some(Value::Array(items))) => {
                (!items.is_empty() || !filled) && items.iter().all(|item| of.is_met(Some(item)))
            }
            (Self::List { .. }, _) => false,
        }
    }
}

impl Plain {
    fn fits(self, got: Option<&Value>) -> bool {
        let Some(got) = got else { return matches!(self, Self::Absent) };
        let text = |fits: fn(&str) -> bool| got.as_str().is_some_and(fits);
        match self {
            Self::Absent => false,
            Self::Any => true,
            Self::Null => got.is_null(),
            Self::Bool => got.is_boolean(),
            Self::String => got.is_string(),
            Self::FilledString => text(|text| !text.is_empty()),
            Self::Digits => text(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())),
            Self::Url => text(is_url),
            Self::Int => got.is_i64() || got.is_u64(),
            Self::Int32 => got.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            Self::Number => got.is_number(),
            Self::Object => got.is_object(),
        }
    }
}

/// Tells whether a text is an absolute URL with a host and without white space. Players also take characters that the
/// standard wants escaped, such as `|`.
fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        ["http", "https", "rtmp"].contains(&scheme) && !host.is_empty() && !text.contains(char::is_whitespace)
    })
}

impl Display for Need {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (index, kind) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "|" };
            write!(formatter, "{separator}{kind}")?;
        }
        Ok(())
    }
}

impl Display for Kind {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(plain) => write!(formatter, "{plain}"),
            Self::List { of, filled } => write!(formatter, "[{of}]{}", if *filled { "+" } else { "" }),
        }
    }
}

impl Display for Plain {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let same = |plain: Self| std::mem::discriminant(&plain) == std::mem::discriminant(self);
        let name = NAMES.iter().find(|(_, plain)| same(*plain)).map_or("", |(name, _)| name);
        formatter.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Checks the body of a reply against one need; returns the failures.
    fn unmet(pointer: &str, need: &str, body: &Value) -> Vec<String> {
        let needs: Needs = serde_json::from_value(json!({ pointer: need })).unwrap();
        needs.unmet(body)
    }

    #[test]
    fn each_kind_takes_its_values_and_refuses_all_others() {
        let values = [
            json!(null),
            json!(true),
            json!(""),
            json!("x y"),
            json!("42"),
            json!("rtmp://live.example/live/1_a?record=flv|hls"),
            json!(-1),
            json!(2_147_483_647),
            json!(2_147_483_648_u32),
            json!(u64::MAX),
            json!(1.5),
            json!({}),
            json!([]),
            json!(["a", ""]),
            json!([1, "1"]),
        ];
        let taken = |need: &str| {
            let fits = |value: &&Value| unmet("/a", need, &json!({ "a": value })).is_empty();
            Value::from(values.iter().filter(fits).cloned().collect::<Vec<_>>())
        };
        let url = "rtmp://live.example/live/1_a?record=flv|hls";
        let (largest, too_large) = (2_147_483_647, 2_147_483_648_u32);
        for (need, expected) in [
            ("null", json!([null])),
            ("bool", json!([true])),
            ("string", json!(["", "x y", "42", url])),
            ("string+", json!(["x y", "42", url])),
            ("digits", json!(["42"])),
            ("url", json!([url])),
            ("int", json!([-1, largest, too_large, u64::MAX])),
            ("int32", json!([-1, largest])),
            ("number", json!([-1, largest, too_large, u64::MAX, 1.5])),
            ("object", json!([{}])),
            ("[string]", json!([[], ["a", ""]])),
            ("[string]+", json!([["a", ""]])),
            ("[string+]", json!([[]])),
            ("[int|digits]+", json!([[1, "1"]])),
            ("number|digits", json!(["42", -1, largest, too_large, u64::MAX, 1.5])),
            ("null|[any]+", json!([null, ["a", ""], [1, "1"]])),
            ("absent", json!([])),
            ("any", Value::from(values.to_vec())),
        ] {
            assert_eq!(taken(need), expected, "{need}");
        }
    }

    #[test]
    fn a_url_has_a_known_scheme_and_a_host() {
        for url in ["http://a", "https://a.example/b?c=d", "rtmp://a/b|c"] {
            assert!(is_url(url), "{url}");
        }
        for text in ["", "a/b", "ftp://a", "http:///b", "http://a b", "://a", "http:a"] {
            assert!(!is_url(text), "{text}");
        }
    }

    #[test]
    fn only_an_optional_value_may_be_missing() {
        for (need, missing) in [("any", 1), ("string", 1), ("[any]", 1), ("absent", 0), ("string|absent", 0)]
        {
            assert_eq!(unmet("/a/b", need, &json!({ "a": {} })).len(), missing, "{need}");
        }
        assert_eq!(unmet("/a", "string|absent", &json!({ "a": null })).len(), 1, "null is not missing");
    }

    #[test]
    fn a_star_is_each_element_of_a_list() {
        let body = json!({ "rooms": [{ "uid": "a" }, { "uid": 7 }, {}] });
        assert_eq!(
            unmet("/rooms/*/uid", "string", &body),
            ["/rooms/1/uid has to be string, got 7", "/rooms/2/uid has to be string, got nothing"]
        );
        assert_eq!(unmet("/rooms/0/uid", "string", &body), <[String; 0]>::default());
        assert_eq!(unmet("/rooms/3/uid", "string", &body).len(), 1);
        assert_eq!(
            unmet("/rooms/*/uid", "string", &json!({ "rooms": [] })),
            ["/rooms/*/uid has to be string, got nothing"]
        );
        assert_eq!(unmet("/rooms/*/uid", "string", &json!({ "rooms": {} })).len(), 1);
    }

    #[test]
    fn a_failure_names_the_pointer_and_the_kind_and_what_came() {
        let body = json!({ "data": { "sign": "", "a/b": 1 } });
        assert_eq!(unmet("/data/sign", "string+", &body), [r#"/data/sign has to be string+, got """#]);
        assert_eq!(
            unmet("/data/videos", "[[string]+|null]", &body),
            ["/data/videos has to be [[string]+|null], got nothing"]
        );
        assert_eq!(unmet("/data/a~1b", "int", &body), <[String; 0]>::default());
        assert_eq!(unmet("", "[any]", &json!(1)), [" has to be [any], got 1"]);
    }

    #[test]
    fn a_misspelt_kind_or_pointer_is_an_error() {
        for (pointer, need) in [
            ("/a", "text"),
            ("/a", ""),
            ("/a", "string|"),
            ("/a", "[string"),
            ("/a", "[]"),
            ("/a", "int+"),
            ("a", "int"),
        ] {
            assert!(serde_json::from_value::<Needs>(json!({ pointer: need })).is_err(), "{pointer} {need}");
        }
    }
}

//! The keys of the configuration, the kind of value of each key, and the keys of secrets.
//!
//! The keys come from the serialised defaults; only keys that are absent there are listed by hand.

use std::collections::BTreeMap;

use figment::value::{Dict, Value};

use super::{ConfigError, Settings};

/// Keys that may also be given as `<key>_file` and are shown masked. The database URL and the delivery are here because
/// they may hold credentials.
pub(crate) const SECRETS: [&str; 10] = [
    "callback.key",
    "database.url",
    "media.play_key",
    "media.push_key",
    "qplus.auth_code_delivery",
    "sxb.sign_secret",
    "tencent.api_key",
    "tencent.cos.secret_key",
    "tencent.im.secret",
    "tencent.vod.secret_key",
];

/// Keys that are absent from the defaults, because "not given" differs from every value.
const OPTIONAL: [&str; 1] = ["qplus.password_reset"];

/// Kind of value that plain text (environment, flag) is parsed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Bool,
    List,
}

/// Every key with its kind.
#[derive(Debug)]
pub(crate) struct Schema {
    keys: BTreeMap<String, Kind>,
}

impl Schema {
    /// The schema, and the defaults from which it was made.
    pub(crate) fn new() -> Result<(Self, Dict), ConfigError> {
        let defaults = Value::serialize(Settings::default())
            .map_err(|error| error.to_string())?
            .into_dict()
            .unwrap_or_default();
        let mut keys = BTreeMap::new();
        collect(&defaults, "", &mut keys);
        keys.extend(SECRETS.iter().chain(&OPTIONAL).map(|key| ((*key).to_owned(), Kind::Text)));
        Ok((Self { keys }, defaults))
    }

    /// Every key, in alphabetical order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// Whether a key, a section, or the `_file` of a secret has that name.
    pub(crate) fn knows(&self, key: &str) -> bool {
        let section = || {
            self.keys.keys().any(|known| known.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
        };
        self.keys.contains_key(key) || is_secret_file(key) || section()
    }

    /// The key that an environment variable would name if its underscores were right: `http_listen` for `http.listen`.
    pub(crate) fn meant_by(&self, variable: &str) -> Option<&str> {
        let is_meant = |key: &&str| {
            let written = key.replace('.', "_");
            variable == written || (SECRETS.contains(key) && variable.strip_suffix("_file") == Some(&written))
        };
        self.keys().find(is_meant)
    }

    /// The known key that is most similar to this one.
    pub(crate) fn nearest(&self, key: &str) -> &str {
        let similarity = |known: &&str| strsim::jaro_winkler(known, key);
        self.keys().max_by(|one, other| similarity(one).total_cmp(&similarity(other))).unwrap_or_default()
    }

    /// Parses a value given as plain text as the kind of its key. A value that does not parse stays a text, so that the
    /// later error names the key.
    pub(crate) fn read(&self, key: &str, raw: &str) -> Value {
        let toml = |text: &str| toml::from_str::<Dict>(&format!("value = {text}")).ok()?.remove("value");
        let text = || Value::from(raw);
        match self.keys.get(key) {
            Some(Kind::Number) => raw
                .parse::<u64>()
                .map(Value::from)
                .or_else(|_| raw.parse::<i64>().map(Value::from))
                .unwrap_or_else(|_| text()),
            Some(Kind::Bool) => raw.parse::<bool>().map_or_else(|_| text(), Value::from),
            Some(Kind::List) if raw.trim_start().starts_with('[') => toml(raw).unwrap_or_else(text),
            Some(Kind::List) if raw.is_empty() => Value::from(Vec::<Value>::new()),
            Some(Kind::List) => {
                raw.split(',').map(|item| Value::from(item.trim())).collect::<Vec<_>>().into()
            }
            // A section as an inline table, such as `accounts.argon2`.
            None if raw.starts_with('{') => toml(raw).unwrap_or_else(text),
            Some(Kind::Text) | None => text(),
        }
    }
}

/// Whether the key names the file of a secret.
pub(crate) fn is_secret_file(key: &str) -> bool {
    key.strip_suffix("_file").is_some_and(|secret| SECRETS.contains(&secret))
}

fn collect(dict: &Dict, prefix: &str, keys: &mut BTreeMap<String, Kind>) {
    for (name, value) in dict {
        let key = format!("{prefix}{name}");
        let kind = match value {
            Value::Dict(_, inner) => {
                collect(inner, &format!("{key}."), keys);
                continue;
            }
            Value::Num(..) => Kind::Number,
            Value::Bool(..) => Kind::Bool,
            Value::Array(..) => Kind::List,
            Value::String(..) | Value::Char(..) | Value::Empty(..) => Kind::Text,
        };
        keys.insert(key, kind);
    }
}

//! `relive config show`: prints every key, its value and the origin of the value, with secrets masked.

use std::fmt::Write as _;

use figment::value::Value;

use super::{
    ConfigError, Loaded,
    layer::origin,
    schema::{SECRETS, Schema},
    secrets::GENERATED,
    value::MASK,
};

impl Loaded {
    /// One line per key, in alphabetical order: `key = value  # origin`.
    ///
    /// # Errors
    /// The defaults cannot be serialised, which does not happen in practice.
    pub fn show(&self) -> Result<String, ConfigError> {
        let (schema, _) = Schema::new()?;
        let lines: Vec<_> = schema.keys().map(|key| (self.line(key), origin(&self.figment, key))).collect();
        let width =
            lines.iter().map(|(line, _)| line.chars().count()).filter(|width| *width < 60).max().unwrap_or(0);
        Ok(lines.iter().fold(String::new(), |mut text, (line, origin)| {
            let _ = writeln!(text, "{line:width$}  # {origin}");
            text
        }))
    }

    fn line(&self, key: &str) -> String {
        match self.figment.find_value(key) {
            Ok(value) => format!("{key} = {}", shown(key, &value)),
            Err(_) if GENERATED.contains(&key) => format!("{key} = (generated at the first start)"),
            Err(_) if key == "qplus.password_reset" => format!("{key} = \"open\""),
            Err(_) => format!("{key} = \"\""),
        }
    }
}

fn shown(key: &str, value: &Value) -> String {
    if SECRETS.contains(&key) {
        return format!("{:?}", masked(key, value.as_str().unwrap_or_default()));
    }
    toml::Value::try_from(value).map_or_else(|_| MASK.to_owned(), |value| value.to_string())
}

/// The part of a secret that may be shown: of a database URL, the part without credentials; of another secret, nothing
/// unless it is empty.
fn masked(key: &str, secret: &str) -> String {
    match key {
        "database.url" => match secret.split_once("://") {
            Some(("sqlite", _)) => secret.to_owned(),
            Some((scheme, rest)) => {
                let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
                let host = host.split_once('?').map_or(host, |(host, _)| host);
                format!("{scheme}://{host}")
            }
            None => MASK.to_owned(),
        },
        "qplus.auth_code_delivery" if !secret.starts_with("http") => secret.to_owned(),
        _ if secret.is_empty() => String::new(),
        _ => MASK.to_owned(),
    }
}

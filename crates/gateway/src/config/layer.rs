//! One source of configuration values, with the origin of each value.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use figment::{
    Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};
use toml::de::{DeTable, DeValue};

/// Values of one source, and the origin of each: `relive.toml:12`, `RELIVE_HTTP__LISTEN`, `--listen`.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    values: Dict,
    origins: Arc<BTreeMap<String, String>>,
}

impl Layer {
    /// The built-in values.
    pub(crate) fn defaults(values: Dict) -> Self {
        Self { values, origins: Arc::default() }
    }

    /// The values in the text of a TOML file. The error names file and line, and does not quote the line, which may
    /// hold a secret.
    pub(crate) fn toml(path: &Path, text: &str) -> Result<Self, String> {
        let failed = |error: &toml::de::Error| {
            let line = error.span().map_or(1, |span| line(text, span.start));
            format!("{}:{line}: {}", path.display(), error.message())
        };
        let table = DeTable::parse(text).map_err(|error| failed(&error))?;
        let mut origins = BTreeMap::new();
        collect(table.get_ref(), "", &mut |key, offset| {
            origins.insert(key, format!("{}:{}", path.display(), line(text, offset)));
        });
        let values = toml::from_str(text).map_err(|error| failed(&error))?;
        Ok(Self { values, origins: Arc::new(origins) })
    }

    /// A single value.
    pub(crate) fn single(key: &str, origin: String, value: Value) -> Self {
        let values = figment::util::nest(key, value).into_dict().unwrap_or_default();
        Self { values, origins: Arc::new(BTreeMap::from([(key.to_owned(), origin)])) }
    }

    /// Every key of this source with its origin; an empty section counts as a key.
    pub(crate) fn origins(&self) -> impl Iterator<Item = (&str, &str)> {
        self.origins.iter().map(|(key, origin)| (key.as_str(), origin.as_str()))
    }

    /// The origin of the key's value, if this source has the key.
    pub(crate) fn origin(&self, key: &str) -> Option<&str> {
        self.origins.get(key).map(String::as_str)
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        let origins = Arc::clone(&self.origins);
        Metadata::named("").interpolater(move |_: &Profile, path: &[&str]| {
            // An error inside a list has a longer path than the key.
            (1..=path.len())
                .rev()
                .filter_map(|length| path.get(..length))
                .find_map(|key| origins.get(&key.join(".")))
                .map_or_else(|| "default".to_owned(), Clone::clone)
        })
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// The origin of a key's value; `default` if no source has the key.
pub(crate) fn origin(figment: &figment::Figment, key: &str) -> String {
    let path: Vec<&str> = key.split('.').collect();
    figment
        .find_metadata(key)
        .map_or_else(|| "default".to_owned(), |metadata| metadata.interpolate(&Profile::Default, &path))
}

fn collect(table: &DeTable<'_>, prefix: &str, found: &mut impl FnMut(String, usize)) {
    for (name, value) in table {
        let key = format!("{prefix}{}", name.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => collect(inner, &format!("{key}."), found),
            _ => found(key, name.span().start),
        }
    }
}

fn line(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

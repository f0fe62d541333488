//! The configuration: defaults < generated secrets < TOML file < environment < flags.
//!
//! This module and its children own names, defaults, layering, origins and validation. They do not know how the values
//! are used; only `domain` translates the values for the core.

mod advice;
mod check;
mod cloud;
mod dialect;
mod domain;
mod error;
mod layer;
mod schema;
mod secrets;
mod sections;
mod show;
mod value;

use std::path::PathBuf;

use figment::Figment;

use crate::storage;

pub use cloud::{Callback, Cos, Im, Media, PlayScheme, Tencent, Vod};
pub use dialect::{
    ExposeAnchorPassword, Guests, IndexMode, MinilvbV1, MinilvbV2, PasswordReset, Qplus, RoomService, Sxb,
};
pub(crate) use domain::seconds;
pub use error::ConfigError;
pub(crate) use secrets::GENERATED;
pub use secrets::{Generated, generate, stored_secrets};
pub use sections::{Accounts, Admin, Argon2, Database, Http, Limits, Log, LogFormat, Registration, Settings};
pub use value::{AuthCodeDelivery, OptionalAddress, Secret, UtcOffset};

use advice::OwnSecrets;
use layer::{Layer, origin};
use schema::{SECRETS, Schema};

/// The sources of a configuration.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The TOML file; `None` = no file.
    pub file: Option<PathBuf>,
    /// Environment variables. Those named `RELIVE_<SECTION>__<KEY>` are keys, those that would be but for their
    /// underscores are errors, all others are ignored.
    pub environment: Vec<(String, String)>,
    /// Flags; a later one overrides an earlier one.
    pub flags: Vec<Flag>,
}

/// A value from the command line.
#[derive(Debug, Clone)]
pub struct Flag {
    /// The flag as it was written, such as `--listen`.
    pub name: String,
    /// The key that the flag sets.
    pub key: String,
    /// The value, as text.
    pub value: String,
}

/// A configuration that was read and checked, with the origin of each value.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The values.
    pub settings: Settings,
    /// Problems that do not keep the server from starting.
    pub warnings: Vec<String>,
    /// What is valid, but keeps clients from something that they need.
    pub advice: Vec<String>,
    /// Whether `tencent.im.secret` is a key that the server generated, which no IM cloud knows.
    pub has_generated_im_secret: bool,
    figment: Figment,
}

/// Reads the configuration.
///
/// # Errors
/// All unknown keys, else the first value of a wrong type, else all values out of range.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let (schema, defaults) = Schema::new()?;
    let given = layers(sources, &schema)?;
    let unknown: Vec<_> = given
        .iter()
        .flat_map(Layer::origins)
        .filter(|(key, _)| !schema.knows(key))
        .map(|(key, origin)| {
            format!("{origin}: unknown key {key:?}, the nearest one is {:?}", schema.nearest(key))
        })
        .collect();
    if !unknown.is_empty() {
        return Err(ConfigError(unknown));
    }

    let defaults = Layer::defaults(defaults);
    let mut files = secret_files(&given, &schema)?;
    files.splice(0..0, given);
    let mut figment = files.iter().fold(Figment::from(&defaults), Figment::merge);
    let url = figment.extract_inner::<String>("database.url").unwrap_or_default();
    let own = OwnSecrets {
        im: figment.contains("tencent.im.secret"),
        push: figment.contains("media.push_key"),
        callback: figment.contains("callback.key"),
    };
    let mut warnings = Vec::new();
    warnings.extend(storage::warning(&url));
    if let Some(stored) = secrets::read(&url, &mut warnings)? {
        figment = files.iter().fold(Figment::from(&defaults).merge(stored), Figment::merge);
    }

    let settings: Settings = figment
        .extract()
        .map_err(|error| ConfigError(error.into_iter().map(|error| describe(&error)).collect()))?;
    let problems: Vec<_> = settings
        .problems()
        .into_iter()
        .map(|(key, text)| format!("{}: {key}: {text}", origin(&figment, key)))
        .collect();
    if !problems.is_empty() {
        return Err(ConfigError(problems));
    }
    let advice = settings.advice(own);
    let has_generated_im_secret = !own.im && settings.tencent.im.secret.is_given();
    Ok(Loaded { settings, warnings, advice, has_generated_im_secret, figment })
}

/// The sources that the operator gave, each overriding those before it.
fn layers(sources: &Sources, schema: &Schema) -> Result<Vec<Layer>, ConfigError> {
    let mut layers = Vec::new();
    if let Some(path) = &sources.file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read the configuration file {}: {error}", path.display()))?;
        layers.push(Layer::toml(path, &text)?);
    }
    for (name, value) in &sources.environment {
        let Some(variable) = name.strip_prefix("RELIVE_").map(str::to_ascii_lowercase) else { continue };
        if variable.contains("__") {
            let key = variable.replace("__", ".");
            layers.push(Layer::single(&key, name.clone(), schema.read(&key, value)));
        } else if let Some(key) = schema.meant_by(&variable) {
            // Any other variable is not a key: orchestrators set variables such as RELIVE_PORT on their own.
            let file = if variable.ends_with("_file") && !key.ends_with("_file") { "_FILE" } else { "" };
            let right = key.to_ascii_uppercase().replace('.', "__");
            return Err(format!(
                "{name}: sections and keys are joined by two underscores: RELIVE_{right}{file}"
            )
            .into());
        }
    }
    for Flag { name, key, value } in &sources.flags {
        layers.push(Layer::single(key, name.clone(), schema.read(key, value)));
    }
    Ok(layers)
}

/// The secrets that are given as `<key>_file`.
fn secret_files(given: &[Layer], schema: &Schema) -> Result<Vec<Layer>, ConfigError> {
    let all = given.iter().fold(Figment::new(), Figment::merge);
    let origin = |key: &str| given.iter().rev().find_map(|layer| layer.origin(key));
    let (mut layers, mut problems) = (Vec::new(), Vec::new());
    for key in SECRETS {
        let file_key = format!("{key}_file");
        let Some(file_origin) = origin(&file_key) else {
            continue;
        };
        if let Some(origin) = origin(key) {
            problems.push(format!(
                "{file_origin}: {file_key}: {key} is given too ({origin}); give one of the two"
            ));
            continue;
        }
        let path = all.extract_inner::<PathBuf>(&file_key);
        let Ok(path) = path else {
            problems.push(format!("{file_origin}: {file_key}: expected the path of a file"));
            continue;
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let text = text.strip_suffix('\n').unwrap_or(&text);
                let value = schema.read(key, text.strip_suffix('\r').unwrap_or(text));
                layers.push(Layer::single(key, format!("{} ({file_origin})", path.display()), value));
            }
            Err(error) => {
                problems.push(format!("{file_origin}: {file_key}: cannot read {}: {error}", path.display()));
            }
        }
    }
    if problems.is_empty() { Ok(layers) } else { Err(ConfigError(problems)) }
}

/// Describes a value of the wrong type, without quoting a value that may be a secret.
fn describe(error: &figment::Error) -> String {
    let path: Vec<&str> = error.path.iter().map(String::as_str).collect();
    let key = path.join(".");
    let profile = figment::Profile::Default;
    let origin = error.metadata.as_ref().map_or_else(String::new, |from| from.interpolate(&profile, &path));
    if SECRETS.contains(&key.as_str()) {
        return match &error.kind {
            figment::error::Kind::Message(text) => format!("{origin}: {key}: {text}"),
            _ => format!("{origin}: {key}: expected a text in quotes"),
        };
    }
    format!("{origin}: {key}: {}", error.kind)
}

#[cfg(test)]
mod tests;

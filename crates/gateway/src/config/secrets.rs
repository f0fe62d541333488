//! Secrets that the server generates at its first start. They are stored in `secrets.toml` beside a SQLite database, or
//! in a PostgreSQL database itself, so that all gateways on the database have the same secrets.
//!
//! No secret is built in: a server without configured secrets still signs its URLs and refuses forged callbacks.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use figment::value::{Dict, Value};
use relive_core::Random;

use super::{Secret, Settings, error::ConfigError, layer::Layer};

/// Keys of the secrets that are generated if they are not given.
pub(crate) const GENERATED: [&str; 3] = ["callback.key", "media.push_key", "tencent.im.secret"];

const HEADER: &str = "# Secrets relive generated because none were configured. Keep this file private and keep it:\n\
                      # with other keys, clients' push URLs and callbacks of the media cloud stop working.\n\n";

/// Secrets that were generated and stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// The store of the secrets: the path of a file, or "the database".
    pub store: String,
    /// Keys of the secrets.
    pub keys: Vec<&'static str>,
}

/// The secrets file beside a SQLite database; `None` for another database.
fn path(url: &str) -> Option<PathBuf> {
    let file = url.strip_prefix("sqlite://")?;
    let file = file.split_once('?').map_or(file, |(file, _)| file);
    let directory = Path::new(file).parent()?;
    Some(directory.join("secrets.toml"))
}

/// Reads the secrets file that an earlier start stored.
pub(super) fn read(url: &str, warnings: &mut Vec<String>) -> Result<Option<Layer>, ConfigError> {
    let Some(path) = path(url) else { return Ok(None) };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot read the secrets file {}: {error}", path.display()).into()),
    };
    let layer = Layer::toml(&path, &text)?;
    if let Some((key, origin)) = layer.origins().find(|(key, _)| !GENERATED.contains(key)) {
        return Err(
            format!("{origin}: {key:?} does not belong here, put it into the configuration file").into()
        );
    }
    let mode = fs::metadata(&path).map_or(0o600, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        warnings.push(format!("{} can be read by other users of this machine: chmod 600 it", path.display()));
    }
    Ok(Some(layer))
}

/// The secrets that an earlier start stored beside a SQLite database, by key.
///
/// # Errors
/// The file cannot be read, or contains another key.
pub fn stored_secrets(url: &str) -> Result<Vec<(&'static str, String)>, ConfigError> {
    let Some(layer) = read(url, &mut Vec::new())? else { return Ok(Vec::new()) };
    let values = figment::Figment::from(layer);
    Ok(GENERATED.iter().filter_map(|key| Some((*key, values.extract_inner::<String>(key).ok()?))).collect())
}

/// Generates every absent secret, stores it and puts it into the settings. If another gateway has stored a secret in a
/// shared database, that secret is used instead. `None` if no secret was generated.
///
/// # Errors
/// The file cannot be written, or the database cannot be reached; then nothing is changed.
pub fn generate(settings: &mut Settings, random: &dyn Random) -> anyhow::Result<Option<Generated>> {
    let database = settings.database();
    let path = path(&settings.database.url);
    let slots = [
        ("callback.key", &mut settings.callback.key),
        ("media.push_key", &mut settings.media.push_key),
        ("tencent.im.secret", &mut settings.tencent.im.secret),
    ];
    let missing: Vec<_> = slots.into_iter().filter(|(_, slot)| !slot.is_given()).collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let generated: Vec<(&'static str, String)> = missing
        .iter()
        .map(|(key, _)| {
            let mut bytes = [0; 16];
            random.fill(&mut bytes);
            (*key, format!("{:032x}", u128::from_be_bytes(bytes)))
        })
        .collect();
    let (store, stored) = match path {
        Some(path) => {
            add_to_file(&path, generated.iter().map(|(key, text)| (*key, text.as_str())))
                .with_context(|| format!("cannot store generated secrets in {}", path.display()))?;
            (path.display().to_string(), generated.clone())
        }
        None => ("the database".to_owned(), relive_core::database::keep_secrets(&database, &generated)?),
    };
    let keys: Vec<_> =
        generated.iter().filter(|secret| stored.contains(secret)).map(|(key, _)| *key).collect();
    for ((_, slot), (_, text)) in missing.into_iter().zip(stored) {
        *slot = Secret::new(text);
    }
    Ok((!keys.is_empty()).then_some(Generated { store, keys }))
}

/// Adds secrets to the file. After a crash at any moment, either the old file or the new one exists.
fn add_to_file<'a>(path: &Path, secrets: impl Iterator<Item = (&'a str, &'a str)>) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let old = match fs::read_to_string(path) {
        Ok(text) => {
            toml::from_str::<Dict>(&text).map_err(|error| io::Error::other(error.message().to_owned()))?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Dict::new(),
        Err(error) => return Err(error),
    };
    let all = secrets.fold(figment::Figment::from(Layer::defaults(old)), |all, (key, text)| {
        all.merge(Layer::single(key, String::new(), Value::from(text)))
    });
    let all: Dict = all.extract().map_err(io::Error::other)?;
    let text = toml::to_string(&all).map_err(io::Error::other)?;

    let temporary = path.with_extension("toml.new");
    if let Err(error) = fs::remove_file(&temporary)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(HEADER.as_bytes())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use relive_core::TestRandom;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::config::{Sources, load};

    fn settings(directory: &Path) -> Settings {
        let mut settings = Settings::default();
        settings.database.url = format!("sqlite://{}/data/relive.db", directory.display());
        settings
    }

    #[test]
    fn the_first_start_generates_missing_secrets_and_later_starts_read_them() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = settings(directory.path());
        first.callback.key = Secret::new("");
        let generated = generate(&mut first, &TestRandom::seeded(1)).unwrap().unwrap();
        assert_eq!(generated.keys, ["media.push_key", "tencent.im.secret"]);
        assert_eq!(fs::metadata(&generated.store).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(first.callback.key.is_empty(), "an empty secret must stay empty");
        let push_key = first.media.push_key.text();
        assert_eq!(push_key.expose_secret().len(), 32);
        assert_ne!(push_key.expose_secret(), first.tencent.im.secret.text().expose_secret());

        // A later start without the empty key reads the two stored secrets and generates the third.
        let url = first.database.url.clone();
        let sources =
            Sources { environment: vec![("RELIVE_DATABASE__URL".to_owned(), url)], ..Sources::default() };
        let mut second = load(&sources).unwrap().settings;
        assert_eq!(second.media.push_key.text().expose_secret(), push_key.expose_secret());
        assert_eq!(generate(&mut second, &TestRandom::seeded(2)).unwrap().unwrap().keys, ["callback.key"]);
        let third = load(&sources).unwrap();
        assert_eq!(third.settings.media.push_key.text().expose_secret(), push_key.expose_secret());
        assert!(generate(&mut third.settings.clone(), &TestRandom::seeded(3)).unwrap().is_none());
        assert!(third.warnings.is_empty());
        let shown = third.show().unwrap();
        assert!(!shown.contains(push_key.expose_secret()) && shown.contains("secrets.toml:"), "{shown}");
    }

    #[test]
    fn a_file_readable_by_others_causes_a_warning_and_an_unknown_key_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = settings(directory.path());
        let path = PathBuf::from(generate(&mut first, &TestRandom::seeded(1)).unwrap().unwrap().store);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let mut warnings = Vec::new();
        assert!(read(&first.database.url, &mut warnings).unwrap().is_some());
        assert_eq!(warnings.len(), 1);
        fs::write(&path, "[http]\nlisten = \"0.0.0.0:1\"\n").unwrap();
        assert!(read(&first.database.url, &mut warnings).unwrap_err().to_string().contains("secrets.toml:2"));
    }
}

//! Secrets the server makes for itself at the first start: in `secrets.toml` beside a SQLite database, in a PostgreSQL
//! database itself, so that all its gateways have the same.
//!
//! No secret is built in: a server that was given none still signs its URLs and refuses forged callbacks.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use figment::value::{Dict, Value};
use relive_core::Random;

use super::{Secret, Settings, error::ConfigError, layer::Layer};

/// What is generated when it is not given.
pub(super) const GENERATED: [&str; 3] = ["callback.key", "media.push_key", "tencent.im.secret"];

const HEADER: &str = "# Secrets relive generated because none were configured. Keep this file private and keep it:\n\
                      # with other keys, clients' push URLs and callbacks of the media cloud stop working.\n\n";

/// Secrets that were made and stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Where they are stored: a file, or the database.
    pub place: String,
    /// Their keys.
    pub keys: Vec<&'static str>,
}

/// The secrets file that belongs to a database, if the database is a file.
fn path(url: &str) -> Option<PathBuf> {
    let file = url.strip_prefix("sqlite://")?;
    let file = file.split_once('?').map_or(file, |(file, _)| file);
    let directory = Path::new(file).parent()?;
    Some(directory.join("secrets.toml"))
}

/// What an earlier start stored.
pub(super) fn read(url: &str, warnings: &mut Vec<String>) -> Result<Option<Layer>, ConfigError> {
    let Some(path) = path(url) else { return Ok(None) };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot read the secrets file {}: {error}", path.display()).into()),
    };
    let layer = Layer::toml(&path, &text)?;
    if let Some((key, place)) = layer.places().find(|(key, _)| !GENERATED.contains(key)) {
        return Err(
            format!("{place}: {key:?} does not belong here, put it into the configuration file").into()
        );
    }
    let mode = fs::metadata(&path).map_or(0o600, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        warnings.push(format!("{} can be read by other users of this machine: chmod 600 it", path.display()));
    }
    Ok(Some(layer))
}

/// What an earlier start stored beside a SQLite database, by key.
///
/// # Errors
/// The file cannot be read, or holds something else.
pub fn stored_secrets(url: &str) -> Result<Vec<(&'static str, String)>, ConfigError> {
    let Some(layer) = read(url, &mut Vec::new())? else { return Ok(Vec::new()) };
    let values = figment::Figment::from(layer);
    Ok(GENERATED.iter().filter_map(|key| Some((*key, values.extract_inner::<String>(key).ok()?))).collect())
}

/// Makes what is needed and was not given, stores it, and puts it into the settings. What another gateway has stored
/// in a shared database counts. `None` if nothing was made.
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
    let made: Vec<(&'static str, String)> = missing
        .iter()
        .map(|(key, _)| {
            let mut bytes = [0; 16];
            random.fill(&mut bytes);
            (*key, format!("{:032x}", u128::from_be_bytes(bytes)))
        })
        .collect();
    let (place, kept) = match path {
        Some(path) => {
            store(&path, made.iter().map(|(key, text)| (*key, text.as_str())))?;
            (path.display().to_string(), made.clone())
        }
        None => ("the database".to_owned(), relive_core::database::keep_secrets(&database, &made)?),
    };
    let keys: Vec<_> = made.iter().filter(|one| kept.contains(one)).map(|(key, _)| *key).collect();
    for ((_, slot), (_, text)) in missing.into_iter().zip(kept) {
        *slot = Secret::new(text);
    }
    Ok((!keys.is_empty()).then_some(Generated { place, keys }))
}

/// Adds secrets to the file; after a crash at any moment there is the old file or the new one.
fn store<'a>(path: &Path, secrets: impl Iterator<Item = (&'a str, &'a str)>) -> io::Result<()> {
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
    fn the_first_start_makes_what_is_missing_and_later_starts_find_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = settings(directory.path());
        first.callback.key = Secret::new("");
        let generated = generate(&mut first, &TestRandom::seeded(1)).unwrap().unwrap();
        assert_eq!(generated.keys, ["media.push_key", "tencent.im.secret"]);
        assert_eq!(fs::metadata(&generated.place).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(first.callback.key.is_empty(), "a secret set to nothing stays nothing");
        let push_key = first.media.push_key.text();
        assert_eq!(push_key.expose_secret().len(), 32);
        assert_ne!(push_key.expose_secret(), first.tencent.im.secret.text().expose_secret());

        // A later start without the explicit empty key: the stored ones are found, the third is added.
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
    fn a_readable_file_is_warned_about_and_a_foreign_key_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = settings(directory.path());
        let path = PathBuf::from(generate(&mut first, &TestRandom::seeded(1)).unwrap().unwrap().place);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let mut warnings = Vec::new();
        assert!(read(&first.database.url, &mut warnings).unwrap().is_some());
        assert_eq!(warnings.len(), 1);
        fs::write(&path, "[http]\nlisten = \"0.0.0.0:1\"\n").unwrap();
        assert!(read(&first.database.url, &mut warnings).unwrap_err().to_string().contains("secrets.toml:2"));
    }
}

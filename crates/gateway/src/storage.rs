//! Creates the file of a SQLite database with private permissions, because it will hold password hashes and tokens.
//!
//! Knows nothing of the file's contents. SQLite gives its other files (`-wal`, `-shm`) the permissions of the database.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// The database's file; `None` if the URL is not one of SQLite.
pub(crate) fn file(url: &str) -> Option<&Path> {
    url.strip_prefix("sqlite://").filter(|path| !path.is_empty()).map(Path::new)
}

/// Creates the database's directory if it is missing, with access for this user only.
pub(crate) fn create_directory(url: &str) -> io::Result<()> {
    match file(url).and_then(Path::parent).filter(|directory| !directory.as_os_str().is_empty()) {
        Some(directory) => DirBuilder::new().recursive(true).mode(0o700).create(directory),
        None => Ok(()),
    }
}

/// Creates the database's directory and file if they are missing, with access for this user only. Existing ones stay
/// unchanged.
pub(crate) fn prepare(url: &str) -> io::Result<()> {
    create_directory(url)?;
    let Some(file) = file(url) else { return Ok(()) };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// A warning, if every user of the machine can read the database.
pub(crate) fn warning(url: &str) -> Option<String> {
    let file = file(url)?;
    let mode = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    let directory = file.parent().filter(|directory| !directory.as_os_str().is_empty());
    let reachable = mode(directory.unwrap_or(Path::new("."))) & 0o001 != 0;
    (reachable && mode(file) & 0o004 != 0)
        .then(|| format!("{} can be read by other users of this machine: chmod 600 it", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn created_files_are_private_and_existing_ones_stay_unchanged() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("a/b");
        let database = directory.join("relive.db");
        let url = format!("sqlite://{}", database.display());
        prepare(&url).unwrap();
        assert_eq!((mode(&directory), mode(&database)), (0o700, 0o600));
        assert_eq!(warning(&url), None);

        fs::write(&database, "kept").unwrap();
        fs::set_permissions(&database, fs::Permissions::from_mode(0o644)).unwrap();
        prepare(&url).unwrap();
        assert_eq!((fs::read_to_string(&database).unwrap().as_str(), mode(&database)), ("kept", 0o644));
        assert_eq!(warning(&url), None, "other users cannot enter the directory");
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(
            warning(&url)
                .unwrap()
                .ends_with("relive.db can be read by other users of this machine: chmod 600 it")
        );
    }

    #[test]
    fn urls_of_other_databases_have_no_file() {
        prepare("postgres://host/name").unwrap();
        assert_eq!(file("postgres://host/name"), None);
        assert_eq!(warning("sqlite://no-such-directory/relive.db"), None);
    }
}

//! The file of a SQLite database, and who may read it. The core creates it with private permissions.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
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

    #[test]
    fn a_database_that_others_can_read_is_warned_about() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("a/b");
        let database = directory.join("relive.db");
        let url = format!("sqlite://{}", database.display());
        create_directory(&url).unwrap();
        let mode =
            |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        fs::write(&database, "").unwrap();
        mode(&database, 0o644);
        assert_eq!(warning(&url), None, "other users cannot enter the directory");
        mode(&directory, 0o755);
        assert!(
            warning(&url)
                .unwrap()
                .ends_with("relive.db can be read by other users of this machine: chmod 600 it")
        );
        mode(&database, 0o600);
        assert_eq!(warning(&url), None);
    }

    #[test]
    fn urls_of_other_databases_have_no_file() {
        create_directory("postgres://host/name").unwrap();
        assert_eq!(file("postgres://host/name"), None);
        assert_eq!(warning("sqlite://no-such-directory/relive.db"), None);
    }
}

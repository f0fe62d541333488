//! The place of a SQLite database: private from its first byte, because it holds password hashes and tokens.
//!
//! Knows nothing of what is in the file. SQLite gives the files beside it (`-wal`, `-shm`) the permissions it has.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// The file of a database that is one.
pub(crate) fn file(url: &str) -> Option<&Path> {
    url.strip_prefix("sqlite://").filter(|path| !path.is_empty()).map(Path::new)
}

/// Makes the directory where it is missing, for this user alone.
pub(crate) fn make_directory(url: &str) -> io::Result<()> {
    match file(url).and_then(Path::parent).filter(|directory| !directory.as_os_str().is_empty()) {
        Some(directory) => DirBuilder::new().recursive(true).mode(0o700).create(directory),
        None => Ok(()),
    }
}

/// Makes directory and file where they are missing, for this user alone. What is there stays as it is.
pub(crate) fn prepare(url: &str) -> io::Result<()> {
    make_directory(url)?;
    let Some(file) = file(url) else { return Ok(()) };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// What to say about a database that every user of the machine can read.
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
    fn what_is_made_is_private_and_what_is_there_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("a/b");
        let database = directory.join("relive.db");
        let url = format!("sqlite://{}", database.display());
        prepare(&url).unwrap();
        assert_eq!((mode(&directory), mode(&database)), (0o700, 0o600));
        assert_eq!(warning(&url), None);

        fs::write(&database, "kept").unwrap();
        fs::set_permissions(&database, fs::Permissions::from_mode(0o644)).unwrap();
        prepare(&url).unwrap();
        assert_eq!((fs::read_to_string(&database).unwrap().as_str(), mode(&database)), ("kept", 0o644));
        assert_eq!(warning(&url), None, "nobody gets past the directory");
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(
            warning(&url)
                .unwrap()
                .ends_with("relive.db can be read by other users of this machine: chmod 600 it")
        );
    }

    #[test]
    fn other_databases_are_not_here() {
        prepare("postgres://host/name").unwrap();
        assert_eq!(file("postgres://host/name"), None);
        assert_eq!(warning("sqlite://no-such-directory/relive.db"), None);
    }
}

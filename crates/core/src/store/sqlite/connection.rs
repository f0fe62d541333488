//! Opens connections to a SQLite file.

use std::{
    error::Error,
    fs::{self, DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use diesel::{Connection as _, connection::SimpleConnection as _, sqlite::SqliteConnection};

/// Pages of the log after which a commit moves it into the database file.
pub(super) const LOG_PAGES: u64 = 4_000;

/// Opens a connection in WAL mode, synced at every commit, with foreign keys on. Makes the file and its folder if they are
/// missing.
pub(in crate::store) fn open(path: &str) -> Result<SqliteConnection, Box<dyn Error + Send + Sync>> {
    make_private_folder(path)?;
    make_private(path)?;
    let mut conn = SqliteConnection::establish(path)?;
    // busy_timeout only matters to a second process (the command line), because one thread of this process writes.
    conn.batch_execute(&format!(
        "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; \
         PRAGMA wal_autocheckpoint = {LOG_PAGES};"
    ))?;
    Ok(conn)
}

/// The path of a database without symbolic links, as SQLite names the files beside it: a lock on another name of the file would
/// exclude nobody.
pub(in crate::store) fn resolved(file: &str) -> String {
    fs::canonicalize(file).map_or_else(|_| file.to_owned(), |path| path.display().to_string())
}

/// Makes the missing folders of a file, with access for this user only.
pub(in crate::store) fn make_private_folder(file: &str) -> io::Result<()> {
    match Path::new(file).parent() {
        Some(folder) => DirBuilder::new().recursive(true).mode(0o700).create(folder),
        None => Ok(()),
    }
}

/// Makes a missing file, with access for this user only: it will hold password hashes and tokens. SQLite gives its other files
/// (`-wal`, `-shm`) the permissions of the database.
fn make_private(file: &str) -> io::Result<()> {
    if file.is_empty() {
        return Ok(()); // A temporary database of SQLite.
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_database_is_private_and_an_existing_one_keeps_its_permissions() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/b");
        let file = folder.join("relive.db");
        let mut conn = open(file.to_str().unwrap()).unwrap();
        conn.batch_execute("CREATE TABLE t (a)").unwrap();
        assert_eq!((mode(&folder), mode(&file), mode(&folder.join("relive.db-wal"))), (0o700, 0o600, 0o600));
        drop(conn);
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        open(file.to_str().unwrap()).unwrap();
        assert_eq!((mode(&folder), mode(&file)), (0o755, 0o640));
    }
}

//! Opens connections to a SQLite file.

use std::error::Error;

use diesel::{Connection as _, connection::SimpleConnection as _, sqlite::SqliteConnection};

/// Pages of the log after which a commit moves it into the database file.
pub(super) const LOG_PAGES: u64 = 4_000;

/// Opens a connection in WAL mode, synced at every commit, with foreign keys on. Makes the folder of the file.
pub(in crate::store) fn open(path: &str) -> Result<SqliteConnection, Box<dyn Error + Send + Sync>> {
    if let Some(folder) = std::path::Path::new(path).parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut conn = SqliteConnection::establish(path)?;
    // busy_timeout only matters to a second process (the command line), because one thread of this process writes.
    conn.batch_execute(&format!(
        "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; \
         PRAGMA wal_autocheckpoint = {LOG_PAGES};"
    ))?;
    Ok(conn)
}

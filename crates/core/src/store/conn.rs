//! One connection, whichever database stands behind it.

use diesel::{Connection as _, connection::SimpleConnection as _, sqlite::SqliteConnection};

use crate::{DatabaseConfig, StartError};

/// A connection to one of the supported databases.
///
/// Queries are written once and expanded per backend by [`on!`]: each arm is checked against its own backend, so
/// upserts and `RETURNING` work everywhere (a `MultiConnection` refuses them).
pub(crate) enum Conn {
    /// Embedded SQLite.
    Sqlite(SqliteConnection),
}

/// Runs one query text on whichever backend the connection has: `on!(conn, |c| query.load(c))`.
macro_rules! on {
    ($conn:expr, |$c:ident| $query:expr) => {
        match $conn {
            $crate::store::conn::Conn::Sqlite($c) => $query,
        }
    };
}
pub(crate) use on;

/// The file a `sqlite://` URL names.
pub(crate) fn sqlite_path(config: &DatabaseConfig) -> Result<&str, StartError> {
    config.url.strip_prefix("sqlite://").filter(|path| !path.is_empty()).ok_or_else(|| {
        StartError::UnknownDatabase(config.url.split("://").next().unwrap_or_default().to_owned())
    })
}

impl Conn {
    /// Opens a connection, ready for use: SQLite in WAL mode, synced at every commit, foreign keys on.
    pub(crate) fn open(config: &DatabaseConfig) -> Result<Self, StartError> {
        let path = sqlite_path(config)?;
        let open = |source: Box<dyn std::error::Error + Send + Sync>| StartError::Open {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = std::path::Path::new(path).parent() {
            std::fs::create_dir_all(folder).map_err(|error| open(Box::new(error)))?;
        }
        let mut conn = SqliteConnection::establish(path).map_err(|error| open(Box::new(error)))?;
        // busy_timeout only matters to a second process (the command line); inside, one thread writes.
        conn.batch_execute(
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; \
             PRAGMA wal_autocheckpoint = 4000; PRAGMA mmap_size = 268435456;",
        )
        .map_err(|error| open(Box::new(error)))?;
        Ok(Self::Sqlite(conn))
    }

    /// Runs statements without parameters and results.
    pub(crate) fn execute(&mut self, sql: &'static str) -> crate::Result<()> {
        on!(self, |c| c.batch_execute(sql))?;
        Ok(())
    }
}

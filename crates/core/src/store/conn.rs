//! One connection, whichever database stands behind it.

use std::time::Duration;

use diesel::{
    Connection as _, connection::SimpleConnection as _, pg::PgConnection, sqlite::SqliteConnection,
};

use super::log_file;
use crate::{DatabaseConfig, StartError};

/// A connection to one of the supported databases.
///
/// Queries are written once and expanded per backend by [`on!`]: each arm is checked against its own backend, so
/// upserts and `RETURNING` work everywhere (a `MultiConnection` refuses them).
pub(crate) enum Conn {
    /// Embedded SQLite.
    Sqlite(SqliteConnection),
    /// A PostgreSQL server, or what speaks like one.
    Postgres(PgConnection),
}

/// The database engine behind a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// Embedded SQLite.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// Runs one query text on whichever backend the connection has: `on!(conn, |c| query.load(c))`.
macro_rules! on {
    ($conn:expr, |$c:ident| $query:expr) => {
        match $conn {
            $crate::store::conn::Conn::Sqlite($c) => $query,
            $crate::store::conn::Conn::Postgres($c) => $query,
        }
    };
}
pub(crate) use on;

/// What a database URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend<'a> {
    /// A file.
    Sqlite(&'a str),
    /// A server; the URL as libpq reads it.
    Postgres(&'a str),
}

impl<'a> Backend<'a> {
    pub(crate) fn of(config: &'a DatabaseConfig) -> Result<Self, StartError> {
        let url = config.url.as_str();
        match url.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path)),
            Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => Ok(Self::Postgres(url)),
            _ => Err(StartError::UnknownDatabase(url.split("://").next().unwrap_or_default().to_owned())),
        }
    }

    /// Where the data is, without what must not be seen: user, password, parameters.
    fn place(self) -> String {
        match self {
            Self::Sqlite(path) => path.to_owned(),
            Self::Postgres(url) => {
                let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
                let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
                place.split_once('?').map_or(place, |(place, _)| place).to_owned()
            }
        }
    }
}

impl Conn {
    /// Opens a connection, ready for use: SQLite in WAL mode, synced at every commit, foreign keys on; PostgreSQL with
    /// the time limits of the configuration.
    pub(crate) fn open(config: &DatabaseConfig) -> Result<Self, StartError> {
        let backend = Backend::of(config)?;
        let opened = match backend {
            Backend::Sqlite(path) => open_sqlite(path).map(Self::Sqlite),
            Backend::Postgres(url) => open_postgres(url, config).map(Self::Postgres),
        };
        opened.map_err(|source| StartError::Open { path: backend.place(), source })
    }

    /// Runs statements without parameters and results.
    pub(crate) fn execute(&mut self, sql: &str) -> crate::Result<()> {
        on!(self, |c| c.batch_execute(sql))?;
        Ok(())
    }

    /// Begins a transaction all of whose queries look at one state of the database.
    pub(crate) fn begin_snapshot(&mut self) -> crate::Result<()> {
        match self {
            Self::Sqlite(_) => self.execute("BEGIN"),
            Self::Postgres(_) => self.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        }
    }
}

type Refusal = Box<dyn std::error::Error + Send + Sync>;

fn open_sqlite(path: &str) -> Result<SqliteConnection, Refusal> {
    if let Some(folder) = std::path::Path::new(path).parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut conn = SqliteConnection::establish(path)?;
    // busy_timeout only matters to a second process (the command line); inside, one thread at a time writes.
    conn.batch_execute(&format!(
        "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; \
         PRAGMA wal_autocheckpoint = {};",
        log_file::PAGES
    ))?;
    Ok(conn)
}

fn open_postgres(url: &str, config: &DatabaseConfig) -> Result<PgConnection, Refusal> {
    // libpq would quote what it cannot decode, and that may be the password.
    let is_code = |rest: &str| rest.get(..2).is_some_and(|code| code.bytes().all(|b| b.is_ascii_hexdigit()));
    if !url.split('%').skip(1).all(is_code) {
        return Err("a % in the URL has to be written %25".into());
    }
    let mut conn = PgConnection::establish(&with_limits(url, config))?;
    // synchronous_commit: what is acknowledged is on disk, whatever the server's default says.
    // enable_seqscan, jit: statements here look rows up by key. A plan made while a table was small, or new to the planner,
    // would go on reading all of it when it is not.
    // plan_cache_mode: such a plan is right for all values. Left to itself the server may plan a statement anew for each,
    // which takes as long as running it, and for many keys at a time prefers to read a small table as a whole.
    // max_parallel_workers_per_gather: not knowing how long a page is, such a plan would start helpers to sort the whole list.
    conn.batch_execute(&format!(
        "SET statement_timeout = {0}; SET lock_timeout = {0}; SET idle_in_transaction_session_timeout = {1}; \
         SET synchronous_commit = on; SET client_min_messages = warning; \
         SET enable_seqscan = off; SET jit = off; SET plan_cache_mode = force_generic_plan; \
         SET max_parallel_workers_per_gather = 0;",
        millis(config.statement_timeout),
        // A gateway that freezes inside a transaction must not hold its locks for ever.
        millis(config.statement_timeout.saturating_mul(2)),
    ))?;
    Ok(conn)
}

fn millis(duration: Duration) -> u128 {
    duration.as_millis().max(1)
}

/// Adds what makes libpq notice a dead peer in time; what the operator wrote into the URL stays as it is.
fn with_limits(url: &str, config: &DatabaseConfig) -> String {
    let limit = millis(config.statement_timeout);
    let parameters = [
        ("connect_timeout", config.connect_timeout.as_secs().max(1).to_string()),
        ("tcp_user_timeout", limit.to_string()),
        ("keepalives_idle", "1".to_owned()),
        ("keepalives_interval", "1".to_owned()),
        ("keepalives_count", "2".to_owned()),
        ("application_name", "relive".to_owned()),
    ];
    let given = url.split_once('?').map_or("", |(_, given)| given).to_owned();
    let has = |name: &str| {
        given.split('&').any(|one| one.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
    };
    let mut url = url.to_owned();
    let mut separator = match (url.contains('?'), given.is_empty()) {
        (false, _) => "?",
        (true, true) => "",
        (true, false) => "&",
    };
    for (name, value) in parameters {
        if !has(name) {
            url.extend([separator, name, "=", &value]);
            separator = "&";
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn urls_get_limits_and_keep_what_they_say() {
        let config = Config::sqlite("").database;
        let plain = with_limits("postgres://u:p@h/d", &config);
        assert!(plain.starts_with("postgres://u:p@h/d?connect_timeout=") && !plain.contains("?&"), "{plain}");
        let given = with_limits("postgres://h/d?sslmode=require&connect_timeout=9", &config);
        assert!(
            given.starts_with("postgres://h/d?sslmode=require&connect_timeout=9&tcp_user_timeout="),
            "{given}"
        );
        assert_eq!(given.matches("connect_timeout").count(), 1);
    }

    #[test]
    fn what_cannot_be_decoded_is_not_quoted() {
        let mut config = Config::sqlite("").database;
        config.url = "postgres://anna:hunter%2@127.0.0.1:1/d".to_owned();
        let Err(StartError::Open { source, .. }) = Conn::open(&config) else { panic!("opened") };
        assert_eq!(source.to_string(), "a % in the URL has to be written %25");
    }

    #[test]
    fn a_place_names_no_password() {
        let mut config = Config::sqlite("").database;
        config.url = "postgresql://anna:hunter2@db.example:5433/relive?sslpassword=x".to_owned();
        assert_eq!(Backend::of(&config).unwrap().place(), "db.example:5433/relive");
        config.url = "mysql://h/d".to_owned();
        assert!(
            matches!(Backend::of(&config), Err(StartError::UnknownDatabase(scheme)) if scheme == "mysql")
        );
    }
}

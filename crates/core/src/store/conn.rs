//! A connection to either database engine, and the macro that writes a query once for both.

use diesel::{connection::SimpleConnection as _, pg::PgConnection, sqlite::SqliteConnection};

use super::{
    postgres::{self, server::Server},
    sqlite,
};
use crate::{DatabaseConfig, StartError};

/// A connection to one of the supported databases.
///
/// Queries are written once and expanded per engine by [`on!`]: each arm is type-checked for its own engine, so upserts and
/// `RETURNING` work on both. diesel's `MultiConnection` refuses them.
pub(crate) enum Conn {
    /// Embedded SQLite.
    Sqlite(SqliteConnection),
    /// A PostgreSQL server.
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

/// Expands a query for the engine of a connection: `on!(conn, |c| query.load(c))`.
macro_rules! on {
    ($conn:expr, |$c:ident| $query:expr) => {
        match $conn {
            $crate::store::conn::Conn::Sqlite($c) => $query,
            $crate::store::conn::Conn::Postgres($c) => $query,
        }
    };
}
pub(crate) use on;

/// The engine and the place that a database URL names.
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

    /// The absolute path of the file, or the server and the database, without user, password and parameters.
    pub(crate) fn place(self) -> String {
        match self {
            Self::Sqlite(path) => {
                std::path::absolute(path).map_or_else(|_| path.to_owned(), |path| path.display().to_string())
            }
            Self::Postgres(url) => {
                let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
                let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
                place.split_once('?').map_or(place, |(place, _)| place).to_owned()
            }
        }
    }
}

impl Conn {
    /// Opens a connection and makes the settings of its session.
    pub(crate) fn open(config: &DatabaseConfig) -> Result<Self, StartError> {
        let backend = Backend::of(config)?;
        let opened = match backend {
            Backend::Sqlite(path) => sqlite::connection::open(path).map(Self::Sqlite),
            Backend::Postgres(url) => postgres::connection::open(url, config).map(Self::Postgres),
        };
        opened.map_err(|source| StartError::Open { path: backend.place(), source })
    }

    /// Asks the connection which server it reaches.
    pub(super) fn server(&mut self) -> crate::Result<Server> {
        match self {
            Self::Sqlite(_) => Ok(Server::EMBEDDED),
            Self::Postgres(conn) => Ok(Server::of(conn)?),
        }
    }

    /// Runs statements without parameters and results.
    pub(crate) fn execute(&mut self, sql: &str) -> crate::Result<()> {
        on!(self, |c| c.batch_execute(sql))?;
        Ok(())
    }

    /// Begins a read-only transaction in which all queries see the same state of the database.
    pub(crate) fn begin_snapshot(&mut self) -> crate::Result<()> {
        match self {
            Self::Sqlite(_) => self.execute("BEGIN"),
            Self::Postgres(_) => self.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn a_url_that_cannot_be_decoded_is_not_quoted() {
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

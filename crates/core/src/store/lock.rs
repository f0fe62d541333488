//! Locks that keep a server and a command that replaces its database apart.
//!
//! SQLite: a running core holds the file `<database>.lock` exclusively, because two cores would each serve from a memory of
//! their own. PostgreSQL: each connection of relive holds an advisory lock shared, so that any number of gateways may run, and
//! a reconnection takes the lock again by itself; a command that replaces the data holds the same lock exclusively.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
};

use super::{
    conn::{Backend, Conn},
    postgres, sqlite,
};
use crate::{DatabaseConfig, Error, StartError};

/// The exclusive lock on a database, held until it is dropped.
#[expect(missing_debug_implementations, reason = "a lock has nothing to show")]
pub struct ExclusiveLock {
    _file: Option<File>,
    /// The session that holds the advisory lock.
    session: Option<Conn>,
}

impl ExclusiveLock {
    /// Takes the lock of a database.
    ///
    /// Errors: [`StartError::InUse`] if a server or a command uses the database.
    pub fn take(config: &DatabaseConfig) -> Result<Self, StartError> {
        match Backend::of(config)? {
            Backend::Sqlite(path) => Ok(Self { _file: Some(lock_file(path)?), session: None }),
            Backend::Postgres(_) => {
                let mut session = Conn::open(config)?;
                exclude(&mut session, config)?;
                Ok(Self { _file: None, session: Some(session) })
            }
        }
    }

    /// Migrates the database, as [`migrate`](crate::database::migrate) does. No other connection to PostgreSQL can be opened
    /// while the lock is held.
    pub fn migrate(&mut self, config: &DatabaseConfig) -> Result<(), StartError> {
        match &mut self.session {
            Some(session) => super::migrate::migrate(session),
            None => super::migrate::migrate(&mut Conn::open(config)?),
        }
    }
}

/// Turns the shared lock of a connection to PostgreSQL into an exclusive one, until the connection closes. Without effect on
/// SQLite.
///
/// Errors: [`StartError::InUse`] if another connection holds the lock.
pub(crate) fn exclude(conn: &mut Conn, config: &DatabaseConfig) -> Result<(), StartError> {
    let Conn::Postgres(session) = conn else { return Ok(()) };
    if postgres::lock::exclude(session).map_err(|error| StartError::Load(Error::from(error)))? {
        Ok(())
    } else {
        Err(StartError::InUse(Backend::of(config)?.place()))
    }
}

/// Locks the file beside a SQLite database. The system releases the lock when the process ends, however it ends.
fn lock_file(database: &str) -> Result<File, StartError> {
    let path = format!("{}.lock", sqlite::connection::resolved(database));
    let failed = |source: std::io::Error| StartError::Open { path: path.clone(), source: source.into() };
    sqlite::connection::make_private_folder(database).map_err(failed)?;
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse(path)),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, database::Scratch};

    #[test]
    fn a_database_has_one_exclusive_lock() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::sqlite(folder.path().join("a/relive.db")).database;
        let held = ExclusiveLock::take(&config).unwrap();
        assert!(
            matches!(ExclusiveLock::take(&config), Err(StartError::InUse(path)) if path.ends_with("relive.db.lock"))
        );
        drop(held);
        assert!(ExclusiveLock::take(&config).is_ok());
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
    fn connections_to_postgresql_and_an_exclusive_lock_exclude_each_other() {
        let Ok(url) = std::env::var("RELIVE_TEST_POSTGRES") else { return };
        let scratch = Scratch::empty(&url).unwrap();
        let config = DatabaseConfig { url: scratch.url().to_owned(), ..Config::sqlite("").database };
        let connections = (Conn::open(&config).unwrap(), Conn::open(&config).unwrap());
        assert!(matches!(ExclusiveLock::take(&config), Err(StartError::InUse(_))));
        drop(connections);
        let mut held = ExclusiveLock::take(&config).unwrap();
        held.migrate(&config).unwrap();
        assert!(matches!(Conn::open(&config), Err(StartError::Open { .. })));
    }
}

//! Temporary PostgreSQL databases for tests and experiments.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use diesel::{Connection as _, connection::SimpleConnection as _, pg::PgConnection};

use crate::{Config, DatabaseConfig, Random, StartError, SystemRandom, model::random};

/// The template of every temporary database; it stays on the server.
const TEMPLATE: &str = "relive_template";
/// Advisory lock on the template, which nothing may be connected to while it is copied: exclusive while it is migrated,
/// shared while it is copied.
const LOCK: i64 = 0x0072_656c_6976_6503;

/// A temporary PostgreSQL database on the server of a given one. The database is dropped together with this value.
#[derive(Debug)]
pub struct Scratch {
    server: String,
    name: String,
    url: String,
}

impl Scratch {
    /// Creates a database with the schema and no rows on the server of `url`. The database that `url` names serves only to
    /// connect to the server.
    ///
    /// Errors: [`StartError::Open`] if the server cannot be reached, or refuses.
    pub fn create(url: &str) -> Result<Self, StartError> {
        make_template(url)?;
        let lock = format!("SELECT pg_advisory_lock_shared({LOCK})\n");
        Self::of(url, &lock, TEMPLATE)
    }

    /// Creates a database without the schema on the server of `url`.
    ///
    /// Errors: [`StartError::Open`] if the server cannot be reached, or refuses.
    pub fn empty(url: &str) -> Result<Self, StartError> {
        Self::of(url, "", "template0")
    }

    fn of(url: &str, before: &str, template: &str) -> Result<Self, StartError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let random: &dyn Random = &SystemRandom;
        let name = format!("relive_scratch_{}_{count}", random::token(random));
        run(url, &format!("{before}CREATE DATABASE {name} TEMPLATE {template}"))?;
        Ok(Self { server: url.to_owned(), url: beside(url, &name), name })
    }

    /// The URL of the new database.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // `drop` cannot report a failure; a database that is left over goes with the server.
        let _ = run(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// The URL of another database on the same server.
fn beside(url: &str, name: &str) -> String {
    let (base, parameters) = url.split_once('?').map_or((url, None), |(base, rest)| (base, Some(rest)));
    let server = base.rsplit_once('/').map_or(base, |(server, _)| server);
    let parameters = parameters.map_or_else(String::new, |parameters| format!("?{parameters}"));
    format!("{server}/{name}{parameters}")
}

/// Creates or migrates the template, once per process.
fn make_template(url: &str) -> Result<(), StartError> {
    static MADE: Mutex<bool> = Mutex::new(false);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if !*made {
        let mut lock = connect(url)?;
        lock.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})")).map_err(failed)?;
        // Fails if the template exists already.
        let _ = lock.batch_execute(&format!("CREATE DATABASE {TEMPLATE}"));
        let config = DatabaseConfig { url: beside(url, TEMPLATE), ..Config::sqlite("").database };
        super::migrate(&config)?;
        *made = true;
    }
    Ok(())
}

fn connect(url: &str) -> Result<PgConnection, StartError> {
    PgConnection::establish(url).map_err(failed)
}

fn failed(source: impl std::error::Error + Send + Sync + 'static) -> StartError {
    StartError::Open { path: TEMPLATE.to_owned(), source: Box::new(source) }
}

/// Runs one statement per line, each in a transaction of its own, as `CREATE DATABASE` requires.
fn run(url: &str, statements: &str) -> Result<(), StartError> {
    let mut conn = connect(url)?;
    statements.lines().try_for_each(|statement| conn.batch_execute(statement)).map_err(failed)
}

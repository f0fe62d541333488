//! Databases that are thrown away.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use diesel::{Connection as _, connection::SimpleConnection as _, pg::PgConnection};

use crate::{Config, DatabaseConfig, Random, StartError, SystemRandom, model::random};

/// What all of them are copies of; it stays on the server.
const TEMPLATE: &str = "relive_template";
/// Nobody may be connected to a template that is being copied: held alone while it is made, together while it is copied.
const LOCK: i64 = 0x0072_656c_6976_6503;

/// A PostgreSQL database with the schema and nothing else, for a test or an experiment, beside a given one. Dropped with
/// this value.
#[derive(Debug)]
pub struct Scratch {
    server: String,
    name: String,
    url: String,
}

impl Scratch {
    /// Makes a database on the server of `url`, whose own database is only used to connect to.
    ///
    /// Errors: [`StartError::Open`] if the server cannot be reached, or refuses.
    pub fn create(url: &str) -> Result<Self, StartError> {
        make_template(url)?;
        let lock = format!("SELECT pg_advisory_lock_shared({LOCK})\n");
        Self::of(url, &lock, TEMPLATE)
    }

    /// The same without the schema.
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
        // Nobody can be told; it goes with the server.
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

/// Makes the template, or brings it up to date, once in the life of this process.
fn make_template(url: &str) -> Result<(), StartError> {
    static MADE: Mutex<bool> = Mutex::new(false);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if !*made {
        let mut lock = connect(url)?;
        lock.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})")).map_err(failed)?;
        // It may be there already.
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

/// Runs statements, one a line, each in a transaction of its own, as `CREATE DATABASE` wants it.
fn run(url: &str, statements: &str) -> Result<(), StartError> {
    let mut conn = connect(url)?;
    statements.lines().try_for_each(|statement| conn.batch_execute(statement)).map_err(failed)
}

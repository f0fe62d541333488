//! Databases that are thrown away.

use std::sync::atomic::{AtomicU64, Ordering};

use diesel::{Connection as _, connection::SimpleConnection as _, pg::PgConnection};

use crate::{Random, StartError, SystemRandom, random};

/// An empty PostgreSQL database for a test or an experiment, beside a given one. Dropped with this value.
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
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let random: &dyn Random = &SystemRandom;
        let name = format!("relive_scratch_{}_{count}", random::token(random));
        let (base, parameters) = url.split_once('?').map_or((url, None), |(base, rest)| (base, Some(rest)));
        let server = base.rsplit_once('/').map_or(base, |(server, _)| server);
        let parameters = parameters.map_or_else(String::new, |parameters| format!("?{parameters}"));
        let scratch =
            Self { server: url.to_owned(), url: format!("{server}/{name}{parameters}"), name: name.clone() };
        scratch.run(&format!("CREATE DATABASE {name}"))?;
        Ok(scratch)
    }

    /// The URL of the new database.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn run(&self, sql: &str) -> Result<(), StartError> {
        let open = |source| StartError::Open { path: self.name.clone(), source };
        let mut conn = PgConnection::establish(&self.server).map_err(|error| open(Box::new(error)))?;
        conn.batch_execute(sql).map_err(|error| open(Box::new(error)))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nobody can be told; it goes with the server.
        let _ = self.run(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

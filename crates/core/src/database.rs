//! Operators' tools for a database: migrate, check, back up, copy and compare. None of them needs a running core.

mod check;
mod copy;
mod inventory;
mod scratch;

use std::path::Path;

use diesel::prelude::*;

pub use self::{
    check::{Problem, collisions, damage},
    copy::{Beside, Progress, Transfer, copy},
    inventory::{TABLES, rows, tables},
    scratch::Scratch,
};
pub use crate::store::lock::ExclusiveLock;
use crate::{
    DatabaseConfig, Error, StartError,
    store::{
        conn::{Backend, Conn, on},
        schema::settings,
    },
};

/// The place of a database for people: the absolute path of a file, or the server and the database, without user, password and
/// parameters.
pub fn place(config: &DatabaseConfig) -> String {
    Backend::of(config).map(Backend::place).unwrap_or_default()
}

/// Migrates a database to this version's schema. A missing SQLite file is created; one of an older version is copied to
/// `<file>.before-<version>` first. A PostgreSQL database must exist, but may be empty.
pub fn migrate(config: &DatabaseConfig) -> Result<(), StartError> {
    crate::store::migrate::migrate(&mut Conn::open(config)?)
}

/// Migrates like [`migrate`] a SQLite database that is a copy itself.
pub fn migrate_copy(config: &DatabaseConfig) -> Result<(), StartError> {
    crate::store::migrate::migrate_copy(&mut Conn::open(config)?)
}

/// Checks that this version can migrate a PostgreSQL database in which migrations of these versions have run.
///
/// Errors: [`StartError::NewerSchema`] if not.
pub fn accepts<'a>(versions: impl IntoIterator<Item = &'a str>) -> Result<(), StartError> {
    crate::store::migrate::accepts(versions)
}

/// Stores each secret unless one of its name is stored already, and returns the stored ones: all gateways that share the
/// database use the same secrets. Migrates the database first.
pub fn keep_secrets<'a>(
    config: &DatabaseConfig,
    secrets: &[(&'a str, String)],
) -> Result<Vec<(&'a str, String)>, StartError> {
    let mut conn = Conn::open(config)?;
    crate::store::migrate::migrate(&mut conn)?;
    let load = |error: diesel::result::Error| StartError::Load(Error::from(error));
    secrets
        .iter()
        .map(|(key, text)| {
            let name = secret_name(key);
            on!(&mut conn, |c| diesel::insert_into(settings::table)
                .values((settings::name.eq(&name), settings::value.eq(text)))
                .on_conflict_do_nothing()
                .execute(c))
            .map_err(load)?;
            let kept = on!(&mut conn, |c| settings::table.find(&name).select(settings::value).first(c));
            Ok((*key, kept.map_err(load)?))
        })
        .collect()
}

fn secret_name(key: &str) -> String {
    format!("secret.{key}")
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

/// Copies a SQLite database into a new, compacted file. The copy is consistent also while the database is in use.
///
/// Errors: [`StartError::NotSqlite`] for PostgreSQL, which has tools of its own for backups.
pub fn backup(config: &DatabaseConfig, to: &Path) -> Result<(), StartError> {
    let Backend::Sqlite(_) = Backend::of(config)? else { return Err(StartError::NotSqlite) };
    let Conn::Sqlite(mut conn) = Conn::open(config)? else { return Err(StartError::NotSqlite) };
    diesel::sql_query("VACUUM INTO ?")
        .bind::<diesel::sql_types::Text, _>(to.display().to_string())
        .execute(&mut conn)
        .map(|_| ())
        .map_err(|error| StartError::Load(Error::from(error)))
}

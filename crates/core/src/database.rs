//! Operators' tools for a database: migrate, check, back up, copy and compare. None of them needs a running core.

mod copy;
mod inventory;
mod scratch;

use std::path::Path;

use diesel::prelude::*;

pub use self::{
    copy::{Progress, Transfer, copy},
    inventory::{TABLES, rows, tables},
    scratch::Scratch,
};
use crate::{
    DatabaseConfig, Error, StartError,
    store::{
        conn::{Backend, Conn, on},
        schema::settings,
    },
};

/// Migrates a database to this version's schema. A missing SQLite file is created; a PostgreSQL database must exist, but
/// may be empty.
pub fn migrate(config: &DatabaseConfig) -> Result<(), StartError> {
    crate::store::migrate::migrate(&mut Conn::open(config)?)
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

/// Faults that SQLite finds in its pages and indexes.
const SQLITE_PAGES: &str =
    "SELECT integrity_check AS line FROM pragma_integrity_check WHERE integrity_check <> 'ok'";
/// Rows that refer to missing rows.
const SQLITE_REFERENCES: &str = "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' refers to a missing row of ' || parent AS line \
     FROM pragma_foreign_key_check";
/// Indexes and constraints that PostgreSQL ignores because it failed to create them.
const POSTGRES_PARTS: &str = "SELECT 'index ' || indexrelid::regclass || ' is not valid' AS line FROM pg_index \
     JOIN pg_class ON pg_class.oid = indrelid WHERE relnamespace = current_schema()::regnamespace AND NOT indisvalid \
     UNION ALL SELECT 'constraint ' || conname || ' of ' || conrelid::regclass || ' is not valid' FROM pg_constraint \
     WHERE connamespace = current_schema()::regnamespace AND NOT convalidated";
/// Rooms that name a missing broadcast: neither database has a constraint for that.
const ROOMS: &str = "SELECT 'room ' || number || ' names a missing broadcast' AS line FROM rooms \
     WHERE broadcast_id NOT IN (SELECT id FROM broadcasts)";

/// Checks the pages, the indexes and the references between the rows of a database. Returns one text per fault, none for
/// a sound database. The pages of PostgreSQL are not checked: `pg_amcheck` does that.
pub fn check(config: &DatabaseConfig) -> Result<Vec<String>, StartError> {
    let mut conn = Conn::open(config)?;
    let found: QueryResult<Vec<Vec<Line>>> = match &mut conn {
        Conn::Sqlite(c) => [SQLITE_PAGES, SQLITE_REFERENCES, ROOMS]
            .into_iter()
            .map(|query| diesel::sql_query(query).load(c))
            .collect(),
        Conn::Postgres(c) => {
            [POSTGRES_PARTS, ROOMS].into_iter().map(|query| diesel::sql_query(query).load(c)).collect()
        }
    };
    let found = found.map_err(|error| StartError::Load(error.into()))?;
    Ok(found.into_iter().flatten().map(|line| line.line).collect())
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

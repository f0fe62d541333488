//! What an operator does to a database that no core has open, or beside one that has.

use std::path::Path;

use diesel::prelude::*;

use crate::{
    DatabaseConfig, Error, StartError,
    store::conn::{Conn, on},
};

/// Brings a database up to this version's schema, making it if there is none.
pub fn migrate(config: &DatabaseConfig) -> Result<(), StartError> {
    crate::store::migrate::migrate(&mut Conn::open(config)?)
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

/// Looks a database over: its pages and indexes, and rows that point to rows which are not there. Returns what is
/// wrong, one text per finding; nothing for a sound one.
pub fn check(config: &DatabaseConfig) -> Result<Vec<String>, StartError> {
    let load = |error: diesel::result::Error| StartError::Load(Error::from(error));
    let mut conn = Conn::open(config)?;
    let pages: Vec<Line> =
        on!(&mut conn, |c| diesel::sql_query("SELECT integrity_check AS line FROM pragma_integrity_check")
            .load(c))
        .map_err(load)?;
    let references: Vec<Line> = on!(&mut conn, |c| diesel::sql_query(
        "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' refers to a missing row of ' || parent AS line \
         FROM pragma_foreign_key_check"
    )
    .load(c))
    .map_err(load)?;
    Ok(pages
        .into_iter()
        .map(|found| found.line)
        .filter(|line| line != "ok")
        .chain(references.into_iter().map(|found| found.line))
        .collect())
}

/// Copies a database, in use or not, into a new file: a consistent state, compacted.
pub fn backup(config: &DatabaseConfig, to: &Path) -> Result<(), StartError> {
    let mut conn = Conn::open(config)?;
    on!(&mut conn, |c| diesel::sql_query("VACUUM INTO ?")
        .bind::<diesel::sql_types::Text, _>(to.display().to_string())
        .execute(c))
    .map(|_| ())
    .map_err(|error| StartError::Load(error.into()))
}

//! Copies a SQLite database beside itself before a migration: an older version of relive cannot read the migrated file, and
//! reverting a migration drops what the older version does not know.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use diesel::{prelude::*, sql_types::Text};

use crate::{Error, Result, causes};

#[derive(QueryableByName)]
struct DatabaseFile {
    #[diesel(sql_type = Text)]
    file: String,
}

/// Copies the database to `<file>.before-<version>`, over an older copy of that name; `version` is that of the migrated database.
/// Without a copy the migration goes on: a disk that is too full for the copy may still have room for the migration.
pub(in crate::store) fn keep(conn: &mut SqliteConnection, version: &str) {
    let file = diesel::sql_query("SELECT file FROM pragma_database_list WHERE name = 'main'")
        .get_result(conn)
        .map_err(Error::from);
    let copied = file.and_then(|DatabaseFile { file }| {
        let to = PathBuf::from(format!("{file}.before-{version}"));
        copy(conn, &to).map(|()| to)
    });
    match copied {
        Ok(to) => tracing::info!(file = %to.display(), "the database was copied before its migration"),
        Err(error) => {
            tracing::warn!(error = %causes(&error), "no copy of the database was made before its migration");
        }
    }
}

fn copy(conn: &mut SqliteConnection, to: &Path) -> Result<()> {
    let partial = PathBuf::from(format!("{}.partial", to.display()));
    let copied = copy_to_empty_file(conn, &partial)
        .and_then(|()| fs::rename(&partial, to).map_err(|error| Error::Storage(Box::new(error))));
    if copied.is_err() {
        let _ = fs::remove_file(&partial);
    }
    copied
}

/// Copies the database to a file that only this user can read.
fn copy_to_empty_file(conn: &mut SqliteConnection, to: &Path) -> Result<()> {
    let storage = |error: std::io::Error| Error::Storage(Box::new(error));
    let mut empty = OpenOptions::new();
    let file = empty.write(true).create(true).truncate(true).mode(0o600).open(to).map_err(storage)?;
    diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(to.display().to_string()).execute(conn)?;
    file.sync_all().map_err(storage)
}

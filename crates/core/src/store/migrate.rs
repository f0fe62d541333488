//! Bringing a database up to this version's schema, and refusing one from a newer version.

use diesel::migration::{Migration, MigrationSource as _, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::conn::Conn;
use crate::StartError;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Runs every migration the database has not seen.
pub(crate) fn migrate(conn: &mut Conn) -> Result<(), StartError> {
    let Conn::Sqlite(conn) = conn;
    let applied = conn.applied_migrations().map_err(StartError::Migrate)?;
    let known: Vec<Box<dyn Migration<diesel::sqlite::Sqlite>>> =
        SQLITE.migrations().map_err(StartError::Migrate)?;
    let known = known.iter().map(|migration| migration.name().version().as_owned()).max();
    let found = applied.into_iter().max();
    if found > known {
        let text =
            |version: Option<MigrationVersion<'_>>| version.map_or_else(String::new, |v| v.to_string());
        return Err(StartError::NewerSchema { found: text(found), known: text(known) });
    }
    conn.run_pending_migrations(SQLITE).map_err(StartError::Migrate)?;
    Ok(())
}

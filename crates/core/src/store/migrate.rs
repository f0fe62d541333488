//! Migrates a database to the schema of this version, and refuses a database of a newer version.

use diesel::{
    backend::Backend,
    connection::SimpleConnection as _,
    migration::{Migration, MigrationSource, MigrationVersion},
    pg::Pg,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::conn::Conn;
use crate::StartError;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// The advisory lock that makes gateways which start at the same time migrate one after the other.
const LOCK: i64 = 0x0072_656c_6976_6501;

/// Runs every pending migration. Leaves a PostgreSQL connection without time limits.
pub(crate) fn migrate(conn: &mut Conn) -> Result<(), StartError> {
    match conn {
        Conn::Sqlite(conn) => apply(conn, SQLITE),
        Conn::Postgres(conn) => {
            let failed = |error: diesel::result::Error| StartError::Migrate(Box::new(error));
            conn.batch_execute(&format!(
                "SET statement_timeout = 0; SET lock_timeout = 0; SELECT pg_advisory_lock({LOCK});"
            ))
            .map_err(failed)?;
            let done = apply(conn, POSTGRES);
            conn.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK})")).map_err(failed)?;
            done
        }
    }
}

/// Fails if a PostgreSQL database in which these migrations have run is of a newer version.
pub(crate) fn accepts<'a>(applied: impl IntoIterator<Item = &'a str>) -> Result<(), StartError> {
    let known = MigrationSource::<Pg>::migrations(&POSTGRES).map_err(StartError::Migrate)?;
    not_newer(applied.into_iter().map(MigrationVersion::from).max(), &known)
}

fn not_newer<DB: Backend>(
    found: Option<MigrationVersion<'_>>,
    known: &[Box<dyn Migration<DB>>],
) -> Result<(), StartError> {
    let known = known.iter().map(|migration| migration.name().version().as_owned()).max();
    if found > known {
        let text =
            |version: Option<MigrationVersion<'_>>| version.map_or_else(String::new, |v| v.to_string());
        return Err(StartError::NewerSchema { found: text(found), known: text(known) });
    }
    Ok(())
}

fn apply<DB: Backend, C: MigrationHarness<DB>>(
    conn: &mut C,
    source: EmbeddedMigrations,
) -> Result<(), StartError>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    let applied = conn.applied_migrations().map_err(StartError::Migrate)?;
    let known: Vec<Box<dyn Migration<DB>>> = source.migrations().map_err(StartError::Migrate)?;
    not_newer(applied.into_iter().max(), &known)?;
    conn.run_pending_migrations(source).map_err(StartError::Migrate)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use diesel::prelude::*;

    use super::*;
    use crate::{
        Config,
        store::schema::{broadcasts, counters, revoked_codes, stream_codes},
    };

    #[test]
    fn counters_survive_the_migration_to_a_table_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::sqlite(folder.path().join("relive.db")).database;
        let mut conn = Conn::open(&config).unwrap();
        let Conn::Sqlite(sqlite) = &mut conn else { panic!("SQLite") };
        sqlite.run_next_migration(SQLITE).unwrap();
        sqlite
            .batch_execute(
                "INSERT INTO accounts (id, user_id, folded, nickname, avatar, sex, frontcover, address, created_at) \
                 VALUES (7, 'anna', 'anna', '', '', 0, '', '', 1); \
                 INSERT INTO broadcasts (id, account_id, room, driver, state, title, cover, location, kind, screen, \
                 place, stream_code, started_at, counted_likes, host_likes, anonymous, beat_at) \
                 VALUES (3, 7, 10001, 1, 1, '', '', '', 'live', 0, '', 'c', 5, 11, 12, 13, 5);",
            )
            .unwrap();
        migrate(&mut conn).unwrap();
        let Conn::Sqlite(sqlite) = &mut conn else { panic!("SQLite") };
        let rows: Vec<(i64, i64, i64, i64, i64, i64)> = counters::table.load(sqlite).unwrap();
        assert_eq!(rows, [(3, 7, 11, 12, 13, 0)]);
        sqlite.batch_execute("DELETE FROM accounts").unwrap();
        assert_eq!(
            counters::table.count().get_result(sqlite),
            Ok(0),
            "counters are deleted with their broadcast"
        );
    }

    const OLD_CODES: &str = "INSERT INTO accounts (id, user_id, folded, nickname, avatar, sex, frontcover, address, created_at) \
         VALUES (7, 'anna', 'anna', '', '', 0, '', '', 1); \
         INSERT INTO stream_codes (kind, code, account_id) VALUES (0, '1000_anna', 7), (1, 'tail', 7);";

    type CodeRow = (i16, String, i64, i16, Option<i64>);

    /// The rows above after migration 0005: codes of lives, kept as long as their account.
    fn codes() -> [CodeRow; 2] {
        [(0, "1000_anna".to_owned(), 7, 0, None), (1, "tail".to_owned(), 7, 0, None)]
    }

    #[test]
    fn older_stream_codes_are_those_of_lives() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::sqlite(folder.path().join("relive.db")).database;
        let mut conn = Conn::open(&config).unwrap();
        let Conn::Sqlite(sqlite) = &mut conn else { panic!("SQLite") };
        for _ in 0..4 {
            sqlite.run_next_migration(SQLITE).unwrap();
        }
        sqlite.batch_execute(OLD_CODES).unwrap();
        for _ in 0..2 {
            migrate(&mut conn).unwrap();
            let Conn::Sqlite(sqlite) = &mut conn else { panic!("SQLite") };
            let rows: Vec<CodeRow> = stream_codes::table.order(stream_codes::kind).load(sqlite).unwrap();
            assert_eq!(rows, codes());
            assert_eq!(revoked_codes::table.count().get_result(sqlite), Ok(0));
            sqlite.revert_last_migration(SQLITE).unwrap();
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
    fn older_stream_codes_are_those_of_lives_on_postgresql() {
        let Ok(url) = std::env::var("RELIVE_TEST_POSTGRES") else { return };
        let scratch = crate::database::Scratch::empty(&url).unwrap();
        let mut config = Config::sqlite("").database;
        scratch.url().clone_into(&mut config.url);
        let mut conn = Conn::open(&config).unwrap();
        let Conn::Postgres(postgres) = &mut conn else { panic!("PostgreSQL") };
        for _ in 0..4 {
            postgres.run_next_migration(POSTGRES).unwrap();
        }
        postgres.batch_execute(OLD_CODES).unwrap();
        for _ in 0..2 {
            migrate(&mut conn).unwrap();
            let Conn::Postgres(postgres) = &mut conn else { panic!("PostgreSQL") };
            let rows: Vec<CodeRow> = stream_codes::table.order(stream_codes::kind).load(postgres).unwrap();
            assert_eq!(rows, codes());
            assert_eq!(revoked_codes::table.count().get_result(postgres), Ok(0));
            postgres.revert_last_migration(POSTGRES).unwrap();
        }
    }

    /// Rows of every kind that migration 0004 tells apart: id, driver, state, end, lease.
    const OLD_BROADCASTS: &str = "INSERT INTO accounts (id, user_id, folded, nickname, avatar, sex, frontcover, address, created_at) \
         VALUES (7, 'anna', 'anna', '', '', 0, '', '', 1); \
         INSERT INTO broadcasts (id, account_id, room, driver, state, title, cover, location, kind, screen, place, \
         stream_code, started_at, ended_at, beat_at, lease) VALUES \
         (1, 7, 10001, 1, 0, '', '', '', 'live', FALSE, '', 'c', 5, NULL, 5, NULL), \
         (2, 7, 10001, 1, 0, '', '', '', 'live', FALSE, '', 'c', 6, 9, 6, NULL), \
         (3, 7, 10001, 2, 2, '', '', '', 'live', FALSE, '', 'c', 7, 9, 7, NULL), \
         (4, 7, 10001, 3, 2, '', '', '', 'live', FALSE, '', 'c', 8, 9, 8, NULL), \
         (5, 7, 10001, 3, 1, '', '', '', 'live', FALSE, '', 'c', 9, NULL, 9, 90), \
         (6, 7, 10001, 4, 2, '', '', '', 'live', FALSE, '', 'c', 10, 11, 10, 60);";

    /// Of the rows above, those that were on air, with the first second.
    const AIRED: [(i64, Option<i64>); 6] =
        [(1, None), (2, Some(6)), (3, Some(7)), (4, None), (5, Some(9)), (6, Some(10))];

    #[test]
    fn older_broadcasts_keep_whether_they_were_on_air() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::sqlite(folder.path().join("relive.db")).database;
        let mut conn = Conn::open(&config).unwrap();
        let Conn::Sqlite(sqlite) = &mut conn else { panic!("SQLite") };
        for _ in 0..3 {
            sqlite.run_next_migration(SQLITE).unwrap();
        }
        sqlite.batch_execute(OLD_BROADCASTS).unwrap();
        migrate(&mut conn).unwrap();
        let Conn::Sqlite(sqlite) = &mut conn else { panic!("SQLite") };
        let rows: Vec<(i64, Option<i64>)> = broadcasts::table
            .select((broadcasts::id, broadcasts::aired_at))
            .order(broadcasts::id)
            .load(sqlite)
            .unwrap();
        assert_eq!(rows, AIRED);
        for _ in 0..2 {
            sqlite.revert_last_migration(SQLITE).unwrap();
        }
        migrate(&mut conn).unwrap();
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
    fn older_broadcasts_keep_whether_they_were_on_air_on_postgresql() {
        let Ok(url) = std::env::var("RELIVE_TEST_POSTGRES") else { return };
        let scratch = crate::database::Scratch::empty(&url).unwrap();
        let mut config = Config::sqlite("").database;
        scratch.url().clone_into(&mut config.url);
        let mut conn = Conn::open(&config).unwrap();
        let Conn::Postgres(postgres) = &mut conn else { panic!("PostgreSQL") };
        for _ in 0..3 {
            postgres.run_next_migration(POSTGRES).unwrap();
        }
        postgres.batch_execute(OLD_BROADCASTS).unwrap();
        migrate(&mut conn).unwrap();
        let Conn::Postgres(postgres) = &mut conn else { panic!("PostgreSQL") };
        let rows: Vec<(i64, Option<i64>)> = broadcasts::table
            .select((broadcasts::id, broadcasts::aired_at))
            .order(broadcasts::id)
            .load(postgres)
            .unwrap();
        assert_eq!(rows, AIRED);
    }
}

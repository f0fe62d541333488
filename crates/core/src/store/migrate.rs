//! Migrates a database to the schema of this version, and refuses a database of a newer version.

use diesel::{
    backend::Backend,
    connection::SimpleConnection as _,
    migration::{Migration, MigrationSource, MigrationVersion},
    pg::Pg,
    sqlite::SqliteConnection,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{conn::Conn, sqlite::before};
use crate::StartError;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// The advisory lock that makes gateways which start at the same time migrate one after the other.
const LOCK: i64 = 0x0072_656c_6976_6501;

/// Runs every pending migration. Leaves a PostgreSQL connection without time limits. Copies a SQLite database of an older version
/// beside itself first.
pub(crate) fn migrate(conn: &mut Conn) -> Result<(), StartError> {
    if let Conn::Sqlite(conn) = conn
        && let Some(version) = pending(conn)?
    {
        before::keep(conn, &version);
    }
    migrate_copy(conn)
}

/// The version to which a database with data has to be migrated; `None` if it is empty or up to date.
fn pending(conn: &mut SqliteConnection) -> Result<Option<String>, StartError> {
    if conn.applied_migrations().map_err(StartError::Migrate)?.is_empty() {
        return Ok(None);
    }
    let pending = conn.pending_migrations(SQLITE).map_err(StartError::Migrate)?;
    Ok(pending.iter().map(|migration| migration.name().version().to_string()).max())
}

/// Migrates like [`migrate`] a database that is a copy itself.
pub(crate) fn migrate_copy(conn: &mut Conn) -> Result<(), StartError> {
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
        database::Scratch,
        store::{
            conn::on,
            schema::{
                accounts, broadcasts, counters, recording_audience, recording_files, revoked_codes, rooms,
                stream_codes,
            },
        },
    };

    const ACCOUNT: &str = "INSERT INTO accounts (id, user_id, folded, nickname, avatar, sex, frontcover, address, created_at) \
         VALUES (7, 'anna', 'anna', '', '', 0, '', '', 1);";

    /// A database of an older version, deleted with this value.
    struct Old {
        conn: Conn,
        /// The number of migrations of that version.
        migrations: usize,
        place: (tempfile::TempDir, Option<Scratch>),
    }

    impl Old {
        /// Reverts all later migrations.
        fn revert(&mut self) {
            while on!(&mut self.conn, |c| c.applied_migrations()).unwrap().len() > self.migrations {
                match &mut self.conn {
                    Conn::Sqlite(sqlite) => sqlite.revert_last_migration(SQLITE).map(drop),
                    Conn::Postgres(postgres) => postgres.revert_last_migration(POSTGRES).map(drop),
                }
                .unwrap();
            }
        }

        fn migrate(&mut self) {
            migrate(&mut self.conn).unwrap();
        }
    }

    /// Databases with some migrations, an account and some rows: SQLite, and PostgreSQL if the tests have one.
    #[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
    fn old(migrations: usize, rows: &str) -> Vec<Old> {
        let folder = || tempfile::tempdir().unwrap();
        let sqlite = folder();
        let mut configs = vec![(Config::sqlite(sqlite.path().join("relive.db")).database, (sqlite, None))];
        if let Ok(url) = std::env::var("RELIVE_TEST_POSTGRES") {
            let scratch = Scratch::empty(&url).unwrap();
            let mut config = Config::sqlite("").database;
            scratch.url().clone_into(&mut config.url);
            configs.push((config, (folder(), Some(scratch))));
        }
        let filled = |(config, place)| {
            let mut conn = Conn::open(&config).unwrap();
            for _ in 0..migrations {
                match &mut conn {
                    Conn::Sqlite(sqlite) => sqlite.run_next_migration(SQLITE).map(drop),
                    Conn::Postgres(postgres) => postgres.run_next_migration(POSTGRES).map(drop),
                }
                .unwrap();
            }
            on!(&mut conn, |c| c.batch_execute(&format!("{ACCOUNT} {rows}"))).unwrap();
            Old { conn, migrations, place }
        };
        configs.into_iter().map(filled).collect()
    }

    #[test]
    fn a_sqlite_database_is_copied_before_its_migration() {
        for mut old in old(6, "") {
            let (Conn::Sqlite(_), (folder, _)) = (&old.conn, &old.place) else { continue };
            let copy = folder.path().join("relive.db.before-0009");
            let partial = folder.path().join("relive.db.before-0009.partial");
            for is_possible in [true, true, false] {
                if !is_possible {
                    std::fs::remove_file(&copy).unwrap();
                    std::fs::create_dir(&partial).unwrap();
                }
                old.migrate();
                assert_eq!(copy.exists(), is_possible, "the migration runs with and without a copy");
                if is_possible {
                    let mut conn = Conn::open(&Config::sqlite(&copy).database).unwrap();
                    assert_eq!(on!(&mut conn, |c| c.applied_migrations()).unwrap().len(), 6);
                    let accounts: i64 = on!(&mut conn, |c| accounts::table.count().get_result(c)).unwrap();
                    assert_eq!(accounts, 1);
                }
                old.revert();
            }
            std::fs::remove_dir(&partial).unwrap();
            old.migrate();
            std::fs::remove_file(&copy).unwrap();
            old.migrate();
            assert!(!copy.exists(), "there was nothing to migrate");
        }
    }

    #[test]
    fn counters_survive_the_migration_to_a_table_of_their_own() {
        for mut old in old(
            1,
            "INSERT INTO broadcasts (id, account_id, room, driver, state, title, cover, location, kind, screen, \
             place, stream_code, started_at, counted_likes, host_likes, anonymous, beat_at) \
             VALUES (3, 7, 10001, 1, 1, '', '', '', 'live', FALSE, '', 'c', 5, 11, 12, 13, 5);",
        ) {
            old.migrate();
            let rows: Vec<(i64, i64, i64, i64, i64, i64)> =
                on!(&mut old.conn, |c| counters::table.load(c)).unwrap();
            assert_eq!(rows, [(3, 7, 11, 12, 13, 0)]);
            on!(&mut old.conn, |c| c.batch_execute("DELETE FROM accounts")).unwrap();
            let left: i64 = on!(&mut old.conn, |c| counters::table.count().get_result(c)).unwrap();
            assert_eq!(left, 0, "counters are deleted with their broadcast");
        }
    }

    #[test]
    fn older_stream_codes_are_those_of_lives() {
        let rows =
            "INSERT INTO stream_codes (kind, code, account_id) VALUES (0, '1000_anna', 7), (1, 'tail', 7);";
        for mut old in old(4, rows) {
            for _ in 0..2 {
                old.migrate();
                let rows: Vec<(i16, String, i64, i16, Option<i64>)> =
                    on!(&mut old.conn, |c| stream_codes::table.order(stream_codes::kind).load(c)).unwrap();
                let kept = [(0, "1000_anna".to_owned(), 7, 0, None), (1, "tail".to_owned(), 7, 0, None)];
                assert_eq!(rows, kept, "codes of lives, kept as long as their account");
                let revoked: i64 =
                    on!(&mut old.conn, |c| revoked_codes::table.count().get_result(c)).unwrap();
                assert_eq!(revoked, 0);
                old.revert();
            }
        }
    }

    #[test]
    fn older_broadcasts_keep_whether_they_were_on_air() {
        // Rows of every kind that migration 4 tells apart: id, driver, state, end, lease.
        let rows = "INSERT INTO broadcasts (id, account_id, room, driver, state, title, cover, location, kind, screen, place, \
             stream_code, started_at, ended_at, beat_at, lease) VALUES \
             (1, 7, 10001, 1, 0, '', '', '', 'live', FALSE, '', 'c', 5, NULL, 5, NULL), \
             (2, 7, 10001, 1, 0, '', '', '', 'live', FALSE, '', 'c', 6, 9, 6, NULL), \
             (3, 7, 10001, 2, 2, '', '', '', 'live', FALSE, '', 'c', 7, 9, 7, NULL), \
             (4, 7, 10001, 3, 2, '', '', '', 'live', FALSE, '', 'c', 8, 9, 8, NULL), \
             (5, 7, 10001, 3, 1, '', '', '', 'live', FALSE, '', 'c', 9, NULL, 9, 90), \
             (6, 7, 10001, 4, 2, '', '', '', 'live', FALSE, '', 'c', 10, 11, 10, 60);";
        for mut old in old(3, rows) {
            for _ in 0..2 {
                old.migrate();
                let rows: Vec<(i64, Option<i64>)> = on!(&mut old.conn, |c| broadcasts::table
                    .select((broadcasts::id, broadcasts::aired_at))
                    .order(broadcasts::id)
                    .load(c))
                .unwrap();
                // Those that were on air have their first second.
                assert_eq!(
                    rows,
                    [(1, None), (2, Some(6)), (3, Some(7)), (4, None), (5, Some(9)), (6, Some(10))]
                );
                old.revert();
            }
        }
    }

    #[test]
    fn older_accounts_are_not_imported() {
        for mut old in old(5, "") {
            for _ in 0..2 {
                old.migrate();
                let rows: Vec<bool> =
                    on!(&mut old.conn, |c| accounts::table.select(accounts::imported).load(c)).unwrap();
                assert_eq!(rows, [false]);
                old.revert();
            }
        }
    }

    #[test]
    fn older_passwords_count_from_the_account_and_older_groups_are_found() {
        let rows = "INSERT INTO accounts (id, user_id, folded, password, nickname, avatar, sex, frontcover, address, created_at) \
             VALUES (8, 'bob', 'bob', 'hash', '', '', 0, '', '', 44); \
             INSERT INTO rooms (number, account_id, broadcast_id, named, name, description, topic, anchor_password, \
             assist_password, user_password, plan_title, plan_cover, plan_location, hint_name, hint_cover) \
             VALUES (10001, 7, 2, FALSE, '', '', '', '', '', '', '', '', '', '', ''); \
             INSERT INTO broadcasts (id, account_id, room, driver, state, title, cover, location, group_id, kind, screen, \
             place, stream_code, started_at, beat_at) VALUES \
             (1, 7, 10001, 1, 2, '', '', '', 'Old', 'live', FALSE, '', 'c', 5, 5), \
             (2, 7, 10001, 1, 1, '', '', '', 'New', 'live', FALSE, '', 'c', 6, 6); \
             INSERT INTO audience (host_id, account_id, role, dialect, listed, position, beat_at) VALUES (7, 8, 0, 1, TRUE, 1, 5);";
        for mut old in old(6, rows) {
            for _ in 0..2 {
                old.migrate();
                let set: Vec<Option<i64>> = on!(&mut old.conn, |c| accounts::table
                    .order(accounts::id)
                    .select(accounts::password_set_at)
                    .load(c))
                .unwrap();
                assert_eq!(set, [None, Some(44)], "a guest has no password");
                let groups: Vec<Option<String>> = on!(&mut old.conn, |c| broadcasts::table
                    .order(broadcasts::id)
                    .select(broadcasts::group_folded)
                    .load(c))
                .unwrap();
                assert_eq!(groups, [None, Some("new".to_owned())], "only what is on air is looked up");
                // Rows of the newer version, which an older one does not know.
                on!(&mut old.conn, |c| c.batch_execute(
                    "INSERT INTO broadcasts (id, account_id, room, driver, state, title, cover, location, group_id, kind, \
                     screen, place, stream_code, started_at, beat_at, group_folded) VALUES \
                     (3, 7, 10001, 5, 1, '', '', '', 'R', 'live', FALSE, '', 'c', 7, 7, 'r'); \
                     UPDATE rooms SET broadcast_id = 3; UPDATE audience SET dialect = 5, stream_code = 'c'"
                ))
                .unwrap();
                let twice = on!(&mut old.conn, |c| {
                    c.batch_execute(
                    "INSERT INTO broadcasts (id, account_id, room, driver, state, title, cover, location, kind, screen, \
                     place, stream_code, started_at, beat_at, group_folded) VALUES \
                     (4, 8, 10002, 5, 0, '', '', '', 'live', FALSE, '', 'c', 7, 7, 'r')"
                )
                });
                assert!(twice.is_err(), "no two rooms have one id");
                old.revert();
                let left: (i64, i64) = on!(&mut old.conn, |c| rooms::table
                    .select((rooms::broadcast_id.assume_not_null(), rooms::number))
                    .first(c))
                .unwrap();
                assert_eq!(left, (2, 10001), "the room has its older broadcast again");
                on!(&mut old.conn, |c| c.batch_execute(
                    "INSERT INTO audience (host_id, account_id, role, dialect, listed, position, beat_at) \
                     VALUES (7, 8, 0, 1, TRUE, 1, 5)"
                ))
                .unwrap();
            }
        }
    }

    #[test]
    fn older_broadcasts_have_no_address() {
        let rows = "INSERT INTO rooms (number, account_id, broadcast_id, named, name, description, topic, anchor_password, \
             assist_password, user_password, plan_title, plan_cover, plan_location, hint_name, hint_cover) \
             VALUES (10001, 7, 2, FALSE, '', '', '', '', '', '', '', '', '', '', ''); \
             INSERT INTO broadcasts (id, account_id, room, driver, state, title, cover, location, kind, screen, place, \
             stream_code, started_at, beat_at) VALUES (2, 7, 10001, 1, 1, '', '', '', 'live', FALSE, '', 'c', 6, 6);";
        for mut old in old(7, rows) {
            for _ in 0..2 {
                old.migrate();
                let address: Option<String> =
                    on!(&mut old.conn, |c| broadcasts::table.select(broadcasts::opened_from).first(c))
                        .unwrap();
                assert_eq!(address, None);
                let set = diesel::update(broadcasts::table).set(broadcasts::opened_from.eq("192.0.2.1"));
                on!(&mut old.conn, |c| set.execute(c)).unwrap();
                old.revert();
            }
        }
    }

    #[test]
    fn followers_are_counted_and_members_of_missing_recordings_go() {
        let rows = "INSERT INTO accounts (id, user_id, folded, nickname, avatar, sex, frontcover, address, created_at) VALUES \
             (8, 'bob', 'bob', '', '', 0, '', '', 1), (9, 'carl', 'carl', '', '', 0, '', '', 1); \
             INSERT INTO recordings (id, account_id, file_id, file_name, title, cover, location, nickname, avatar, \
             play_url, play_rank, hls_url, start_at, end_at, duration, size, likes, viewers, stored_at) VALUES \
             (1, 7, 'a', '', '', '', '', '', '', 'http://a', 3, '', 0, 100, 100, 0, 0, 2, 0), \
             (2, 8, 'a', '', '', '', '', '', '', 'http://b', 3, '', 0, 100, 100, 0, 0, 1, 0); \
             INSERT INTO recording_audience (owner_id, file_id, account_id, nickname, avatar, position) VALUES \
             (7, 'a', 8, 'Bob', 'http://p', 5), (7, 'a', 9, '', '', 4), (8, 'a', 9, '', '', 6), \
             (7, 'missing', 8, '', '', 7), (9, 'a', 8, '', '', 8); \
             INSERT INTO rooms (number, account_id, named, name, description, topic, anchor_password, assist_password, \
             user_password, plan_title, plan_cover, plan_location, hint_name, hint_cover) VALUES \
             (10001, 7, FALSE, '', '', '', '', '', '', '', '', '', '', ''), (10002, 8, FALSE, '', '', '', '', '', '', '', '', '', '', ''); \
             INSERT INTO follows (account_id, room) VALUES (8, 10001), (9, 10001);";
        for mut old in old(8, rows) {
            for _ in 0..2 {
                old.migrate();
                let rows: Vec<(i64, i64, String, String, i64)> =
                    on!(&mut old.conn, |c| recording_audience::table
                        .order(recording_audience::position)
                        .load(c))
                    .unwrap();
                let text = str::to_owned;
                assert_eq!(
                    rows,
                    [
                        (1, 9, text(""), text(""), 4),
                        (1, 8, text("Bob"), text("http://p"), 5),
                        (2, 9, text(""), text(""), 6)
                    ]
                );
                let followers: Vec<i64> = on!(&mut old.conn, |c| rooms::table
                    .order(rooms::number)
                    .select(rooms::followers)
                    .load(c))
                .unwrap();
                assert_eq!(followers, [2, 0]);
                old.revert();
            }
            old.migrate();
            on!(&mut old.conn, |c| c.batch_execute("DELETE FROM recordings WHERE id = 1")).unwrap();
            let left: i64 = on!(&mut old.conn, |c| recording_audience::table.count().get_result(c)).unwrap();
            assert_eq!(left, 1, "members are deleted with their recording");
        }
    }

    #[test]
    fn older_recordings_have_the_file_that_they_began_with() {
        let rows = "INSERT INTO recordings (id, account_id, file_id, file_name, title, cover, location, nickname, avatar, \
             play_url, play_rank, hls_url, start_at, end_at, duration, size, likes, viewers, stored_at) VALUES \
             (1, 7, 'a', '', '', '', '', '', '', 'http://a', 3, '', 0, 100, 100, 0, 0, 0, 0), \
             (2, 7, 'b', '', '', '', '', '', '', '', 0, 'http://b', 0, 100, 100, 0, 0, 0, 0);";
        for mut old in old(5, rows) {
            for _ in 0..2 {
                old.migrate();
                let rows: Vec<(i64, String, i64, i16)> =
                    on!(&mut old.conn, |c| recording_files::table.order(recording_files::file_id).load(c))
                        .unwrap();
                assert_eq!(rows, [(7, "a".to_owned(), 1, 3), (7, "b".to_owned(), 2, 0)]);
                old.revert();
            }
        }
    }
}

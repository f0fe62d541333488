//! A database for tests of rules: each rule runs in a transaction of its own, at a time that the test sets.

use std::sync::{Arc, atomic::AtomicI64};

use tempfile::TempDir;

use crate::{
    AccountId, Actor, Announcement, Config, LimitConfig, NewAccount, Password, Result, TestClock, TestRandom,
    UnixSeconds,
    database::Scratch,
    domain::{broadcast::open, registration},
    limit::Budgets,
    model::{change::Change, password::StoredPassword, server_time::ServerTime},
    store::{Env, Tx, conn::Conn, migrate::migrate},
};

/// The time of the first transaction.
pub(super) const START: UnixSeconds = UnixSeconds(1_700_000_000);

/// A migrated, empty database.
pub(super) struct Tables {
    conn: Conn,
    env: Env,
    /// The time of the next transaction.
    pub(super) now: UnixSeconds,
    /// The changes that the last transaction reported.
    pub(super) changes: Vec<Change>,
    _folder: TempDir,
    _scratch: Option<Scratch>,
}

impl Tables {
    /// On PostgreSQL where the environment names a server, else on SQLite.
    #[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let mut config = Config::sqlite(folder.path().join("relive.db"));
        let scratch = std::env::var("RELIVE_TEST_POSTGRES").ok().map(|url| Scratch::create(&url).unwrap());
        if let Some(scratch) = &scratch {
            scratch.url().clone_into(&mut config.database.url);
        }
        let mut conn = Conn::open(&config.database).unwrap();
        migrate(&mut conn).unwrap();
        let env = Env {
            config: Arc::new(config),
            time: Arc::new(ServerTime::new(Arc::new(TestClock::at(START)), None)),
            random: Arc::new(TestRandom::seeded(7)),
            position: AtomicI64::new(0),
            origin: AtomicI64::new(1),
            budgets: Arc::new(Budgets::new(LimitConfig::default())),
        };
        Self { conn, env, now: START, changes: Vec::new(), _folder: folder, _scratch: scratch }
    }

    /// Runs a rule in a transaction that is committed if the rule succeeds, and undone if it fails.
    pub(super) fn run<T>(&mut self, rule: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        self.changes.clear();
        self.conn.execute("BEGIN").unwrap();
        let result = rule(&mut Tx::new(&mut self.conn, self.now, &self.env, &mut self.changes));
        self.conn.execute(if result.is_ok() { "COMMIT" } else { "ROLLBACK" }).unwrap();
        result
    }

    /// A registered account.
    pub(super) fn user(&mut self, id: &str) -> AccountId {
        let new = NewAccount::new(id, Password::plain("secret"));
        self.run(|tx| registration::register(tx, &new, &StoredPassword("stored".to_owned()))).unwrap().id
    }

    /// A guest with an announced live.
    pub(super) fn announce(&mut self, guest: &str, title: &str) {
        let announcement = Announcement { title: title.to_owned(), ..Announcement::default() };
        let actor = Actor::Unproven(guest.into());
        self.run(|tx| open::announce(tx, &actor, &announcement)).unwrap();
    }
}

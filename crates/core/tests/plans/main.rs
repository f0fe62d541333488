//! No statement that a client can cause visits all rows of a table, or all rows about an account: each visits at most 10 times
//! the rows that it returns or changes, and 200 beyond.
//!
//! `cargo xtask abuse plans` runs this on both databases.

#![expect(clippy::unwrap_used, reason = "a test that meets something else has failed")]

mod calls;
mod cost;
mod fill;
mod statement;

use std::{collections::BTreeMap, sync::Arc};

use diesel::{
    Connection as _, connection::SimpleConnection as _, pg::PgConnection, sqlite::SqliteConnection,
};
use relive_core::{
    Config, Core, NewAccount, Password, StartError, SystemRandom, TestClock, UnixSeconds, database::Scratch,
};

use self::{
    cost::{Meter, Postgres, Sqlite},
    fill::{ANNA, BOB, Engine},
    statement::Statement,
};

const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

fn start(config: &Config, clock: &Arc<TestClock>) -> Result<Core, StartError> {
    Core::start(config.clone(), Arc::clone(clock) as _, Arc::new(SystemRandom))
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
async fn no_statement_visits_more_rows_than_ten_times_those_it_returns_and_200() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relive.db");
    let mut config = Config::sqlite(&file);
    let scratch = std::env::var("RELIVE_TEST_POSTGRES").ok().map(|url| Scratch::create(&url).unwrap());
    if let Some(scratch) = &scratch {
        scratch.url().clone_into(&mut config.database.url);
        config.database.statement_timeout = std::time::Duration::from_mins(1);
    }
    config.accounts.argon2_memory_kib = 8;
    config.accounts.argon2_iterations = 1;
    config.background = false;
    let clock = Arc::new(TestClock::at(NOW));
    let core = start(&config, &clock).unwrap();
    for (id, name) in [(ANNA, "anna"), (BOB, "bob"), (3, "carl"), (4, "dora")] {
        let phone = Some(format!("1380000000{id}"));
        let new = NewAccount { phone, ..NewAccount::new(name, Password::plain("secret")) };
        assert_eq!(core.accounts().register(new).await.unwrap().id.0, id);
    }
    assert_eq!(core.broadcasts().prepare(relive_core::AccountId(ANNA)).await.unwrap().0, 10_001);
    core.shutdown().await;
    drop(core);
    match &scratch {
        None => {
            let mut conn = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
            conn.batch_execute("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;").unwrap();
            conn.batch_execute(&fill::statements(Engine::Sqlite, NOW.0).concat()).unwrap();
        }
        Some(scratch) => {
            let mut conn = PgConnection::establish(scratch.url()).unwrap();
            conn.batch_execute("SET session_replication_role = replica").unwrap();
            for statement in fill::statements(Engine::Postgres, NOW.0) {
                conn.batch_execute(&statement).unwrap();
            }
        }
    }
    statement::install();
    let core = start(&config, &clock).unwrap();
    statement::record();
    calls::run(&core, &clock).await;
    let statements = statement::recorded();
    core.shutdown().await;
    assert!(statements.len() > 100, "{} statements", statements.len());
    match &scratch {
        None => check(&mut Sqlite::open(&file), &statements),
        Some(scratch) => check(&mut Postgres::open(scratch.url()), &statements),
    }
}

/// Fails if a statement is too expensive.
fn check(meter: &mut dyn Meter, statements: &[Statement]) {
    let mut measured = BTreeMap::new();
    let mut expensive = BTreeMap::new();
    for statement in statements {
        let Some(cost) = meter.cost(statement) else { continue };
        *measured.entry(&statement.sql).or_insert(0) += 1;
        if !cost.is_bounded() {
            expensive.insert(&statement.sql, format!("{cost:?} with {:?}", statement.values));
        }
    }
    let texts: std::collections::BTreeSet<&String> =
        statements.iter().map(|statement| &statement.sql).collect();
    eprintln!("{} of {} statements measured", measured.len(), texts.len());
    for (sql, cost) in &expensive {
        eprintln!("TOO EXPENSIVE: {cost}\n    {sql}");
    }
    assert!(expensive.is_empty(), "{} statements visit too many rows", expensive.len());
}

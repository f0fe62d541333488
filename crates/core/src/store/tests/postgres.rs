//! Jobs that conflict with other transactions, or panic, on PostgreSQL.

use std::time::Duration;

use super::*;
use crate::database::Scratch;

/// Starts a core on a database of its own, if there is a server.
#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn core(patience: Duration) -> Option<(Core, Scratch)> {
    let scratch = std::env::var("RELIVE_TEST_POSTGRES").ok().map(|url| Scratch::create(&url).unwrap())?;
    let mut config = Config::sqlite("");
    scratch.url().clone_into(&mut config.database.url);
    config.database.conflict_patience = patience;
    config.background = false;
    let core =
        Core::start(config, Arc::new(TestClock::at(UnixSeconds(1_700_000_000))), Arc::new(SystemRandom))
            .unwrap();
    Some((core, scratch))
}

/// Fails as PostgreSQL does when another transaction is in the way.
fn conflict(tx: &mut Tx<'_>, condition: &str, message: &str) -> Result<()> {
    tx.conn.execute(&format!("DO $$ BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = '{condition}'; END $$"))
}

#[tokio::test]
async fn a_conflict_that_outlasts_the_patience_is_busy() {
    let Some((core, _scratch)) = core(Duration::ZERO) else { return };
    for (condition, message) in
        [("serialization_failure", "could not serialize access"), ("deadlock_detected", "deadlock detected")]
    {
        let answer = core.store().write(move |tx| conflict(tx, condition, message)).await;
        assert!(matches!(answer, Err(Error::Busy)), "{condition}: {answer:?}");
    }
    // Another transaction holds a lock for longer than a statement may wait for it.
    let mut other = Conn::open(&core.config().database).unwrap();
    other.execute("BEGIN; LOCK TABLE settings").unwrap();
    let answer = core.store().write(|tx| tx.conn.execute("SET LOCAL lock_timeout = 1; LOCK TABLE settings"));
    let answer = answer.await;
    assert!(matches!(answer, Err(Error::Busy)), "{answer:?}");
    other.execute("ROLLBACK").unwrap();
    core.store().write(|tx| put(tx.conn, "after")).await.unwrap();
    core.shutdown().await;
}

#[tokio::test]
async fn a_job_is_run_again_while_patience_lasts() {
    let Some((core, _scratch)) = core(Duration::from_mins(10)) else { return };
    let mut tries = 0;
    let job = move |tx: &mut Tx<'_>| {
        tries += 1;
        if tries < 4 {
            conflict(tx, "serialization_failure", "could not serialize access")?;
        }
        Ok(tries)
    };
    assert_eq!(core.store().write(job).await.unwrap(), 4);
    core.shutdown().await;
}

#[tokio::test]
async fn an_error_without_a_conflict_is_one_of_the_storage() {
    let Some((core, _scratch)) = core(Duration::ZERO) else { return };
    let twice = |tx: &mut Tx<'_>| put(tx.conn, "twice").and_then(|()| put(tx.conn, "twice"));
    let answer = core.store().write(twice).await;
    assert!(matches!(answer, Err(Error::Storage(_))), "{answer:?}");
    let nonsense = core.store().write(|tx| tx.conn.execute("nonsense")).await;
    assert!(matches!(nonsense, Err(Error::Storage(_))), "{nonsense:?}");
    core.shutdown().await;
}

#[tokio::test]
async fn a_panic_costs_a_connection_and_nothing_else() {
    let Some((core, _scratch)) = core(Duration::from_secs(2)) else { return };
    // On a busy machine the next connection may not be open yet: then no job has run.
    for _ in 0..20 {
        let answer = unless_busy(|| {
            core.store().read::<()>(|conn| {
                conn.execute("BEGIN; CREATE TEMP TABLE mine (id integer)")?;
                panic!("a bug")
            })
        });
        assert!(matches!(answer.await, Err(Error::Unavailable)));
        let answer = unless_busy(|| {
            core.store().write::<()>(|tx| {
                put(tx.conn, "panicked")?;
                panic!("a bug")
            })
        });
        assert!(matches!(answer.await, Err(Error::Unavailable)));
        let is_left = || core.store().read(|conn| Ok(conn.execute("SELECT * FROM mine").is_ok()));
        let left = unless_busy(is_left).await.unwrap();
        assert!(!left, "the connection of the panic was used again");
    }
    unless_busy(|| core.store().write(|tx| put(tx.conn, "panicked"))).await.unwrap();
    core.shutdown().await;
}

/// Calls until the answer is not [`Error::Busy`].
async fn unless_busy<T, F: Future<Output = Result<T>>>(call: impl Fn() -> F) -> Result<T> {
    loop {
        match call().await {
            Err(Error::Busy) => tokio::task::yield_now().await,
            answer => return answer,
        }
    }
}

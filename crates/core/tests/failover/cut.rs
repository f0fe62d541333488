//! The connection to PostgreSQL breaks after a commit and before its confirmation arrives.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use relive_core::{
    Actor, Announcement, Config, Core, Counted, Error, OnAirFilter, Step, SystemClock, SystemRandom, Window,
    database::Scratch,
};

use crate::relay::{Relay, address};

/// Occurs in the statement of a like, and in no statement of the follower.
const HOST: &str = "host-of-a-cut-off-like";
/// Time within which the follower has read everything anew.
const RELOAD_LIMIT: Duration = Duration::from_secs(2);

/// Creates a database if there is a server, and starts a relay to it. Returns the URL through the relay, too.
#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn database() -> Option<(Scratch, Relay, String)> {
    let server = std::env::var("RELIVE_TEST_POSTGRES").ok()?;
    let database = Scratch::create(&server).unwrap();
    let relay = Relay::start(address(database.url()), HOST);
    let url = relay.url(database.url());
    Some((database, relay, url))
}

async fn likes(core: &Core) -> Result<i64, Error> {
    let live = core.broadcasts().on_air(OnAirFilter::default(), Window { offset: 0, limit: 1 }).await?;
    Ok(live.items.first().map_or(-1, |live| live.likes))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_committed_like_is_shown_although_its_confirmation_was_lost() {
    let Some((_database, relay, url)) = database() else { return };
    let mut config = Config::sqlite("");
    config.database.url = url;
    // One writer, so that both likes use the same connection.
    config.database.writers = 1;
    let core = Core::start(config, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap();
    let host = Actor::Unproven(HOST.into());
    core.broadcasts().announce(host.clone(), Announcement::default()).await.unwrap();
    core.broadcasts().set_on_air(host, true).await.unwrap();
    core.broadcasts().count(&HOST.into(), Counted::Like, Step::Up).await.unwrap();
    assert_eq!(likes(&core).await.unwrap(), 1);

    relay.arm();
    let cut_off = core.broadcasts().count(&HOST.into(), Counted::Like, Step::Up).await;
    assert!(matches!(cut_off, Err(Error::Unavailable)), "the outcome is unknown: {cut_off:?}");
    assert!(!relay.is_armed(), "no answer was swallowed");
    let started = Instant::now();
    while !matches!(likes(&core).await, Ok(2)) {
        assert!(started.elapsed() < RELOAD_LIMIT, "{:?} likes instead of 2", likes(&core).await);
        tokio::task::yield_now().await;
    }
    core.broadcasts().count(&HOST.into(), Counted::Like, Step::Up).await.unwrap();
    assert_eq!(likes(&core).await.unwrap(), 3);
    core.shutdown().await;
}

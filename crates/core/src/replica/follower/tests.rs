//! A follower that has not looked into the feed for long.

use secrecy::ExposeSecret as _;

use super::*;
use crate::{
    Core, Dialect, Identifier, NewAccount, Password, Seconds, SystemClock, SystemRandom,
    database::Scratch,
    model::session::TokenHash,
    replica::load::empty,
    store::{conn::Conn, pool},
    table::{changes::RETENTION, sessions},
};

/// Logs anna in, which ends her last session, and returns the digest of the new token.
async fn log_in(core: &Core) -> TokenHash {
    let anna = Identifier::UserId("anna".into());
    let session = core.accounts().login(Dialect::Sxb, anna, &[Password::plain("secret")]).await.unwrap().1;
    TokenHash::of(session.token.expose_secret())
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
async fn a_follower_that_has_not_looked_for_half_the_retention_reads_everything_anew() {
    let Ok(server) = std::env::var("RELIVE_TEST_POSTGRES") else { return };
    let scratch = Scratch::create(&server).unwrap();
    let mut config = Config::sqlite("");
    scratch.url().clone_into(&mut config.database.url);
    config.background = false;
    let core = Core::start(config.clone(), Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap();
    core.accounts().register(NewAccount::new("anna", Password::plain("secret"))).await.unwrap();
    let token = log_in(&core).await;

    // The sibling that will be suspended has the session in memory.
    let memory = Arc::new(Memory::new(empty(&config, Grace::NONE), Arc::new(SystemRandom), true));
    let mut conn = Conn::open(&config.database).unwrap();
    let known = sessions::by_digests(&mut conn, &[token]).unwrap().remove(&token).unwrap();
    let connections = pool::open(&config.database).unwrap();
    let (_commits, committed) = crossbeam_channel::bounded(1);
    let (shared, time) = (Arc::new(config), Arc::new(ServerTime::new(Arc::new(SystemClock), None)));
    let mut follower = Follower::new(connections, Arc::clone(&memory), shared, time, -1, committed);
    follower.fill().unwrap();
    memory.cache_session(known);

    log_in(&core).await;
    conn.execute("DELETE FROM changes").unwrap();
    follower.poll(true).unwrap();
    assert!(memory.sessions.get(&token).is_some(), "the feed alone does not tell what it has dropped");

    let position = follower.position.as_mut().unwrap();
    position.looked_at = position.looked_at - Seconds(RETENTION.0 / 2 + 1);
    follower.poll(true).unwrap();
    assert!(memory.sessions.get(&token).is_none(), "the closed token is still accepted");
    core.shutdown().await;
}

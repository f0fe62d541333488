//! Names without proof: who may use them, and which streams move their lives.

use std::sync::Arc;

use relive_core::{
    Actor, Announcement, Config, Core, Error, NewAccount, OnAirFilter, Password, Route, StreamEvent,
    TestClock, TestRandom, Window,
};

fn start(folder: &tempfile::TempDir) -> Core {
    let mut config = Config::sqlite(folder.path().join("relive.db"));
    config.accounts.argon2_memory_kib = 8;
    config.accounts.argon2_iterations = 1;
    config.background = false;
    let clock = Arc::new(TestClock::at(1_700_000_000));
    Core::start(config, clock, Arc::new(TestRandom::seeded(1))).unwrap()
}

#[tokio::test]
async fn a_stream_into_somebody_elses_live_does_not_move_the_own_one() {
    let folder = tempfile::tempdir().unwrap();
    let core = start(&folder);
    let anna = Actor::Unproven("anna".to_owned());
    let live = core.broadcasts().announce(anna.clone(), Announcement::default()).await.unwrap();
    let joint = core.config().media.joint_code("anna", core.now());
    let on_air = async || {
        core.broadcasts().on_air(OnAirFilter::default(), Window { offset: 0, limit: 1 }).await.unwrap().total
    };
    let tell = async |code: &str, event: StreamEvent| {
        core.streams().event(code.to_owned(), Route::Shared, event).await.unwrap();
    };
    tell(&joint, StreamEvent::Started { sequence: None }).await;
    assert_eq!(on_air().await, 0);
    tell(&live.stream_code, StreamEvent::Started { sequence: None }).await;
    assert_eq!(on_air().await, 1);
    tell(&joint, StreamEvent::Stopped { sequence: None }).await;
    assert_eq!(on_air().await, 1);
    tell(&live.stream_code, StreamEvent::Stopped { sequence: None }).await;
    assert_eq!(on_air().await, 0);
}

#[tokio::test]
async fn who_may_act_is_answered_without_making_guests() {
    let folder = tempfile::tempdir().unwrap();
    let core = start(&folder);
    let anna = core.accounts().register(NewAccount::new("anna", Password::plain("secret"))).await.unwrap().id;
    let may = async |name: &str| core.accounts().may_act(Actor::Unproven(name.to_owned())).await;
    assert!(matches!(may("anna").await, Err(Error::ProofRequired)));
    assert!(matches!(may("ANNA").await, Err(Error::ProofRequired)));
    assert!(may("bob").await.is_ok());
    assert!(core.accounts().find("bob").await.unwrap().is_none());
    assert!(core.accounts().may_act(Actor::Proven(anna)).await.is_ok());
}

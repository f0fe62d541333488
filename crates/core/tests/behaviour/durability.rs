//! What was acknowledged is there after a restart, after a failure, and after another process' change.

use relive_core::{Counted, Dialect, Error, Listing, Password, Step};

use crate::support::World;

#[tokio::test]
async fn a_session_that_watches_keeps_its_place_in_the_lists() {
    let mut world = World::new();
    let viewer = world.user("viewer").await;
    for host in ["a", "b", "c"] {
        let host = world.user(host).await;
        world.qplus_live(host).await;
    }
    let token = world.token(Dialect::Qplus, "viewer").await;
    let session = world.core.sessions().authenticate(Dialect::Qplus, &token).await.unwrap();
    let list = world.core.rooms().next_page(&session, Listing::OnAir, true, 2).await.unwrap();
    assert_eq!(list.on_air.len(), 2);
    world.core.audiences().watch(&session, list.on_air[0].number).await.unwrap();
    world.restart(5).await;
    let session = world.core.sessions().authenticate(Dialect::Qplus, &token).await.unwrap();
    assert_eq!(session.account(), viewer);
    let rest = world.core.rooms().next_page(&session, Listing::OnAir, false, 2).await.unwrap();
    assert_eq!(rest.on_air.len(), 1, "the third of three");
}

#[tokio::test]
async fn what_another_process_does_before_the_first_upkeep_counts() {
    let world = World::new();
    world.user("anna").await;
    let token = world.token(Dialect::Sxb, "anna").await;
    assert!(world.core.sessions().authenticate(Dialect::Sxb, &token).await.is_ok());
    let neighbour = world.neighbour();
    neighbour.accounts().set_password("anna", &Password::plain("other")).await.unwrap();
    neighbour.shutdown().await;
    world.core.maintain().await.unwrap();
    assert!(world.core.sessions().authenticate(Dialect::Sxb, &token).await.is_err());
}

#[tokio::test]
async fn a_change_from_outside_keeps_the_grace_after_a_start() {
    let mut world = World::new();
    let host = world.user("host").await;
    let room = world.sxb_live(host, "t").await;
    world.restart(200).await;
    world.core.maintain().await.unwrap();
    let neighbour = world.neighbour();
    neighbour.accounts().set_password("host", &Password::plain("other")).await.unwrap();
    neighbour.shutdown().await;
    world.clock.advance(10);
    world.core.maintain().await.unwrap();
    assert!(world.of_room(room).await.is_some(), "the host has had ten seconds to beat again");
    world.clock.advance(50);
    assert!(world.of_room(room).await.is_none());
}

#[tokio::test]
async fn who_writes_while_the_core_stops_gets_an_answer() {
    for _ in 0..50 {
        let world = World::new();
        world.core.shutdown().await;
        // The writer has told that it is through, and may not have left its queue yet.
        let late = world.core.broadcasts().count("anna", Counted::Like, Step::Up).await;
        assert!(matches!(late, Err(Error::Unavailable)), "{late:?}");
    }
}

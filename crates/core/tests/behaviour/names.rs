//! Ownership of user ids, stream codes and follows.

use std::collections::HashSet;

use relive_core::{Actor, Error, OnAirFilter};

use crate::support::{ALL, World, announcement, guest};

#[tokio::test]
async fn no_two_hosts_get_the_same_stream_code() {
    let world = World::new();
    // The code of "a.b" would be 1000_a_b, which is taken, and so is the code with the digest of "a.b".
    let digest: String = relive_core::sign::digest::md5_hex("a.b").chars().take(8).collect();
    let mut codes = HashSet::new();
    for host in ["a_b".to_owned(), format!("a_b_{digest}"), "a.b".to_owned()] {
        let live = world.core.broadcasts().announce(guest(&host), announcement("t")).await.unwrap();
        assert!(
            codes.insert(live.stream_code.clone()),
            "the code of {host} belongs to another host: {}",
            live.stream_code
        );
        let again = world.core.broadcasts().announce(guest(&host), announcement("t")).await.unwrap();
        assert_eq!(again.stream_code, live.stream_code);
    }
}

#[tokio::test]
async fn a_registration_ends_the_lives_of_guests_with_the_same_name() {
    let world = World::new();
    for host in ["anna", "Anna", "other"] {
        world.guest_live(host, host).await;
    }
    world.user("ANNA").await;
    let refused = world.core.broadcasts().set_on_air(guest("anna"), false).await;
    assert!(matches!(refused, Err(Error::ProofRequired)));
    let left = world.core.broadcasts().on_air(OnAirFilter::default(), ALL).await.unwrap();
    assert_eq!(left.items.iter().map(|live| &*live.user_id).collect::<Vec<_>>(), ["other"]);
}

#[tokio::test]
async fn a_deleted_account_cannot_follow_a_room() {
    let world = World::new();
    let (host, fan) = (world.user("host").await, world.user("fan").await);
    let room = world.sxb_live(host, "t").await;
    world.core.accounts().delete(&"fan".into()).await.unwrap();
    let late = world.core.rooms().follow(fan, room, true).await;
    assert!(matches!(late, Err(Error::InvalidSession)), "{late:?}");
}

#[tokio::test]
async fn the_check_whether_an_actor_may_act_creates_no_guest() {
    let world = World::new();
    let anna = world.user("anna").await;
    let may = async |name: &str| world.core.accounts().may_act(guest(name)).await;
    assert!(matches!(may("anna").await, Err(Error::ProofRequired)));
    assert!(matches!(may("ANNA").await, Err(Error::ProofRequired)));
    assert!(may("bob").await.is_ok());
    assert!(world.core.accounts().find(&"bob".into()).await.unwrap().is_none());
    assert!(world.core.accounts().may_act(Actor::Proven(anna)).await.is_ok());
    world.core.accounts().delete(&"anna".into()).await.unwrap();
    assert!(matches!(world.core.accounts().may_act(Actor::Proven(anna)).await, Err(Error::InvalidSession)));
}

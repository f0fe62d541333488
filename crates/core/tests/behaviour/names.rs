//! Ownership of user ids, stream codes and follows.

use std::collections::HashSet;

use relive_core::{Actor, Error, NewAccount, OnAirFilter, Password};

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
    let refused = world.core.broadcasts().take_off_air(guest("anna")).await;
    assert!(matches!(refused, Err(Error::ProofRequired)));
    let left = world.core.broadcasts().on_air(OnAirFilter::default(), ALL).await.unwrap();
    assert_eq!(left.items.iter().map(|live| &*live.user_id).collect::<Vec<_>>(), ["other"]);
}

#[tokio::test]
async fn a_trusted_id_is_an_imported_one_or_a_guest() {
    let world = World::new();
    world.user("here").await;
    let imported = NewAccount { imported: true, ..NewAccount::new("anna", Password::plain("secret")) };
    world.core.accounts().register(imported).await.unwrap();
    let may = async |id: &str, guests: bool| {
        world.core.accounts().may_act(Actor::Trusted { user_id: id.into(), guests }).await
    };
    for (id, guests, allowed) in [
        ("anna", true, true),
        ("anna", false, true),
        ("ANNA", true, false),
        ("here", true, false),
        ("bob", true, true),
        ("bob", false, false),
    ] {
        let answer = may(id, guests).await;
        assert!(
            matches!(&answer, Ok(()) if allowed) || matches!(&answer, Err(Error::ProofRequired) if !allowed)
        );
    }
    assert!(matches!(world.core.accounts().may_act(guest("anna")).await, Err(Error::ProofRequired)));

    // A new account with the id of a deleted one was not imported.
    world.core.accounts().delete(&"anna".into()).await.unwrap();
    world.user("anna").await;
    assert!(matches!(may("anna", true).await, Err(Error::ProofRequired)));
}

#[tokio::test]
async fn the_account_that_keeps_an_id_from_being_registered_is_found() {
    let world = World::new();
    let phone = Some("13800000000".to_owned());
    let anna = NewAccount { phone, ..NewAccount::new("anna", Password::plain("secret")) };
    world.core.accounts().register(anna).await.unwrap();
    world.core.broadcasts().announce(guest("guest"), announcement("t")).await.unwrap();
    for (id, holder) in
        [("anna", Some("anna")), ("ANNA", Some("anna")), ("13800000000", Some("anna")), ("guest", None)]
    {
        let found = world.core.accounts().holder(&id.into()).await.unwrap();
        assert_eq!(found.as_ref().map(|account| account.user_id.as_str()), holder, "{id}");
        let free = world.core.accounts().check_free(NewAccount::new(id, Password::plain("x"))).await;
        assert_eq!(free.is_ok(), holder.is_none(), "{id}");
    }
}

#[tokio::test]
async fn a_deleted_account_cannot_follow_a_room() {
    let world = World::new();
    let (host, fan) = (world.user("host").await, world.user("fan").await);
    let room = world.sxb_live(host, "t").await;
    world.core.accounts().delete(&"fan".into()).await.unwrap();
    let late = world.core.rooms().follow(fan, room).await;
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

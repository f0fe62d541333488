//! Live rooms: ids, anchors, custom fields, tickets, and what becomes of them in time (contract roomservice §4, §5, §7).

use std::sync::Arc;

use futures_util::future::join_all;
use relive_core::{
    AnchorNames, Dialect, Error, FieldChange, FieldValue, FileFormat, GroupId, MemberNames, NewRecording,
    Password, Plan, RecordingFilter, RecordingOrder, RoomTexts, Seconds, Session, StreamEvent,
};
use secrecy::SecretString;

use crate::support::{ALL, START, World, announcement, guest};

async fn session(world: &World, id: &str) -> Arc<Session> {
    world.user(id).await;
    world.session_of(Dialect::RoomService, id).await
}

async fn anchors(world: &World, room: &str) -> Vec<String> {
    let room = world.core.live_rooms().require(&room.into()).await.unwrap();
    let sub = room.sub_anchors.iter().map(|anchor| anchor.user_id.to_string());
    std::iter::once(room.creator().user_id.to_string()).chain(sub).collect()
}

async fn viewers(world: &World, room: &str) -> i64 {
    world.core.live_rooms().require(&room.into()).await.unwrap().broadcast.viewers
}

#[tokio::test]
async fn of_users_that_create_one_id_at_once_one_succeeds() {
    let world = World::new();
    let mut accounts = Vec::new();
    for user in 0..8 {
        accounts.push(world.user(&format!("user{user}")).await);
    }
    let rooms = world.core.live_rooms();
    // Ids are compared without letter case.
    let ids = ["Harbour", "HARBOUR"].into_iter().cycle();
    let calls =
        accounts.iter().zip(ids).map(|(user, id)| rooms.create(*user, Some(id.into()), RoomTexts::default()));
    let outcomes = join_all(calls).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for refusal in outcomes.into_iter().filter_map(Result::err) {
        assert!(matches!(refusal, Error::RoomTaken), "{refusal:?}");
    }
}

#[tokio::test]
async fn of_users_that_join_at_once_as_many_succeed_as_fit() {
    let world = World::new();
    let host = session(&world, "host").await;
    world.enter(&host, "room").await.unwrap();
    let mut guests = Vec::new();
    for user in 0..7 {
        guests.push(session(&world, &format!("user{user}")).await);
    }
    let outcomes = join_all(guests.iter().map(|guest| world.enter(guest, "room"))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3, "and the creator");
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(Error::RoomFull))));
    assert_eq!(anchors(&world, "room").await.len(), 4);
}

#[tokio::test]
async fn a_user_id_is_an_id_of_its_user_alone() {
    let world = World::new();
    let (mei, bob) = (session(&world, "mei").await, session(&world, "bob").await);
    let refused = world.enter(&bob, "mei").await;
    assert!(matches!(refused, Err(Error::RoomTaken)), "{refused:?}");
    world.enter(&mei, "mei").await.unwrap();
    // Nobody ends a room by registering its id, and the name is its user's when the room has ended.
    world.enter(&bob, "lin").await.unwrap();
    let lin = session(&world, "lin").await;
    let rooms = world.core.live_rooms();
    let create = async || rooms.create(lin.account(), Some("lin".into()), RoomTexts::default()).await;
    assert!(matches!(create().await, Err(Error::RoomTaken)));
    let again = rooms.create(bob.account(), Some("lin".into()), RoomTexts::default()).await;
    assert!(again.is_ok(), "its own room, which it creates anew: {again:?}");
    world.enter(&bob, "lin").await.unwrap();
    rooms.leave(bob.account(), "lin".into()).await.unwrap();
    create().await.unwrap();
    world.enter(&lin, "lin").await.unwrap();
    assert_eq!(anchors(&world, "lin").await, ["lin"]);
    assert!(matches!(world.enter(&bob, "lin").await, Ok(())), "as a sub-anchor");
    rooms.leave(lin.account(), "lin".into()).await.unwrap();
    let taken = rooms.create(bob.account(), Some("lin".into()), RoomTexts::default()).await;
    assert!(matches!(taken, Err(Error::RoomTaken)));
}

#[tokio::test]
async fn guests_that_strangers_make_reserve_no_id() {
    let world = World::new();
    let bob = session(&world, "bob").await;
    world.guest_live("harbour", "t").await; // In the group g-t.
    world.core.broadcasts().take_off_air(guest("harbour")).await.unwrap();
    let rooms = world.core.live_rooms();
    let create = async |id: &str| rooms.create(bob.account(), Some(id.into()), RoomTexts::default()).await;
    create("harbour").await.unwrap();
    assert!(matches!(create("g-t").await, Err(Error::RoomTaken)), "announced just now");
    world.clock.advance(Seconds(60));
    create("g-t").await.unwrap();
}

#[tokio::test]
async fn an_id_means_the_room_then_the_live_that_opened_first() {
    let world = World::new();
    world.guest_live("anna", "t").await;
    world.guest_live("cleo", "t").await;
    let shown = async |id: &str| {
        world.core.live_rooms().require(&id.into()).await.ok().map(|room| room.broadcast.user_id.to_string())
    };
    assert_eq!(shown("g-t").await.as_deref(), Some("anna"), "both lives are in that group");
    let listed = world.core.live_rooms().on_air(ALL).await.unwrap().items;
    let ids: Vec<GroupId> = listed.iter().map(|room| room.id.clone()).collect();
    assert_eq!(ids, ["10002", "g-t"], "newest first, and no id twice");
    assert_eq!((shown("10002").await.as_deref(), shown("G-T").await), (Some("cleo"), None));
    world.core.broadcasts().take_off_air(guest("anna")).await.unwrap();
    assert_eq!(shown("g-t").await.as_deref(), Some("cleo"));
}

#[tokio::test]
async fn a_sub_anchor_is_dropped_by_its_beat_and_a_viewer_with_its_session() {
    let world = World::new();
    let (host, guest) = (session(&world, "host").await, session(&world, "guest").await);
    world.enter(&host, "room").await.unwrap();
    world.enter(&guest, "room").await.unwrap();
    let rooms = world.core.live_rooms();
    let code = rooms.require(&"room".into()).await.unwrap().anchors_code();
    world.clock.advance(Seconds(40));
    rooms.beat(guest.account(), &"room".into()).await.unwrap();
    rooms.beat(host.account(), &"room".into()).await.unwrap();
    world.clock.advance(Seconds(60));
    assert_eq!(anchors(&world, "room").await, ["host", "guest"], "60 s are not over");
    rooms.beat(host.account(), &"room".into()).await.unwrap();
    world.clock.advance(Seconds(1));
    assert_eq!(anchors(&world, "room").await, ["host"]);
    assert_eq!(viewers(&world, "room").await, 1, "it is a viewer again");
    assert_ne!(rooms.require(&"room".into()).await.unwrap().anchors_code(), code);
    world.core.sessions().end(&guest).await.unwrap();
    assert_eq!(viewers(&world, "room").await, 0);
    world.clock.advance(Seconds(60));
    assert!(matches!(rooms.require(&"room".into()).await, Err(Error::NotOnAir)), "the creator fell silent");
}

#[tokio::test]
async fn anchors_and_fields_are_the_same_after_a_restart() {
    let mut world = World::new();
    let (host, guest) = (session(&world, "host").await, session(&world, "guest").await);
    world.enter(&host, "room").await.unwrap();
    world.enter(&guest, "room").await.unwrap();
    let rooms = world.core.live_rooms();
    rooms.change_field(host.account(), "room".into(), "a".to_owned(), FieldChange::Add(3)).await.unwrap();
    rooms.like(&"room".into(), 2).await.unwrap();
    let before = rooms.require(&"room".into()).await.unwrap();
    world.restart(Seconds(70)).await;
    let after = world.core.live_rooms().require(&"room".into()).await.unwrap();
    assert_eq!((after.anchors_code(), after.id.clone()), (before.anchors_code(), before.id));
    assert_eq!(after.fields().iter().collect::<Vec<_>>(), [("a", &FieldValue::Number(3))]);
    assert_eq!(after.broadcast.likes, 2);
    world.clock.advance(Seconds(60));
    let over = world.core.live_rooms().require(&"room".into()).await;
    assert!(matches!(over, Err(Error::NotOnAir)), "nobody beat in the minute after the start");
}

#[tokio::test]
async fn another_dialect_takes_the_stream_of_a_sub_anchor() {
    let world = World::new();
    let (host, viewer) = (session(&world, "host").await, session(&world, "viewer").await);
    world.enter(&host, "room").await.unwrap();
    world.enter(&viewer, "room").await.unwrap();
    let names = MemberNames::default();
    let actor = relive_core::Actor::Proven(viewer.account());
    world.core.audiences().enter_group(actor, &"host".into(), &"room".into(), names).await.unwrap();
    assert_eq!(anchors(&world, "room").await, ["host"]);
    assert_eq!(viewers(&world, "room").await, 1);
}

#[tokio::test]
async fn only_anchors_set_fields_and_any_user_counts() {
    let world = World::new();
    let (host, guest) = (session(&world, "host").await, session(&world, "guest").await);
    world.enter(&host, "room").await.unwrap();
    let rooms = world.core.live_rooms();
    let change =
        |user: &Session, change| rooms.change_field(user.account(), "room".into(), "a".to_owned(), change);
    let set = || FieldChange::Set(FieldValue::Text("x".to_owned()));
    assert!(matches!(change(&guest, set()).await, Err(Error::NotAnAnchor)));
    change(&guest, FieldChange::Add(1)).await.unwrap();
    world.enter(&guest, "room").await.unwrap();
    change(&guest, set()).await.unwrap();
    assert!(matches!(change(&host, FieldChange::Add(1)).await, Err(Error::FieldRefused)));
    rooms.leave(host.account(), "room".into()).await.unwrap();
    assert!(matches!(change(&host, set()).await, Err(Error::NotOnAir)));
}

#[tokio::test]
async fn a_ticket_is_worth_nothing_after_a_new_password() {
    let world = World::with(|config| {
        config.cloud.im_sdkappid = 14;
        config.cloud.im_secret = "demo-im-key-0001".into();
    });
    world.user("mei").await;
    let mei = "mei".into();
    let ticket = || SecretString::from(world.core.cloud().user_sig(&mei).unwrap());
    let old = ticket();
    let accounts = world.core.accounts();
    accounts.login_by_ticket(&mei, 14, &old).await.unwrap();
    assert!(accounts.login_by_ticket(&mei, 15, &old).await.is_err(), "another application");
    world.clock.advance(Seconds(1));
    accounts.set_password(&mei, &Password::plain("other")).await.unwrap();
    assert!(matches!(accounts.login_by_ticket(&mei, 14, &old).await, Err(Error::WrongPassword)));
    accounts.login_by_ticket(&mei, 14, &ticket()).await.unwrap();
    let guest = "visitor".into();
    let visitor = SecretString::from(world.core.cloud().user_sig(&guest).unwrap());
    accounts.login_by_ticket(&guest, 14, &visitor).await.unwrap();
    let refused = world.core.broadcasts().announce(crate::support::guest("visitor"), announcement("t")).await;
    assert!(matches!(refused, Err(Error::ProofRequired)), "its session is the proof: {refused:?}");
    world.clock.advance(Seconds(1));
    world.user("visitor").await;
    assert!(matches!(accounts.login_by_ticket(&guest, 14, &visitor).await, Err(Error::WrongPassword)));
}

#[tokio::test]
async fn streams_of_room_service_move_no_live_and_are_recorded_with_their_own_room() {
    let world = World::new();
    let (host, guest) = (session(&world, "host").await, session(&world, "guest").await);
    let rooms = world.core.live_rooms();
    let code = rooms.stream(host.account()).await.unwrap();
    assert_eq!(code, "1000_host_r");
    world.event(&code, StreamEvent::Started { sequence: None }).await.unwrap();
    world
        .core
        .rooms()
        .plan(host.account(), Plan { title: "planned".to_owned(), ..Plan::default() })
        .await
        .unwrap();
    assert!(world.on_air().await.is_empty(), "such a push opens nothing");
    world.enter(&host, "room").await.unwrap();
    world.enter(&guest, "room").await.unwrap();
    world.event(&code, StreamEvent::Stopped { sequence: None }).await.unwrap();
    assert_eq!(world.on_air().await.len(), 1);
    let now = world.core.now();
    world.clock.advance(Seconds(50));
    let file = |id: &str| NewRecording {
        file_id: id.into(),
        format: FileFormat::Mp4,
        url: format!("http://vod/{id}"),
        start_at: Some(now - Seconds(20)),
        end_at: Some(now + Seconds(50)),
        duration: None,
        size: None,
    };
    world.recorded(&code, file("a")).await.unwrap();
    world.recorded(&rooms.stream(guest.account()).await.unwrap(), file("b")).await.unwrap();
    let list = world
        .core
        .recordings()
        .list(RecordingFilter::default(), RecordingOrder::Ended { after: None }, ALL)
        .await
        .unwrap();
    let kept: Vec<_> = list.items.iter().map(|it| (it.file_id.to_string(), it.title.clone())).collect();
    assert_eq!(kept, [("a".to_owned(), "planned".to_owned())]);
}

#[tokio::test]
async fn the_stream_must_be_the_callers_and_a_taken_code_gets_a_mark() {
    let world = World::new();
    let (mei, bob) = (session(&world, "mei").await, session(&world, "bob").await);
    let rooms = world.core.live_rooms();
    let code = rooms.stream(mei.account()).await.unwrap();
    let enter = rooms.enter(&bob, "room".into(), code, AnchorNames::default(), RoomTexts::default()).await;
    assert!(matches!(enter, Err(Error::ForeignStream)));
    let (dash, underscore) = (session(&world, "a-b").await, session(&world, "a_b").await);
    let first = rooms.stream(dash.account()).await.unwrap();
    let second = rooms.stream(underscore.account()).await.unwrap();
    assert_eq!(first, "1000_a_b_r");
    assert!(second != first && second.ends_with("_r"), "{second}");
    assert_eq!(rooms.stream(underscore.account()).await.unwrap(), second);
}

#[tokio::test]
async fn rooms_that_nobody_opened_are_swept() {
    let world = World::new();
    let mei = world.user("mei").await;
    let rooms = world.core.live_rooms();
    rooms.create(mei, Some("room".into()), RoomTexts::default()).await.unwrap();
    world.clock.advance(Seconds(30));
    world.core.maintain().await.unwrap();
    rooms.destroy(mei, "room".into()).await.unwrap();
    rooms.create(mei, Some("room".into()), RoomTexts::default()).await.unwrap();
    world.clock.advance(Seconds(31));
    world.core.maintain().await.unwrap();
    assert!(matches!(rooms.destroy(mei, "room".into()).await, Err(Error::RoomNotFound)));
    assert!(world.core.now() > START);
}

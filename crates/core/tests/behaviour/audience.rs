//! Members of an audience: their dialects, their roles and the end of their membership.

use relive_core::{Dialect, Error, FileFormat, MemberNames, NewRecording, Role, RoomText, Seconds};

use crate::support::{ALL, START, World, guest};

async fn roles(world: &World, room: relive_core::RoomNumber) -> Vec<(String, Role)> {
    let members = world.core.audiences().members(room, ALL).await.unwrap();
    members.items.iter().map(|member| (member.user_id.to_string(), member.role)).collect()
}

#[tokio::test]
async fn a_closed_session_cannot_watch() {
    let world = World::new();
    let (host, _) = (world.user("host").await, world.user("viewer").await);
    let room = world.qplus_live(host).await;
    let token = world.token(Dialect::Qplus, "viewer").await;
    let session = world.core.sessions().authenticate(Dialect::Qplus, &token).await.unwrap();
    world.core.sessions().close(Dialect::Qplus, &token).await.unwrap();
    // The last request of the session was on its way when the session ended.
    let late = world.core.audiences().watch(&session, room).await;
    assert!(matches!(late, Err(Error::InvalidSession)), "{late:?}");
    assert_eq!(world.of_room(room).await.unwrap().viewers, 0);
}

#[tokio::test]
async fn a_viewer_can_stop_watching_while_the_live_is_off_the_air() {
    let world = World::new();
    world.user("viewer").await;
    world.guest_live("anna", "t").await;
    let room = world.on_air().await[0].room;
    let session = world.session("viewer").await;
    world.core.audiences().watch(&session, room).await.unwrap();
    assert_eq!(world.of_room(room).await.unwrap().viewers, 1);
    world.core.broadcasts().set_on_air(guest("anna"), false).await.unwrap();
    world.core.audiences().unwatch(&session, room).await.unwrap();
    world.core.broadcasts().set_on_air(guest("anna"), true).await.unwrap();
    assert_eq!(world.of_room(room).await.unwrap().viewers, 0);
}

#[tokio::test]
async fn only_sxb_has_the_role_on_the_microphone() {
    let world = World::new();
    let (host, viewer) = (world.user("host").await, world.user("viewer").await);
    let room = world.sxb_live(host, "t").await;
    world.core.audiences().enter(viewer, room, Role::OnMic).await.unwrap();
    assert_eq!(
        roles(&world, room).await,
        [("host".to_owned(), Role::Host), ("viewer".to_owned(), Role::OnMic)]
    );
    // Contract sxb §5: members that came through another adapter are listed with role 0.
    let session = world.session("viewer").await;
    world.core.audiences().watch(&session, room).await.unwrap();
    assert_eq!(
        roles(&world, room).await,
        [("host".to_owned(), Role::Host), ("viewer".to_owned(), Role::Viewer)]
    );
}

#[tokio::test]
async fn a_profile_update_keeps_the_last_beat_of_the_host() {
    let world = World::new();
    let host = world.user("host").await;
    let room = world.sxb_live(host, "t").await;
    world.clock.advance(Seconds(80));
    world.core.audiences().beat(host, Role::Host, None).await.unwrap();
    let update = relive_core::ProfileUpdate { nickname: Some("Hilda".to_owned()), ..Default::default() };
    world.core.accounts().update_profile(host, update).await.unwrap();
    world.clock.advance(Seconds(80));
    assert_eq!(world.of_room(room).await.map(|on_air| on_air.nickname.clone()), Some("Hilda".to_owned()));
}

#[tokio::test]
async fn a_new_description_keeps_the_title() {
    let world = World::new();
    let host = world.user("host").await;
    let room = world.sxb_live(host, "Evening").await;
    world.core.broadcasts().push(host, room, Seconds(60)).await.unwrap();
    assert_eq!(world.of_room(room).await.unwrap().title, "Evening");
    let text = RoomText { description: "about".to_owned(), ..RoomText::default() };
    world.core.rooms().modify(host, Some(room), text).await.unwrap();
    assert_eq!(world.of_room(room).await.unwrap().title, "Evening");
}

#[tokio::test]
async fn deleting_an_account_removes_it_from_the_viewers_of_recordings() {
    let world = World::new();
    world.guest_live("anna", "t").await;
    let code = world.on_air().await[0].stream_code.clone();
    let recording = NewRecording {
        file_id: "f".into(),
        format: FileFormat::Mp4,
        url: "http://vod.example/f.mp4".to_owned(),
        start_at: Some(START),
        end_at: Some(START + Seconds(100)),
        duration: None,
        size: None,
    };
    world.recorded(&code, recording).await.unwrap();
    for viewer in ["bob", "carl"] {
        let names = MemberNames::default();
        world
            .core
            .audiences()
            .enter_recording(guest(viewer), &"anna".into(), &"f".into(), names)
            .await
            .unwrap();
    }
    world.core.accounts().delete(&"bob".into()).await.unwrap();
    assert_eq!(world.core.recordings().find(&"anna".into(), &"f".into()).await.unwrap().unwrap().viewers, 1);
    assert_eq!(world.core.audiences().group(&"anna".into(), &"f".into(), ALL).await.unwrap().total, 1);
}

#[tokio::test]
async fn a_prepared_room_lists_its_host() {
    let world = World::new();
    let host = world.user("host").await;
    let room = world.core.broadcasts().prepare(host).await.unwrap();
    assert_eq!(roles(&world, room).await, [("host".to_owned(), Role::Host)]);
    assert!(world.of_room(room).await.is_none(), "the room is in no list");
    world.core.broadcasts().exit(host, None).await.unwrap();
    assert_eq!(roles(&world, room).await, [], "the host has left");
}

#[tokio::test]
async fn a_beat_after_the_start_ends_the_grace_of_its_sender() {
    let mut world = World::new();
    let (host, viewer) = (world.user("host").await, world.user("viewer").await);
    let room = world.sxb_live(host, "t").await;
    world.core.audiences().enter(viewer, room, Role::Viewer).await.unwrap();
    world.restart(Seconds(100)).await;
    world.clock.advance(Seconds(2));
    world.core.audiences().beat(viewer, Role::Viewer, None).await.unwrap();
    world.clock.advance(Seconds(30));
    assert_eq!(roles(&world, room).await.len(), 2, "the viewer beat 30 seconds ago");
    world.clock.advance(Seconds(1));
    assert_eq!(roles(&world, room).await, [("host".to_owned(), Role::Host)], "the host has grace");
    world.clock.advance(Seconds(27));
    assert!(world.of_room(room).await.is_none(), "the grace is over");
}

//! The operators' overview of an account agrees with the answers of the dialects and changes nothing.

use relive_core::{
    Counted, Dialect, FileFormat, NewRecording, NewShortVideo, Plan, ProfileUpdate, RecordingFilter,
    RecordingOrder, Role, Seconds, Sex, State, Step,
};

use crate::support::{ALL, START, World, guest};

#[tokio::test]
async fn the_overview_of_a_host_is_complete() {
    let world = World::new();
    let (host, fan) = (world.user("host").await, world.user("fan").await);
    let accounts = world.core.accounts();
    let profile =
        ProfileUpdate { nickname: Some("Lin".into()), sex: Some(Sex::Female), ..Default::default() };
    accounts.update_profile(host, profile).await.unwrap();
    let plan = Plan { title: "plan".into(), cover: String::new(), location: "Bonn".into() };
    world.core.rooms().plan(host, plan).await.unwrap();
    let room = world.sxb_live(host, "song").await;
    world.core.audiences().enter(fan, room, Role::Viewer).await.unwrap();
    world.core.broadcasts().count(&"host".into(), Counted::Like, Step::Up).await.unwrap();
    world.core.broadcasts().count(&"host".into(), Counted::AnonymousViewer, Step::Up).await.unwrap();
    world.core.rooms().follow(fan, room).await.unwrap();
    let clip = NewShortVideo { file_id: "clip".into(), ..NewShortVideo::default() };
    world.core.short_videos().upload(relive_core::Actor::Proven(host), clip).await.unwrap();
    let shown = world.of_room(room).await.unwrap();
    let recording = NewRecording {
        file_id: "file".into(),
        url: "http://vod/file.mp4".into(),
        format: FileFormat::Mp4,
        start_at: Some(START),
        end_at: Some(START + Seconds(90)),
        duration: Some(Seconds(90)),
        size: Some(1),
    };
    world.recorded(&shown.stream_code, recording).await.unwrap();

    let overview = accounts.overview(&"host".into()).await.unwrap().unwrap();
    assert_eq!((overview.account.id, overview.account.profile.sex), (host, Sex::Female));
    let own = overview.room.unwrap();
    assert_eq!((own.number, own.owner_name.as_str(), own.followers), (room, "Lin", 1));
    assert_eq!(
        overview.plan.map(|(plan, at)| (plan.location, at)),
        Some(("Bonn".to_owned(), START + Seconds(60)))
    );
    let latest = overview.latest.unwrap();
    for seen in [&own.on_air.unwrap(), &latest.broadcast] {
        assert_eq!(**seen, *shown);
        assert_eq!((seen.likes, seen.viewers, seen.members), (shown.likes, shown.viewers, shown.members));
        assert_eq!((seen.likes, seen.viewers, seen.members), (1, 2, 2));
    }
    assert_eq!((latest.deadline, latest.ended_at), (Some(START + Seconds(150)), None));
    let listed = world
        .core
        .recordings()
        .list(RecordingFilter::default(), RecordingOrder::Ended { after: None }, ALL)
        .await
        .unwrap();
    assert_eq!((overview.recordings, overview.short_videos, listed.total), (1, 1, 1));

    world.core.broadcasts().exit(host, Some(room)).await.unwrap();
    let latest = accounts.overview(&"host".into()).await.unwrap().unwrap().latest.unwrap();
    assert_eq!((latest.broadcast.state, latest.deadline), (State::Ended, None));
    assert_eq!((latest.broadcast.likes, latest.ended_at), (1, Some(START + Seconds(60))));
}

#[tokio::test]
async fn a_guest_has_no_session_and_an_unknown_id_has_no_overview() {
    let world = World::new();
    world.guest_live("visitor", "walk").await;
    let overview = world.core.accounts().overview(&"visitor".into()).await.unwrap().unwrap();
    assert!(!overview.account.registered && overview.sessions.is_empty() && overview.plan.is_none());
    let deadline = overview.latest.unwrap().deadline;
    assert_eq!(
        deadline,
        Some(world.core.now() + Seconds(12 * 3_600)),
        "half a day after the host's last call"
    );
    world.core.broadcasts().take_off_air(guest("visitor")).await.unwrap();
    let overview = world.core.accounts().overview(&"visitor".into()).await.unwrap().unwrap();
    assert_eq!(overview.latest.unwrap().broadcast.state, State::Prepared);
    assert!(overview.room.unwrap().on_air.is_none());
    assert!(
        world.core.accounts().overview(&"Visitor".into()).await.unwrap().is_none(),
        "ids compare exactly"
    );
}

#[tokio::test]
async fn sessions_are_listed_until_they_can_neither_be_used_nor_refreshed() {
    let world = World::new();
    world.user("anna").await;
    let sessions = async || world.core.accounts().overview(&"anna".into()).await.unwrap().unwrap().sessions;
    assert_eq!(sessions().await, []);
    for dialect in [Dialect::Qplus, Dialect::Sxb, Dialect::MinilvbV2, Dialect::Qplus] {
        world.token(dialect, "anna").await;
        world.clock.advance(Seconds(1));
    }
    let open: Vec<_> =
        sessions().await.iter().map(|session| (session.dialect, (session.used_at - START).0)).collect();
    let expected = [(Dialect::MinilvbV2, 62), (Dialect::Sxb, 61), (Dialect::Qplus, 63), (Dialect::Qplus, 60)];
    assert_eq!(open, expected);
    world.clock.advance(Seconds(86_400));
    let open: Vec<_> = sessions().await.iter().map(|session| (session.dialect, session.alive)).collect();
    assert_eq!(open, [(Dialect::MinilvbV2, false), (Dialect::Sxb, true)], "a v2 session can be refreshed");
    world.clock.advance(Seconds(30 * 86_400));
    assert_eq!(sessions().await, []);
}

#[tokio::test]
async fn the_overview_does_not_end_a_broadcast_past_its_deadline() {
    let world = World::new();
    let host = world.user("host").await;
    world.sxb_live(host, "song").await;
    world.clock.advance(Seconds(10_000));
    let neighbour = world.neighbour();
    let state = async || {
        let overview = neighbour.accounts().overview(&"host".into()).await.unwrap().unwrap();
        overview.latest.unwrap().broadcast.state
    };
    assert_eq!(state().await, State::OnAir);
    assert_eq!(state().await, State::OnAir);
    assert_eq!(world.on_air().await.len(), 0, "the server ends it");
    assert_eq!(state().await, State::Ended);
}

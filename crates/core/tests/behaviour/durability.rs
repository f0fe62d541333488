//! Acknowledged writes survive a restart and a crash, and the changes of another process are seen.

use std::sync::Arc;

use diesel::{Connection as _, RunQueryDsl as _, SqliteConnection};
use relive_core::{
    Actor, Core, Counted, Dialect, Error, FileFormat, Identifier, Listing, MemberNames, NewAccount,
    NewRecording, NewShortVideo, PageStart, Password, Picture, Plan, ProfileUpdate, Purpose, RecordingFilter,
    RecordingOrder, ResetProof, Role, RoomNumber, RoomText, Seconds, StartError, Step, TestClock, TestRandom,
    database,
};
use secrecy::ExposeSecret as _;

use crate::support::{ALL, START, World, offer};

#[tokio::test]
async fn a_watching_session_keeps_its_cursor_over_a_restart() {
    let mut world = World::on_file();
    let viewer = world.user("viewer").await;
    for host in ["a", "b", "c"] {
        let host = world.user(host).await;
        world.qplus_live(host).await;
    }
    let token = world.token(Dialect::Qplus, "viewer").await;
    let session = world.core.sessions().authenticate(Dialect::Qplus, &token).await.unwrap();
    let list = world.core.rooms().next_page(&session, Listing::OnAir, PageStart::Top, 2).await.unwrap();
    assert_eq!(list.on_air.len(), 2);
    world.core.audiences().watch(&session, list.on_air[0].broadcast.room).await.unwrap();
    world.restart(Seconds(5)).await;
    let session = world.core.sessions().authenticate(Dialect::Qplus, &token).await.unwrap();
    assert_eq!(session.account(), viewer);
    let rest = world.core.rooms().next_page(&session, Listing::OnAir, PageStart::LastRead, 2).await.unwrap();
    assert_eq!(rest.on_air.len(), 1, "the third of three");
}

#[tokio::test]
async fn a_change_by_another_process_before_the_first_upkeep_is_seen() {
    let world = World::on_file();
    world.user("anna").await;
    let token = world.token(Dialect::Sxb, "anna").await;
    assert!(world.core.sessions().authenticate(Dialect::Sxb, &token).await.is_ok());
    let neighbour = world.neighbour();
    neighbour.accounts().set_password(&"anna".into(), &Password::plain("other")).await.unwrap();
    neighbour.shutdown().await;
    world.core.maintain().await.unwrap();
    assert!(world.core.sessions().authenticate(Dialect::Sxb, &token).await.is_err());
}

#[tokio::test]
async fn a_change_by_another_process_keeps_the_grace_after_a_start() {
    let mut world = World::on_file();
    let host = world.user("host").await;
    let room = world.sxb_live(host, "t").await;
    world.restart(Seconds(200)).await;
    world.core.maintain().await.unwrap();
    let neighbour = world.neighbour();
    neighbour.accounts().set_password(&"host".into(), &Password::plain("other")).await.unwrap();
    neighbour.shutdown().await;
    world.clock.advance(Seconds(10));
    world.core.maintain().await.unwrap();
    assert!(world.of_room(room).await.is_some(), "the host has had ten seconds to beat again");
    world.clock.advance(Seconds(50));
    assert!(world.of_room(room).await.is_none());
}

#[tokio::test]
async fn a_write_during_the_shutdown_is_refused() {
    for _ in 0..50 {
        let world = World::on_file();
        world.core.shutdown().await;
        // The writer has reported its end, but may not have closed its queue yet.
        let late = world.core.broadcasts().count(&"anna".into(), Counted::Like, Step::Up).await;
        assert!(matches!(late, Err(Error::Unavailable)), "{late:?}");
    }
}

/// Everything that the core shows of the accounts, as text.
async fn traces(world: &World) -> Vec<String> {
    let core = &world.core;
    let mut traces = Vec::new();
    for id in ["anna", "bob", "guest", "host"] {
        let account = core.accounts().find(&id.into()).await.unwrap().unwrap();
        if let Some(picture) = account.profile.head_picture {
            traces.push(format!("{:?}", core.accounts().head_picture(picture).await.unwrap().unwrap().0));
        }
        if let Some(number) = core.rooms().number_of(account.id).await.unwrap() {
            let room = core.rooms().find(account.id, number).await.unwrap();
            let passwords = (&room.anchor_password, &room.assist_password, &room.user_password);
            let texts = (&room.name, &room.description, &room.topic, &room.owner_name);
            let fans = (room.followers, room.followed);
            traces.push(format!("{number} {texts:?} {passwords:?} {fans:?} {:?}", room.on_air));
        }
        traces.push(format!("{account:?}"));
        traces.push(format!("{:?}", core.broadcasts().latest(&id.into()).await.unwrap()));
        for group in ["g-t", "f1", "10001", "10002"] {
            traces
                .push(format!("{:?}", core.audiences().group(&id.into(), &group.into(), ALL).await.unwrap()));
        }
    }
    for number in [10_001, 10_002, 10_003] {
        traces.push(format!("{:?}", core.audiences().members(RoomNumber(number), ALL).await.unwrap()));
    }
    let every = RecordingFilter::default();
    traces.push(format!("{:?}", core.recordings().list(every, RecordingOrder::Stored, ALL).await.unwrap()));
    traces.push(format!("{:?}", core.short_videos().list(None, ALL).await.unwrap()));
    traces.push(format!("{:?}", world.on_air().await));
    traces
}

/// Stores data of every kind.
async fn fill(world: &World) {
    let core = &world.core;
    let host = world.user("host").await;
    let new = NewAccount {
        phone: Some("13800000000".to_owned()),
        email: Some("anna@example.com".to_owned()),
        ..NewAccount::new("anna", Password::plain("anna"))
    };
    let anna = core.accounts().register(new).await.unwrap().id;
    let bob = world.user("bob").await;
    let update = ProfileUpdate {
        nickname: Some("Bob".to_owned()),
        avatar: Some("http://img.example/b.png".to_owned()),
        ..ProfileUpdate::default()
    };
    core.accounts().update_profile(bob, update).await.unwrap();
    core.accounts().set_head_picture(bob, Picture(vec![0, 1, 255].into())).await.unwrap();

    let room = world.sxb_live(host, "Evening").await;
    core.audiences().enter(bob, room, Role::OnMic).await.unwrap();
    core.audiences().beat(host, Role::Host, Some(7)).await.unwrap();
    world.guest_live("guest", "t").await;
    for counted in [Counted::Like, Counted::AnonymousViewer] {
        core.broadcasts().count(&"guest".into(), counted, Step::Up).await.unwrap();
    }
    let names = MemberNames { nickname: "Annie".to_owned(), avatar: "pic".to_owned() };
    core.audiences()
        .enter_group(Actor::Proven(anna), &"guest".into(), &"g-t".into(), names.clone())
        .await
        .unwrap();
    let text = RoomText {
        name: "Room".to_owned(),
        description: "about".to_owned(),
        topic: "topic".to_owned(),
        user_password: "open".to_owned(),
        ..RoomText::default()
    };
    core.rooms().name(anna, text, |_| Ok::<(), ()>(())).await.unwrap().unwrap();
    core.rooms().follow(bob, room).await.unwrap();
    core.rooms().plan(bob, Plan { title: "planned".to_owned(), ..Plan::default() }).await.unwrap();
    let file = NewRecording {
        file_id: "f1".into(),
        format: FileFormat::Mp4,
        url: "http://vod.example/1.mp4".to_owned(),
        start_at: Some(START),
        end_at: Some(START + Seconds(100)),
        duration: None,
        size: Some(5),
    };
    world.recorded("1000_guest", file).await.unwrap();
    core.audiences().enter_recording(Actor::Proven(bob), &"guest".into(), &"f1".into(), names).await.unwrap();
    let video = NewShortVideo { file_id: "v1".into(), title: "clip".to_owned(), ..NewShortVideo::default() };
    core.short_videos().upload(Actor::Proven(bob), video).await.unwrap();
}

#[tokio::test]
async fn a_restart_changes_nothing() {
    let mut world = World::on_file();
    fill(&world).await;
    let before = traces(&world).await;
    assert!(before.iter().all(|trace| !trace.is_empty()));
    world.restart(Seconds(30)).await;
    assert_eq!(traces(&world).await, before);
    assert!(database::damage(&world.core.config().database).unwrap().is_empty());
}

#[tokio::test]
async fn a_crash_changes_nothing() {
    let mut world = World::on_file();
    fill(&world).await;
    let before = traces(&world).await;
    world.crash(Seconds(30));
    assert_eq!(traces(&world).await, before);
}

#[tokio::test]
async fn everything_listed_has_a_minute_of_grace_after_a_start() {
    let mut world = World::on_file();
    let (host, viewer, pusher) =
        (world.user("host").await, world.user("viewer").await, world.user("pusher").await);
    let room = world.sxb_live(host, "t").await;
    world.core.audiences().enter(viewer, room, Role::Viewer).await.unwrap();
    let other = world.qplus_live(pusher).await;
    world.restart(Seconds(10_000)).await;
    world.clock.advance(Seconds(59));
    assert_eq!(world.of_room(room).await.map(|live| live.members), Some(2));
    assert!(world.of_room(other).await.is_some());
    world.clock.advance(Seconds(1));
    assert!(world.on_air().await.is_empty());
    // A host that beats within the minute stays on air.
    let room = world.sxb_live(host, "t").await;
    world.restart(Seconds(10_000)).await;
    world.clock.advance(Seconds(59));
    world.core.audiences().beat(host, Role::Host, None).await.unwrap();
    world.clock.advance(Seconds(90));
    assert!(world.of_room(room).await.is_some());
    world.clock.advance(Seconds(1));
    assert!(world.of_room(room).await.is_none());
}

#[tokio::test]
async fn a_restart_does_not_change_the_lifetime_of_a_session() {
    let mut world = World::on_file();
    world.user("anna").await;
    for (dialect, idle) in [(Dialect::Sxb, 7 * 86_400), (Dialect::Qplus, 3_600)] {
        let token = world.token(dialect, "anna").await;
        let alive = async |world: &World| world.core.sessions().authenticate(dialect, &token).await.is_ok();
        // Each use prolongs the session, also the last use before a stop.
        for _ in 0..3 {
            world.clock.advance(Seconds(idle - 1));
            assert!(alive(&world).await);
            world.restart(Seconds(idle - 1)).await;
            assert!(alive(&world).await, "{dialect:?}");
        }
        world.restart(Seconds(idle)).await;
        assert!(!alive(&world).await, "{dialect:?}");
    }
    // A session of a fixed lifetime survives as well, and so does its refresh token.
    let anna = || Identifier::UserId("anna".into());
    let password = [Password::plain("anna")];
    let (_, issued) = world.core.accounts().login(Dialect::MinilvbV2, anna(), &password).await.unwrap();
    world.restart(Seconds(86_399)).await;
    let token = issued.token.expose_secret();
    assert!(world.core.sessions().authenticate(Dialect::MinilvbV2, token).await.is_ok());
    assert_eq!(world.core.sessions().signed("anna").await.unwrap().unwrap().expose_token(), token);
    world.restart(Seconds(1)).await;
    assert!(world.core.sessions().authenticate(Dialect::MinilvbV2, token).await.is_err());
    let renewed = world.core.sessions().refresh(&offer(&issued)).await.unwrap();
    assert_eq!(renewed.expires_in, Seconds(86_400));
}

#[tokio::test]
async fn a_code_and_a_granted_reset_survive_a_restart() {
    let mut world = World::on_file();
    fill(&world).await;
    let phone = "13800000000";
    let code = world.core.accounts().issue_code(phone, Purpose::Reset).await.unwrap();
    world.core.accounts().grant_reset(phone).await.unwrap();
    world.restart(Seconds(599)).await;
    for code in [Some(code), None] {
        let proof = ResetProof::Of { session: None, code };
        world.core.accounts().reset_password(phone, &Password::plain("new"), proof).await.unwrap();
    }
    let proof = ResetProof::Of { session: None, code: None };
    let again = world.core.accounts().reset_password(phone, &Password::plain("x"), proof).await;
    assert!(matches!(again, Err(Error::WrongCode)), "each is valid once");
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_an_explanation() {
    let world = World::on_file();
    world.core.shutdown().await;
    let mut conn = SqliteConnection::establish(world.file().to_str().unwrap()).unwrap();
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')";
    diesel::sql_query(newer).execute(&mut conn).unwrap();
    let refused = world.try_neighbour().unwrap_err();
    assert!(matches!(refused, StartError::NewerSchema { .. }));
    let message = refused.to_string();
    assert!(message.starts_with("the database has schema 9999, this relive knows up to 00"), "{message}");
    assert!(message.ends_with("run the relive that wrote it, or a newer one"), "{message}");
    assert!(database::migrate(&world.core.config().database).is_err());
}

#[tokio::test]
async fn a_url_without_a_database_behind_it_is_refused() {
    let world = World::on_file();
    let broken = |url: String| {
        let mut config = world.core.config().clone();
        config.database.url = url;
        let clock = Arc::new(TestClock::at(START));
        Core::start(config, clock, Arc::new(TestRandom::seeded(1))).map(|_| ()).unwrap_err()
    };
    assert!(
        matches!(broken("mysql://somewhere".to_owned()), StartError::UnknownDatabase(scheme) if scheme == "mysql")
    );
    assert!(matches!(broken("sqlite://".to_owned()), StartError::UnknownDatabase(_)));
    let text = world.file().with_file_name("text");
    std::fs::write(&text, "this is no database, however long it may be".repeat(100)).unwrap();
    assert!(matches!(broken(format!("sqlite://{}", text.display())), StartError::Open { .. }));
    let beneath = format!("sqlite://{}/beneath/it.db", text.display());
    assert!(matches!(broken(beneath), StartError::Open { .. }));
}

#[tokio::test]
async fn a_backup_is_a_complete_database() {
    let world = World::on_file();
    fill(&world).await;
    let copy = world.file().with_file_name("copy.db");
    database::backup(&world.core.config().database, &copy).unwrap();
    let before = traces(&world).await;
    let from_copy = world.opened(&copy);
    assert_eq!(traces(&from_copy).await, before);
}

#[tokio::test]
async fn changes_by_another_process_are_seen() {
    let world = World::on_file();
    let (host, viewer) = (world.user("host").await, world.user("viewer").await);
    let room = world.qplus_live(host).await;
    let mut tokens = Vec::new();
    for dialect in [Dialect::MinilvbV2, Dialect::Sxb, Dialect::Qplus] {
        for id in ["host", "viewer"] {
            tokens.push((dialect, world.token(dialect, id).await));
        }
    }
    let session = world.session("viewer").await;
    world.core.audiences().watch(&session, room).await.unwrap();
    world.core.maintain().await.unwrap();
    assert_eq!(world.of_room(room).await.unwrap().viewers, 1);

    let neighbour = world.neighbour();
    neighbour.accounts().set_password(&"viewer".into(), &Password::plain("other")).await.unwrap();
    let update = ProfileUpdate { nickname: Some("Hilda".to_owned()), ..ProfileUpdate::default() };
    neighbour.accounts().update_profile(host, update).await.unwrap();
    world.core.maintain().await.unwrap();
    for (index, (dialect, token)) in tokens.iter().enumerate() {
        let alive = world.core.sessions().authenticate(*dialect, token).await.is_ok();
        assert_eq!(alive, index % 2 == 0, "only the sessions of the host are left");
    }
    assert!(world.core.sessions().signed("viewer").await.unwrap().is_none());
    let live = world.of_room(room).await.unwrap();
    assert_eq!(
        (live.viewers, &*live.nickname),
        (0, "Hilda"),
        "the membership of the viewer ended with its session"
    );

    neighbour.accounts().delete(&"host".into()).await.unwrap();
    world.core.maintain().await.unwrap();
    assert!(world.on_air().await.is_empty());
    assert!(world.core.sessions().authenticate(tokens[0].0, &tokens[0].1).await.is_err());
    assert!(world.core.accounts().get(viewer).await.unwrap().is_some());
    neighbour.shutdown().await;
}

#[tokio::test]
async fn after_the_shutdown_every_write_is_refused() {
    let world = World::on_file();
    world.core.shutdown().await;
    let late = world.core.accounts().register(NewAccount::new("late", Password::plain("late"))).await;
    assert!(matches!(late, Err(Error::Unavailable)), "{late:?}");
    assert!(matches!(world.core.probe().await, Err(Error::Unavailable)));
    assert!(matches!(world.core.maintain().await, Err(Error::Unavailable)));
    world.core.shutdown().await;
}

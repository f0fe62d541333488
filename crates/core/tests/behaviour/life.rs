//! The operations of a live in their order, from the registration of the host to the replay.

use std::sync::Arc;

use secrecy::ExposeSecret as _;

use relive_core::{
    Actor, Announcement, CallbackSource, Config, Core, Counted, Dialect, Error, FileFormat, HostLocation,
    Identifier, MemberNames, NewAccount, NewRecording, OnAirFilter, Password, RecordingFilter,
    RecordingOrder, Report, Role, Seconds, Step, StreamEvent, TestClock, TestRandom, UnixSeconds, UserInfo,
    Window,
};

const TEN: Window = Window { offset: 0, limit: 10 };

fn config(folder: &tempfile::TempDir) -> Config {
    let mut config = Config::sqlite(folder.path().join("relive.db"));
    config.accounts.argon2_memory_kib = 8;
    config.accounts.argon2_iterations = 1;
    config.background = false;
    config
}

async fn user(core: &Core, id: &str) -> relive_core::AccountId {
    core.accounts().register(NewAccount::new(id, Password::plain("secret"))).await.unwrap().id
}

#[tokio::test]
async fn a_live_from_the_registration_to_the_replay() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::at(UnixSeconds(1_700_000_000)));
    let core = Core::start(config(&folder), Arc::<TestClock>::clone(&clock), Arc::new(TestRandom::seeded(1)))
        .unwrap();
    clock.advance(Seconds(60));
    let (host, viewer) = (user(&core, "host").await, user(&core, "viewer").await);
    let taken = core.accounts().register(NewAccount::new("HOST", Password::plain("x"))).await;
    assert!(matches!(taken, Err(Error::AccountExists)));

    let room = core.broadcasts().prepare(host).await.unwrap();
    assert_eq!(room.0, 10_001);
    assert_eq!(core.broadcasts().on_air(OnAirFilter::default(), TEN).await.unwrap().total, 0);
    let report = Report {
        room,
        title: "first".to_owned(),
        cover: String::new(),
        kind: "live".to_owned(),
        group_id: "10001".into(),
        app: 7,
        device: 0,
        screen: false,
        place: HostLocation::default(),
    };
    core.broadcasts().report(host, report).await.unwrap();
    core.audiences().enter(viewer, room, Role::Viewer).await.unwrap();
    core.broadcasts().count(&"host".into(), Counted::Like, Step::Up).await.unwrap();
    core.audiences().beat(host, Role::Host, Some(41)).await.unwrap();
    let page = core.broadcasts().on_air(OnAirFilter { app: Some(7), live_kind: true }, TEN).await.unwrap();
    let [on_air] = page.items.as_slice() else { panic!("one broadcast") };
    assert_eq!((on_air.likes, on_air.members, on_air.viewers), (42, 2, 1));
    assert_eq!(
        core.broadcasts().on_air(OnAirFilter { app: Some(8), live_kind: true }, TEN).await.unwrap().total,
        0
    );

    core.audiences().beat(viewer, Role::OnMic, None).await.unwrap();
    let members = core.audiences().members(room, TEN).await.unwrap();
    let roles: Vec<_> = members.items.iter().map(|member| (&*member.user_id, member.role)).collect();
    assert_eq!(roles, [("host", Role::Host), ("viewer", Role::OnMic)]);

    let guest = Actor::Unproven("guest".into());
    core.audiences()
        .enter_group(guest, &"host".into(), &"10001".into(), MemberNames::default())
        .await
        .unwrap();
    assert_eq!(core.audiences().members(room, TEN).await.unwrap().total, 3);
    assert_eq!(
        core.audiences().group(&"host".into(), &"10001".into(), TEN).await.unwrap().total,
        2,
        "the host did not enter"
    );

    // The viewer stops beating, the host goes on.
    clock.advance(Seconds(31));
    core.audiences().beat(host, Role::Host, None).await.unwrap();
    assert_eq!(core.audiences().members(room, TEN).await.unwrap().total, 2);
    core.maintain().await.unwrap();
    core.shutdown().await;

    let core = Core::start(config(&folder), Arc::<TestClock>::clone(&clock), Arc::new(TestRandom::seeded(2)))
        .unwrap();
    let on_air = core.broadcasts().of_room(room).await.unwrap().unwrap();
    assert_eq!((on_air.likes, on_air.members), (42, 2));
    clock.advance(Seconds(91));
    assert!(core.broadcasts().of_room(room).await.unwrap().is_none());
    assert_eq!(core.audiences().members(room, TEN).await.unwrap().total, 0);

    let recorded = StreamEvent::Recorded(NewRecording {
        file_id: "f1".into(),
        format: FileFormat::Mp4,
        url: "http://vod.example/1.mp4".to_owned(),
        start_at: Some(UnixSeconds(1_700_000_060)),
        end_at: Some(UnixSeconds(1_700_000_160)),
        duration: None,
        size: None,
    });
    for _ in 0..2 {
        core.streams()
            .event(on_air.stream_code.clone(), CallbackSource::Sxb { room: None }, recorded.clone())
            .await
            .unwrap();
    }
    let replays =
        core.recordings().list(RecordingFilter::default(), RecordingOrder::Stored, TEN).await.unwrap();
    assert_eq!((replays.total, replays.items[0].title.as_str()), (1, "first"));
}

#[tokio::test]
async fn a_registration_takes_the_name_of_a_guest() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::at(UnixSeconds(1_700_000_000)));
    let core = Core::start(config(&folder), clock, Arc::new(TestRandom::seeded(1))).unwrap();
    let anna = Actor::Unproven("anna".into());
    let announcement = Announcement {
        group_id: "g".into(),
        title: "t".to_owned(),
        user_info: UserInfo { nickname: "Anna".to_owned(), ..UserInfo::default() },
    };
    core.broadcasts().announce(anna.clone(), announcement).await.unwrap();
    core.broadcasts().put_on_air(anna.clone()).await.unwrap();
    assert_eq!(
        core.broadcasts().on_air(OnAirFilter::default(), TEN).await.unwrap().items[0].nickname,
        "Anna"
    );
    let id = user(&core, "anna").await;
    assert_eq!(core.broadcasts().on_air(OnAirFilter::default(), TEN).await.unwrap().total, 0);
    assert!(matches!(core.broadcasts().put_on_air(anna).await, Err(Error::ProofRequired)));
    assert_eq!(core.accounts().get(id).await.unwrap().unwrap().profile.nickname, "");

    let anna_id = || Identifier::UserId("anna".into());
    let wrong = core.accounts().login(Dialect::Sxb, anna_id(), &[Password::plain("no")]).await;
    assert!(matches!(wrong, Err(Error::WrongPassword)));
    let (_, first) =
        core.accounts().login(Dialect::Sxb, anna_id(), &[Password::plain("secret")]).await.unwrap();
    let (_, second) =
        core.accounts().login(Dialect::Sxb, anna_id(), &[Password::plain("secret")]).await.unwrap();
    assert!(core.sessions().authenticate(Dialect::Sxb, first.token.expose_secret()).await.is_err());
    assert!(core.sessions().authenticate(Dialect::Sxb, second.token.expose_secret()).await.is_ok());
    assert!(core.sessions().authenticate(Dialect::Qplus, second.token.expose_secret()).await.is_err());
    core.accounts().set_password(&"anna".into(), &Password::plain("other")).await.unwrap();
    assert!(core.sessions().authenticate(Dialect::Sxb, second.token.expose_secret()).await.is_err());
}

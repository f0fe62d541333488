//! Several cores over one PostgreSQL database behave as one. Run by `cargo xtask test`, which provides the server; a
//! SQLite database has one core only.

#![expect(clippy::unwrap_used, reason = "a test that meets something else has failed")]

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use relive_core::{
    Actor, AnchorNames, Announcement, CallbackSource, Config, Core, Counted, Dialect, Error, FileFormat,
    GroupId, HostLocation, Identifier, Listing, MemberNames, NewAccount, NewRecording, NewShortVideo,
    OnAirFilter, PageStart, Password, PublishError, RecordingFilter, RecordingOrder, Report, Role, RoomTexts,
    Seconds, Step, StreamEvent, SystemClock, SystemRandom, TestClock, UnixSeconds, Window, database::Scratch,
};
use secrecy::ExposeSecret as _;

const ALL: Window = Window { offset: 0, limit: 10_000 };
/// Time within which a change is seen by all siblings.
const SIBLING_DELAY: Duration = Duration::from_secs(1);

/// Creates a database, if there is a server.
#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn database() -> Option<Scratch> {
    std::env::var("RELIVE_TEST_POSTGRES").ok().map(|url| Scratch::create(&url).unwrap())
}

fn config(database: &Scratch) -> Config {
    let mut config = Config::sqlite("");
    database.url().clone_into(&mut config.database.url);
    config.accounts.argon2_memory_kib = 8;
    config.accounts.argon2_iterations = 1;
    config
}

fn three(config: &Config) -> [Core; 3] {
    [(); 3].map(|()| start(config))
}

/// Repeats a question until the answer is yes, for a second at most.
async fn soon(what: &str, mut answer: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !answer().await {
        assert!(started.elapsed() < SIBLING_DELAY, "{what} takes longer than a second");
        tokio::task::yield_now().await;
    }
}

/// Repeats a call that is answered busy, as clients do: on a slow machine many transactions are in each other's way for
/// longer than a job is run again.
macro_rules! patiently {
    ($call:expr) => {{
        let mut calls = 1;
        loop {
            match $call {
                Err(Error::Busy) if calls < 100 => calls += 1,
                answer => break answer,
            }
        }
    }};
}

async fn register(core: &Core, id: &str) -> relive_core::Result<relive_core::AccountId> {
    core.accounts().register(NewAccount::new(id, Password::plain(id))).await.map(|account| account.id)
}

async fn token(core: &Core, dialect: Dialect, id: &str) -> String {
    let identifier = Identifier::UserId(id.into());
    let (_, issued) = core.accounts().login(dialect, identifier, &[Password::plain(id)]).await.unwrap();
    issued.token.expose_secret().to_owned()
}

fn start(config: &Config) -> Core {
    Core::start(config.clone(), Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap()
}

fn announcement(title: &str) -> Announcement {
    Announcement { title: title.to_owned(), ..Announcement::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_likes_are_ten_thousand() {
    let Some(database) = database() else { return };
    let cores = three(&config(&database));
    let host = Actor::Unproven("host".into());
    cores[0].broadcasts().announce(host.clone(), announcement("t")).await.unwrap();
    cores[0].broadcasts().put_on_air(host).await.unwrap();
    let mut clients = Vec::new();
    for client in 0..100 {
        let core = cores[client % 3].clone();
        clients.push(tokio::spawn(async move {
            for count in 0..120 {
                // The count never falls to 0 in between, so the order of the steps does not matter.
                let step = if count % 12 == 11 { Step::Down } else { Step::Up };
                core.broadcasts().count(&"host".into(), Counted::Like, step).await.unwrap();
            }
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
    for core in &cores {
        core.maintain().await.unwrap();
        assert_eq!(core.broadcasts().latest(&"host".into()).await.unwrap().unwrap().likes, 10_000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recordings_their_members_and_clips_are_listed_and_removed_everywhere() {
    let Some(database) = database() else { return };
    let [here, there, _] = three(&config(&database));
    for id in ["host", "fan"] {
        register(&here, id).await.unwrap();
    }
    let proven = async |core: &Core, id: &str| {
        Actor::Proven(core.accounts().find(&id.into()).await.unwrap().unwrap().id)
    };
    here.broadcasts().announce(proven(&here, "host").await, announcement("t")).await.unwrap();
    let now = here.now();
    for number in 0..3 {
        let recording = NewRecording {
            file_id: format!("f{number}").into(),
            format: FileFormat::Mp4,
            url: "http://vod.example/1.mp4".to_owned(),
            start_at: Some(now - Seconds(90)),
            end_at: Some(now),
            duration: None,
            size: None,
        };
        let event = StreamEvent::Recorded(recording);
        here.streams().event("1000_host".into(), CallbackSource::Shared, event).await.unwrap();
    }
    // The numbers of recordings, of members of one of them, and of clips.
    let counts = async |core: &Core| {
        let filter = RecordingFilter { owner: Some("host".into()), ..RecordingFilter::default() };
        let mut totals = [0; 4];
        for (total, order) in
            [RecordingOrder::Ended { after: None }, RecordingOrder::Stored].into_iter().enumerate()
        {
            totals[total] = core.recordings().list(filter.clone(), order, ALL).await.unwrap().items.len();
        }
        totals[2] = core.audiences().group(&"host".into(), &"f1".into(), ALL).await.unwrap().items.len();
        totals[3] = core.short_videos().list(None, ALL).await.unwrap().items.len();
        totals
    };
    soon("a recording", async || counts(&there).await == [3, 3, 0, 0]).await;
    let (host, group) = ("host".into(), "f1".into());
    there
        .audiences()
        .enter_recording(proven(&there, "fan").await, &host, &group, MemberNames::default())
        .await
        .unwrap();
    for file in ["v", "w", "v"] {
        let video = NewShortVideo { file_id: file.into(), ..NewShortVideo::default() };
        there.short_videos().upload(proven(&there, "fan").await, video).await.unwrap();
    }
    assert_eq!(counts(&there).await, [3, 3, 1, 2], "own writes are listed at once");
    soon("a member and two clips", async || counts(&here).await == [3, 3, 1, 2]).await;
    there.accounts().delete(&"fan".into()).await.unwrap();
    soon("the end of the fan", async || counts(&here).await == [3, 3, 0, 0]).await;
    here.accounts().delete(&"host".into()).await.unwrap();
    soon("the end of the host", async || counts(&there).await == [0, 0, 0, 0]).await;
}

/// Each committed change of a counter leaves one row in `changes`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_likes_share_an_update() {
    const CALLERS: i64 = 64;
    const EACH: i64 = 25;
    let Some(database) = database() else { return };
    let config = config(&database);
    let core = Core::start(config.clone(), Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap();
    let host = Actor::Unproven("host".into());
    core.broadcasts().announce(host.clone(), announcement("t")).await.unwrap();
    core.broadcasts().put_on_air(host).await.unwrap();
    let updates = || {
        let rows = relive_core::database::rows(&config.database).unwrap();
        rows.iter().filter(|row| row.starts_with("changes: ")).count()
    };
    let before = updates();
    core.broadcasts().count(&"host".into(), Counted::Like, Step::Up).await.unwrap();
    assert_eq!(updates() - before, 1, "a like on its own is an update of its own");

    let before = updates();
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let core = core.clone();
        callers.push(tokio::spawn(async move {
            for _ in 0..EACH {
                core.broadcasts().count(&"host".into(), Counted::Like, Step::Up).await.unwrap();
            }
        }));
    }
    for caller in callers {
        caller.await.unwrap();
    }
    let likes = CALLERS * EACH;
    assert_eq!(core.broadcasts().latest(&"host".into()).await.unwrap().unwrap().likes, likes + 1);
    let updates = updates() - before;
    println!("{likes} likes, {updates} updates");
    assert!(updates > 0 && i64::try_from(updates).unwrap() <= likes / 4, "{updates} for {likes} likes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_has_one_winner_and_a_room_one_number() {
    let Some(database) = database() else { return };
    let cores = three(&config(&database));
    let mut attempts = Vec::new();
    for name in 0..8 {
        for core in &cores {
            // One identifier as user id, as phone number and as email address.
            for role in 0..3 {
                let core = core.clone();
                attempts.push(tokio::spawn(async move {
                    let wanted = format!("139{name}");
                    let new = match role {
                        0 => NewAccount::new(wanted, Password::plain("x")),
                        1 => NewAccount {
                            phone: Some(wanted.clone()),
                            ..NewAccount::new(format!("p{wanted}"), Password::plain("x"))
                        },
                        _ => NewAccount {
                            email: Some(wanted.clone()),
                            ..NewAccount::new(format!("e{wanted}"), Password::plain("x"))
                        },
                    };
                    match patiently!(core.accounts().register(new.clone()).await) {
                        Ok(_) => 1,
                        Err(Error::AccountExists | Error::PhoneExists | Error::EmailExists) => 0,
                        Err(error) => panic!("{error:?}"),
                    }
                }));
            }
        }
    }
    let mut winners = 0;
    for attempt in attempts {
        winners += attempt.await.unwrap();
    }
    assert_eq!(winners, 8);

    let mut ids = Vec::new();
    for host in 0..12 {
        ids.push(register(&cores[0], &format!("host{host}")).await.unwrap());
    }
    let mut rooms = Vec::new();
    for id in &ids {
        for core in &cores {
            let (core, id) = (core.clone(), *id);
            rooms.push(tokio::spawn(async move {
                (id, patiently!(core.broadcasts().prepare(id).await).unwrap())
            }));
        }
    }
    let mut numbers = HashSet::new();
    for room in rooms {
        numbers.insert(room.await.unwrap());
    }
    assert_eq!(numbers.len(), ids.len(), "one number per account");
    let distinct: HashSet<_> = numbers.iter().map(|(_, number)| *number).collect();
    assert_eq!(distinct.len(), ids.len());
    assert!(distinct.iter().all(|number| number.0 > 10_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_enters_through_one_gateway_is_listed_by_all() {
    let Some(database) = database() else { return };
    let cores = three(&config(&database));
    let host = Actor::Unproven("host".into());
    cores[1].broadcasts().announce(host.clone(), announcement("t")).await.unwrap();
    cores[2].broadcasts().put_on_air(host).await.unwrap();
    let mut guests = Vec::new();
    for guest in 0..300 {
        let core = cores[guest % 3].clone();
        guests.push(tokio::spawn(async move {
            let actor = Actor::Unproven(format!("guest{guest}").into());
            let (who, names) = (&actor, MemberNames::default);
            patiently!(core.audiences().enter_group(who.clone(), &"host".into(), &"".into(), names()).await)
                .unwrap();
            if guest % 10 == 0 {
                patiently!(core.audiences().quit_group(actor.clone(), &"host".into(), &"".into()).await)
                    .unwrap();
            }
        }));
    }
    for guest in guests {
        guest.await.unwrap();
    }
    for core in &cores {
        soon("an arrival", async || {
            let live = core.broadcasts().latest(&"host".into()).await.unwrap().unwrap();
            live.viewers == 270 && live.members == 271
        })
        .await;
        assert_eq!(core.audiences().group(&"host".into(), &"".into(), ALL).await.unwrap().total, 270);
    }
}

#[tokio::test]
async fn a_token_is_valid_on_all_gateways_at_once_and_revoked_on_all_within_a_second() {
    let Some(database) = database() else { return };
    let [here, there, elsewhere] = three(&config(&database));
    register(&here, "anna").await.unwrap();
    for dialect in [Dialect::Sxb, Dialect::Qplus, Dialect::MinilvbV2] {
        let token = token(&there, dialect, "anna").await;
        for core in [&here, &there, &elsewhere] {
            core.sessions().authenticate(dialect, &token).await.unwrap();
        }
        there.sessions().close(dialect, &token).await.unwrap();
        for core in [&here, &there, &elsewhere] {
            soon("a logout", async || core.sessions().authenticate(dialect, &token).await.is_err()).await;
        }
    }
    // The newest session signs the requests at once, whichever gateway the login came through.
    for core in [&here, &there, &elsewhere, &here] {
        let token = token(core, Dialect::MinilvbV2, "anna").await;
        for other in [&here, &there, &elsewhere] {
            let session = other.sessions().signed("anna").await.unwrap().unwrap();
            assert_eq!(session.expose_token(), token);
        }
    }
    let token = token(&here, Dialect::Sxb, "anna").await;
    elsewhere.sessions().authenticate(Dialect::Sxb, &token).await.unwrap();
    there.accounts().set_password(&"anna".into(), &Password::plain("other")).await.unwrap();
    for core in [&here, &there, &elsewhere] {
        soon("a new password", async || core.sessions().authenticate(Dialect::Sxb, &token).await.is_err())
            .await;
    }
}

#[tokio::test]
async fn a_push_url_that_one_gateway_revokes_is_refused_by_all() {
    let Some(database) = database() else { return };
    let mut config = config(&database);
    config.media.push_key = "demoPushKey0001".to_owned().into();
    let (here, there) = (start(&config), start(&config));
    let carl = Actor::Unproven("carl".into());
    let live = here.broadcasts().announce(carl, Announcement::default()).await.unwrap();
    let url = there.streams().push_url(&live.stream_code, live.started_at);
    let query = url.split_once('?').unwrap().1;
    for core in [&here, &there] {
        assert!(core.streams().check_publish(&live.stream_code, query).is_ok());
    }
    register(&here, "carl").await.unwrap();
    let elsewhere = start(&config);
    for core in [&here, &there, &elsewhere] {
        let revoked =
            async || core.streams().check_publish(&live.stream_code, query) == Err(PublishError::Revoked);
        soon("a revocation", revoked).await;
    }
}

#[tokio::test]
async fn a_beat_to_one_gateway_keeps_a_member_on_all() {
    let Some(database) = database() else { return };
    let mut config = config(&database);
    config.background = false;
    let clock = Arc::new(TestClock::at(UnixSeconds(1_700_000_000)));
    let cores = [(); 3].map(|()| {
        Core::start(config.clone(), Arc::<TestClock>::clone(&clock), Arc::new(SystemRandom)).unwrap()
    });
    clock.advance(Seconds(60));
    let (host, viewer) =
        (register(&cores[0], "host").await.unwrap(), register(&cores[0], "viewer").await.unwrap());
    let room = cores[0].broadcasts().prepare(host).await.unwrap();
    let report = Report {
        room,
        title: "t".to_owned(),
        cover: String::new(),
        kind: "live".to_owned(),
        group_id: GroupId::default(),
        app: 0,
        device: 0,
        screen: false,
        place: HostLocation::default(),
    };
    cores[1].broadcasts().report(host, report).await.unwrap();
    cores[2].audiences().enter(viewer, room, Role::Viewer).await.unwrap();
    for beat in 0..9 {
        for core in &cores {
            core.maintain().await.unwrap();
        }
        clock.advance(Seconds(20));
        // Each round another gateway receives the beats; the others run their upkeep afterwards.
        cores[beat % 3].audiences().beat(host, Role::Host, None).await.unwrap();
        cores[beat % 3].audiences().beat(viewer, Role::Viewer, None).await.unwrap();
        cores[beat % 3].maintain().await.unwrap();
        for core in &cores {
            core.maintain().await.unwrap();
            assert_eq!(core.audiences().members(room, ALL).await.unwrap().total, 2);
        }
    }
    clock.advance(Seconds(31));
    cores[0].audiences().beat(host, Role::Host, None).await.unwrap();
    for core in &cores {
        core.maintain().await.unwrap();
        assert_eq!(core.audiences().members(room, ALL).await.unwrap().total, 1, "the viewer stopped beating");
    }
    clock.advance(Seconds(91));
    for core in &cores {
        assert_eq!(core.broadcasts().on_air(OnAirFilter::default(), ALL).await.unwrap().total, 0);
    }
}

#[tokio::test]
async fn a_list_continues_where_another_gateway_stopped() {
    let Some(database) = database() else { return };
    let mut config = config(&database);
    config.background = false;
    let cores = three(&config);
    for host in 0..6 {
        let host = register(&cores[0], &format!("host{host}")).await.unwrap();
        let room = cores[0].broadcasts().prepare(host).await.unwrap();
        cores[0].broadcasts().push(host, room, Seconds(600)).await.unwrap();
    }
    register(&cores[0], "viewer").await.unwrap();
    let token = token(&cores[0], Dialect::Qplus, "viewer").await;
    for core in &cores {
        core.maintain().await.unwrap();
    }
    let mut seen = HashSet::new();
    for page in 0..3 {
        let core = &cores[page % 3];
        let session = core.sessions().authenticate(Dialect::Qplus, &token).await.unwrap();
        let list = core.rooms().next_page(&session, Listing::OnAir, PageStart::LastRead, 2).await.unwrap();
        seen.extend(list.on_air.iter().map(|room| room.broadcast.room));
    }
    assert_eq!(seen.len(), 6, "every room once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sub_anchor_beats_at_once_in_a_room_that_was_opened_elsewhere() {
    let Some(database) = database() else { return };
    let mut config = config(&database);
    config.cloud.im_sdkappid = 1;
    config.cloud.im_secret = "secret".into();
    let cores = three(&config);
    let mut sessions = Vec::new();
    for (core, id) in [(&cores[0], "host"), (&cores[1], "guest")] {
        let ticket = core.cloud().user_sig(&id.into()).unwrap().into();
        let issued = core.accounts().login_by_ticket(&id.into(), 1, &ticket).await.unwrap();
        let token = issued.token.expose_secret();
        let session = core.sessions().authenticate(Dialect::RoomService, token).await.unwrap();
        let code = core.live_rooms().stream(session.account()).await.unwrap();
        sessions.push((core, session, code));
    }
    for (core, session, code) in &sessions {
        let (names, texts) = (AnchorNames::default(), RoomTexts::default());
        let entered = patiently!(
            core.live_rooms()
                .enter(session, "harbour".into(), code.clone(), names.clone(), texts.clone())
                .await
        );
        entered.unwrap();
    }
    let (core, session, _) = &sessions[1];
    let room = core.live_rooms().beat(session.account(), &"harbour".into()).await.unwrap();
    assert_eq!(room.sub_anchors.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sibling_whose_clock_is_an_hour_ahead_removes_nobody() {
    let Some(database) = database() else { return };
    let mut config = config(&database);
    config.background = false;
    let clocks = [(); 2].map(|()| Arc::new(TestClock::at(UnixSeconds(1_700_000_000))));
    let [right, ahead] = &clocks;
    ahead.set_wall_forward(Seconds(3_600));
    let cores = [right, ahead]
        .map(|clock| Core::start(config.clone(), Arc::clone(clock) as _, Arc::new(SystemRandom)).unwrap());
    for clock in &clocks {
        clock.advance(Seconds(60));
    }
    let one = &cores[0];
    let host = register(one, "host").await.unwrap();
    let room = one.broadcasts().prepare(host).await.unwrap();
    let report = Report {
        room,
        title: "t".to_owned(),
        cover: String::new(),
        kind: "live".to_owned(),
        group_id: GroupId::default(),
        app: 0,
        device: 0,
        screen: false,
        place: HostLocation::default(),
    };
    one.broadcasts().report(host, report).await.unwrap();
    let session = token(one, Dialect::Qplus, "host").await;
    for _ in 0..10 {
        for core in &cores {
            core.maintain().await.unwrap();
            assert_eq!(core.now(), one.now());
            let on_air = core.broadcasts().on_air(OnAirFilter::default(), ALL).await.unwrap();
            assert_eq!((on_air.total, on_air.items[0].members), (1, 1));
            core.sessions().authenticate(Dialect::Qplus, &session).await.unwrap();
        }
        for clock in &clocks {
            clock.advance(Seconds(1));
        }
    }
    // Both follow the clock of the database.
    for clock in &clocks {
        clock.set_forward(Seconds(7_200));
    }
    for core in &cores {
        core.maintain().await.unwrap();
        assert_eq!(core.now(), UnixSeconds(1_700_000_000 + 60 + 10 + 7_200));
        let on_air = core.broadcasts().on_air(OnAirFilter::default(), ALL).await.unwrap();
        assert_eq!((on_air.total, on_air.items[0].members), (1, 1));
    }
}

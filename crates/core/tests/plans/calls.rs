//! Every operation of the core that an adapter calls, on accounts with many rows.

use std::{fmt::Debug, sync::Arc};

use relive_core::{
    AccountId, Actor, AnchorNames, Announcement, CallbackSource, Core, Counted, Dialect, FieldChange,
    FileFormat, HostLocation, Identifier, Listing, MemberNames, Microphone, NewAccount, NewRecording,
    NewShortVideo, OnAirFilter, PageStart, Password, Picture, Plan, ProfileUpdate, Purpose, RecordingFilter,
    RecordingHint, RecordingOrder, RefreshOffer, Report, ResetProof, Role, RoomNumber, RoomText, RoomTexts,
    Seconds, Session, Step, StreamEvent, TestClock, UnixSeconds, UserInfo, Window,
};
use secrecy::ExposeSecret as _;

use crate::{
    NOW,
    fill::{ANNA, BOB, CODE, RECORDING},
};

const CARL: AccountId = AccountId(3);
const DORA: AccountId = AccountId(4);
/// The room of anna, and that of a guest on air.
const ROOM: RoomNumber = RoomNumber(10_001);
const ANOTHER_ROOM: RoomNumber = RoomNumber(200_007);
/// The first page of a list, one in its middle and one behind its end.
const PAGES: [Window; 3] = [
    Window { offset: 0, limit: 20 },
    Window { offset: 33_333, limit: 100 },
    Window { offset: 10_000_000, limit: 20 },
];

fn guest(id: &str) -> Actor {
    Actor::Unproven(id.into())
}

/// Most calls succeed; a refusal must be one of the domain.
fn done<T>(result: relive_core::Result<T>) -> Option<T>
where
    T: Debug,
{
    use relive_core::Error::{Busy, Storage, Unavailable};
    if let Err(error @ (Busy | Storage(_) | Unavailable)) = &result {
        panic!("{error:?}");
    }
    result.ok()
}

/// Calls every operation.
pub(crate) async fn run(core: &Core, clock: &TestClock) {
    let sessions = accounts(core, clock).await;
    lists(core).await;
    first_generation(core).await;
    groups(core).await;
    rooms_by_number(core).await;
    rooms_of_sessions(core, &sessions.qplus).await;
    live_rooms(core, &sessions.room_service, &sessions.viewer).await;
    streams(core).await;
    ends(core, &sessions).await;
}

struct Sessions {
    qplus: Arc<Session>,
    room_service: Arc<Session>,
    viewer: Arc<Session>,
    tokens: Vec<(Dialect, String)>,
}

async fn accounts(core: &Core, clock: &TestClock) -> Sessions {
    let accounts = core.accounts();
    let secret = Password::plain("secret");
    done(accounts.register(NewAccount::new("emil", secret.clone())).await).unwrap();
    done(accounts.register(NewAccount::new("Emil", secret.clone())).await);
    done(
        accounts
            .register(NewAccount { phone: Some("p7".to_owned()), ..NewAccount::new("fritz", secret.clone()) })
            .await,
    );
    done(
        accounts
            .register(NewAccount { email: Some("e7".to_owned()), ..NewAccount::new("fritz", secret.clone()) })
            .await,
    );
    done(accounts.check_free(NewAccount::new("free", secret.clone())).await);
    done(accounts.holder(&"user8".into()).await);
    for phone in ["13900000000", "p8"] {
        for purpose in [Purpose::Register, Purpose::Reset] {
            done(accounts.may_ask_for_code(phone, purpose).await);
            clock.advance(Seconds(61));
            let sent = done(accounts.issue_code(phone, purpose).await);
            if let (Some(sent), Purpose::Register) = (&sent, purpose) {
                done(accounts.register_by_phone(phone, secret.clone(), sent, "").await);
            }
        }
    }
    done(accounts.grant_reset("13800000004").await);
    let proof = || ResetProof::Of { session: None, code: None };
    done(accounts.reset_password("13800000004", &secret, proof()).await).unwrap();
    done(accounts.reset_password("p9", &secret, proof()).await);
    done(accounts.set_password(&"emil".into(), &secret).await).unwrap();
    done(accounts.get(AccountId(ANNA)).await);
    done(accounts.find(&"user8".into()).await);
    done(accounts.find_by_phone("p8").await);
    done(accounts.may_act(guest("user7")).await);
    done(accounts.may_act(guest("USER8")).await);
    done(accounts.test_user(None).await);
    done(accounts.login_by_ticket(&"user7".into(), 1, &"no ticket".to_owned().into()).await);
    done(accounts.login_by_sign(&"user7".into(), NOW, &"no sign".to_owned().into()).await);
    let update = ProfileUpdate { nickname: Some("Anna".to_owned()), ..ProfileUpdate::default() };
    done(accounts.update_profile(AccountId(ANNA), update).await).unwrap();
    let picture =
        done(accounts.set_head_picture(AccountId(ANNA), Picture(vec![1; 32].into())).await).unwrap();
    done(accounts.head_picture(picture).await);
    for reporter in [guest("user7"), Actor::Proven(AccountId(BOB))] {
        done(accounts.report(reporter, &"anna".into()).await);
    }
    let mut tokens = Vec::new();
    let mut log_in = async |dialect, id: &str| {
        let identifier = Identifier::UserId(id.into());
        done(accounts.verify(identifier.clone(), std::slice::from_ref(&secret)).await);
        let (_, issued) =
            done(accounts.login(dialect, identifier, std::slice::from_ref(&secret)).await).unwrap();
        let token = issued.token.expose_secret().to_owned();
        let session = done(core.sessions().authenticate(dialect, &token).await).unwrap();
        tokens.push((dialect, token));
        (session, issued)
    };
    for _ in 0..2 {
        log_in(Dialect::Sxb, "bob").await;
        log_in(Dialect::Qplus, "bob").await;
    }
    let (_, issued) = log_in(Dialect::MinilvbV2, "anna").await;
    done(core.sessions().signed("anna").await);
    done(core.sessions().signed("user6").await);
    let client = std::net::Ipv4Addr::LOCALHOST.into();
    let offer = RefreshOffer { user_id: "anna".into(), token: issued.refresh_token.clone(), client };
    for _ in 0..2 {
        done(core.sessions().refresh(&offer).await);
    }
    done(accounts.verify(Identifier::Any("13800000001".to_owned()), std::slice::from_ref(&secret)).await);
    for (dialect, token) in [(Dialect::Sxb, "unknown"), (Dialect::MinilvbV2, "t6")] {
        done(core.sessions().authenticate(dialect, token).await);
        done(core.sessions().account(dialect, token).await);
    }
    Sessions {
        qplus: log_in(Dialect::Qplus, "bob").await.0,
        room_service: log_in(Dialect::RoomService, "dora").await.0,
        viewer: log_in(Dialect::RoomService, "bob").await.0,
        tokens,
    }
}

async fn lists(core: &Core) {
    for window in PAGES {
        done(core.broadcasts().on_air(OnAirFilter::default(), window).await);
        done(core.live_rooms().on_air(window).await);
        for owner in [None, Some("anna".into()), Some("nobody".into())] {
            for with_play_url in [false, true] {
                let filter = RecordingFilter { with_play_url, owner: owner.clone() };
                for order in [
                    RecordingOrder::Ended { after: None },
                    RecordingOrder::Ended { after: Some(NOW - Seconds(80_000)) },
                    RecordingOrder::Stored,
                ] {
                    done(core.recordings().list(filter.clone(), order, window).await).unwrap();
                }
            }
        }
        done(core.short_videos().list(None, window).await).unwrap();
        done(core.short_videos().list(Some(NOW - Seconds(80_000)), window).await).unwrap();
        for group in ["g", RECORDING, "none"] {
            done(core.audiences().group(&"anna".into(), &group.into(), window).await).unwrap();
        }
        done(core.audiences().members(ROOM, window).await).unwrap();
        done(core.audiences().members(RoomNumber(5), window).await).unwrap();
    }
    for id in ["anna", "user7", "nobody"] {
        done(core.broadcasts().latest(&id.into()).await);
        done(core.recordings().find(&id.into(), &RECORDING.into()).await);
        done(core.short_videos().find(&id.into(), &RECORDING.into()).await);
    }
    for room in [ROOM, ANOTHER_ROOM, RoomNumber(5)] {
        done(core.broadcasts().of_room(room).await);
        done(core.broadcasts().require_on_air(room).await);
    }
}

fn video(file_id: &str) -> NewShortVideo {
    NewShortVideo {
        file_id: file_id.into(),
        user_info: Some(UserInfo::default()),
        ..NewShortVideo::default()
    }
}

async fn first_generation(core: &Core) {
    let broadcasts = core.broadcasts();
    for host in ["stranger", "user7"] {
        let announcement =
            Announcement { group_id: "g".into(), title: "t".to_owned(), user_info: UserInfo::default() };
        done(broadcasts.announce(guest(host), announcement).await).unwrap();
        done(broadcasts.put_on_air(guest(host)).await).unwrap();
        done(broadcasts.take_off_air(guest(host)).await).unwrap();
        done(broadcasts.put_on_air(guest(host)).await).unwrap();
    }
    done(broadcasts.put_on_air(guest("anna")).await);
    for id in ["anna", "user7", "nobody"] {
        for counted in [Counted::Like, Counted::AnonymousViewer] {
            for step in [Step::Up, Step::Down] {
                done(broadcasts.count(&id.into(), counted, step).await).unwrap();
                done(core.recordings().count(&id.into(), &RECORDING.into(), counted, step).await).unwrap();
            }
        }
    }
    done(core.short_videos().upload(guest("stranger"), video("one")).await).unwrap();
    done(core.short_videos().upload(Actor::Proven(AccountId(ANNA)), video("f4")).await).unwrap();
}

async fn groups(core: &Core) {
    let audiences = core.audiences();
    let names = MemberNames::default;
    for host in ["anna", "nobody"] {
        for viewer in [guest("stranger"), Actor::Proven(AccountId(BOB))] {
            let host = host.into();
            done(audiences.enter_group(viewer.clone(), &host, &"g".into(), names()).await).unwrap();
            done(audiences.quit_group(viewer.clone(), &host, &"g".into()).await).unwrap();
            done(audiences.enter_group(viewer.clone(), &host, &"g".into(), names()).await).unwrap();
            for _ in 0..2 {
                done(audiences.enter_recording(viewer.clone(), &host, &RECORDING.into(), names()).await)
                    .unwrap();
            }
            done(audiences.quit_recording(viewer, &host, &RECORDING.into()).await).unwrap();
        }
    }
}

fn report(room: RoomNumber) -> Report {
    Report {
        room,
        title: "t".to_owned(),
        cover: String::new(),
        kind: "live".to_owned(),
        group_id: "g".into(),
        app: 1,
        device: 0,
        screen: false,
        place: HostLocation::default(),
    }
}

async fn rooms_by_number(core: &Core) {
    let (broadcasts, audiences) = (core.broadcasts(), core.audiences());
    let room = done(broadcasts.prepare(CARL).await).unwrap();
    done(broadcasts.report(CARL, report(room)).await).unwrap();
    for (account, room) in
        [(AccountId(BOB), ROOM), (AccountId(BOB), room), (DORA, ROOM), (AccountId(1_009), ROOM)]
    {
        done(audiences.enter(account, room, Role::Viewer).await).unwrap();
        done(audiences.request_mic(account, room).await).unwrap();
        for mic in [Microphone::On, Microphone::Off] {
            done(audiences.set_mic(account, room, mic).await).unwrap();
        }
        done(audiences.beat(account, Role::OnMic, None).await).unwrap();
    }
    done(audiences.beat(CARL, Role::Host, Some(7)).await).unwrap();
    done(audiences.leave(AccountId(BOB), ROOM).await).unwrap();
    done(core.rooms().hint_recording(CARL, room, RecordingHint::default()).await).unwrap();
    done(core.rooms().plan(CARL, Plan { title: "t".to_owned(), ..Plan::default() }).await).unwrap();
    done(broadcasts.exit(CARL, Some(room)).await).unwrap();
}

async fn rooms_of_sessions(core: &Core, session: &Arc<Session>) {
    let rooms = core.rooms();
    let texts = || RoomText { name: "name".to_owned(), ..RoomText::default() };
    let room = done(rooms.name(DORA, texts(), |_| Ok::<(), ()>(())).await).unwrap().unwrap();
    done(rooms.modify(DORA, Some(room), texts()).await).unwrap();
    done(rooms.own(DORA).await).unwrap();
    done(rooms.number_of(DORA).await).unwrap();
    for number in [ROOM, ANOTHER_ROOM, room] {
        done(rooms.find(DORA, number).await).unwrap();
        done(rooms.follow(AccountId(BOB), number).await).unwrap();
        done(rooms.unfollow(AccountId(BOB), number).await).unwrap();
        done(rooms.follow(AccountId(BOB), number).await).unwrap();
    }
    for listing in [Listing::OnAir, Listing::Followed] {
        for start in [PageStart::Top, PageStart::LastRead] {
            done(rooms.next_page(session, listing, start, 20).await).unwrap();
        }
    }
    done(core.broadcasts().push(DORA, room, Seconds(600)).await).unwrap();
    done(core.audiences().watch(session, room).await).unwrap();
    done(core.audiences().watch(session, ROOM).await).unwrap();
    done(core.audiences().unwatch(session, room).await).unwrap();
    done(core.audiences().watch(session, ROOM).await).unwrap();
    done(core.broadcasts().push(DORA, room, Seconds(300)).await).unwrap();
    done(core.broadcasts().stop_push(DORA, room).await).unwrap();
}

async fn live_rooms(core: &Core, host: &Arc<Session>, viewer: &Arc<Session>) {
    let rooms = core.live_rooms();
    let room =
        done(rooms.create(host.account(), Some("parlour".into()), RoomTexts::default()).await).unwrap();
    for session in [host, viewer] {
        let stream = done(rooms.stream(session.account()).await).unwrap();
        done(rooms.enter(session, room.clone(), stream, AnchorNames::default(), RoomTexts::default()).await)
            .unwrap();
        done(rooms.beat(session.account(), &room).await).unwrap();
    }
    done(rooms.watch(viewer, "10001".into(), None, AnchorNames::default()).await);
    done(rooms.unwatch(viewer.account(), "10001".into()).await);
    for id in [&room, &"10001".into(), &"g".into(), &"none".into()] {
        if let Some(found) = done(rooms.require(id).await) {
            done(rooms.newest_viewers(&found, 30).await).unwrap();
        }
        done(rooms.like(id, 3).await);
        done(rooms.change_field(viewer.account(), (*id).clone(), "n".to_owned(), FieldChange::Add(1)).await);
    }
    done(rooms.leave(viewer.account(), room.clone()).await).unwrap();
    done(rooms.destroy(host.account(), room).await).unwrap();
}

async fn streams(core: &Core) {
    done(core.streams().link_mic(guest("stranger")).await).unwrap();
    done(core.streams().link_mic(Actor::Proven(AccountId(ANNA))).await).unwrap();
    let recorded = |number: i64, end_at: UnixSeconds, format| {
        StreamEvent::Recorded(NewRecording {
            file_id: format!("new{number}").into(),
            format,
            url: format!("http://vod.example/{number}"),
            start_at: Some(end_at - Seconds(90)),
            end_at: Some(end_at),
            duration: None,
            size: None,
        })
    };
    let middle = NOW - Seconds(500_000);
    for code in [CODE, "l7", "c7", "8888_anna_suffix", "8888_nobody_suffix", "unknown"] {
        for (number, end_at) in [(1, NOW), (2, middle), (3, NOW - Seconds(10_000_000))] {
            for format in [FileFormat::Mp4, FileFormat::Hls, FileFormat::Flv] {
                for source in [CallbackSource::Shared, CallbackSource::Sxb { room: Some(ROOM) }] {
                    done(core.streams().event(code.into(), source, recorded(number, end_at, format)).await);
                }
            }
        }
        for sequence in [None, Some("7".to_owned())] {
            let started = StreamEvent::Started { sequence: sequence.clone() };
            done(core.streams().event(code.into(), CallbackSource::Shared, started).await);
            if code != CODE {
                let stopped = StreamEvent::Stopped { sequence };
                done(core.streams().event(code.into(), CallbackSource::Shared, stopped).await);
            }
        }
    }
}

/// What ends: sessions, and the broadcast of a guest.
async fn ends(core: &Core, sessions: &Sessions) {
    done(core.broadcasts().take_off_air(guest("user7")).await).unwrap();
    done(core.sessions().kick(AccountId(BOB), Dialect::Sxb).await).unwrap();
    for (dialect, token) in &sessions.tokens {
        done(core.sessions().close(*dialect, token).await);
    }
}

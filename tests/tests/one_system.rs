//! Checks that accounts, broadcasts, audiences and recordings made through one dialect are seen through the others.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use contract_tests::{
    Client, Server,
    dialect::{Dialect, code, derived, list, number, text},
};
use serde_json::{Value, json};

const PASSWORD: &str = "secret-9";

/// The five forms in which the dialects send a password.
#[derive(Debug, Clone, Copy)]
enum PasswordForm {
    V2Derived,
    V2Plain,
    SxbPlain,
    SxbBase64,
    Qplus,
}

const FORMS: [PasswordForm; 5] = [
    PasswordForm::V2Derived,
    PasswordForm::V2Plain,
    PasswordForm::SxbPlain,
    PasswordForm::SxbBase64,
    PasswordForm::Qplus,
];

impl PasswordForm {
    async fn register(self, client: &Client, id: &str, phone: &str) {
        match self {
            Self::V2Derived => {
                client.v2("register", None, json!({"userid": id, "password": derived(PASSWORD, id)})).await
            }
            // The plain form allows letters and digits only, so this password has no dash.
            Self::V2Plain => client.v2("register", None, json!({"userid": id, "password": "secret9"})).await,
            Self::SxbPlain => client.sxb("account/regist", json!({"id": id, "pwd": PASSWORD})).await,
            Self::SxbBase64 => {
                client.sxb("account/regist", json!({"id": id, "pwd": STANDARD.encode(PASSWORD)})).await
            }
            Self::Qplus => {
                let email = format!("{id}@example.org");
                let new = json!({"account": id, "phone": phone, "email": email, "password": PASSWORD});
                client.qplus("Register", new).await
            }
        };
    }

    async fn logs_in(self, client: &Client, id: &str, password: &str) -> bool {
        let (dialect, answer) = match self {
            Self::V2Derived => {
                let who = json!({"userid": id, "password": derived(password, id)});
                (Dialect::V2, client.try_v2("login", None, who).await)
            }
            Self::V2Plain => {
                (Dialect::V2, client.try_v2("login", None, json!({"userid": id, "password": password})).await)
            }
            Self::SxbPlain => {
                (Dialect::Sxb, client.try_sxb("account/login", json!({"id": id, "pwd": password})).await)
            }
            Self::SxbBase64 => {
                let who = json!({"id": id, "pwd": STANDARD.encode(password)});
                (Dialect::Sxb, client.try_sxb("account/login", who).await)
            }
            Self::Qplus => {
                let who = json!({"account": id, "password": password});
                (Dialect::Qplus, client.try_qplus("Login", who).await)
            }
        };
        code(dialect, &answer).1
    }
}

#[tokio::test]
async fn one_password_logs_in_through_every_dialect() {
    let server = Server::start().await;
    let client = server.client();
    for (index, registered) in FORMS.into_iter().enumerate() {
        let id = format!("user_{index}");
        registered.register(&client, &id, &format!("1390000000{index}")).await;
        let password = if matches!(registered, PasswordForm::V2Plain) { "secret9" } else { PASSWORD };
        for login in FORMS {
            assert!(login.logs_in(&client, &id, password).await, "{registered:?} then {login:?}");
            assert!(!login.logs_in(&client, &id, "wrong-one").await, "{registered:?} then {login:?}, wrong");
        }
        let token =
            text(&client.v2("login", None, json!({"userid": id, "password": password})).await, "/data/token");
        let refused = client.try_v1("ChangeStatus", json!({"userid": id, "status": 0})).await;
        assert_eq!(code(Dialect::V1, &refused).0, 498);
        client.v1_signed(&token, "ChangeStatus", json!({"userid": id, "status": 0})).await;
    }
}

#[tokio::test]
async fn a_new_password_ends_every_session() {
    let server = Server::start().await;
    let client = server.client();
    PasswordForm::Qplus.register(&client, "anna_lee", "13900001111").await;
    let (v2, sxb, qplus) = (
        client.v2_login("anna_lee").await,
        client.sxb_login("anna_lee").await,
        client.qplus_login("anna_lee").await,
    );
    client.qplus("ModifyUserPwd", json!({"phone": "13900001111", "password": "another-1"})).await;
    let info = client.try_v2("get_user_info", Some(&v2), json!({"userid": "anna_lee"})).await;
    assert_eq!(code(Dialect::V2, &info).0, 498);
    let room = client.try_sxb("live/create", json!({"token": sxb, "type": "live"})).await;
    assert_eq!(code(Dialect::Sxb, &room).0, 10_009);
    let room = client.try_qplus("GetMyLiveRoomId", json!({"sessionId": qplus})).await;
    assert_eq!(code(Dialect::Qplus, &room).0, 10_003);
    for login in FORMS {
        assert!(login.logs_in(&client, "anna_lee", "another-1").await, "{login:?}");
        assert!(!login.logs_in(&client, "anna_lee", PASSWORD).await, "{login:?} accepts the old password");
    }
}

/// The dialect, or the notice of the media cloud, that starts or stops a broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    V1,
    Sxb,
    Qplus,
    Callback,
    RoomService,
}

const SOURCES: [Source; 5] = [Source::V1, Source::Sxb, Source::Qplus, Source::Callback, Source::RoomService];

/// A registered host with a nickname, and its tokens.
struct Host {
    id: String,
    v2: String,
    sxb: String,
    qplus: String,
    /// The query of RoomService calls.
    room_service: String,
}

impl Host {
    async fn new(client: &Client, id: &str) -> Self {
        client.sxb("account/regist", json!({"id": id, "pwd": PASSWORD})).await;
        let host = Self {
            id: id.to_owned(),
            room_service: client.room_service_login(id).await,
            v2: client.v2_login(id).await,
            sxb: client.sxb_login(id).await,
            qplus: client.qplus_login(id).await,
        };
        let profile = json!({"userid": id, "sex": 1, "nickname": format!("Nick of {id}"),
            "avatar": "http://img.example/a.png"});
        client.v2("upload_user_info", Some(&host.v2), profile).await;
        host
    }

    fn title(&self) -> String {
        format!("Live of {}", self.id)
    }

    async fn go_on_air(&self, client: &Client, start: Source) {
        match start {
            Source::V1 => {
                let announce = json!({"userid": self.id, "groupid": "g-1", "title": self.title(),
                    "userinfo": {"nickname": format!("Nick of {}", self.id), "headpic": "http://img.example/a.png",
                        "frontcover": "http://img.example/c.png", "location": "Lisbon"}});
                client.v1_signed(&self.v2, "RequestLVBAddr", announce).await;
                client.v1_signed(&self.v2, "ChangeStatus", json!({"userid": self.id, "status": 0})).await;
            }
            Source::Sxb => {
                let room = client.sxb("live/create", json!({"token": self.sxb, "type": "live"})).await;
                let room = number(&room, "/data/roomnum");
                let report = json!({"token": self.sxb, "room": {"title": self.title(), "roomnum": room,
                    "type": "live", "groupid": "g-1", "cover": "http://img.example/c.png", "appid": 7,
                    "device": 1, "videotype": 0}});
                client.sxb("live/reportroom", report).await;
            }
            Source::Qplus => {
                let create = json!({"sessionId": self.qplus, "liveRoomName": self.title()});
                let room = number(&client.qplus("CreateLiveRoom", create).await, "/liveRoomId");
                let push = json!({"sessionId": self.qplus, "liveRoomId": room, "status": 1, "timeout": 60});
                client.qplus("PushLiveStream", push).await;
            }
            Source::Callback => {
                let plan = json!({"userid": self.id, "title": self.title(), "location": "Lisbon",
                    "frontcover": "http://img.example/c.png"});
                client.v2("upload_room", Some(&self.v2), plan).await;
                let stream = format!("8123_{}", self.id);
                client.cloud(json!({"event_type": 1, "stream_id": stream, "sequence": "1"})).await;
            }
            Source::RoomService => {
                let query = &self.room_service;
                let url = client.room_service("get_anchor_url", query, json!({"userID": self.id})).await;
                let info = json!({"title": self.title(), "frontcover": "http://img.example/c.png",
                    "location": "Lisbon"});
                let room = json!({"roomID": self.room_id(), "roomInfo": info.to_string()});
                client.room_service("create_room", query, room).await;
                let anchor = json!({"roomID": self.room_id(), "userName": "Nick in the room",
                    "userAvatar": "", "pushURL": text(&url, "/pushURL")});
                client.room_service("add_anchor", query, anchor).await;
            }
        }
    }

    fn room_id(&self) -> String {
        format!("r-{}", self.id)
    }

    async fn room(&self, client: &Client) -> i64 {
        number(&client.qplus("GetMyLiveRoomId", json!({"sessionId": self.qplus})).await, "/LiveRoomId")
    }

    async fn go_off_air(&self, client: &Client, stop: Source) {
        match stop {
            Source::V1 => {
                client.v1_signed(&self.v2, "ChangeStatus", json!({"userid": self.id, "status": 1})).await;
            }
            Source::Sxb => {
                client.sxb("live/exitroom", json!({"token": self.sxb})).await;
            }
            Source::Qplus => {
                let room = self.room(client).await;
                let push = json!({"sessionId": self.qplus, "liveRoomId": room, "status": 0});
                client.qplus("PushLiveStream", push).await;
            }
            Source::Callback => {
                let stream = format!("8123_{}", self.id);
                client.cloud(json!({"event_type": 0, "stream_id": stream, "sequence": "1"})).await;
            }
            Source::RoomService => {
                let room = json!({"roomID": self.room_id()});
                client.try_room_service("delete_anchor", &self.room_service, room).await;
            }
        }
    }
}

/// The tokens of an account that reads the lists of all dialects.
struct Spectator {
    sxb: String,
    qplus: String,
    room_service: String,
}

/// The lists of broadcasts on air, one of each dialect.
struct Lists {
    v1: Vec<Value>,
    sxb: Vec<Value>,
    streams: Vec<Value>,
    qplus: Vec<Value>,
    rooms: Vec<Value>,
}

impl Spectator {
    async fn new(client: &Client) -> Self {
        client.sxb("account/regist", json!({"id": "spectator", "pwd": PASSWORD})).await;
        Self {
            sxb: client.sxb_login("spectator").await,
            qplus: client.qplus_login("spectator").await,
            room_service: client.room_service_login("spectator").await,
        }
    }

    async fn lists(&self, client: &Client) -> Lists {
        let window = json!({"token": self.sxb, "index": 0, "size": 50});
        let v1 = client.v1("FetchList", json!({"flag": 1, "pageno": 1, "pagesize": 100})).await;
        let rooms = json!({"sessionId": self.qplus, "type": 1, "refresh": 1, "count": 100});
        let lists = Lists {
            v1: list(&v1, "/returnData/pusherlist"),
            sxb: list(&client.sxb("live/roomlist", window.clone()).await, "/data/rooms"),
            streams: list(&client.sxb("live/livestreamlist", window).await, "/data/videos"),
            qplus: list(&client.qplus("GetLiveRoomList", rooms).await, "/list"),
            rooms: {
                let page = json!({"cnt": 200, "index": 0});
                list(&client.room_service("get_room_list", &self.room_service, page).await, "/rooms")
            },
        };
        assert_eq!(v1.pointer("/returnData/totalcount"), Some(&json!(lists.v1.len())));
        let lengths = [lists.sxb.len(), lists.streams.len(), lists.qplus.len(), lists.rooms.len()];
        assert_eq!(lengths, [lists.v1.len(); 4]);
        lists
    }
}

#[tokio::test]
async fn a_broadcast_of_any_source_is_in_every_list() {
    let server = Server::start().await;
    let client = server.client();
    let spectator = Spectator::new(&client).await;
    for start in SOURCES {
        let host = Host::new(&client, &format!("host_{start:?}").to_lowercase()).await;
        host.go_on_air(&client, start).await;
        let room = host.room(&client).await;
        let lists = spectator.lists(&client).await;
        assert_eq!(lists.v1.len(), 1, "{start:?}");
        let cover = if start == Source::Qplus { "" } else { "http://img.example/c.png" };
        let location =
            if matches!(start, Source::V1 | Source::Callback | Source::RoomService) { "Lisbon" } else { "" };
        let group = match start {
            Source::V1 | Source::Sxb => "g-1".to_owned(),
            Source::RoomService => host.room_id(),
            Source::Qplus | Source::Callback => room.to_string(),
        };

        let v1 = &lists.v1[0];
        assert_eq!(text(v1, "/userid"), host.id);
        assert_eq!(text(v1, "/title"), host.title());
        assert_eq!(text(v1, "/groupid"), group, "{start:?}");
        assert_eq!(v1["status"], "1");
        assert_eq!(v1["timestamp"], 1_700_000_000);
        let info = json!({"nickname": format!("Nick of {}", host.id), "headpic": "http://img.example/a.png",
            "frontcover": cover, "location": location});
        assert_eq!(v1["userinfo"], info, "{start:?}");

        let sxb = &lists.sxb[0];
        let info = json!({"title": host.title(), "roomnum": room, "type": "live", "groupid": group,
            "cover": cover, "thumbup": 0, "memsize": 1});
        assert_eq!(sxb, &json!({"uid": host.id, "info": info}), "{start:?}");
        let other_app = json!({"token": spectator.sxb, "index": 0, "size": 50, "appid": 8});
        let passes = number(&client.sxb("live/roomlist", other_app).await, "/data/total") == 1;
        assert_eq!(
            passes,
            start != Source::Sxb,
            "a broadcast of another dialect passes every application filter"
        );

        let stream = &lists.streams[0];
        assert_eq!(text(stream, "/address2"), text(v1, "/playurl"));
        assert_eq!(text(stream, "/address3"), text(v1, "/hls_play_url"));

        let shown = &lists.rooms[0];
        assert_eq!(
            (text(shown, "/roomID"), text(shown, "/roomCreator")),
            (group, host.id.clone()),
            "{start:?}"
        );
        assert_eq!(text(shown, "/mixedPlayURL"), text(v1, "/playurl"));
        let info: Value = serde_json::from_str(&text(shown, "/roomInfo")).expect("an object");
        let expected = json!({"title": host.title(), "frontcover": cover, "location": location});
        assert_eq!(info, expected, "{start:?}");
        let pusher = &list(shown, "/pushers")[0];
        assert_eq!(text(pusher, "/userID"), host.id);
        let nickname = if start == Source::RoomService {
            "Nick in the room".to_owned()
        } else {
            format!("Nick of {}", host.id)
        };
        assert_eq!(text(pusher, "/userName"), nickname, "{start:?}");

        let qplus = &lists.qplus[0];
        assert_eq!(qplus["liveRoomId"], room);
        assert_eq!(text(qplus, "/anchorName"), format!("Nick of {}", host.id));
        assert_eq!(text(qplus, "/liveRoomName"), host.title(), "{start:?}");
        let expected = if start == Source::Qplus { String::new() } else { text(v1, "/playurl") };
        assert_eq!(text(qplus, "/playFlvUrl"), expected);
        let search = json!({"sessionId": spectator.qplus, "keyword": room.to_string()});
        let found = client.qplus("SearchLiveRoom", search).await;
        assert_eq!((&found["isPlay"], &found["liveRoomName"]), (&json!(1), &qplus["liveRoomName"]));

        let stop = if start == Source::Callback { Source::Qplus } else { start };
        host.go_off_air(&client, stop).await;
        assert!(spectator.lists(&client).await.v1.is_empty(), "{start:?} is over");
    }
}

#[tokio::test]
async fn a_broadcast_stopped_by_any_source_is_in_no_list() {
    let server = Server::start().await;
    let client = server.client();
    let spectator = Spectator::new(&client).await;
    let mut count = 0;
    for start in SOURCES {
        for stop in SOURCES {
            count += 1;
            let host = Host::new(&client, &format!("host_{count}")).await;
            host.go_on_air(&client, start).await;
            assert_eq!(spectator.lists(&client).await.v1.len(), 1, "{start:?}");
            host.go_off_air(&client, stop).await;
            // The end of a stream ends only broadcasts that minilvb-v1 or a notice started.
            // RoomService has no call that closes a live of another dialect.
            let by_notice = matches!(start, Source::V1 | Source::Callback);
            let stays = (stop == Source::Callback && !by_notice)
                || (stop == Source::RoomService && start != Source::RoomService);
            assert_eq!(
                spectator.lists(&client).await.v1.len(),
                usize::from(stays),
                "{start:?} then {stop:?}"
            );
            host.go_off_air(&client, Source::Sxb).await;
        }
    }
}

#[tokio::test]
async fn opening_through_another_dialect_replaces_the_broadcast() {
    let server = Server::start().await;
    let client = server.client();
    let spectator = Spectator::new(&client).await;
    let mut count = 0;
    for first in SOURCES {
        for second in [Source::V1, Source::Sxb, Source::Qplus, Source::RoomService] {
            count += 1;
            let host = Host::new(&client, &format!("host_{count}")).await;
            host.go_on_air(&client, first).await;
            let group = text(&spectator.lists(&client).await.v1[0], "/groupid");
            let enter = json!({"userid": "visitor", "liveuserid": host.id, "groupid": group, "flag": 0});
            client.v1("EnterGroup", enter).await;
            client.v1("ChangeCount", json!({"userid": host.id, "type": 1, "optype": 0, "flag": 0})).await;
            host.go_on_air(&client, second).await;
            let lists = spectator.lists(&client).await;
            let renewed = first == second && first == Source::Qplus;
            let v1 = &lists.v1[0];
            let expected = if renewed { (1, 1) } else { (0, 0) };
            assert_eq!(
                (number(v1, "/viewercount"), number(v1, "/likecount")),
                expected,
                "{first:?} {second:?}"
            );
            assert_eq!(lists.v1.len(), 1, "{first:?} {second:?}");
            host.go_off_air(&client, Source::Sxb).await;
            assert!(spectator.lists(&client).await.v1.is_empty());
        }
    }
}

#[tokio::test]
async fn every_dialect_counts_the_same_audience() {
    let server = Server::start().await;
    let client = server.client();
    let spectator = Spectator::new(&client).await;
    for start in SOURCES {
        let host = Host::new(&client, &format!("host_{start:?}").to_lowercase()).await;
        host.go_on_air(&client, start).await;
        let room = host.room(&client).await;
        // Checks the numbers of each dialect for so many named viewers, anonymous viewers and likes.
        let agree = async |named: i64, anonymous: i64, likes: i64| {
            let lists = spectator.lists(&client).await;
            let (v1, sxb, qplus) = (&lists.v1[0], &lists.sxb[0]["info"], &lists.qplus[0]);
            assert_eq!(number(v1, "/viewercount"), named + anonymous, "{start:?}");
            assert_eq!(number(qplus, "/playerCount"), named + anonymous, "{start:?}");
            assert_eq!(number(sxb, "/memsize"), named + 1, "{start:?}");
            assert_eq!(number(v1, "/likecount"), likes, "{start:?}");
            assert_eq!(number(sxb, "/thumbup"), likes, "{start:?}");
            let shown = &lists.rooms[0];
            assert_eq!(number(shown, "/audienceCount"), named + anonymous, "{start:?}");
            assert_eq!(text(shown, "/custom"), format!("{{\"praise\":{likes}}}"), "{start:?}");
            let members = json!({"token": spectator.sxb, "roomnum": room, "index": 0, "size": 50});
            let members = client.sxb("live/roomidlist", members).await;
            assert_eq!(number(&members, "/data/total"), named + 1);
            let viewers = json!({"sessionId": spectator.qplus, "liveRoomId": room});
            let viewers = client.qplus("GetLiveroomNumber", viewers).await;
            assert_eq!(number(&viewers, "/number"), named + anonymous);
            text(v1, "/groupid")
        };
        let group = agree(0, 0, 0).await;
        let visit = json!({"userid": "phone", "liveuserid": host.id, "groupid": group, "flag": 0});
        client.v1("EnterGroup", visit.clone()).await;
        agree(1, 0, 0).await;
        let report =
            |operate: i64| json!({"token": spectator.sxb, "roomnum": room, "role": 0, "operate": operate});
        client.sxb("live/reportmemid", report(0)).await;
        agree(2, 0, 0).await;
        client
            .qplus("PlayLiveStream", json!({"sessionId": spectator.qplus, "liveRoomId": room, "status": 1}))
            .await;
        agree(2, 0, 0).await;
        let count =
            |what: i64, step: i64| json!({"userid": host.id, "type": what, "optype": step, "flag": 0});
        client.v1("ChangeCount", count(0, 0)).await;
        agree(2, 1, 0).await;
        client.v1("ChangeCount", count(1, 0)).await;
        client.v1("ChangeCount", count(1, 0)).await;
        agree(2, 1, 2).await;
        if start == Source::Sxb {
            let beat = json!({"token": host.sxb, "role": 1, "roomnum": room, "thumbup": 40});
            client.sxb("live/heartbeat", beat).await;
            agree(2, 1, 42).await;
            client.v1("ChangeCount", count(1, 1)).await;
            client.v1("ChangeCount", count(1, 1)).await;
            client.v1("ChangeCount", count(1, 1)).await;
            agree(2, 1, 40).await;
            client.v1("ChangeCount", count(1, 0)).await;
            client.v1("ChangeCount", count(1, 0)).await;
        }
        let likes = if start == Source::Sxb { 42 } else { 2 };
        // RoomService counts in the same counters, whatever the dialect of the live.
        let shown = text(&spectator.lists(&client).await.rooms[0], "/roomID");
        let praise = |operation: &str| {
            json!({"roomID": shown, "fieldName": "praise", "operation": operation,
            "value": 3})
        };
        let query = &spectator.room_service;
        client.room_service("set_custom_field", query, praise("inc")).await;
        agree(2, 1, likes + 3).await;
        client.room_service("set_custom_field", query, praise("dec")).await;
        client.room_service("delete_audience", query, json!({"roomID": shown})).await;
        agree(1, 1, likes).await;
        client.room_service("add_audience", query, json!({"roomID": shown})).await;
        agree(2, 1, likes).await;
        client.v1("QuitGroup", visit).await;
        agree(1, 1, likes).await;
        client.sxb("live/reportmemid", report(1)).await;
        agree(0, 1, likes).await;
        client.v1("ChangeCount", count(0, 1)).await;
        client.v1("ChangeCount", count(0, 1)).await;
        agree(0, 0, likes).await;
        host.go_off_air(&client, Source::Qplus).await;
    }
}

#[tokio::test]
async fn every_dialect_lists_the_same_recordings() {
    let server = Server::start().await;
    let client = server.client();
    let spectator = Spectator::new(&client).await;
    let v2 = client.v2_login("spectator").await;
    for (index, start) in SOURCES.into_iter().enumerate() {
        let host = Host::new(&client, &format!("host_{start:?}").to_lowercase()).await;
        host.go_on_air(&client, start).await;
        let play = text(&spectator.lists(&client).await.v1[0], "/playurl");
        let stream = play.rsplit('/').next().unwrap().trim_end_matches(".flv").to_owned();
        let (started, ended) = (1_700_000_000, 1_700_000_100);
        let file = format!("file-{index}");
        client
            .cloud(json!({"event_type": 100, "stream_id": stream, "video_id": file, "start_time": started,
                "end_time": ended, "file_format": "mp4", "video_url": format!("http://vod.example/{index}.mp4")}))
            .await;
        let v1 = client.v1("FetchList", json!({"flag": 2, "pageno": 1, "pagesize": 10})).await;
        let v2 = client
            .v2("get_vod_list", Some(&v2), json!({"userid": "spectator", "index": 0, "count": 10}))
            .await;
        let sxb = json!({"token": spectator.sxb, "type": 0, "index": 0, "size": 10});
        let sxb = client.sxb("live/recordlist", sxb).await;
        let (v1, v2, sxb) =
            (list(&v1, "/returnData/pusherlist"), list(&v2, "/data/list"), list(&sxb, "/data/videos"));
        assert_eq!([v1.len(), v2.len(), sxb.len()], [index + 1; 3], "{start:?}");
        let of = |list: &[Value], name: &str| {
            list.iter()
                .find(|entry| entry[name] == json!(file))
                .cloned()
                .unwrap_or_else(|| panic!("{list:?}"))
        };
        let (v1, v2, sxb) = (of(&v1, "fileid"), of(&v2, "file_id"), of(&sxb, "videoId"));
        for (entry, title) in [(&v1, "title"), (&v2, "title"), (&sxb, "name")] {
            assert_eq!(entry[title], json!(host.title()), "{start:?}");
        }
        let url = json!(format!("http://vod.example/{index}.mp4"));
        assert_eq!([&v1["playurl"], &v2["play_url"], &sxb["playurl"]], [&url; 3]);
        assert_eq!([&v1["userid"], &v2["userid"], &sxb["uid"]], [&json!(host.id); 3]);
        assert_eq!(v1["timestamp"], ended);
    }
}

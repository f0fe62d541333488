//! A client may send each request to another one of three processes: its writes and its fresh tokens are valid at the
//! next process at once, and a change is visible at every process within a second.

use std::{
    cell::Cell,
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use relive_core::{
    Clock as _, Seconds, SystemClock,
    database::Scratch,
    sign::{digest::md5_hex, liteav},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{CALLBACK_KEY, Server, free_address, notice_time, send, text};

/// Time within which a change must be visible at every process.
const SOON: Duration = Duration::from_secs(1);
const CONFIG: &str = "[sxb]\nadmins = [\"boss\"]\n[qplus]\npassword_reset = \"open\"\n";

/// Three processes on one database, which get requests in turn.
struct Trio {
    servers: Vec<Server>,
    turn: Cell<usize>,
    /// When the last change was acknowledged.
    told: Cell<Instant>,
    agent: ureq::Agent,
    _folder: TempDir,
    _scratch: Scratch,
}

/// A request that every process can answer.
struct Ask<'a> {
    path: String,
    headers: Vec<(&'a str, String)>,
    body: Value,
}

impl Trio {
    /// Starts the processes; `None` without the PostgreSQL server that `cargo xtask test` provides.
    #[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
    fn start() -> Option<Self> {
        let url = std::env::var("RELIVE_TEST_POSTGRES").ok()?;
        let scratch = Scratch::create(&url).expect("a database");
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("relive.toml"), CONFIG).expect("the configuration");
        let start = |_| Server::start_on(scratch.url(), folder.path(), &free_address(), Stdio::null());
        let servers: Vec<_> = (0..3).map(start).collect();
        for server in &servers {
            server.ready();
        }
        Some(Self {
            servers,
            turn: Cell::new(0),
            told: Cell::new(Instant::now()),
            agent: ureq::agent(),
            _folder: folder,
            _scratch: scratch,
        })
    }

    fn at(&self, server: &Server, ask: &Ask<'_>) -> Value {
        let headers: Vec<_> = ask.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = send(&self.agent, &server.address, &ask.path, &headers, &ask.body.to_string());
        answer.unwrap_or_else(|| panic!("{} has no answer", ask.path))
    }

    /// Sends a request to the next process and checks that the answer has this code.
    fn next(&self, ask: &Ask<'_>, name: &str, code: i64) -> Value {
        let turn = self.turn.get();
        self.turn.set(turn + 1);
        let answer = self.at(&self.servers[turn % self.servers.len()], ask);
        assert_eq!(answer[name], code, "{} {} answered {answer}", ask.path, ask.body);
        self.told.set(Instant::now());
        answer
    }

    /// Repeats a request at every process until the answer is right; panics if that takes longer than [`SOON`] after
    /// the last change.
    fn soon(&self, what: &str, ask: &Ask<'_>, right: impl Fn(&Value) -> bool) {
        for (index, server) in self.servers.iter().enumerate() {
            loop {
                let answer = self.at(server, ask);
                // Measured before the answer is checked: a right answer that comes too late is a failure.
                let waited = self.told.get().elapsed();
                assert!(waited < SOON, "{what} does not show at process {index} in {waited:?}: {answer}");
                if right(&answer) {
                    break;
                }
            }
        }
    }

    /// Sends the media cloud's notice that a stream was recorded.
    fn recorded(&self, path: &str, stream: &str, file: &str) {
        let t = notice_time();
        let now = SystemClock.now();
        let body = json!({"event_type": 100, "stream_id": stream, "video_id": file,
            "video_url": format!("http://vod.example/{file}.mp4"), "file_format": "mp4",
            "start_time": now - Seconds(600), "end_time": now - Seconds(60), "t": t, "sign": md5_hex(format!("{CALLBACK_KEY}{t}"))});
        self.next(&plain(path, body), "code", 0);
    }

    fn end(self) {
        for server in self.servers {
            server.kill();
        }
    }
}

fn plain(path: &str, body: Value) -> Ask<'static> {
    Ask { path: path.to_owned(), headers: Vec::new(), body }
}

fn sxb(command: &str, body: Value) -> Ask<'static> {
    let (service, command) = command.split_once('/').unwrap_or(("live", command));
    plain(&format!("/index.php?svc={service}&cmd={command}"), body)
}

impl Trio {
    fn sxb(&self, command: &str, body: Value) -> Value {
        self.next(&sxb(command, body), "errorCode", 0)
    }

    /// Registers and logs in a user; returns the token.
    fn sxb_user(&self, id: &str) -> String {
        let who = json!({"id": id, "pwd": "secret"});
        self.sxb("account/regist", who.clone());
        text(&self.sxb("account/login", who), "/data/token")
    }

    fn refused_by_sxb(&self, token: &str) {
        let list = sxb("roomlist", json!({"token": token, "index": 0, "size": 10}));
        self.soon("the end of a token", &list, |answer| answer["errorCode"] == 10_009);
    }
}

#[test]
fn a_life_in_sxb() {
    let Some(trio) = Trio::start() else { return };
    let (host, viewer) = (trio.sxb_user("anna"), trio.sxb_user("ben"));
    let room = trio.sxb("create", json!({"token": host, "type": "live"}))["data"]["roomnum"].clone();
    let report = json!({"token": host, "room": {"title": "t", "roomnum": room, "type": "live",
        "groupid": "g", "appid": 1, "device": 1, "videotype": 0}});
    trio.sxb("reportroom", report);
    let seat =
        |role: i64, operate: i64| json!({"token": viewer, "roomnum": room, "role": role, "operate": operate});
    trio.sxb("reportmemid", seat(0, 0));
    trio.sxb("heartbeat", json!({"token": viewer, "roomnum": room, "role": 0, "thumbup": 0}));
    trio.sxb("heartbeat", json!({"token": host, "roomnum": room, "role": 1, "thumbup": 5}));

    let list = sxb("roomlist", json!({"token": viewer, "type": "live", "index": 0, "size": 10}));
    trio.soon("a live with a viewer", &list, |answer| {
        let info = &answer["data"]["rooms"][0]["info"];
        answer["data"]["total"] == 1
            && info["roomnum"] == room
            && info["memsize"] == 2
            && info["thumbup"] == 5
    });
    let members = sxb("roomidlist", json!({"token": host, "roomnum": room, "index": 0, "size": 10}));
    let seated = |members: Value| move |answer: &Value| answer["data"]["idlist"] == members;
    let both = json!([{"id": "anna", "role": 1}, {"id": "ben", "role": 0}]);
    trio.soon("a viewer", &members, seated(both));
    trio.sxb("heartbeat", json!({"token": viewer, "roomnum": room, "role": 2, "thumbup": 0}));
    let on_mic = json!([{"id": "anna", "role": 1}, {"id": "ben", "role": 2}]);
    trio.soon("a viewer on the microphone", &members, seated(on_mic));
    trio.sxb("reportmemid", seat(2, 1));
    trio.soon("a viewer's leaving", &members, seated(json!([{"id": "anna", "role": 1}])));
    trio.sxb("exitroom", json!({"token": host, "roomnum": room, "type": "live"}));
    trio.soon("the end of a live", &list, |answer| answer["data"]["total"] == 0);

    trio.sxb("account/logout", json!({"token": host}));
    trio.refused_by_sxb(&host);
    trio.next(&sxb("account/logout", json!({"token": host})), "errorCode", 10_008);
    trio.sxb("roomlist", json!({"token": viewer, "index": 0, "size": 10}));
    trio.end();
}

#[test]
fn a_kick_is_a_kick_everywhere() {
    let Some(trio) = Trio::start() else { return };
    let (boss, ben) = (trio.sxb_user("boss"), trio.sxb_user("ben"));
    let list = |token: &str| json!({"token": token, "index": 0, "size": 10});
    for token in [&boss, &ben, &boss, &ben, &boss, &ben] {
        trio.sxb("roomlist", list(token));
    }
    trio.sxb("account/kickout", json!({"id": "boss", "pwd": "secret", "kickid": "ben"}));
    trio.refused_by_sxb(&ben);
    let again = text(&trio.sxb("account/login", json!({"id": "ben", "pwd": "secret"})), "/data/token");
    for token in [&again, &again, &again, &boss, &boss, &boss] {
        trio.sxb("roomlist", list(token));
    }
    trio.refused_by_sxb(&ben);
    trio.end();
}

fn v1(action: &str, mut body: Value) -> Ask<'static> {
    body["Action"] = json!(action);
    plain("/interface.php", body)
}

impl Trio {
    fn v1(&self, action: &str, body: Value) -> Value {
        self.next(&v1(action, body), "returnValue", 0)
    }
}

#[test]
fn a_life_in_minilvb_v1() {
    let Some(trio) = Trio::start() else { return };
    trio.v1("RequestLVBAddr", json!({"userid": "anna", "groupid": "g", "title": "t"}));
    trio.v1("ChangeStatus", json!({"userid": "anna", "status": 0}));
    let list = |flag: i64| v1("FetchList", json!({"flag": flag, "pageno": 1, "pagesize": 20}));
    let first = |answer: &Value| answer["returnData"]["pusherlist"][0].clone();
    trio.soon("a live", &list(1), |answer| {
        first(answer)["userid"] == "anna" && first(answer)["status"] == "1"
    });

    let carl = || {
        json!({"userid": "carl", "flag": 0, "liveuserid": "anna", "groupid": "g", "nickname": "Carl",
        "headpic": ""})
    };
    trio.v1("EnterGroup", carl());
    for _ in 0..7 {
        trio.v1("ChangeCount", json!({"userid": "anna", "type": 1, "optype": 0, "flag": 0}));
    }
    trio.soon("a viewer and likes", &list(1), |answer| {
        first(answer)["viewercount"] == 1 && first(answer)["likecount"] == 7
    });
    let group = json!({"liveuserid": "anna", "groupid": "g", "pageno": 1, "pagesize": 20});
    let group = v1("FetchGroupMemberList", group);
    let members = |answer: &Value| answer["returnData"]["memberlist"].clone();
    let expected = json!([{"userid": "carl", "nickname": "Carl", "headpic": ""}]);
    trio.soon("a viewer", &group, |answer| members(answer) == expected);
    trio.v1("QuitGroup", carl());
    trio.soon("a viewer's leaving", &group, |answer| members(answer) == json!([]));

    trio.recorded("/callback/Live_callback.php", "1000_anna", "file1");
    trio.soon("a replay", &list(2), |answer| {
        answer["returnData"]["totalcount"] == 1 && first(answer)["fileid"] == "file1"
    });
    trio.v1("ChangeStatus", json!({"userid": "anna", "status": 1}));
    trio.soon("the end of a live", &list(1), |answer| answer["returnData"]["totalcount"] == 0);
    trio.end();
}

/// A request that carries the token in a header.
fn bearer(api: &str, token: &str, body: Value) -> Ask<'static> {
    let headers = vec![("Authorization", format!("Bearer {token}"))];
    Ask { path: format!("/{api}"), headers, body }
}

/// A request that is signed with the token.
fn signed(api: &str, token: &str, body: Value) -> Ask<'static> {
    let headers = vec![("Liteav-Sig", liteav::sign(token, body.to_string().as_bytes()))];
    Ask { path: format!("/{api}"), headers, body }
}

#[test]
fn a_life_in_minilvb_v2() {
    let Some(trio) = Trio::start() else { return };
    let ok = |ask: Ask<'_>| trio.next(&ask, "code", 200);
    let password = md5_hex(format!("{}anna", md5_hex("secret")));
    let who = json!({"userid": "anna", "password": password});
    ok(plain("/register", who.clone()));
    let login = ok(plain("/login", who));
    let (token, refresh) = (text(&login, "/data/token"), text(&login, "/data/refresh_token"));
    let room = json!({"userid": "anna", "title": "Harbour", "frontcover": "", "location": "Xiamen"});
    ok(signed("upload_room", &token, room));
    let info = |token: &str| bearer("get_user_info", token, json!({"userid": "anna"}));
    ok(info(&token));
    let profile = json!({"userid": "anna", "nickname": "Lemon", "avatar": "", "sex": 1, "frontcover": ""});
    ok(signed("upload_user_info", &token, profile));
    trio.soon("a new name", &info(&token), |answer| answer["data"]["nickname"] == "Lemon");

    trio.recorded("/callback/tape_callback.php", "1000_anna", "file2");
    let list = signed("get_vod_list", &token, json!({"userid": "anna", "index": 0, "count": 20}));
    trio.soon("a replay", &list, |answer| {
        let first = &answer["data"]["list"][0];
        answer["data"]["total"] == 1 && first["file_id"] == "file2" && first["title"] == "Harbour"
    });

    let fresh = ok(plain("/refresh", json!({"userid": "anna", "refresh_token": refresh})));
    let fresh = text(&fresh, "/data/token");
    for _ in 0..2 {
        ok(info(&fresh));
        ok(signed("get_user_info", &fresh, json!({"userid": "anna"})));
    }
    trio.soon("the end of a bearer token", &info(&token), |answer| answer["code"] == 498);
    trio.soon("the end of a signing token", &list, |answer| answer["code"] == 498);
    let again = plain("/refresh", json!({"userid": "anna", "refresh_token": refresh}));
    trio.next(&again, "code", 498);
    ok(info(&fresh));
    trio.end();
}

fn qplus(name: &str, body: Value) -> Ask<'static> {
    plain(&format!("/live/{name}"), body)
}

impl Trio {
    fn qplus(&self, name: &str, body: Value) -> Value {
        self.next(&qplus(name, body), "status", 10_000)
    }

    /// Registers and logs in a user; returns the session.
    fn qplus_user(&self, id: &str, phone: &str) -> String {
        let new = json!({"account": id, "phone": phone, "email": format!("{id}@example.org"), "password": "s3cret!"});
        self.qplus("Register", new);
        text(&self.qplus("Login", json!({"account": phone, "password": "s3cret!"})), "/sessionId")
    }

    /// Puts a new user on air; returns the session and the room number.
    fn qplus_live(&self, id: &str, phone: &str) -> (String, Value) {
        let session = self.qplus_user(id, phone);
        let new = json!({"sessionId": session, "liveRoomName": format!("room of {id}")});
        let room = self.qplus("CreateLiveRoom", new)["liveRoomId"].clone();
        let push = json!({"sessionId": session, "liveRoomId": room, "status": 1, "timeout": 600});
        self.qplus("PushLiveStream", push);
        (session, room)
    }
}

#[test]
fn a_life_in_qplus() {
    let Some(trio) = Trio::start() else { return };
    let viewer = trio.qplus_user("vera", "13900000001");
    let lives: Vec<_> =
        (2..7).map(|host| trio.qplus_live(&format!("host{host}"), &format!("1390000000{host}"))).collect();
    let list = |refresh: i64, kind: i64, count: i64| {
        json!({"sessionId": viewer, "type": kind, "refresh": refresh,
        "count": count})
    };
    let rooms = |answer: &Value| -> Vec<Value> {
        let list = answer["list"].as_array().expect("a list");
        list.iter().map(|room| room["liveRoomId"].clone()).collect()
    };
    let newest_first: Vec<Value> = lives.iter().rev().map(|(_, room)| room.clone()).collect();
    trio.soon("five lives", &qplus("GetLiveRoomList", list(1, 1, 10)), |answer| {
        rooms(answer) == newest_first
    });
    // Each page is read from another process, without a pause.
    for _ in 0..4 {
        let mut read = rooms(&trio.qplus("GetLiveRoomList", list(1, 1, 2)));
        for expected in [4, 5, 5] {
            read.extend(rooms(&trio.qplus("GetLiveRoomList", list(0, 1, 2))));
            assert_eq!(read.len(), expected, "{read:?}");
        }
        assert_eq!(read, newest_first, "every room once");
    }

    let (host, room) = &lives[0];
    let about = |value: i64| json!({"sessionId": viewer, "liveRoomId": room, "isFollow": value});
    trio.qplus("FollowLiveRoom", about(1));
    let found = qplus("SearchLiveRoom", json!({"sessionId": viewer, "keyword": room.to_string()}));
    trio.soon("a follower", &found, |answer| answer["isFollow"] == 1 && answer["followCount"] == 1);
    trio.qplus("FollowLiveRoom", about(0));
    trio.soon("a follower's leaving", &found, |answer| answer["isFollow"] == 0 && answer["followCount"] == 0);

    let play = |status: i64| json!({"sessionId": viewer, "liveroomId": room, "status": status});
    let number = qplus("GetLiveroomNumber", json!({"sessionId": host, "liveRoomId": room}));
    trio.qplus("PlayLiveStream", play(1));
    trio.soon("a viewer", &number, |answer| answer["number"] == 1);
    trio.qplus("PlayLiveStream", play(0));
    trio.soon("a viewer's leaving", &number, |answer| answer["number"] == 0);
    trio.qplus("PlayLiveStream", play(1));
    trio.soon("a viewer", &number, |answer| answer["number"] == 1);

    trio.qplus("ModifyUserPwd", json!({"phone": "13900000001", "password": "n3w-pass"}));
    let own = qplus("GetMyLiveRoomId", json!({"sessionId": viewer}));
    trio.soon("the end of a session", &own, |answer| answer["status"] == 10_003);
    trio.soon("the end of its seat", &number, |answer| answer["number"] == 0);
    trio.next(&qplus("Login", json!({"account": "vera", "password": "s3cret!"})), "status", 10_101);
    let fresh = trio.qplus("Login", json!({"account": "vera", "password": "n3w-pass"}));
    let fresh = text(&fresh, "/sessionId");
    for _ in 0..3 {
        trio.qplus("GetLiveRoomList", json!({"sessionId": fresh, "type": 1, "refresh": 1, "count": 10}));
    }
    trio.end();
}

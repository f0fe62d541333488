//! Plays hosts and viewers of 随心播 over the whole life of a broadcast.

#![expect(clippy::indexing_slicing, reason = "a test that meets something else has failed")]

use contract_tests::{
    Client, Server,
    dialect::{Dialect, code, list, number, text},
};
use relive_core::{Seconds, sign::digest::md5_hex};
use serde_json::{Value, json};

/// A logged-in user of the app.
struct User {
    client: Client,
    id: String,
    token: String,
}

impl User {
    async fn new(server: &Server, id: &str) -> Self {
        let client = server.client();
        let token = client.sxb_user(id).await;
        Self { client, id: id.to_owned(), token }
    }

    fn body(&self, mut fields: Value) -> Value {
        fields["token"] = json!(self.token);
        fields
    }

    async fn call(&self, command: &str, fields: Value) -> Value {
        self.client.sxb(&format!("live/{command}"), self.body(fields)).await
    }

    /// Calls an interface and returns the code, which may be an error.
    async fn code(&self, command: &str, fields: Value) -> i64 {
        code(Dialect::Sxb, &self.client.try_sxb(&format!("live/{command}"), self.body(fields)).await).0
    }

    async fn create(&self) -> i64 {
        number(&self.call("create", json!({"type": "live"})).await, "/data/roomnum")
    }

    async fn report(&self, room: i64, title: &str) {
        let room = json!({"title": title, "roomnum": room, "type": "live", "groupid": room.to_string(), "appid": 1,
            "device": 1, "videotype": 0});
        self.call("reportroom", json!({"room": room})).await;
    }

    async fn go_live(&self, title: &str) -> i64 {
        let room = self.create().await;
        self.report(room, title).await;
        room
    }

    async fn enter(&self, room: i64) {
        self.call("reportmemid", json!({"roomnum": room, "role": 0, "operate": 0})).await;
    }

    async fn beat(&self, room: i64, role: i64) {
        self.call("heartbeat", json!({"roomnum": room, "role": role})).await;
    }

    /// Lists title, likes and member count of every room on air.
    async fn rooms(&self) -> Vec<(String, i64, i64)> {
        let rooms = self.call("roomlist", json!({"type": "live", "index": 0, "size": 50})).await;
        let rooms = list(&rooms, "/data/rooms");
        let entry = |room: &Value| {
            (text(room, "/info/title"), number(room, "/info/thumbup"), number(room, "/info/memsize"))
        };
        rooms.iter().map(entry).collect()
    }

    /// Lists the members of a room with their roles.
    async fn members(&self, room: i64) -> Vec<(String, i64)> {
        let members = self.call("roomidlist", json!({"roomnum": room, "index": 0, "size": 50})).await;
        let found: Vec<_> = list(&members, "/data/idlist")
            .iter()
            .map(|member| (text(member, "/id"), number(member, "/role")))
            .collect();
        assert_eq!(members["data"]["total"], json!(found.len()));
        found
    }
}

fn expected<const N: usize>(members: [(&str, i64); N]) -> Vec<(String, i64)> {
    members.map(|(id, role)| (id.to_owned(), role)).into()
}

fn rooms<const N: usize>(rooms: [(&str, i64, i64); N]) -> Vec<(String, i64, i64)> {
    rooms.map(|(title, likes, members)| (title.to_owned(), likes, members)).into()
}

#[tokio::test]
async fn a_broadcast_from_creation_to_end() {
    let server = Server::start().await;
    let host = User::new(&server, "host_one").await;
    let (mei, tom) = (User::new(&server, "mei_lin").await, User::new(&server, "tom_gray").await);
    let room = host.create().await;
    assert!(mei.rooms().await.is_empty(), "only prepared");
    assert_eq!(mei.code("reportmemid", json!({"roomnum": room, "role": 0})).await, 10_010);
    host.report(room, "Evening music").await;
    for viewer in [&mei, &tom, &mei] {
        viewer.enter(room).await;
    }
    assert_eq!(tom.members(room).await, expected([("host_one", 1), ("mei_lin", 0), ("tom_gray", 0)]));
    assert_eq!(tom.rooms().await, rooms([("Evening music", 0, 3)]));

    // Mei goes on the microphone by a heartbeat, Tom by `request` and `reportstatus`; neither can take the role of the
    // host.
    mei.beat(-1, 2).await;
    tom.call("request", json!({"roomnum": room})).await;
    tom.call("reportstatus", json!({"roomnum": room, "status": "on"})).await;
    assert_eq!(tom.members(room).await, expected([("host_one", 1), ("mei_lin", 2), ("tom_gray", 2)]));
    tom.beat(room, 1).await;
    mei.call("reportmemid", json!({"roomnum": room, "role": 1})).await;
    host.beat(room, 0).await;
    assert_eq!(tom.members(room).await, expected([("host_one", 1), ("mei_lin", 0), ("tom_gray", 0)]));

    // Only the likes that the host reports count.
    host.call("heartbeat", json!({"roomnum": room, "role": 1, "thumbup": 42})).await;
    mei.call("heartbeat", json!({"roomnum": room, "role": 0, "thumbup": 9000})).await;
    assert_eq!(tom.rooms().await, rooms([("Evening music", 42, 3)]));
    tom.call("reportmemid", json!({"roomnum": room, "role": 0, "operate": 1})).await;
    tom.call("exitroom", json!({"roomnum": room, "type": "live"})).await;
    assert_eq!(
        tom.members(room).await,
        expected([("host_one", 1), ("mei_lin", 0)]),
        "exitroom of a viewer does not end the broadcast"
    );
    let play = mei.call("getroomplayurl", json!({"room": room})).await;
    let stream = md5_hex(format!("{room}_host_one_main"));
    assert!(text(&play, "/data/address").ends_with(&format!("/live/8123_{stream}")));

    host.call("exitroom", json!({"roomnum": room, "type": "live"})).await;
    assert!(mei.rooms().await.is_empty() && mei.members(room).await.is_empty());
    // The web client stays in the room until its leaving succeeds.
    assert_eq!(mei.code("reportmemid", json!({"roomnum": room, "role": 0, "operate": 1})).await, 0);
    for (command, fields) in [
        ("reportmemid", json!({"roomnum": room, "role": 0, "operate": 0})),
        ("request", json!({"roomnum": room})),
        ("reportstatus", json!({"roomnum": room, "status": "off"})),
        ("getroomplayurl", json!({"roomnum": room})),
    ] {
        assert_eq!(mei.code(command, fields).await, 10_010, "{command}");
    }
    mei.beat(room, 0).await;
}

#[tokio::test]
async fn two_hosts_share_the_list_and_a_viewer_is_in_one_room() {
    let server = Server::start().await;
    let (one, two) = (User::new(&server, "host_one").await, User::new(&server, "host_two").await);
    let mei = User::new(&server, "mei_lin").await;
    let first = one.go_live("one").await;
    let second = two.go_live("two").await;
    assert_ne!(first, second);
    mei.enter(first).await;
    one.call("heartbeat", json!({"roomnum": first, "role": 1, "thumbup": 5})).await;
    assert_eq!(mei.rooms().await, rooms([("two", 0, 1), ("one", 5, 2)]));
    mei.enter(second).await;
    assert_eq!(mei.rooms().await, rooms([("two", 0, 2), ("one", 5, 1)]));

    // Reporting again opens a new broadcast at the top of the list and keeps the viewers.
    server.clock.advance(Seconds(1));
    two.report(second, "two, again").await;
    server.clock.advance(Seconds(1));
    one.report(first, "one, again").await;
    assert_eq!(mei.rooms().await, rooms([("one, again", 0, 1), ("two, again", 0, 2)]));
    let foreign = json!({"title": "t", "roomnum": first, "type": "live", "groupid": "g", "appid": 1, "device": 1,
        "videotype": 0});
    assert_eq!(two.code("reportroom", json!({"room": foreign})).await, 20_001);

    // `create` of a host on air ends the broadcast and puts the host into no other room than its own.
    assert_eq!(two.create().await, second, "one room per account");
    assert_eq!(mei.rooms().await, rooms([("one, again", 0, 1)]));
    two.report(second, "third").await;
    assert_eq!(
        one.members(second).await,
        expected([("host_two", 1)]),
        "the viewers left when the broadcast ended"
    );
    two.call("exitroom", json!({})).await;
    one.call("exitroom", json!({})).await;
    assert!(mei.rooms().await.is_empty());
}

#[tokio::test]
async fn members_without_heartbeats_expire() {
    let mut server = Server::start().await;
    let host = User::new(&server, "host_one").await;
    let (loud, quiet) = (User::new(&server, "loud_one").await, User::new(&server, "quiet_one").await);
    // The minute of grace after a start is for clients whose last beat is older than the start.
    let room = host.go_live("early").await;
    quiet.enter(room).await;
    server.clock.advance(Seconds(30));
    assert_eq!(loud.members(room).await, expected([("host_one", 1), ("quiet_one", 0)]));
    server.clock.advance(Seconds(1));
    host.beat(room, 1).await;
    assert_eq!(loud.members(room).await, expected([("host_one", 1)]));

    quiet.enter(room).await;
    loud.enter(room).await;
    for _ in 0..2 {
        server.clock.advance(Seconds(14));
        loud.beat(room, 0).await;
    }
    assert_eq!(loud.members(room).await.len(), 3, "no member expires after 28 s");
    server.clock.advance(Seconds(4));
    assert_eq!(loud.members(room).await, expected([("host_one", 1), ("loud_one", 0)]));
    assert_eq!(loud.rooms().await, rooms([("early", 0, 2)]));

    // The host has a longer time-out; after it the broadcast ends for all members.
    for _ in 0..3 {
        server.clock.advance(Seconds(19));
        loud.beat(room, 0).await;
    }
    assert_eq!(loud.rooms().await, rooms([("early", 0, 2)]), "no broadcast expires after 89 s");
    server.clock.advance(Seconds(3));
    assert!(loud.rooms().await.is_empty() && loud.members(room).await.is_empty());
    assert_eq!(loud.code("reportmemid", json!({"roomnum": room, "role": 0})).await, 10_010);
    host.beat(room, 1).await;
    assert!(loud.rooms().await.is_empty(), "a late heartbeat does not reopen a broadcast");
    host.report(room, "again").await;
    loud.enter(room).await;
    assert_eq!(loud.rooms().await, rooms([("again", 0, 2)]));

    // Nothing expires in the first minute after a restart.
    server.clock.advance(Seconds(29));
    server.restart().await;
    let client = server.client();
    let [host, loud] = [host, loud].map(|user| User { client: client.clone(), ..user });
    server.clock.advance(Seconds(59));
    assert_eq!(loud.rooms().await, rooms([("again", 0, 2)]));
    server.clock.advance(Seconds(10));
    host.beat(room, 1).await;
    assert_eq!(loud.rooms().await, Vec::new(), "no heartbeat since before the restart, for more than 90 s");
}

#[tokio::test]
async fn a_new_sxb_login_ends_the_older_sxb_session_only() {
    let server = Server::start().await;
    let host = User::new(&server, "host_one").await;
    let room = host.go_live("one").await;
    let mut mei = User::new(&server, "mei_lin").await;
    let (v2, qplus) = (mei.client.v2_login("mei_lin").await, mei.client.qplus_login("mei_lin").await);
    mei.enter(room).await;
    let old = std::mem::replace(&mut mei.token, mei.client.sxb_login("mei_lin").await);
    assert_eq!(host.members(room).await.len(), 2, "a new login does not leave the room");
    mei.beat(room, 2).await;
    let (new, old) = (mei.token.clone(), User { token: old, client: mei.client.clone(), id: mei.id.clone() });
    for (command, fields) in [
        ("heartbeat", json!({"roomnum": room, "role": 0})),
        ("roomlist", json!({"index": 0, "size": 10})),
        ("reportmemid", json!({"roomnum": room, "role": 0, "operate": 1})),
        ("create", json!({"type": "live"})),
    ] {
        assert_eq!(old.code(command, fields).await, 10_009, "{command}");
    }
    assert_eq!(host.members(room).await, expected([("host_one", 1), ("mei_lin", 2)]));
    let logout = |token: String| json!({"token": token});
    let again = mei.client.try_sxb("account/logout", logout(old.token)).await;
    assert_eq!(code(Dialect::Sxb, &again).0, 10_008);
    mei.client.sxb("account/logout", logout(new)).await;
    assert_eq!(mei.code("roomlist", json!({"index": 0, "size": 10})).await, 10_009);
    mei.client.v2("get_user_info", Some(&v2), json!({"userid": "mei_lin"})).await;
    mei.client.qplus("GetMyLiveRoomId", json!({"sessionId": qplus})).await;
}

#[tokio::test]
async fn an_administrator_kicks_a_user_out() {
    let admins = toml::Value::Array(vec!["boss".into()]);
    let server = Server::configured(&[("sxb.admins", admins)]).await;
    let (boss, mei) = (User::new(&server, "boss").await, User::new(&server, "mei_lin").await);
    let kick = |id: &str, pwd: &str, victim: &str| json!({"id": id, "pwd": pwd, "kickid": victim});
    for (fields, refused) in [
        (kick("mei_lin", "secret-9", "boss"), 10_006),
        (kick("boss", "wrong-9", "mei_lin"), 10_006),
        (kick("nobody", "secret-9", "mei_lin"), 10_005),
        (kick("boss", "secret-9", "nobody"), 10_005),
    ] {
        let answer = boss.client.try_sxb("account/kickout", fields).await;
        assert_eq!(code(Dialect::Sxb, &answer).0, refused, "{answer}");
    }
    assert_eq!(
        mei.code("roomlist", json!({"index": 0, "size": 1})).await,
        0,
        "no session was ended by a refused request"
    );
    let done = boss.client.sxb("account/kickout", kick("boss", "secret-9", "mei_lin")).await;
    assert_eq!(done["data"]["kickID"], "mei_lin");
    assert_eq!(mei.code("roomlist", json!({"index": 0, "size": 1})).await, 10_009);
    let token = mei.client.sxb_login("mei_lin").await;
    assert_eq!(User { token, ..mei }.code("roomlist", json!({"index": 0, "size": 1})).await, 0);
    assert_eq!(boss.code("roomlist", json!({"index": 0, "size": 1})).await, 0);
}

#[tokio::test]
async fn a_recording_announced_several_times_is_listed_once() {
    let server = Server::start().await;
    let (host, mei) = (User::new(&server, "host_one").await, User::new(&server, "mei_lin").await);
    let room = host.go_live("First evening").await;
    let hint = json!({"roomnum": room, "uid": host.id, "name": "take", "type": 0, "cover": ""});
    host.call("reportrecord", hint).await;
    let stream = format!("8123_{}", md5_hex(format!("{room}_host_one_main")));
    let t = 1_700_000_600;
    let notice = |file: &str, format: &str, from: i64| {
        json!({"event_type": 100, "stream_id": stream, "channel_id": stream, "video_id": file, "file_format": format,
            "video_url": format!("http://vod.example/{file}.{format}"), "start_time": from, "end_time": from + 65,
            "duration": 65, "file_size": 7340, "t": t, "sign": md5_hex(format!("S3cr{t}"))})
    };
    let replays = async || {
        let fields = json!({"type": 0, "index": 0, "size": 50});
        list(&mei.call("recordlist", fields).await, "/data/videos")
    };
    server.clock.advance(Seconds(65));
    host.call("exitroom", json!({})).await;
    for path in [
        "/index.php?svc=live&cmd=callback",
        "/index.php?svc=live&cmd=callback",
        "/sxb/?svc=live&cmd=callback",
    ] {
        let answer = host.client.post(path, &notice("file-1", "mp4", 1_700_000_000)).await;
        assert_eq!(code(Dialect::Sxb, &answer), (0, true), "{answer}");
    }
    host.client.cloud(notice("file-1", "mp4", 1_700_000_000)).await;
    let found = replays().await;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (text(&found[0], "/name"), text(&found[0], "/videoId"), text(&found[0], "/playurl")),
        ("First evening".to_owned(), "file-1".to_owned(), "http://vod.example/file-1.mp4".to_owned())
    );
    // The next broadcast has another title; the recording of the first keeps the old one.
    server.clock.advance(Seconds(100));
    host.go_live("Second evening").await;
    let answer =
        host.client.post("/index.php?svc=live&cmd=callback", &notice("file-2", "mp4", 1_700_000_165)).await;
    assert_eq!(code(Dialect::Sxb, &answer).0, 0);
    let titles: Vec<_> = replays().await.iter().map(|replay| text(replay, "/name")).collect();
    assert_eq!(titles, ["Second evening", "First evening"]);
    let body = mei.body(json!({"type": 0, "index": 1, "size": 1}));
    let shipped = mei.client.post("/sxb_dev/index.php?svc=live&cmd=recordlist", &body).await;
    assert_eq!(shipped["data"]["videos"][0]["playurl"], json!(["http://vod.example/file-2.mp4"]));
}

//! Checks the budgets of client addresses in every dialect: what an address may create, enter and count in a span of time. A refused
//! call is answered "busy" in the words of its dialect and changes nothing.

use contract_tests::{
    Client, Server,
    dialect::{Dialect, code, derived, list, number, text},
};
use futures_util::future::join_all;
use relive_core::{Limit, Seconds};
use serde_json::{Value, json};

/// "Busy" in the words of a dialect.
const fn busy(dialect: Dialect) -> i64 {
    match dialect {
        Dialect::V1 => 4003,
        Dialect::V2 | Dialect::RoomService => 500,
        Dialect::Sxb => 90_000,
        Dialect::Qplus => 10_001,
    }
}

fn assert_busy(dialect: Dialect, answer: &Value) {
    assert_eq!(code(dialect, answer).0, busy(dialect), "{dialect:?}: {answer}");
}

/// A server with one limit, whose clients stand behind a proxy.
async fn limited(key: &str, most: i64) -> Server {
    const LIMITS: [&str; 11] = [
        "login_failures_per_account",
        "login_failures_per_ip",
        "register_per_ip_per_hour",
        "guests_per_ip_per_minute",
        "lives_per_ip_per_minute",
        "guest_lives_per_ip",
        "enters_per_ip_per_minute",
        "counts_per_ip_per_minute",
        "uploads_per_ip_per_minute",
        "codes_per_ip_per_hour",
        "codes_per_hour",
    ];
    assert!(LIMITS.contains(&key));
    let keys: Vec<String> = LIMITS.iter().map(|name| format!("limits.{name}")).collect();
    let mut keys: Vec<(&str, toml::Value)> = LIMITS
        .iter()
        .zip(&keys)
        .map(|(name, path)| (path.as_str(), toml::Value::from(if *name == key { most } else { 0 })))
        .collect();
    keys.push(("limits.exempt", toml::Value::Array(Vec::new())));
    keys.push(("http.trusted_proxies", vec!["127.0.0.1/32"].into()));
    keys.push(("qplus.auth_code_delivery", "log".into()));
    Server::configured(&keys).await
}

fn announcement(user: &str) -> Value {
    json!({"userid": user, "groupid": "g", "title": "t", "userinfo": {"nickname": user}})
}

/// Logs a user in through RoomService as a guest, whatever the answer.
async fn guest_login(server: &Server, client: &Client, id: &str) -> Value {
    let ticket = server.gateway().core.cloud().user_sig(&id.into()).unwrap_or_default();
    let query = format!("sdkAppID=1400000123&userID={id}&userSig={ticket}");
    client.try_room_service("login", &query, json!({})).await
}

/// Opens a live through RoomService, whatever the answer.
async fn open_room(client: &Client, query: &str) -> Value {
    let url = text(&client.room_service("get_anchor_url", query, json!({})).await, "/pushURL");
    let room = text(&client.room_service("create_room", query, json!({"roomInfo": "r"})).await, "/roomID");
    client.try_room_service("add_anchor", query, json!({"roomID": room, "pushURL": url})).await
}

/// Opens a live through sxb, whatever the answer of the call that puts it on the air.
async fn open_sxb(client: &Client, token: &str) -> Value {
    let room = client.try_sxb("live/create", json!({"token": token, "type": "live"})).await;
    if !code(Dialect::Sxb, &room).1 {
        return room;
    }
    let report = json!({"token": token, "room": {"title": "s", "roomnum": number(&room, "/data/roomnum"),
        "type": "live", "groupid": "g", "appid": 1, "device": 1, "videotype": 0}});
    client.try_sxb("live/reportroom", report).await
}

#[tokio::test]
async fn an_address_makes_a_limited_number_of_guests_in_a_minute() {
    let server = limited("guests_per_ip_per_minute", 2).await;
    let client = server.client().at("198.51.100.1");
    for guest in ["g1", "g2"] {
        client.v1("RequestLVBAddr", announcement(guest)).await;
    }
    assert_busy(Dialect::V1, &client.try_v1("RequestLVBAddr", announcement("g3")).await);
    assert_busy(Dialect::RoomService, &guest_login(&server, &client, "g4").await);
    for refused in ["g3", "g4"] {
        let found = server.gateway().core.accounts().find(&refused.into()).await;
        assert!(found.is_ok_and(|found| found.is_none()), "{refused} left a row");
    }
    // Guests that exist, accounts that register, and other addresses are not limited; an IPv6 network is one address.
    client.v1("ChangeStatus", json!({"userid": "g1", "status": 0})).await;
    client.sxb_user("mira").await;
    for (address, allowed) in [("198.51.100.2", true), ("2001:db8::1", true), ("2001:db8::2", true)] {
        let guest = announcement(&format!("at{address}").replace(':', "-"));
        assert_eq!(code(Dialect::V1, &client.at(address).try_v1("RequestLVBAddr", guest).await).1, allowed);
    }
    assert_busy(Dialect::V1, &client.at("2001:db8::3").try_v1("RequestLVBAddr", announcement("g5")).await);
    server.clock.advance(Seconds(60));
    client.v1("RequestLVBAddr", announcement("g3")).await;
}

#[tokio::test]
async fn an_address_begins_a_limited_number_of_lives_in_a_minute() {
    let server = limited("lives_per_ip_per_minute", 1).await;
    let at = |number: u8| server.client().at(&format!("198.51.100.{number}"));
    let setup = server.client().at("203.0.113.1");
    let token = setup.sxb_user("sonja").await;
    let session = setup.qplus_login("sonja").await;
    let query = setup.room_service_login("sonja").await;
    let v1 = at(1);
    v1.v1("RequestLVBAddr", announcement("anna")).await;
    v1.v1("ChangeStatus", json!({"userid": "anna", "status": 0})).await;
    assert_busy(Dialect::V1, &v1.try_v1("RequestLVBAddr", announcement("anna")).await);
    let still = v1.v1("FetchList", json!({"flag": 1, "pageno": 1, "pagesize": 9})).await;
    assert_eq!(number(&still, "/returnData/totalcount"), 1, "the refused call ended nothing");
    let room = at(2).sxb("live/create", json!({"token": token, "type": "live"})).await;
    let room = number(&room, "/data/roomnum");
    // Preparing and opening are one live.
    assert!(code(Dialect::Sxb, &open_sxb(&at(3), &token).await).1);
    assert_busy(Dialect::Sxb, &open_sxb(&at(3), &token).await);
    let push =
        |status: i64| json!({"sessionId": session, "liveRoomId": room, "status": status, "timeout": 60});
    at(4).qplus("PushLiveStream", push(1)).await;
    at(4).qplus("PushLiveStream", push(1)).await; // A beat.
    at(4).qplus("PushLiveStream", push(0)).await;
    assert_busy(Dialect::Qplus, &at(4).try_qplus("PushLiveStream", push(1)).await);
    assert!(code(Dialect::RoomService, &open_room(&at(5), &query).await).1);
    assert_busy(Dialect::RoomService, &open_room(&at(5), &query).await);
    // A room that was created and never opened counts when the next one is created.
    let room = json!({"roomInfo": "r"});
    let created = at(6).room_service("create_room", &query, room.clone()).await;
    at(6).room_service("destroy_room", &query, json!({"roomID": text(&created, "/roomID")})).await;
    assert_busy(Dialect::RoomService, &at(6).try_room_service("create_room", &query, room).await);
    server.clock.advance(Seconds(60));
    v1.v1("RequestLVBAddr", announcement("anna")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_a_limited_number_of_lives_of_guests_on_air() {
    const GUESTS: usize = 400;
    let server = limited("guest_lives_per_ip", 20).await;
    let stranger = server.client().at("198.51.100.1");
    let begin = async |number: usize| {
        let guest = format!("ghost{number}");
        let answer = stranger.try_v1("RequestLVBAddr", announcement(&guest)).await;
        if code(Dialect::V1, &answer).1 {
            stranger.try_v1("ChangeStatus", json!({"userid": guest, "status": 0})).await
        } else {
            answer
        }
    };
    let answers = join_all((0..GUESTS).map(begin)).await;
    let on_air = answers.iter().filter(|answer| code(Dialect::V1, answer).1).count();
    assert_eq!(on_air, 20);
    for refused in answers.iter().filter(|answer| !code(Dialect::V1, answer).1) {
        assert_busy(Dialect::V1, refused);
    }
    let lives = stranger.v1("FetchList", json!({"flag": 1, "pageno": 1, "pagesize": 50})).await;
    assert_eq!(number(&lives, "/returnData/totalcount"), 20);
    assert_busy(Dialect::V1, &stranger.try_v1("RequestLVBAddr", announcement("late")).await);
    assert!(server.gateway().core.accounts().find(&"late".into()).await.is_ok_and(|found| found.is_none()));
    let login = guest_login(&server, &stranger, "rita").await;
    let query = format!("userID=rita&token={}", text(&login, "/token"));
    let room = stranger.try_room_service("create_room", &query, json!({"roomInfo": "r"})).await;
    assert_busy(Dialect::RoomService, &room);
    // Registered hosts and other addresses have lives of their own, and a live that has ended makes room.
    let token = stranger.sxb_user("mira").await;
    assert!(code(Dialect::Sxb, &open_sxb(&stranger, &token).await).1);
    server.client().at("198.51.100.2").v1("RequestLVBAddr", announcement("late")).await;
    let guest = text(list(&lives, "/returnData/pusherlist").last().unwrap_or(&Value::Null), "/userid");
    stranger.v1("ChangeStatus", json!({"userid": guest, "status": 1})).await;
    stranger.v1("RequestLVBAddr", announcement("later")).await;
}

#[tokio::test]
async fn lives_of_guests_count_for_the_address_that_began_them_not_for_the_one_that_opens_them() {
    let server = limited("guest_lives_per_ip", 2).await;
    let (stranger, other) = (server.client().at("198.51.100.1"), server.client().at("198.51.100.2"));
    for guest in ["g0", "g1", "g2", "g3"] {
        stranger.v1("RequestLVBAddr", announcement(guest)).await;
    }
    let status = |guest: &str| json!({"userid": guest, "status": 0});
    for guest in ["g0", "g1"] {
        stranger.cloud(json!({"event_type": 1, "stream_id": format!("{}_{guest}", server.bizid())})).await;
    }
    stranger.cloud(json!({"event_type": 1, "stream_id": format!("{}_g2", server.bizid())})).await;
    assert_busy(Dialect::V1, &other.try_v1("ChangeStatus", status("g3")).await);
    let lives = stranger.v1("FetchList", json!({"flag": 1, "pageno": 1, "pagesize": 9})).await;
    assert_eq!(number(&lives, "/returnData/totalcount"), 2);
    stranger.v1("ChangeStatus", status("g0")).await; // A renewal.
}

#[tokio::test]
async fn a_refused_call_uses_no_other_budget() {
    let keys = [
        ("limits.guests_per_ip_per_minute", 2.into()),
        ("limits.lives_per_ip_per_minute", 1.into()),
        ("limits.exempt", toml::Value::Array(Vec::new())),
    ];
    let server = Server::configured(&keys).await;
    let client = server.client();
    client.v1("RequestLVBAddr", announcement("first")).await;
    for guest in ["second", "third", "fourth"] {
        assert_busy(Dialect::V1, &client.try_v1("RequestLVBAddr", announcement(guest)).await);
    }
    assert!(code(Dialect::RoomService, &guest_login(&server, &client, "rita").await).1);
    assert_busy(Dialect::RoomService, &guest_login(&server, &client, "rosa").await);
}

#[tokio::test]
async fn a_call_that_fails_uses_no_budget() {
    let server = limited("uploads_per_ip_per_minute", 1).await;
    let client = server.client().at("198.51.100.1");
    client.sxb_user("mira").await;
    let clip = |user: &str| json!({"userid": user, "file_id": "f", "title": "t", "play_url": "http://vod.example/1.mp4"});
    for _ in 0..3 {
        assert_eq!(code(Dialect::V1, &client.try_v1("UploadUGCVideo", clip("mira")).await).0, 498);
    }
    client.v1("UploadUGCVideo", clip("clara")).await;
    let server = limited("codes_per_hour", 1).await;
    let ask = |phone: &str| json!({"phone": phone, "flag": 1});
    let client = server.client().at("198.51.100.1");
    let known =
        json!({"account": "kim", "phone": "13800000009", "email": "kim@example.com", "password": "secret-9"});
    client.qplus("Register", known).await;
    let taken = client.try_qplus("AuthCode", json!({"phone": "13800000009", "purpose": "register"})).await;
    assert!(!code(Dialect::Qplus, &taken).1, "{taken}");
    client.qplus("AuthCode", ask("13800000001")).await;
    assert_busy(Dialect::Qplus, &client.try_qplus("AuthCode", ask("13800000002")).await);
}

#[tokio::test]
async fn an_address_enters_a_limited_number_of_audiences_in_a_minute() {
    let server = limited("enters_per_ip_per_minute", 1).await;
    let at = |number: u8| server.client().at(&format!("198.51.100.{number}"));
    let host = server.client().at("203.0.113.1");
    let token = host.sxb_user("hanna").await;
    assert!(code(Dialect::Sxb, &open_sxb(&host, &token).await).1);
    let lives = host.v1("FetchList", json!({"flag": 1, "pageno": 1, "pagesize": 9})).await;
    let group = text(&lives, "/returnData/pusherlist/0/groupid");
    let enter = |user: &str| json!({"userid": user, "liveuserid": "hanna", "groupid": group, "flag": 0, "nickname": user, "headpic": ""});
    let v1 = at(1);
    v1.v1("EnterGroup", enter("v1")).await;
    v1.v1("EnterGroup", enter("v1")).await; // Again is not another one.
    assert_busy(Dialect::V1, &v1.try_v1("EnterGroup", enter("v2")).await);
    let members = json!({"liveuserid": "hanna", "groupid": group, "pageno": 1, "pagesize": 9});
    let members = v1.v1("FetchGroupMemberList", members).await;
    assert!(list(&members, "/returnData/memberlist").iter().all(|it| text(it, "/userid") != "v2"));
    let rooms = host.sxb("live/roomlist", json!({"token": token, "index": 0, "size": 1})).await;
    let room = number(&rooms, "/data/rooms/0/info/roomnum");
    for (number, dialect) in [(2, Dialect::Sxb), (3, Dialect::RoomService), (4, Dialect::Qplus)] {
        let client = at(number);
        for (user, allowed) in [("first", true), ("second", false)] {
            let id = format!("{user}{number}");
            let token = host.sxb_user(&id).await;
            let answer = match dialect {
                Dialect::Sxb => {
                    let report = json!({"token": token, "id": id, "roomnum": room, "role": 0, "operate": 0});
                    client.try_sxb("live/reportmemid", report).await
                }
                Dialect::Qplus => {
                    let session = host.qplus_login(&id).await;
                    let play = json!({"sessionId": session, "liveroomId": room, "status": 1});
                    client.try_qplus("PlayLiveStream", play).await
                }
                _ => {
                    let query = host.room_service_login(&id).await;
                    client.try_room_service("add_audience", &query, json!({"roomID": room.to_string()})).await
                }
            };
            assert_eq!(code(dialect, &answer).1, allowed, "{answer}");
            if !allowed {
                assert_busy(dialect, &answer);
            }
        }
    }
    server.clock.advance(Seconds(60));
    v1.v1("EnterGroup", enter("v2")).await;
}

#[tokio::test]
async fn an_address_counts_a_limited_number_of_times_in_a_minute() {
    let server = limited("counts_per_ip_per_minute", 2).await;
    let (v1, rs) = (server.client().at("198.51.100.1"), server.client().at("198.51.100.2"));
    let host = server.client().at("203.0.113.1");
    host.sxb_user("hanna").await;
    let query = host.room_service_login("hanna").await;
    assert!(code(Dialect::RoomService, &open_room(&host, &query).await).1);
    let like = json!({"userid": "hanna", "type": 1, "optype": 0, "flag": 0});
    for _ in 0..2 {
        v1.v1("ChangeCount", like.clone()).await;
    }
    assert_busy(Dialect::V1, &v1.try_v1("ChangeCount", like.clone()).await);
    let rooms = host.room_service("get_room_list", &query, json!({"cnt": 1, "index": 0})).await;
    let room = text(&rooms, "/rooms/0/roomID");
    let praise = |field: &str| json!({"roomID": room, "fieldName": field, "operation": "inc", "value": 1});
    rs.room_service("set_custom_field", &query, praise("praise")).await;
    rs.room_service("set_custom_field", &query, praise("other")).await;
    for field in ["praise", "other"] {
        let refused = rs.try_room_service("set_custom_field", &query, praise(field)).await;
        assert_busy(Dialect::RoomService, &refused);
    }
    let shown = host.v1("GetUserInfo", json!({"userid": "hanna", "type": 0})).await;
    assert_eq!(number(&shown, "/returnData/likecount"), 3);
    server.clock.advance(Seconds(60));
    v1.v1("ChangeCount", like).await;
}

#[tokio::test]
async fn an_address_stores_a_limited_number_of_clips_in_a_minute() {
    let server = limited("uploads_per_ip_per_minute", 1).await;
    let client = server.client().at("198.51.100.1");
    let clip = |file: &str| {
        json!({"userid": "clara", "file_id": file, "title": "t", "play_url": "http://vod.example/1.mp4",
            "userinfo": {"nickname": "Clara"}})
    };
    client.v1("UploadUGCVideo", clip("one")).await;
    assert_busy(Dialect::V1, &client.try_v1("UploadUGCVideo", clip("two")).await);
    let other = server.client().at("198.51.100.2");
    other.v1("UploadUGCVideo", clip("three")).await;
    let clips = client.v1("FetchList", json!({"flag": 5, "pageno": 1, "pagesize": 9})).await;
    assert_eq!(number(&clips, "/returnData/totalcount"), 2);
    server.clock.advance(Seconds(60));
    client.v1("UploadUGCVideo", clip("two")).await;
}

#[tokio::test]
async fn an_address_registers_a_limited_number_of_accounts_in_an_hour() {
    let server = limited("register_per_ip_per_hour", 1).await;
    let at = |number: u8| server.client().at(&format!("198.51.100.{number}"));
    let v2 = |id: &str| json!({"userid": id, "password": derived("secret-9", id)});
    at(1).v2("register", None, v2("first_1")).await;
    assert_busy(Dialect::V2, &at(1).try_v2("register", None, v2("second_1")).await);
    let sxb = |id: &str| json!({"id": id, "pwd": "secret-9"});
    at(2).sxb("account/regist", sxb("first2")).await;
    assert_busy(Dialect::Sxb, &at(2).try_sxb("account/regist", sxb("second2")).await);
    let qplus = |id: &str, phone: &str| json!({"account": id, "phone": phone, "email": format!("{id}@example.com"), "password": "secret-9"});
    at(3).qplus("Register", qplus("first3", "13800000001")).await;
    assert_busy(Dialect::Qplus, &at(3).try_qplus("Register", qplus("second3", "13800000002")).await);
    server.clock.advance(Seconds(3_600));
    at(1).v2("register", None, v2("second_1")).await;
}

/// Logs in through sxb, whatever the answer; returns its code.
async fn login(client: &Client, id: &str, password: &str) -> i64 {
    code(Dialect::Sxb, &client.try_sxb("account/login", json!({"id": id, "pwd": password})).await).0
}

const SXB_UNKNOWN_USER: i64 = 10_005;
const SXB_WRONG_PASSWORD: i64 = 10_006;

#[tokio::test]
async fn an_address_guesses_a_limited_number_of_passwords_of_all_accounts_together() {
    let server = limited("login_failures_per_ip", 3).await;
    let (guesser, home) = (server.client().at("2001:db8::1"), server.client().at("198.51.100.2"));
    for user in ["anna", "bert", "cleo", "dora"] {
        home.sxb_user(user).await;
    }
    guesser.sxb_user("eve").await;
    assert_eq!(login(&guesser, "anna", "wrong").await, SXB_WRONG_PASSWORD);
    assert_eq!(login(&guesser, "nobody", "wrong").await, SXB_UNKNOWN_USER);
    let v2 = |id: &str, password: &str| json!({"userid": id, "password": derived(password, id)});
    let wrong = guesser.try_v2("login", None, v2("bert", "wrong")).await;
    assert_ne!(code(Dialect::V2, &wrong).0, busy(Dialect::V2), "{wrong}");
    // A login with an account of its own takes none of that back, and a neighbour's address counts as its own.
    assert_eq!(login(&guesser, "eve", "secret-9").await, 0);
    let neighbour = guesser.at("2001:db8::2");
    assert_eq!(login(&neighbour, "cleo", "wrong").await, SXB_WRONG_PASSWORD);
    for id in ["dora", "nobody"] {
        assert_eq!(login(&guesser, id, "secret-9").await, busy(Dialect::Sxb), "{id}");
    }
    assert_busy(Dialect::V2, &guesser.try_v2("login", None, v2("dora", "secret-9")).await);
    let qplus = json!({"account": "dora", "password": "secret-9"});
    assert_busy(Dialect::Qplus, &guesser.try_qplus("Login", qplus).await);
    // The address was the last to log in with one account, and other addresses are free.
    assert_eq!(login(&guesser, "eve", "secret-9").await, 0);
    assert_eq!(login(&server.client().at("198.51.100.3"), "dora", "secret-9").await, 0);
    let limited = server.gateway().core.stats().limited;
    assert!(limited.contains(&(Limit::LoginFailures, 4)), "{limited:?}");
    server.clock.advance(Seconds(1));
    assert_eq!(login(&guesser, "dora", "secret-9").await, 0, "the first wait is a second");
}

#[tokio::test]
async fn an_account_is_guessed_a_limited_number_of_times_from_all_addresses_together() {
    let server = limited("login_failures_per_account", 1).await;
    let at = |number: u8| server.client().at(&format!("198.51.100.{number}"));
    let home = at(100);
    home.sxb_user("anna").await;
    home.sxb_user("bert").await;
    for number in 0..=10 {
        assert_eq!(login(&at(number), "anna", "wrong").await, SXB_WRONG_PASSWORD, "guess {number}");
    }
    assert_eq!(login(&at(11), "anna", "secret-9").await, busy(Dialect::Sxb));
    assert_eq!(login(&at(11), "bert", "secret-9").await, 0, "other accounts are free");
    // The address from which the account was last logged in has tries of its own.
    assert_eq!(login(&home, "anna", "wrong").await, SXB_WRONG_PASSWORD);
    assert_eq!(login(&home, "anna", "secret-9").await, 0);
    assert_eq!(login(&at(11), "anna", "secret-9").await, busy(Dialect::Sxb));
    server.clock.advance(Seconds(600));
    assert_eq!(login(&at(11), "anna", "secret-9").await, 0);
}

#[tokio::test]
async fn codes_by_short_message_are_limited_by_address_and_in_all() {
    for (key, other_address) in [("codes_per_ip_per_hour", true), ("codes_per_hour", false)] {
        let server = limited(key, 1).await;
        let client = server.client().at("198.51.100.1");
        let ask = |phone: &str| json!({"phone": phone, "flag": 1});
        client.qplus("AuthCode", ask("13800000001")).await;
        assert_busy(Dialect::Qplus, &client.try_qplus("AuthCode", ask("13800000002")).await);
        let other = client.at("198.51.100.2").try_qplus("AuthCode", ask("13800000003")).await;
        assert_eq!(code(Dialect::Qplus, &other).1, other_address, "{key}: {other}");
        server.clock.advance(Seconds(3_600));
        client.qplus("AuthCode", ask("13800000002")).await;
    }
}

#[tokio::test]
async fn the_name_of_a_guest_is_bound_to_the_address_of_its_live() {
    let keys = [("minilvb_v1.guests", "bound".into()), ("http.trusted_proxies", vec!["127.0.0.1/32"].into())];
    let server = Server::configured(&keys).await;
    let (host, stranger) = (server.client().at("2001:db8:0:1::1"), server.client().at("198.51.100.2"));
    let status = |status: i64| json!({"userid": "anna", "status": status});
    host.v1("RequestLVBAddr", announcement("anna")).await;
    host.v1("ChangeStatus", status(0)).await;
    for (action, fields) in
        [("RequestLVBAddr", announcement("anna")), ("ChangeStatus", status(0)), ("ChangeStatus", status(1))]
    {
        let refused = stranger.try_v1(action, fields).await;
        assert_eq!(code(Dialect::V1, &refused).0, 498, "{action}: {refused}");
    }
    let neighbour = host.at("2001:db8:0:1::2");
    neighbour.v1("ChangeStatus", status(1)).await;
    assert_eq!(
        code(Dialect::V1, &stranger.try_v1("ChangeStatus", status(0)).await).0,
        498,
        "it may come back"
    );
    server.clock.advance(Seconds(60));
    stranger.v1("RequestLVBAddr", announcement("anna")).await;
    // Nobody is locked out for long by a live that a stranger has announced.
    assert_eq!(code(Dialect::V1, &host.try_v1("RequestLVBAddr", announcement("anna")).await).0, 498);
    server.clock.advance(Seconds(60));
    host.v1("RequestLVBAddr", announcement("anna")).await;
}

#[tokio::test]
async fn the_live_of_a_guest_ends_unless_it_is_renewed() {
    let server = Server::configured(&[("minilvb_v1.guest_live_ttl", "1h".into())]).await;
    let client = server.client();
    for guest in ["silent", "calling", "pushing"] {
        client.v1("RequestLVBAddr", announcement(guest)).await;
        client.v1("ChangeStatus", json!({"userid": guest, "status": 0})).await;
    }
    client.sxb_user("mira").await;
    let token = client.v2_login("mira").await;
    client.v1_signed(&token, "RequestLVBAddr", announcement("mira")).await;
    client.v1_signed(&token, "ChangeStatus", json!({"userid": "mira", "status": 0})).await;
    server.clock.advance(Seconds(3_600));
    client.v1("ChangeStatus", json!({"userid": "calling", "status": 0})).await;
    client.cloud(json!({"event_type": 1, "stream_id": format!("{}_pushing", server.bizid())})).await;
    server.clock.advance(Seconds(1));
    let lives = client.v1("FetchList", json!({"flag": 1, "pageno": 1, "pagesize": 9})).await;
    let mut on_air: Vec<String> =
        list(&lives, "/returnData/pusherlist").iter().map(|live| text(live, "/userid")).collect();
    on_air.sort_unstable();
    assert_eq!(on_air, ["calling", "mira", "pushing"]);
}

#[tokio::test]
async fn exempt_addresses_have_no_budgets() {
    for (exempt, allowed) in [(vec!["127.0.0.0/8"], true), (vec![], false)] {
        let keys = [("limits.guests_per_ip_per_minute", 1.into()), ("limits.exempt", exempt.into())];
        let server = Server::configured(&keys).await;
        let client = server.client();
        client.v1("RequestLVBAddr", announcement("first")).await;
        let second = client.try_v1("RequestLVBAddr", announcement("second")).await;
        assert_eq!(code(Dialect::V1, &second).1, allowed, "{second}");
    }
}

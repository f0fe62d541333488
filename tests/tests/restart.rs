//! Restarts a server in the middle of its work and checks through every dialect that all acknowledged writes are there.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use contract_tests::{
    Client, Server,
    dialect::{Dialect, code, derived, list, number, text},
};
use http::Method;
use serde_json::{Value, json};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n no picture, but its bytes";

/// The tokens of one account in the three dialects that have tokens.
struct Tokens {
    v2: String,
    refresh: String,
    sxb: String,
    qplus: String,
}

impl Tokens {
    async fn of(client: &Client, id: &str) -> Self {
        client.sxb("account/regist", json!({"id": id, "pwd": "secret-9"})).await;
        let login = json!({"userid": id, "password": derived("secret-9", id)});
        let v2 = client.v2("login", None, login).await;
        Self {
            v2: text(&v2, "/data/token"),
            refresh: text(&v2, "/data/refresh_token"),
            sxb: client.sxb_login(id).await,
            qplus: client.qplus_login(id).await,
        }
    }
}

/// Calls every interface that reads and changes nothing, and returns the answers.
async fn everything(client: &Client, reader: &Tokens, rooms: &[i64], hosts: &[&str]) -> Vec<Value> {
    let mut found = Vec::new();
    for flag in [1, 2, 3, 5] {
        found.push(client.v1("FetchList", json!({"flag": flag, "pageno": 1, "pagesize": 100})).await);
    }
    for host in hosts {
        found.push(client.try_v1("GetUserInfo", json!({"userid": host, "type": 0})).await);
        let group = json!({"liveuserid": host, "groupid": "g", "pageno": 1, "pagesize": 100});
        found.push(client.v1("FetchGroupMemberList", group).await);
        found.push(client.v1("VODFetchList", json!({"user_id": host, "pageno": 1, "pagesize": 100})).await);
    }
    let file = json!({"liveuserid": "anna_guest", "groupid": "file-1", "pageno": 1, "pagesize": 100});
    found.push(client.v1("FetchGroupMemberList", file).await);
    for command in ["roomlist", "livestreamlist", "recordlist"] {
        let page = json!({"token": reader.sxb, "type": 0, "index": 0, "size": 50});
        found.push(client.sxb(&format!("live/{command}"), page).await);
    }
    for room in rooms {
        let page = json!({"token": reader.sxb, "roomnum": room, "index": 0, "size": 50});
        found.push(client.sxb("live/roomidlist", page).await);
        let search = json!({"sessionId": reader.qplus, "keyword": room});
        found.push(client.qplus("SearchLiveRoom", search).await);
    }
    for api in ["get_vod_list", "get_ugc_list"] {
        let page = json!({"userid": "reader", "index": 0, "count": 100});
        found.push(client.v2(api, Some(&reader.v2), page).await);
    }
    found.push(client.v2("get_user_info", Some(&reader.v2), json!({"userid": "reader"})).await);
    found.push(client.qplus("GetMyLiveRoom", json!({"sessionId": reader.qplus})).await);
    found
}

/// Creates a guest of minilvb-v1 on air with an audience and likes, and another guest who is off air again.
async fn guests(client: &Client) {
    for guest in ["anna_guest", "resting_guest"] {
        let live =
            json!({"userid": guest, "groupid": "g", "title": guest, "userinfo": {"nickname": "A guest"}});
        client.v1("RequestLVBAddr", live).await;
        client.v1("ChangeStatus", json!({"userid": guest, "status": 0})).await;
        for _ in 0..7 {
            client.v1("ChangeCount", json!({"userid": guest, "type": 1, "optype": 0, "flag": 0})).await;
        }
        client.v1("ChangeCount", json!({"userid": guest, "type": 0, "optype": 0, "flag": 0})).await;
        for viewer in ["ben", "carl"] {
            let enter =
                json!({"userid": viewer, "liveuserid": guest, "groupid": "g", "flag": 0, "nickname": "B"});
            client.v1("EnterGroup", enter).await;
        }
    }
    client.v1("ChangeStatus", json!({"userid": "resting_guest", "status": 1})).await;
}

/// Registered hosts.
struct Hosts {
    /// The rooms on air: one of sxb with likes of both kinds, one of qplus. The reader is in both and follows both.
    rooms: Vec<i64>,
    /// A host that has created a room and not reported it.
    prepared: Tokens,
    prepared_room: i64,
    /// A host that has announced a broadcast through minilvb-v2 and uploaded a clip.
    planner: Tokens,
}

impl Hosts {
    async fn new(client: &Client, reader: &Tokens) -> Self {
        let mut rooms = Vec::new();
        let sxb_host = Tokens::of(client, "sxb_host").await;
        let room = client.sxb("live/create", json!({"token": sxb_host.sxb, "type": "live"})).await;
        let room = number(&room, "/data/roomnum");
        let report = json!({"token": sxb_host.sxb, "room": {"title": "Evening", "roomnum": room, "type": "live",
        "groupid": "g", "cover": "http://img.example/c.png", "appid": 7, "device": 1, "videotype": 1}});
        client.sxb("live/reportroom", report).await;
        let beat = json!({"token": sxb_host.sxb, "role": 1, "roomnum": room, "thumbup": 40});
        client.sxb("live/heartbeat", beat).await;
        client.v1("ChangeCount", json!({"userid": "sxb_host", "type": 1, "optype": 0, "flag": 0})).await;
        let enter = json!({"token": reader.sxb, "roomnum": room, "role": 2});
        client.sxb("live/reportmemid", enter).await;
        rooms.push(room);
        let prepared = Tokens::of(client, "prepared").await;
        let room = client.sxb("live/create", json!({"token": prepared.sxb, "type": "live"})).await;
        let prepared_room = number(&room, "/data/roomnum");
        let qplus_host = Tokens::of(client, "qplus_host").await;
        let room = json!({"sessionId": qplus_host.qplus, "liveRoomName": "Push"});
        let room = number(&client.qplus("CreateLiveRoom", room).await, "/liveRoomId");
        let push = json!({"sessionId": qplus_host.qplus, "liveRoomId": room, "status": 1, "timeout": 600});
        client.qplus("PushLiveStream", push).await;
        let watch = json!({"sessionId": reader.qplus, "liveRoomId": room, "status": 1});
        client.qplus("PlayLiveStream", watch).await;
        rooms.push(room);
        for room in &rooms {
            let follow = json!({"sessionId": reader.qplus, "liveRoomId": room, "isFollow": 1});
            client.qplus("FollowLiveRoom", follow).await;
        }
        let planner = Tokens::of(client, "planner").await;
        let plan = json!({"userid": "planner", "title": "Planned", "location": "Lisbon"});
        client.v2("upload_room", Some(&planner.v2), plan).await;
        let clip = json!({"userid": "planner", "file_id": "clip-1", "title": "Clip", "play_url": "http://v.example/1"});
        client.v2("upload_ugc", Some(&planner.v2), clip).await;
        Self { rooms, prepared, prepared_room, planner }
    }
}

/// Creates two recordings with counters and an audience, one of them in two formats.
async fn recordings(client: &Client) {
    for (file, format, from) in
        [("file-1", "mp4", 1_699_990_000), ("file-1", "hls", 1_699_990_000), ("file-2", "flv", 1_699_980_000)]
    {
        let notice = json!({"event_type": 100, "stream_id": "8123_anna_guest", "video_id": file, "file_format": format,
            "video_url": format!("http://vod.example/{file}.{format}"), "start_time": from, "end_time": from + 100});
        client.cloud(notice).await;
    }
    let like = json!({"userid": "anna_guest", "type": 1, "optype": 0, "flag": 1, "fileid": "file-1"});
    client.v1("ChangeCount", like).await;
    let enter = json!({"userid": "ben", "liveuserid": "anna_guest", "groupid": "file-1", "flag": 1});
    client.v1("EnterGroup", enter).await;
}

#[tokio::test]
async fn acknowledged_writes_survive_a_restart() {
    let mut server = Server::start().await;
    let client = server.client();

    // One account with a profile, a picture, a room and two sessions.
    let reader = Tokens::of(&client, "reader").await;
    let profile = json!({"userid": "reader", "nickname": "Reader", "avatar": "http://img.example/r.png", "sex": 1,
        "frontcover": "http://img.example/f.png"});
    client.v2("upload_user_info", Some(&reader.v2), profile).await;
    let picture = json!({"sessionId": reader.qplus, "headPic": STANDARD.encode(PICTURE)});
    let picture = number(&client.qplus("ModifyUserHeadPic", picture).await, "/headPicId");
    let own =
        json!({"sessionId": reader.qplus, "liveRoomName": "Reader's room", "liveRoomUserPwd": "watch-me"});
    client.qplus("CreateLiveRoom", own).await;
    let second_session = client.qplus_login("reader").await;

    guests(&client).await;
    let Hosts { rooms, prepared, prepared_room, planner } = Hosts::new(&client, &reader).await;
    recordings(&client).await;

    // Ends the sxb session of an account and replaces its minilvb-v2 tokens: the old ones must stay invalid.
    let gone = Tokens::of(&client, "gone_one").await;
    client.sxb("account/logout", json!({"token": gone.sxb})).await;
    let rotate = json!({"userid": "gone_one", "refresh_token": gone.refresh});
    let rotated = client.v2("refresh", None, rotate.clone()).await;
    // A use of the new session: without one the lost answer would be repeated.
    let token = rotated["data"]["token"].as_str().expect("a token");
    client.v2("get_user_info", Some(token), json!({"userid": "gone_one"})).await;

    // The restart comes after the first page of a list that is read page by page.
    let page = |session: &str, kind: i64, refresh: i64| json!({"sessionId": session, "type": kind, "refresh": refresh, "count": 1});
    let first = client.qplus("GetLiveRoomList", page(&second_session, 1, 1)).await;
    let first_followed = client.qplus("GetLiveRoomList", page(&second_session, 2, 1)).await;

    let hosts = ["anna_guest", "resting_guest", "sxb_host", "prepared", "qplus_host", "planner"];
    let before = everything(&client, &reader, &rooms, &hosts).await;
    server.restart().await;
    let client = server.client();
    let after = everything(&client, &reader, &rooms, &hosts).await;
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }

    // The next pages follow the page before the restart.
    let mut paged = list(&first, "/list");
    for _ in 0..2 {
        paged.extend(list(&client.qplus("GetLiveRoomList", page(&second_session, 1, 0)).await, "/list"));
    }
    let whole = json!({"sessionId": reader.qplus, "type": 1, "refresh": 1, "count": 100});
    assert_eq!(paged, list(&client.qplus("GetLiveRoomList", whole).await, "/list"));
    let next_followed = client.qplus("GetLiveRoomList", page(&second_session, 2, 0)).await;
    let followed = |answer: &Value| answer["onlineList"][0]["liveRoomId"].clone();
    assert!(rooms.contains(&followed(&first_followed).as_i64().unwrap_or(0)));
    assert!(rooms.contains(&followed(&next_followed).as_i64().unwrap_or(0)));
    assert_ne!(followed(&first_followed), followed(&next_followed));

    // The old tokens are still invalid.
    let old = client.try_sxb("live/create", json!({"token": gone.sxb, "type": "live"})).await;
    assert_eq!(code(Dialect::Sxb, &old).0, 10_009);
    assert_eq!(code(Dialect::V2, &client.try_v2("refresh", None, rotate).await).0, 498);
    let old = client.try_v2("get_user_info", Some(&gone.v2), json!({"userid": "gone_one"})).await;
    assert_eq!(code(Dialect::V2, &old).0, 498);

    // Writes work and continue the stored state.
    let bytes = client.send(Method::GET, &format!("/live/GetUserHeadPic?id={picture}"), &[], "").await;
    assert_eq!(bytes.map(|answer| answer.body).ok().as_deref(), Some(PICTURE));
    let again = client.try_sxb("account/regist", json!({"id": "reader", "pwd": "other"})).await;
    assert_eq!(code(Dialect::Sxb, &again).0, 10_004);
    let refresh = json!({"userid": "reader", "refresh_token": reader.refresh});
    client.v2("refresh", None, refresh).await;
    client.v1("ChangeStatus", json!({"userid": "resting_guest", "status": 0})).await;
    let back = client.v1("GetUserInfo", json!({"userid": "resting_guest", "type": 0})).await;
    assert_eq!((&back["returnData"]["status"], &back["returnData"]["likecount"]), (&json!("1"), &json!(7)));
    let report = json!({"token": prepared.sxb, "room": {"title": "At last", "roomnum": prepared_room, "type": "live",
        "groupid": "g", "appid": 7, "device": 1, "videotype": 0}});
    client.sxb("live/reportroom", report).await;
    client.cloud(json!({"event_type": 1, "stream_id": "8123_planner", "sequence": "9"})).await;
    let lives = client.v1("FetchList", json!({"flag": 1, "pageno": 1, "pagesize": 100})).await;
    let titles: Vec<_> =
        list(&lives, "/returnData/pusherlist").iter().map(|live| text(live, "/title")).collect();
    assert_eq!(titles, ["Planned", "At last", "Push", "Evening", "resting_guest", "anna_guest"]);
    server.restart().await;
    let client = server.client();
    client.cloud(json!({"event_type": 0, "stream_id": "8123_planner", "sequence": "8"})).await;
    let room = client.qplus("GetMyLiveRoomId", json!({"sessionId": planner.qplus})).await;
    let search = json!({"sessionId": reader.qplus, "keyword": number(&room, "/LiveRoomId")});
    assert_eq!(client.qplus("SearchLiveRoom", search.clone()).await["isPlay"], 1, "another stream has ended");
    client.cloud(json!({"event_type": 0, "stream_id": "8123_planner", "sequence": "9"})).await;
    assert_eq!(client.qplus("SearchLiveRoom", search).await["isPlay"], 0);
}

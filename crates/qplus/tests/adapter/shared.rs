//! Tests of rooms across dialects: this dialect shows changes that other dialects make (contract qplus §4.6, §4.9,
//! §5.2), and they show the rooms of this one.

use crate::server::Server;
use relive_core::{
    AccountId, Actor, Announcement, Counted, Dialect, MemberNames, OnAirFilter, Step, UserInfo, Window,
};
use serde_json::{Value, json};

const ALL: Window = Window { offset: 0, limit: 10 };

async fn id(server: &Server, name: &str) -> AccountId {
    server.core.accounts().find(&name.into()).await.unwrap().unwrap().id
}

/// Puts a live of minilvb-v1 on air; its host is a registered account or a guest.
async fn announce(server: &Server, host: Actor) {
    let user_info = UserInfo { nickname: "Guest Star".to_owned(), ..UserInfo::default() };
    let announcement =
        Announcement { group_id: "@TGS#1".into(), title: "song evening".to_owned(), user_info };
    server.core.broadcasts().announce(host.clone(), announcement).await.unwrap();
    server.core.broadcasts().set_on_air(host, true).await.unwrap();
}

async fn list(server: &Server, session: &str) -> Vec<Value> {
    let body = json!({"sessionId": session, "type": 1, "refresh": 1, "count": 10});
    server.post("GetLiveRoomList", body).await["list"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_guests_live_is_listed_with_its_play_urls() {
    let server = Server::start();
    let viewer = server.user("vera").await;
    let guest = Actor::Unproven("guest-1".into());
    announce(&server, guest.clone()).await;
    let names = MemberNames::default();
    server
        .core
        .audiences()
        .enter_group(Actor::Unproven("fan".into()), &"guest-1".into(), &"@TGS#1".into(), names)
        .await
        .unwrap();
    server.core.broadcasts().count(&"guest-1".into(), Counted::AnonymousViewer, Step::Up).await.unwrap();
    let rooms = list(&server, &viewer).await;
    let [room] = rooms.as_slice() else { panic!("{rooms:?}") };
    let number = room["liveRoomId"].as_i64().unwrap();
    let base = "1000.liveplay.myqcloud.com/live/1000_guest_1";
    assert_eq!(
        *room,
        json!({
            "liveRoomId": number, "liveRoomanchorPwd": "", "liveRoomAnchorPwd": "",
            "liveRoomUserPwd": room["liveRoomUserPwd"], "liveRoomName": "song evening", "liveRoomDesc": "",
            "liveRoomTopic": "", "anchorName": "Guest Star", "headPicId": 0, "isFollow": 0, "followCount": 0,
            "playerCount": 2, "playRtmpUrl": format!("rtmp://{base}"), "playHlsUrl": format!("http://{base}.m3u8"),
            "playFlvUrl": format!("http://{base}.flv"),
        })
    );
    let body = json!({"sessionId": viewer, "liveroomId": number, "status": 1});
    assert_eq!(server.status("PlayLiveStream", body).await, 10_000);
    let body = json!({"sessionId": viewer, "liveRoomId": number});
    assert_eq!(server.post("GetLiveroomNumber", body).await["number"], 3);

    server.core.broadcasts().set_on_air(guest, false).await.unwrap();
    let found = server.post("SearchLiveRoom", json!({"sessionId": viewer, "keyword": number})).await;
    assert_eq!(
        (&found["isPlay"], &found["playFlvUrl"], &found["playerCount"]),
        (&json!(0), &json!(""), &json!(0))
    );
    assert_eq!(found["liveRoomName"], "song evening", "the title of the last broadcast");
}

#[tokio::test]
async fn a_room_of_another_dialect_exists_here_and_can_still_be_created() {
    let server = Server::start();
    let session = server.user("mira").await;
    announce(&server, Actor::Proven(id(&server, "mira").await)).await;
    let login = server.post("Login", json!({"account": "mira", "password": "s3cret!"})).await;
    let number = login["liveRoomId"].as_i64().unwrap();
    assert!(number > 0);
    let mine = server.post("GetMyLiveRoom", json!({"sessionId": session})).await;
    assert_eq!((&mine["liveRoomName"], &mine["anchorName"]), (&json!("song evening"), &json!("Guest Star")));
    assert!(mine["liveRoomanchorPwd"].as_str().unwrap().len() >= 8);

    let topic = json!({"sessionId": session, "liveRoomTopic": "requests"});
    assert_eq!(server.status("ModifyMyLiveRoom", topic).await, 10_000);
    let mut create = json!({"sessionId": session, "liveRoomName": " ", "liveRoomUserPwd": "usr-77"});
    assert_eq!(server.status("CreateLiveRoom", create.clone()).await, 10_203, "checked like a new one");
    create["liveRoomName"] = "Night Sky".into();
    assert_eq!(server.post("CreateLiveRoom", create.clone()).await["liveRoomId"], number);
    create["liveRoomName"] = "other".into();
    assert_eq!(server.post("CreateLiveRoom", create).await["liveRoomId"], number);
    let now = server.post("GetMyLiveRoom", json!({"sessionId": session})).await;
    assert_eq!(
        (&now["liveRoomName"], &now["liveRoomUserPwd"], &now["liveRoomTopic"]),
        (&json!("Night Sky"), &json!("usr-77"), &json!(""))
    );
    assert_eq!(now["liveRoomAnchorPwd"], mine["liveRoomAnchorPwd"], "the generated password is kept");
}

#[tokio::test]
async fn a_push_takes_over_what_another_dialect_has_on_air() {
    let server = Server::start();
    let (session, viewer) = (server.user("mira").await, server.user("vera").await);
    announce(&server, Actor::Proven(id(&server, "mira").await)).await;
    server.core.broadcasts().count(&"mira".into(), Counted::AnonymousViewer, Step::Up).await.unwrap();
    let room = list(&server, &viewer).await[0]["liveRoomId"].clone();
    let push = |status| json!({"sessionId": session, "liveRoomId": room, "status": status, "timeout": 60});
    assert_eq!(server.status("PushLiveStream", push(1)).await, 10_000);
    let rooms = list(&server, &viewer).await;
    assert_eq!((rooms.len(), &rooms[0]["playerCount"], &rooms[0]["playFlvUrl"]), (1, &json!(0), &json!("")));
    assert_eq!(
        (&rooms[0]["anchorName"], &rooms[0]["liveRoomName"]),
        (&json!("mira"), &json!("song evening"))
    );
    assert_eq!(server.status("PushLiveStream", push(0)).await, 10_000);
    assert_eq!(list(&server, &viewer).await.len(), 0);

    announce(&server, Actor::Proven(id(&server, "mira").await)).await;
    assert_eq!(list(&server, &viewer).await.len(), 1);
    assert_eq!(
        server.status("PushLiveStream", push(0)).await,
        10_000,
        "any dialect may have put the room on air"
    );
    assert_eq!(list(&server, &viewer).await.len(), 0);
}

#[tokio::test]
async fn other_lists_show_the_rooms_name_as_title() {
    let server = Server::start();
    let session = server.user("mira").await;
    announce(&server, Actor::Proven(id(&server, "mira").await)).await;
    let mine = server.post("GetMyLiveRoom", json!({"sessionId": session})).await;
    let push = json!({"sessionId": session, "liveRoomId": mine["liveRoomId"], "status": 1});
    assert_eq!(server.status("PushLiveStream", push).await, 10_000);
    let title = async || {
        let page = server.core.broadcasts().on_air(OnAirFilter::default(), ALL).await.unwrap();
        assert_eq!((page.total, page.items[0].driver), (1, Dialect::Qplus));
        page.items[0].title.clone()
    };
    assert_eq!(title().await, "song evening");
    let modify = |name: &str| json!({"sessionId": session, "liveRoomTopic": "t", "liveRoomName": name});
    assert_eq!(server.status("ModifyMyLiveRoom", modify("")).await, 10_000);
    assert_eq!(title().await, "song evening", "a new topic is no new name");
    let create = json!({"sessionId": session, "liveRoomName": "Night Sky"});
    assert_eq!(server.status("CreateLiveRoom", create).await, 10_000);
    assert_eq!(title().await, "Night Sky");
    assert_eq!(server.status("ModifyMyLiveRoom", modify("Night Sky II")).await, 10_000);
    assert_eq!(title().await, "Night Sky II");
}

#[tokio::test]
async fn sexes_of_other_dialects_are_shown_as_two() {
    let server = Server::start();
    server.user("mira").await;
    for (sex, shown) in
        [(relive_core::Sex::Unknown, 1), (relive_core::Sex::Male, 1), (relive_core::Sex::Female, 2)]
    {
        let update = relive_core::ProfileUpdate { sex: Some(sex), ..Default::default() };
        server.core.accounts().update_profile(id(&server, "mira").await, update).await.unwrap();
        let login = server.post("Login", json!({"account": "mira", "password": "s3cret!"})).await;
        assert_eq!(login["sex"], shown);
    }
}

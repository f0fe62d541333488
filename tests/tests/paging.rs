//! Checks that the pages of a list, put together, are the whole list for every page size: each entry once, in order.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that meets something else has failed"
)]

use contract_tests::{
    Client, Server,
    dialect::{list, number, text},
};
use relive_core::Seconds;
use serde_json::{Value, json};

/// How many broadcasts and how many recordings there are.
const COUNT: usize = 120;

/// Broadcasts and recordings by the titles that the lists show, and the tokens of an account that reads the lists.
struct Archive {
    client: Client,
    /// Newest first.
    lives: Vec<String>,
    /// Latest end first; recordings with the same end: latest stored first.
    by_end: Vec<String>,
    /// Latest stored first.
    by_storage: Vec<String>,
    sxb: String,
    v2: String,
    qplus: String,
}

impl Archive {
    async fn new(server: &Server) -> Self {
        let client = server.client();
        let (mut lives, mut recordings) = (Vec::new(), Vec::new());
        for index in 0..COUNT {
            let (host, title) = (format!("host_{index}"), format!("live {index}"));
            // Three broadcasts begin in each second, one of them through sxb, the others through minilvb-v1.
            if index % 3 == 0 {
                server.clock.advance(Seconds(1));
                let token = client.sxb_user(&host).await;
                let room = client.sxb("live/create", json!({"token": token, "type": "live"})).await;
                let report = json!({"token": token, "room": {"title": title, "roomnum": room["data"]["roomnum"],
                    "type": "live", "groupid": "g", "appid": 7, "device": 1, "videotype": 0}});
                client.sxb("live/reportroom", report).await;
            } else {
                let live = json!({"userid": host, "groupid": "g", "title": title});
                client.v1("RequestLVBAddr", live).await;
                client.v1("ChangeStatus", json!({"userid": host, "status": 0})).await;
            }
            lives.push(title);
        }
        for index in 0..COUNT {
            // Recordings are stored in another order than they ended in, and four of them have the same end.
            let end = 1_700_000_000 - 100 * i64::try_from(index * 7 % COUNT / 4).expect("a small number");
            let file = format!("file-{index}");
            let notice = json!({"event_type": 100, "stream_id": format!("8123_guest{index}"), "video_id": file,
                "video_url": "http://vod.example/1.mp4", "file_format": "mp4", "start_time": end - 61,
                "end_time": end});
            let owner = json!({"userid": format!("guest{index}"), "groupid": "g", "title": "recorded"});
            client.v1("RequestLVBAddr", owner).await;
            client.cloud(notice).await;
            recordings.push((end, index, file));
        }
        lives.reverse();
        recordings.reverse();
        let by_storage = recordings.iter().map(|(_, _, file)| file.clone()).collect();
        recordings.sort_by_key(|(end, index, _)| (-end, std::cmp::Reverse(*index)));
        let by_end = recordings.into_iter().map(|(_, _, file)| file).collect();
        let sxb = client.sxb_user("reader").await;
        let (v2, qplus) = (client.v2_login("reader").await, client.qplus_login("reader").await);
        Self { client, lives, by_end, by_storage, sxb, v2, qplus }
    }

    /// Asks sxb for a page of one of its lists.
    async fn sxb(&self, route: &str, command: &str, index: usize, size: usize) -> Value {
        let path = format!("{route}/index.php?svc=live&cmd={command}");
        let body = json!({"token": self.sxb, "type": 0, "index": index, "size": size});
        self.client.post(&path, &body).await
    }
}

/// Fetches pages until one is empty. `fetch` gets the number of the page, from 0, and how many entries came before it.
/// Checks that every page but the last is full and that all pages have the same total.
async fn all(
    size: usize,
    total: Option<&str>,
    pointer: &str,
    mut fetch: impl AsyncFnMut(usize, usize) -> Value,
) -> Vec<Value> {
    let (mut found, mut totals) = (Vec::new(), Vec::new());
    for page in 0.. {
        let answer = fetch(page, found.len()).await;
        totals.extend(total.map(|total| number(&answer, total)));
        let entries = list(&answer, pointer);
        assert!(entries.len() <= size, "{answer}");
        assert!(
            page == 0 || entries.is_empty() || found.len() == page * size,
            "a page was not full: {answer}"
        );
        if entries.is_empty() {
            break;
        }
        found.extend(entries);
    }
    totals.dedup();
    assert!(total.is_none() || totals == [i64::try_from(found.len()).expect("a count")], "{totals:?}");
    found
}

fn names(entries: &[Value], pointer: &str) -> Vec<String> {
    entries.iter().map(|entry| text(entry, pointer)).collect()
}

#[tokio::test]
async fn pages_of_v1_make_up_the_whole_list() {
    let server = Server::start().await;
    let archive = Archive::new(&server).await;
    let both: Vec<_> = archive.lives.iter().chain(&archive.by_end).cloned().collect();
    for (flag, expected) in [(1, &archive.lives), (2, &archive.by_end), (3, &both)] {
        for size in [1, 7, 50, 80, 100] {
            let entries =
                all(size, Some("/returnData/totalcount"), "/returnData/pusherlist", async |page, _| {
                    let body = json!({"flag": flag, "pageno": page + 1, "pagesize": size});
                    archive.client.v1("FetchList", body).await
                })
                .await;
            let found: Vec<_> = entries
                .iter()
                .map(|entry| text(entry, if entry["type"] == 0 { "/title" } else { "/fileid" }))
                .collect();
            assert_eq!(&found, expected, "flag {flag}, pages of {size}");
        }
    }
}

#[tokio::test]
async fn pages_of_the_other_dialects_make_up_the_whole_list() {
    let server = Server::start().await;
    let archive = Archive::new(&server).await;
    for size in [1, 7, 50] {
        let rooms = all(size, Some("/data/total"), "/data/rooms", async |_, index| {
            archive.sxb("", "roomlist", index, size).await
        })
        .await;
        assert_eq!(names(&rooms, "/info/title"), archive.lives, "pages of {size}");
        let streams = all(size, Some("/data/total"), "/data/videos", async |_, index| {
            archive.sxb("/sxb", "livestreamlist", index, size).await
        })
        .await;
        assert_eq!(names(&streams, "/uid"), names(&rooms, "/uid"), "pages of {size}");
    }
    for size in [1, 7, 100] {
        for (route, pages) in [("", false), ("/sxb_dev", true)] {
            let videos = all(size, Some("/data/total"), "/data/videos", async |page, index| {
                archive.sxb(route, "recordlist", if pages { page + 1 } else { index }, size).await
            })
            .await;
            assert_eq!(names(&videos, "/videoId"), archive.by_storage, "{route}, pages of {size}");
        }
        let rooms = all(size, None, "/list", async |page, _| {
            let refresh = i32::from(page == 0);
            let body = json!({"sessionId": archive.qplus, "type": 1, "refresh": refresh, "count": size});
            archive.client.qplus("GetLiveRoomList", body).await
        })
        .await;
        assert_eq!(names(&rooms, "/liveRoomName"), archive.lives, "pages of {size}");
    }
    for size in [1, 7, 50, 200] {
        let replays = all(size, Some("/data/total"), "/data/list", async |_, index| {
            let body = json!({"userid": "reader", "index": index, "count": size});
            archive.client.v2("get_vod_list", Some(&archive.v2), body).await
        })
        .await;
        assert_eq!(names(&replays, "/file_id"), archive.by_end, "pages of {size}");
    }
}

#[tokio::test]
async fn followed_rooms_on_air_are_listed_before_the_others() {
    let server = Server::start().await;
    let client = server.client();
    client.sxb_user("reader").await;
    let session = client.qplus_login("reader").await;
    for index in 0..30 {
        let host = format!("host_{index}");
        client.sxb_user(&host).await;
        let own = client.qplus_login(&host).await;
        let room = client.qplus("CreateLiveRoom", json!({"sessionId": own, "liveRoomName": host})).await;
        let room = number(&room, "/liveRoomId");
        if index % 2 == 0 {
            let push = json!({"sessionId": own, "liveRoomId": room, "status": 1});
            client.qplus("PushLiveStream", push).await;
        }
        client
            .qplus("FollowLiveRoom", json!({"sessionId": session, "liveRoomId": room, "isFollow": 1}))
            .await;
    }
    for size in [1, 4, 7, 15, 100] {
        let (mut on_air, mut off_air) = (Vec::new(), Vec::new());
        for page in 0.. {
            let refresh = i32::from(page == 0);
            let body = json!({"sessionId": session, "type": 2, "refresh": refresh, "count": size});
            let answer = client.qplus("GetLiveRoomList", body).await;
            let (online, offline) = (list(&answer, "/onlineList"), list(&answer, "/offlineList"));
            assert!(online.is_empty() || off_air.is_empty(), "a room on air behind one off air");
            let count = online.len() + offline.len();
            on_air.extend(names(&online, "/liveRoomName"));
            off_air.extend(names(&offline, "/liveRoomName"));
            if count < size {
                break;
            }
        }
        let newest_first = |even| (0..30).rev().filter(move |index| index % 2 == even);
        let hosts = |even| newest_first(even).map(|index| format!("host_{index}")).collect::<Vec<_>>();
        assert_eq!((on_air, off_air), (hosts(0), hosts(1)), "pages of {size}");
    }
}

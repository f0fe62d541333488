//! Checks numbers under concurrency: no like is lost, one of many registrations succeeds, and each count is the length
//! of its list.

#![expect(clippy::expect_used, reason = "a test that meets something else has failed")]

use contract_tests::{
    Client, Server,
    dialect::{Dialect, code, derived, list, number, text},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// Runs `count` tasks concurrently, each with a client and a connection of its own, and collects their results.
async fn concurrently<T: Send + 'static, F>(
    server: &Server,
    count: usize,
    task: impl Fn(usize, Client) -> F,
) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|index| tokio::spawn(task(index, server.client()))).collect();
    join_all(tasks).await.into_iter().map(|ended| ended.expect("no task panics")).collect()
}

/// Counts the answers by their code, the rarest code first.
fn codes(dialect: Dialect, answers: &[Value]) -> Vec<(i64, usize)> {
    let mut counted: Vec<(i64, usize)> = Vec::new();
    for answer in answers {
        let code = code(dialect, answer).0;
        match counted.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count += 1,
            None => counted.push((code, 1)),
        }
    }
    counted.sort_unstable_by_key(|(_, count)| *count);
    counted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_like_is_lost_over_a_hundred_connections() {
    const CONNECTIONS: usize = 100;
    const EACH: usize = 100;
    let mut server = Server::start().await;
    let client = server.client();
    client.v1("RequestLVBAddr", json!({"userid": "anna", "groupid": "g", "title": "t"})).await;
    client.v1("ChangeStatus", json!({"userid": "anna", "status": 0})).await;
    concurrently(&server, CONNECTIONS, |_, client| async move {
        for _ in 0..EACH {
            let like = json!({"userid": "anna", "type": 1, "optype": 0, "flag": 0});
            client.v1("ChangeCount", like).await;
        }
    })
    .await;
    let likes = async |client: &Client| {
        let live = client.v1("GetUserInfo", json!({"userid": "anna", "type": 0})).await;
        number(&live, "/returnData/likecount")
    };
    assert_eq!(likes(&client).await, 10_000);
    let token = client.sxb_user("reader").await;
    let rooms = client.sxb("live/roomlist", json!({"token": token, "index": 0, "size": 1})).await;
    assert_eq!(number(&rooms, "/data/rooms/0/info/thumbup"), 10_000);
    server.restart().await;
    assert_eq!(likes(&server.client()).await, 10_000, "after a restart");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn member_counts_equal_member_lists_while_64_viewers_move() {
    const VISITORS: usize = 64;
    const ROUNDS: usize = 6;
    let server = Server::start().await;
    let client = server.client();
    let mut rooms = Vec::new();
    for host in ["host_a", "host_b"] {
        let token = client.sxb_user(host).await;
        let room = client.sxb("live/create", json!({"token": token, "type": "live"})).await;
        let room = number(&room, "/data/roomnum");
        let report = json!({"token": token, "room": {"title": host, "roomnum": room, "type": "live",
            "groupid": "g", "appid": 1, "device": 1, "videotype": 0}});
        client.sxb("live/reportroom", report).await;
        rooms.push(room);
    }
    let (first, second) = (rooms[0], rooms[1]);
    // The viewers move between the rooms while an observer compares counts and lists. In the end a quarter of the
    // viewers is in the first room, a quarter in the second, and half have left.
    let observer = tokio::spawn({
        let (client, rooms) = (server.client(), rooms.clone());
        async move {
            let token = client.sxb_user("observer").await;
            for round in 0..40 {
                audience(&client, &token, rooms[round % 2]).await;
            }
        }
    });
    concurrently(&server, VISITORS, |index, client| async move {
        let token = client.sxb_user(&format!("visitor_{index}")).await;
        for round in 0..ROUNDS {
            let room = if (index + round) % 2 == 0 { first } else { second };
            let report =
                |operate: i64| json!({"token": token, "roomnum": room, "role": 0, "operate": operate});
            client.sxb("live/reportmemid", report(0)).await;
            let role = if index % 3 == 0 { 2 } else { 0 };
            client.sxb("live/heartbeat", json!({"token": token, "roomnum": room, "role": role})).await;
            if index % 4 > 1 || round + 1 < ROUNDS && round % 2 == 0 {
                client.sxb("live/reportmemid", report(1)).await;
            }
        }
    })
    .await;
    observer.await.expect("counts and lists agree at any moment");
    let token = client.sxb_login("observer").await;
    let listed = client.sxb("live/roomlist", json!({"token": token, "index": 0, "size": 50})).await;
    for entry in list(&listed, "/data/rooms") {
        let room = number(&entry, "/info/roomnum");
        let members = audience(&client, &token, room).await;
        assert_eq!(members.len(), 1 + VISITORS / 4, "room {room}");
        assert_eq!(number(&entry, "/info/memsize"), 1 + i64::try_from(VISITORS / 4).expect("few"));
        let host = text(&entry, "/uid");
        for member in members {
            let on_mic = text(&member, "/id")
                .strip_prefix("visitor_")
                .is_some_and(|index| index.parse::<usize>().is_ok_and(|index| index % 3 == 0));
            let expected = if text(&member, "/id") == host { 1 } else { 2 * i64::from(on_mic) };
            assert_eq!(number(&member, "/role"), expected, "{member}");
        }
    }
    let qplus = client.qplus_login("observer").await;
    for room in rooms {
        let viewers =
            client.qplus("GetLiveroomNumber", json!({"sessionId": qplus, "liveRoomId": room})).await;
        assert_eq!(number(&viewers, "/number"), i64::try_from(VISITORS / 4).expect("few"));
    }
}

/// Returns the members of a room. Checks that the page has as many entries as its total says, up to 50, and no member
/// twice.
async fn audience(client: &Client, token: &str, room: i64) -> Vec<Value> {
    let mut members = Vec::new();
    let page = json!({"token": token, "roomnum": room, "index": 0, "size": 50});
    let page = client.sxb("live/roomidlist", page).await;
    members.extend(list(&page, "/data/idlist"));
    let total = usize::try_from(number(&page, "/data/total")).expect("a count");
    assert_eq!(members.len(), total.min(50), "{page}");
    let mut ids: Vec<_> = members.iter().map(|member| text(member, "/id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), members.len(), "{page}");
    members
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_one_of_many_concurrent_registrations_succeeds() {
    let server = Server::start().await;
    for id in ["anna", "berta", "carla"] {
        let answers = concurrently(&server, 32, move |index, client| async move {
            let password = derived(&format!("secret-{index}"), id);
            client.try_v2("register", None, json!({"userid": id, "password": password})).await
        })
        .await;
        assert_eq!(codes(Dialect::V2, &answers), [(200, 1), (612, 31)]);
        let winner = answers.iter().position(|answer| code(Dialect::V2, answer).1).expect("a winner");
        let client = server.client();
        for index in 0..5 {
            let who = json!({"userid": id, "password": derived(&format!("secret-{index}"), id)});
            let answer = client.try_v2("login", None, who).await;
            assert_eq!(
                code(Dialect::V2, &answer).1,
                index == winner,
                "only the first registration's password logs in"
            );
        }
        let who = json!({"userid": id, "password": derived(&format!("secret-{winner}"), id)});
        client.v2("login", None, who).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_one_registration_of_a_name_succeeds_across_dialects() {
    let server = Server::start().await;
    for round in 0..8 {
        let id = format!("user_{round}");
        let answers = concurrently(&server, 24, move |index, client| {
            let id = format!("user_{round}");
            async move {
                match index % 3 {
                    0 => {
                        let answer =
                            client.try_sxb("account/regist", json!({"id": id, "pwd": "sxb-word"})).await;
                        (Dialect::Sxb, answer)
                    }
                    1 => {
                        let new = json!({"account": id, "phone": format!("1390000{round}{index:03}"),
                            "email": format!("{id}.{index}@example.org"), "password": "qplus-word"});
                        (Dialect::Qplus, client.try_qplus("Register", new).await)
                    }
                    _ => {
                        let new = json!({"userid": id, "password": derived("v2-word", &id)});
                        (Dialect::V2, client.try_v2("register", None, new).await)
                    }
                }
            }
        })
        .await;
        let winners: Vec<_> = answers
            .iter()
            .filter(|(dialect, answer)| code(*dialect, answer).1)
            .map(|(won, _)| *won)
            .collect();
        assert_eq!(winners.len(), 1, "{answers:?}");
        for (dialect, answer) in &answers {
            let taken = match dialect {
                Dialect::V1 | Dialect::V2 => 612,
                Dialect::Sxb => 10_004,
                Dialect::Qplus => 10_102,
                // RoomService registers nobody.
                Dialect::RoomService => unreachable!("{answer}"),
            };
            let (code, success) = code(*dialect, answer);
            assert!(success || code == taken, "{answer}");
        }
        let client = server.client();
        for (dialect, password) in
            [(Dialect::Sxb, "sxb-word"), (Dialect::Qplus, "qplus-word"), (Dialect::V2, "v2-word")]
        {
            let answer = client.try_qplus("Login", json!({"account": id, "password": password})).await;
            assert_eq!(code(Dialect::Qplus, &answer).1, winners == [dialect], "{dialect:?} {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_is_exchanged_for_one_session() {
    let server = Server::start().await;
    let client = server.client();
    let who = json!({"userid": "anna", "password": derived("secret-9", "anna")});
    client.v2("register", None, who.clone()).await;
    let mut refresh = text(&client.v2("login", None, who).await, "/data/refresh_token");
    for _ in 0..4 {
        let used = refresh.clone();
        let answers = concurrently(&server, 32, move |_, client| {
            let body = json!({"userid": "anna", "refresh_token": used});
            async move { client.try_v2("refresh", None, body).await }
        })
        .await;
        // A client that sends the same token again from the same address has missed the answer.
        assert_eq!(codes(Dialect::V2, &answers), [(200, 32)]);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "one session");
        let token = text(&answers[0], "/data/token");
        client.v2("get_user_info", Some(&token), json!({"userid": "anna"})).await;
        let late = client.try_v2("refresh", None, json!({"userid": "anna", "refresh_token": refresh})).await;
        assert_eq!(code(Dialect::V2, &late).0, 498, "the new session is in use");
        refresh = text(&answers[0], "/data/refresh_token");
    }
}

//! `kill -9` at random moments: every acknowledged write survives, and the server is soon ready again.

use std::{
    collections::BTreeSet,
    process::Stdio,
    sync::mpsc::{Sender, channel},
    thread,
    time::Duration,
};

use relive_core::{Random as _, SystemRandom, database::Scratch, sign::digest::md5_hex};
use serde_json::{Value, json};

use crate::server::{self, CALLBACK_KEY, Server, free_address, notice_time, text};

/// How often the server is killed.
const KILLS: usize = 20;
/// Clients that write at the same time.
const WRITERS: usize = 8;

/// A write that the server has acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Written {
    Account(String),
    OnAir { title: String },
    Member { room: i64, user: String },
    Recording(String),
}

/// The answer to a request; `None` if the server died before it answered.
fn post(address: &str, path: &str, body: &Value) -> Option<Value> {
    server::post(address, path, &body.to_string())
}

/// The answer to a successful sxb call; `None` if the server died before it answered.
fn sxb(address: &str, command: &str, body: &Value) -> Option<Value> {
    let (service, command) = command.split_once('/')?;
    let answer = post(address, &format!("/index.php?svc={service}&cmd={command}"), body)?;
    assert_eq!(answer.get("errorCode"), Some(&json!(0)), "{command} {body} answered {answer}");
    Some(answer)
}

/// Writes until the server dies, and sends each acknowledged write to the journal.
fn write(address: &str, name: &str, journal: &Sender<Written>) -> Option<()> {
    let mut last_room = None;
    for number in 0.. {
        let user = format!("{name}_{number}");
        let who = json!({"id": user, "pwd": "secret"});
        sxb(address, "account/regist", &who)?;
        journal.send(Written::Account(user.clone())).ok()?;
        let token = text(&sxb(address, "account/login", &who)?, "/data/token");
        // A host leaves other rooms for its own, so only users without a room of their own enter another room.
        if let Some(room) = last_room.filter(|_| number % 2 == 1) {
            let enter = json!({"token": token, "roomnum": room, "role": 0, "operate": 0});
            sxb(address, "live/reportmemid", &enter)?;
            journal.send(Written::Member { room, user: user.clone() }).ok()?;
        }
        if number % 2 == 0 {
            let room = sxb(address, "live/create", &json!({"token": token, "type": "live"}))?;
            let room = room.pointer("/data/roomnum").and_then(Value::as_i64).expect("a room number");
            let report = json!({"token": token, "room": {"title": user, "roomnum": room, "type": "live",
                "groupid": room.to_string(), "appid": 1, "device": 1, "videotype": 0}});
            sxb(address, "live/reportroom", &report)?;
            journal.send(Written::OnAir { title: user.clone() }).ok()?;
            let stream = format!("1000_{}", md5_hex(format!("{room}_{user}_main")));
            let t = notice_time();
            let recorded = json!({"event_type": 100, "stream_id": stream, "video_id": user,
                "video_url": "http://vod.example/1.mp4", "file_format": "mp4", "start_time": 1, "end_time": 2,
                "t": t, "sign": md5_hex(format!("{CALLBACK_KEY}{t}"))});
            sxb(address, "live/callback", &recorded)?;
            journal.send(Written::Recording(user)).ok()?;
            last_room = Some(room);
        }
    }
    None
}

/// All entries of a list, read page by page.
fn all(address: &str, command: &str, token: &str, extra: &Value, list: &str, size: usize) -> Vec<Value> {
    let mut found = Vec::new();
    loop {
        let mut body = extra.clone();
        body["token"] = json!(token);
        body["index"] = json!(found.len());
        body["size"] = json!(size);
        let answer = sxb(address, command, &body).expect("the server lives");
        let page = answer.pointer(&format!("/data/{list}")).and_then(Value::as_array).expect("a list");
        if page.is_empty() {
            assert_eq!(answer.pointer("/data/total"), Some(&json!(found.len())));
            return found;
        }
        found.extend(page.iter().cloned());
    }
}

/// Panics if an acknowledged write is missing.
fn verify(address: &str, written: &BTreeSet<Written>) {
    let reader = json!({"id": "reader", "pwd": "secret"});
    let token = text(&sxb(address, "account/login", &reader).expect("the server lives"), "/data/token");
    let titles = |list: Vec<Value>, pointer: &str| -> BTreeSet<String> {
        list.iter().map(|entry| text(entry, pointer)).collect()
    };
    let on_air = titles(all(address, "live/roomlist", &token, &json!({}), "rooms", 50), "/info/title");
    let recordings =
        titles(all(address, "live/recordlist", &token, &json!({"type": 0}), "videos", 100), "/videoId");
    for entry in written {
        match entry {
            Written::Account(user) => {
                let again =
                    post(address, "/index.php?svc=account&cmd=regist", &json!({"id": user, "pwd": "x"}));
                assert_eq!(again.expect("the server lives")["errorCode"], 10004, "{user} is lost");
            }
            Written::OnAir { title } => assert!(on_air.contains(title), "the live of {title} is lost"),
            Written::Recording(file) => assert!(recordings.contains(file), "the recording {file} is lost"),
            Written::Member { room, user } => {
                let members =
                    all(address, "live/roomidlist", &token, &json!({"roomnum": room}), "idlist", 50);
                assert!(members.iter().any(|member| member["id"] == json!(user)), "{user} is lost");
            }
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = free_address();
    let server = Server::start(folder.path(), &address, Stdio::inherit());
    server.ready();
    sxb(&address, "account/regist", &json!({"id": "reader", "pwd": "secret"})).expect("the server lives");
    let mut server = Some(server);
    let mut slowest = Duration::ZERO;
    for round in 0..KILLS {
        let (journal, acknowledged) = channel();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (address, journal) = (address.clone(), journal.clone());
                thread::spawn(move || write(&address, &format!("r{round}w{writer}"), &journal))
            })
            .collect();
        drop(journal);
        // The server is killed after a random number of acknowledgements, while other requests are under way.
        let mut random = [0];
        SystemRandom.fill(&mut random);
        let mut written: BTreeSet<Written> = acknowledged.iter().take(20 + usize::from(random[0])).collect();
        server.take().expect("a server").kill();
        written.extend(acknowledged.iter());
        for writer in writers {
            writer.join().expect("a writer met a wrong answer");
        }
        let next = Server::start(folder.path(), &address, Stdio::inherit());
        slowest = slowest.max(next.ready());
        verify(&address, &written);
        server = Some(next);
    }
    server.take().expect("a server").kill();
    println!("{KILLS} kills, nothing lost, ready again within {slowest:?}");
}

/// Three gateways on one PostgreSQL server, which `cargo xtask test` provides: one is killed, later the others.
#[test]
#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn a_killed_gateway_takes_nothing_along() {
    let Ok(url) = std::env::var("RELIVE_TEST_POSTGRES") else { return };
    let database = Scratch::create(&url).expect("a database");
    let folder = tempfile::tempdir().expect("a folder");
    let start = || {
        let address = free_address();
        let server = Server::start_on(database.url(), folder.path(), &address, Stdio::inherit());
        server.ready();
        server
    };
    let mut servers = [start(), start(), start()];
    sxb(&servers[0].address, "account/regist", &json!({"id": "reader", "pwd": "secret"})).expect("it lives");
    let (journal, acknowledged) = channel();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (address, journal) = (servers[writer % 3].address.clone(), journal.clone());
            thread::spawn(move || write(&address, &format!("w{writer}"), &journal))
        })
        .collect();
    drop(journal);
    let mut written: BTreeSet<Written> = acknowledged.iter().take(150).collect();
    servers[0].strike();
    // The other two continue to acknowledge writes.
    written.extend(acknowledged.iter().take(150));
    for server in servers {
        server.kill();
    }
    written.extend(acknowledged.iter());
    for writer in writers {
        writer.join().expect("a writer met a wrong answer");
    }
    let next = start();
    verify(&next.address, &written);
    next.kill();
}

//! Three processes on one PostgreSQL server behave as one server: counts are exact, a user id is registered once, and
//! an account has one room.

use std::{collections::BTreeSet, process::Stdio, thread, time::Instant};

use relive_core::database::Scratch;
use serde_json::{Value, json};

use crate::server::{READY, Server, free_address, post, send, text};

/// Clients at the same time, spread over the three processes.
const CLIENTS: usize = 40;
const LIKES: usize = 10_000;

fn call(address: &str, path: &str, body: &Value) -> Value {
    post(address, path, &body.to_string()).expect("an answer")
}

fn sxb(address: &str, command: &str, body: &Value) -> Value {
    let (service, command) = command.split_once('/').expect("a command");
    call(address, &format!("/index.php?svc={service}&cmd={command}"), body)
}

/// Runs a client on each of [`CLIENTS`] threads, each with one of the addresses, and returns the clients' results.
fn everywhere<T: Send>(addresses: &[String], client: impl Fn(usize, &str) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let client = &client;
        let threads: Vec<_> = (0..CLIENTS)
            .map(|index| {
                let address = &addresses[index % addresses.len()];
                scope.spawn(move || client(index, address))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a client")).collect()
    })
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn three_processes_are_one_server() {
    let Ok(url) = std::env::var("RELIVE_TEST_POSTGRES") else { return };
    let scratch = Scratch::create(&url).expect("a database");
    let folder = tempfile::tempdir().expect("a folder");
    let servers: Vec<_> = (0..3)
        .map(|_| Server::start_on(scratch.url(), folder.path(), &free_address(), Stdio::null()))
        .collect();
    for server in &servers {
        server.ready();
    }
    let addresses: Vec<_> = servers.iter().map(|server| server.address.clone()).collect();

    // Likes of one live, sent to all processes, are counted exactly.
    let announce = json!({"Action": "RequestLVBAddr", "userid": "anna", "groupid": "g", "title": "t"});
    assert_eq!(call(&addresses[0], "/interface.php", &announce)["returnValue"], 0);
    let like =
        json!({"Action": "ChangeCount", "userid": "anna", "type": 1, "optype": 0, "flag": 0}).to_string();
    everywhere(&addresses, |_, address| {
        let agent = ureq::agent();
        for _ in 0..LIKES / CLIENTS {
            let answer = send(&agent, address, "/interface.php", &[], &like).expect("an answer");
            assert_eq!(answer["returnValue"], 0);
        }
    });
    let info = json!({"Action": "GetUserInfo", "userid": "anna", "type": 0});
    for address in &addresses {
        let start = Instant::now();
        while call(address, "/interface.php", &info)["returnData"]["likecount"] != json!(LIKES) {
            assert!(start.elapsed() < READY, "{address} does not know all likes");
        }
    }

    // A user id can be registered once.
    let bob = json!({"id": "bob", "pwd": "secret"});
    let codes =
        everywhere(&addresses, |_, address| sxb(address, "account/regist", &bob)["errorCode"].clone());
    assert_eq!(codes.iter().filter(|code| **code == json!(0)).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == json!(10004)).count(), CLIENTS - 1, "{codes:?}");

    // Every process gives an account the same room; a fresh token is valid at every process at once.
    let rooms = everywhere(&addresses, |index, address| {
        let host = json!({"id": format!("host{index}"), "pwd": "secret"});
        assert_eq!(sxb(address, "account/regist", &host)["errorCode"], 0);
        let token = text(&sxb(address, "account/login", &host), "/data/token");
        let numbers: BTreeSet<String> = addresses
            .iter()
            .map(|other| {
                let room = sxb(other, "live/create", &json!({"token": token, "type": "live"}));
                text(&room, "/data/groupid")
            })
            .collect();
        assert_eq!(numbers.len(), 1, "{numbers:?}");
        numbers
    });
    assert_eq!(
        rooms.into_iter().flatten().collect::<BTreeSet<_>>().len(),
        CLIENTS,
        "two accounts share a room"
    );
    for server in servers {
        server.kill();
    }
}

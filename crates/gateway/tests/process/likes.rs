//! Likes after `kill -9`: every acknowledged like is stored, and no like is stored that was not sent.

use std::{
    process::Stdio,
    sync::{
        Barrier,
        atomic::{AtomicI64, Ordering},
    },
    thread,
};

use relive_core::{Random as _, SystemRandom};
use serde_json::{Value, json};

use crate::server::{Server, free_address, post, send};

/// How often the server is killed.
const ROUNDS: usize = 8;
/// Clients that send likes at the same time, each on its own connection.
const CONNECTIONS: usize = 16;
const LIKE: &str = r#"{"Action":"ChangeCount","userid":"anna","type":1,"optype":0,"flag":0}"#;

fn v1(address: &str, body: &Value) -> Value {
    let answer = post(address, "/interface.php", &body.to_string()).expect("the server lives");
    assert_eq!(answer.get("returnValue"), Some(&json!(0)), "{body} answered {answer}");
    answer
}

fn stored(address: &str) -> i64 {
    let answer = v1(address, &json!({"Action": "GetUserInfo", "userid": "anna", "type": 0}));
    answer.pointer("/returnData/likecount").and_then(Value::as_i64).expect("a count")
}

#[test]
fn likes_survive_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = free_address();
    let start = || {
        let server = Server::start(folder.path(), &address, Stdio::inherit());
        server.ready();
        server
    };
    let mut server = start();
    v1(&address, &json!({"Action": "RequestLVBAddr", "userid": "anna", "groupid": "g", "title": "t"}));
    v1(&address, &json!({"Action": "ChangeStatus", "userid": "anna", "status": 0}));
    let mut before = 0;
    for round in 0..ROUNDS {
        let (sent, acknowledged) = (AtomicI64::new(0), AtomicI64::new(0));
        let mut random = [0];
        SystemRandom.fill(&mut random);
        // The server is killed after this many acknowledgements, while other connections wait for theirs.
        let enough = 50 + 2 * i64::from(random[0]);
        let enough_acknowledged = Barrier::new(2);
        thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    let agent = ureq::agent();
                    loop {
                        sent.fetch_add(1, Ordering::SeqCst);
                        let Some(answer) = send(&agent, &address, "/interface.php", &[], LIKE) else { break };
                        assert_eq!(answer.get("returnValue"), Some(&json!(0)), "{answer}");
                        if acknowledged.fetch_add(1, Ordering::SeqCst) + 1 == enough {
                            enough_acknowledged.wait();
                        }
                    }
                });
            }
            enough_acknowledged.wait();
            server.kill();
        });
        server = start();
        let (sent, acknowledged) = (sent.into_inner(), acknowledged.into_inner());
        let likes = stored(&address) - before;
        assert!(acknowledged >= enough);
        assert!(acknowledged <= likes, "round {round}: {acknowledged} acknowledged, {likes} stored");
        assert!(likes <= sent, "round {round}: {likes} stored, {sent} sent");
        before += likes;
    }
    server.kill();
    println!("{ROUNDS} kills, {before} likes stored, none lost, none added");
}

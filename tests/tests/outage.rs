//! Stops PostgreSQL under a running gateway and starts it again. Runs under `cargo xtask test` only, which provides a
//! PostgreSQL server that may be stopped.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets something else has failed"
)]

use std::{
    fs::File,
    process::Command,
    time::{Duration, Instant},
};

use contract_tests::{Answer, Client, Server};
use http::Method;
use relive_core::{database::Scratch, sign::digest::md5_hex};
use serde_json::{Value, json};

/// The longest time an answer may take, also while the database is away.
const LONGEST: Duration = Duration::from_secs(5);
/// The longest time until everything works again after PostgreSQL accepts connections.
const BACK: Duration = Duration::from_secs(2);

#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn server() -> Option<(String, Vec<String>)> {
    let url = std::env::var("RELIVE_TEST_POSTGRES_OWN").ok()?;
    let control = std::env::var("RELIVE_TEST_POSTGRES_CONTROL").ok()?;
    Some((url, control.split(' ').map(str::to_owned).collect()))
}

fn control(words: &[String], action: &[&str]) {
    let status = Command::new(&words[0]).args(&words[1..]).args(action).args(["--wait", "--silent"]).status();
    assert!(status.unwrap().success(), "pg_ctl {action:?}");
}

/// Returns requests of each dialect that need the database: path, body, pointer to the code, the code of success, and
/// the code while the database is away.
fn requests() -> [(&'static str, Value, &'static str, i64, i64); 5] {
    let v1 = json!({"Action": "FetchList", "flag": 1, "pageno": 1, "pagesize": 10});
    let enter =
        json!({"Action": "EnterGroup", "liveuserid": "host", "userid": "guest", "groupid": "g", "flag": 0});
    let login = json!({"userid": "mei_mei", "password": "secret-9"});
    [
        ("/interface.php", v1, "/returnValue", 0, 2002),
        ("/interface.php", enter, "/returnValue", 0, 2002),
        ("/login", login, "/code", 200, 500),
        (
            "/index.php?svc=account&cmd=login",
            json!({"id": "mei_mei", "pwd": "secret-9"}),
            "/errorCode",
            0,
            90_000,
        ),
        ("/live/Login", json!({"account": "mei_mei", "password": "secret-9"}), "/status", 10_000, 10_001),
    ]
}

fn code(answer: &Answer, pointer: &str) -> i64 {
    answer.json().pointer(pointer).and_then(Value::as_i64).unwrap_or(-1)
}

async fn ready(admin: &Client) -> u16 {
    admin.send(Method::GET, "/readyz", &[], "").await.unwrap().status.as_u16()
}

async fn callback(client: &Client) -> Answer {
    let t = 1_700_000_500;
    let body =
        json!({"event_type": 1, "stream_id": "8123_host", "t": t, "sign": md5_hex(format!("S3cr{t}"))});
    client.send(Method::POST, "/callback/Live_callback.php", &[], body.to_string()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_dialect_says_busy_and_is_back_by_itself() {
    let Some((url, words)) = server() else { return };
    // The lock keeps this test and the other one that stops this server apart.
    let turn = File::create(std::env::temp_dir().join(format!("relive-{}.lock", md5_hex(&url)))).unwrap();
    turn.lock().unwrap();
    let database = Scratch::create(&url).unwrap();
    let server = Server::configured(&[("database.url", database.url().into())]).await;
    let client = server.client();
    let admin = Client::new(server.gateway().admin_addr.unwrap());
    client.post("/index.php?svc=account&cmd=regist", &json!({"id": "mei_mei", "pwd": "secret-9"})).await;
    for (path, body, pointer, fine, _) in requests() {
        let answer = client.send(Method::POST, path, &[], body.to_string()).await.unwrap();
        assert_eq!(code(&answer, pointer), fine, "{path} {}", String::from_utf8_lossy(&answer.body));
    }
    assert_eq!((ready(&admin).await, callback(&client).await.status.as_u16()), (200, 200));

    for mode in ["--mode=fast", "--mode=immediate"] {
        control(&words, &["stop", mode]);
        let stopped = Instant::now();
        assert_eq!(ready(&admin).await, 503);
        // Replies from memory are refused as soon as the follower has noticed the outage.
        while code(
            &client.send(Method::POST, "/interface.php", &[], requests()[0].1.to_string()).await.unwrap(),
            "/returnValue",
        ) == 0
        {
            assert!(stopped.elapsed() < Duration::from_secs(2), "lists are shown though they may be old");
        }
        for (path, body, pointer, _, busy) in requests() {
            let asked = Instant::now();
            let answer = client.send(Method::POST, path, &[], body.to_string()).await.unwrap();
            assert_eq!((answer.status.as_u16(), code(&answer, pointer)), (200, busy), "{path}");
            assert!(asked.elapsed() < LONGEST, "{path} took {:?}", asked.elapsed());
        }
        assert_eq!(callback(&client).await.status, 503);
        control(&words, &["start"]);
        let accepts = Instant::now();
        while ready(&admin).await != 200 {
            assert!(accepts.elapsed() < BACK, "not ready again");
        }
        for (path, body, pointer, fine, _) in requests() {
            while code(&client.send(Method::POST, path, &[], body.to_string()).await.unwrap(), pointer)
                != fine
            {
                assert!(accepts.elapsed() < BACK, "{path} does not work again");
            }
        }
    }
}

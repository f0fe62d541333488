//! Tests beyond contract data: accounts of other dialects, a stopped core, hostile bytes, concurrency.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use http::{HeaderMap, HeaderValue, Method};
use proptest::prelude::*;
use relive_core::{Core, NewAccount, Password, TestClock, TestRandom, UnixSeconds};
use relive_wire::{Adapter as _, Body, Reply, Request};
use serde_json::{Value, json};

use super::{Config, MinilvbV2};

const NOW: i64 = 1_700_000_000;

struct Server {
    adapter: Arc<MinilvbV2>,
    core: Core,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = relive_core::Config::sqlite(folder.path().join("relive.db"));
        config.accounts.argon2_memory_kib = 8;
        config.accounts.argon2_iterations = 1;
        config.background = false;
        let clock = Arc::new(TestClock::at(UnixSeconds(NOW)));
        let core = Core::start(config, clock, Arc::new(TestRandom::seeded(1))).unwrap();
        let adapter = Arc::new(MinilvbV2::new(core.clone(), Config::default()));
        Self { adapter, core, _folder: folder }
    }

    async fn code(&self, path: &str, body: &Value) -> i32 {
        call(&self.adapter, path, HeaderMap::new(), body.to_string().into_bytes()).await.code
    }

    async fn log_in(&self) -> HeaderMap {
        let body = json!({ "userid": "mei_mei", "password": "secret" });
        assert_eq!(self.code("/register", &body).await, 200);
        let reply = call(&self.adapter, "/login", HeaderMap::new(), body.to_string().into_bytes()).await;
        let reply: Value = serde_json::from_slice(&reply.body).unwrap();
        let bearer = format!("Bearer {}", reply["data"]["token"].as_str().unwrap());
        HeaderMap::from_iter([(http::header::AUTHORIZATION, bearer.parse().unwrap())])
    }
}

async fn call(adapter: &MinilvbV2, path: &str, headers: HeaderMap, body: Vec<u8>) -> Reply {
    let request = Request {
        method: Method::POST,
        uri: path.parse().unwrap(),
        mount_len: 0,
        headers,
        body: Body::Whole(body.into()),
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        is_exempt: true,
    };
    adapter.call(&request).await
}

#[tokio::test]
async fn passwords_of_other_dialects_log_in() {
    let server = Server::start();
    for (user, password) in
        [("with_blanks", "  two words "), ("unicode_1", "密码"), ("symbols_1", "a!b/c\\d\"")]
    {
        server.core.accounts().register(NewAccount::new(user, Password::plain(password))).await.unwrap();
        assert_eq!(server.code("/login", &json!({ "userid": user, "password": password })).await, 200);
        assert_eq!(server.code("/login", &json!({ "userid": user, "password": "other" })).await, 621);
    }
    assert_eq!(
        server.code("/login", &json!({ "userid": "with_blanks", "password": "two words" })).await,
        621,
        "blanks are part of a password"
    );
    server.core.accounts().register(NewAccount::new("名字也可以", Password::plain("x"))).await.unwrap();
    assert_eq!(
        server.code("/login", &json!({ "userid": "名字也可以", "password": "x" })).await,
        602,
        "a user id with a form that this dialect does not admit"
    );
}

#[tokio::test]
async fn a_password_change_ends_the_session() {
    let server = Server::start();
    let headers = server.log_in().await;
    assert_eq!(call(&server.adapter, "/get_user_info", headers.clone(), Vec::new()).await.code, 200);
    server.core.accounts().set_password(&"mei_mei".into(), &Password::plain("other")).await.unwrap();
    assert_eq!(call(&server.adapter, "/get_user_info", headers, Vec::new()).await.code, 498);
}

#[tokio::test]
async fn a_stopped_core_is_code_500() {
    let server = Server::start();
    let headers = server.log_in().await;
    server.core.shutdown().await;
    for (path, body) in [
        ("/register", json!({ "userid": "bo_bo_02", "password": "secret" })),
        ("/login", json!({ "userid": "mei_mei", "password": "secret" })),
        ("/refresh", json!({ "userid": "mei_mei", "refresh_token": "x" })),
        ("/upload_user_info", json!({ "sex": 0 })),
        ("/upload_room", json!({ "title": "A" })),
        ("/upload_ugc", json!({ "file_id": "f", "title": "A", "play_url": "http://x" })),
    ] {
        let reply = call(&server.adapter, path, headers.clone(), body.to_string().into_bytes()).await;
        assert_eq!((reply.status.as_u16(), reply.code), (200, 500), "{path}");
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((&body["code"], &body["data"]), (&json!(500), &json!({})));
    }
}

#[tokio::test]
async fn one_of_many_concurrent_registrations_succeeds() {
    let server = Server::start();
    let body = json!({ "userid": "mei_mei", "password": "secret" }).to_string().into_bytes();
    let tries: Vec<_> = (0..16)
        .map(|_| {
            let (adapter, body) = (Arc::clone(&server.adapter), body.clone());
            tokio::spawn(async move { call(&adapter, "/register", HeaderMap::new(), body).await.code })
        })
        .collect();
    let mut codes = Vec::new();
    for attempt in tries {
        codes.push(attempt.await.unwrap());
    }
    codes.sort_unstable();
    assert_eq!(codes.first(), Some(&200));
    assert!(codes.iter().skip(1).all(|code| *code == 612), "{codes:?}");
}

#[tokio::test]
async fn headers_that_are_no_text_are_an_invalid_proof() {
    let server = Server::start();
    let headers = server.log_in().await;
    for name in ["liteav-sig", "authorization"] {
        let mut headers = headers.clone();
        headers.insert(name, HeaderValue::from_bytes(b"Bearer \xff\xfe").unwrap());
        assert_eq!(call(&server.adapter, "/get_user_info", headers, Vec::new()).await.code, 498);
    }
}

#[tokio::test]
async fn an_unknown_path_is_404() {
    let server = Server::start();
    let reply = call(&server.adapter, "/no_such_api", HeaderMap::new(), Vec::new()).await;
    assert_eq!((reply.status.as_u16(), reply.code, reply.interface), (404, 400, "unknown"));
}

/// Any JSON value, with a bias to values that occur in requests.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-2..3_i64).prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "[a-z_0-9]{1,30}".prop_map(Value::from),
        "-?[0-9]{1,25}".prop_map(Value::from),
        Just(Value::from("https://x/y")),
    ];
    leaf.prop_recursive(2, 4, 2, |inner| prop::collection::vec(inner, 0..3).prop_map(Value::from))
}

const FIELDS: [&str; 15] = [
    "userid",
    "password",
    "refresh_token",
    "token",
    "timestamp",
    "expires",
    "nickname",
    "avatar",
    "sex",
    "frontcover",
    "location",
    "title",
    "index",
    "count",
    "file_id",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_body_is_answered_in_the_envelope(
        bytes in prop::collection::vec(any::<u8>(), 0..60),
        objects in prop::collection::vec(prop::collection::hash_map(prop::sample::select(&FIELDS), value(), 0..8), 4),
    ) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let server = Server::start();
            let headers = server.log_in().await;
            let mut bodies: Vec<_> = objects.iter().map(|object| json!(object).to_string().into_bytes()).collect();
            bodies.push(bytes);
            for row in server.adapter.interfaces() {
                for body in &bodies {
                    let path = format!("/{}", row.name);
                    let reply = call(&server.adapter, &path, headers.clone(), body.clone()).await;
                    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
                    assert_eq!(reply.status, 200);
                    assert_eq!(&answer["code"], &json!(reply.code));
                    assert!(answer["message"].is_string() && answer["data"].is_object(), "{answer}");
                    let unconfigured = row.name.ends_with("_sign");
                    assert!(unconfigured || reply.code != 500, "{path} {answer}");
                }
            }
        });
    }
}

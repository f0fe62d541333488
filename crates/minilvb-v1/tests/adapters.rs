//! Tests beyond contract data: metric labels, storage failures, hostile input, concurrent likes, secrets in the log.

#![expect(clippy::unwrap_used, reason = "a failed precondition fails the test")]

use std::{
    io,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use http::{HeaderMap, Method, StatusCode};
use minilvb_v1::{Callbacks, Config, MinilvbV1};
use proptest::prelude::*;
use relive_core::{
    Core, Dialect, Identifier, NewAccount, Password, TestClock, TestRandom, UnixSeconds, sign::Key,
    sign::callback, sign::liteav,
};
use relive_wire::{Adapter, Body, Endpoint, Reply, Request};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

const KEY: &str = "callback-key-of-this-test";

fn start(folder: &tempfile::TempDir) -> Core {
    let mut config = relive_core::Config::sqlite(folder.path().join("relive.db"));
    config.accounts.argon2_memory_kib = 8;
    config.accounts.argon2_iterations = 1;
    config.background = false;
    config.media.push_key = "push-key-of-this-test".to_owned().into();
    config.media.play_key = "play-key-of-this-test".to_owned().into();
    config.cloud.callback_key = KEY.to_owned().into();
    "covers".clone_into(&mut config.cloud.cos_bucket);
    config.cloud.cos_secret_key = "cos-key-of-this-test".to_owned().into();
    config.cloud.vod_secret_key = "vod-key-of-this-test".to_owned().into();
    let clock = Arc::new(TestClock::at(UnixSeconds(1_700_000_000)));
    Core::start(config, clock, Arc::new(TestRandom::seeded(1))).unwrap()
}

fn request(path: &'static str, body: impl Into<Vec<u8>>) -> Request {
    Request {
        method: Method::POST,
        uri: path.parse().unwrap(),
        mount_len: 0,
        headers: HeaderMap::new(),
        body: Body::Whole(body.into().into()),
        client: IpAddr::from([192, 0, 2, 1]),
        is_exempt: true,
    }
}

async fn call(adapter: &dyn Adapter, body: &Value) -> Reply {
    adapter.call(&request("/interface.php", body.to_string())).await
}

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

fn notice(event: i64) -> String {
    json!({ "event_type": event, "stream_id": "1000_anna", "t": 1_700_000_600,
        "sign": callback::sign(Key(KEY), "1700000600"), "video_id": "v1", "video_url": "http://vod.example/1.flv",
        "start_time": 1_700_000_000, "end_time": 1_700_000_100, "file_format": "flv" })
    .to_string()
}

#[tokio::test]
async fn each_path_has_its_endpoint_and_body_limit() {
    let folder = tempfile::tempdir().unwrap();
    let core = start(&folder);
    let v1 = MinilvbV1::new(core.clone(), Config::default());
    let mebibyte = Some(Endpoint { body_limit: 1_048_576 });
    for (method, path, endpoint) in [
        (Method::POST, "/interface.php", mebibyte),
        (Method::GET, "/interface.php", mebibyte),
        (Method::PUT, "/interface.php/", mebibyte),
        (Method::POST, "/", mebibyte),
        (Method::GET, "/", None),
        (Method::POST, "/interface.php/login", None),
        (Method::POST, "/Interface.php", None),
        (Method::POST, "/interface.php//", None),
    ] {
        assert_eq!(v1.endpoint(&method, path), endpoint, "{method} {path}");
    }
    let callbacks = Callbacks::new(core);
    for path in [
        "/callback/Live_callback.php",
        "/callback/tape_callback.php",
        "/callback/tape_callback",
        "/tape_callback",
    ] {
        assert_eq!(callbacks.endpoint(&Method::POST, path), Some(Endpoint { body_limit: 65_536 }), "{path}");
    }
    for path in ["/callback", "/callback/", "/callback/live_callback.php", "/tape_callback.php", "/"] {
        assert_eq!(callbacks.endpoint(&Method::POST, path), None, "{path}");
    }
    assert_eq!((v1.name(), callbacks.name()), ("minilvb-v1", "callback"));
    assert_eq!((v1.interfaces().len(), callbacks.interfaces().len()), (18, 4));
}

#[tokio::test]
async fn replies_carry_interface_and_code_for_the_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let core = start(&folder);
    let v1 = MinilvbV1::new(core.clone(), Config::default());
    for (body, interface, code) in [
        (json!({ "Action": "ChangeStatus", "userid": "a", "status": 0 }), "ChangeStatus", 0),
        (json!({ "Action": "ChangeStatus", "userid": "a", "status": 2 }), "ChangeStatus", 4002),
        (json!({ "Action": "ChangeStatus" }), "ChangeStatus", 1000),
        (json!({ "Action": "GetUserInfo", "userid": "a", "type": 0 }), "GetUserInfo", 2003),
        (json!({ "Action": "a name that is no call" }), "unknown", 1000),
        (json!([]), "unknown", 4001),
    ] {
        let reply = call(&v1, &body).await;
        assert_eq!((reply.interface, reply.code, reply.status), (interface, code, StatusCode::OK), "{body}");
    }
    let large = Request { body: Body::TooLarge, ..request("/interface.php", "") };
    let reply = v1.call(&large).await;
    assert_eq!((reply.interface, reply.code, reply.status), ("unknown", 4001, StatusCode::OK));

    let callbacks = Callbacks::new(core);
    for (event, interface, code) in
        [(0, "stopped", 0), (1, "started", 0), (100, "recorded", 2003), (200, "other", 0)]
    {
        let reply = callbacks.call(&request("/tape_callback", notice(event))).await;
        assert_eq!((reply.interface, reply.code, reply.status), (interface, code, StatusCode::OK));
    }
    let large = Request { body: Body::TooLarge, ..request("/tape_callback", "") };
    let reply = callbacks.call(&large).await;
    assert_eq!((reply.interface, reply.code, reply.status), ("unknown", 4001, StatusCode::OK));
}

#[tokio::test]
async fn a_failed_storage_is_503_for_the_cloud_and_a_code_for_the_apps() {
    let folder = tempfile::tempdir().unwrap();
    let core = start(&folder);
    let (v1, callbacks) = (MinilvbV1::new(core.clone(), Config::default()), Callbacks::new(core.clone()));
    core.shutdown().await;
    for event in [0, 1, 100] {
        let reply = callbacks.call(&request("/tape_callback", notice(event))).await;
        assert_eq!((reply.status, body(&reply)), (StatusCode::SERVICE_UNAVAILABLE, json!({ "code": 2003 })));
    }
    let reply = callbacks.call(&request("/tape_callback", notice(200))).await;
    assert_eq!((reply.status, body(&reply)), (StatusCode::OK, json!({ "code": 0 })));
    for action in [
        json!({ "Action": "ChangeStatus", "userid": "a", "status": 0 }),
        json!({ "Action": "ChangeCount", "userid": "a", "type": 1, "optype": 0, "flag": 0 }),
        json!({ "Action": "RequestLVBAddr", "userid": "a", "groupid": "g", "title": "" }),
    ] {
        let reply = call(&v1, &action).await;
        let expected = json!({ "returnValue": 2002, "returnMsg": "connect db error", "returnData": {} });
        assert_eq!((reply.status, body(&reply)), (StatusCode::OK, expected));
    }
}

#[tokio::test]
async fn concurrent_likes_and_viewers_are_all_counted() {
    let folder = tempfile::tempdir().unwrap();
    let v1 = Arc::new(MinilvbV1::new(start(&folder), Config::default()));
    call(&*v1, &json!({ "Action": "RequestLVBAddr", "userid": "anna", "groupid": "g", "title": "" })).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let v1 = Arc::clone(&v1);
        tasks.spawn(async move {
            let like =
                json!({ "Action": "ChangeCount", "userid": "anna", "type": 1, "optype": 0, "flag": 0 });
            let viewer = json!({ "Action": "EnterGroup", "userid": format!("v{}", number % 50), "flag": 0,
                "liveuserid": "anna", "groupid": "g" });
            (call(&*v1, &like).await.code, call(&*v1, &viewer).await.code)
        });
    }
    while let Some(codes) = tasks.join_next().await {
        assert_eq!(codes.unwrap(), (0, 0));
    }
    let reply = call(&*v1, &json!({ "Action": "GetUserInfo", "userid": "anna", "type": 0 })).await;
    let data = body(&reply)["returnData"].clone();
    assert_eq!((&data["likecount"], &data["viewercount"]), (&json!(200), &json!(50)));
}

/// Any JSON value, with a bias to values that occur in requests.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-2..7_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        "[0-9a-z]{0,4}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 8, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,8}", inner, 0..4)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

fn any_request(actions: &'static [relive_wire::Interface]) -> impl Strategy<Value = Value> {
    const NAMES: [&str; 24] = [
        "userid",
        "groupid",
        "title",
        "userinfo",
        "status",
        "type",
        "optype",
        "flag",
        "fileid",
        "pageno",
        "pagesize",
        "liveuserid",
        "nickname",
        "headpic",
        "file_id",
        "play_url",
        "user_id",
        "originStreamUrl",
        "hostuserid",
        "timestamp",
        "expires",
        "event_type",
        "stream_id",
        "sign",
    ];
    let members = prop::collection::hash_map(prop::sample::select(NAMES.as_slice()), any_value(), 0..12);
    (prop::sample::select(actions), members).prop_map(|(action, members)| {
        let mut request = serde_json::Map::from_iter([("Action".to_owned(), action.name.into())]);
        request.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
        request.into()
    })
}

#[test]
fn any_body_is_answered_in_the_envelope() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let core = start(&folder);
    let (v1, callbacks) = (MinilvbV1::new(core.clone(), Config::default()), Callbacks::new(core));
    let bytes = prop::collection::vec(any::<u8>(), 0..300);
    let requests = any_request(v1.interfaces());
    proptest!(ProptestConfig::with_cases(400), |(bytes in bytes, json in requests, signed: bool)| {
        for body in [bytes, json.to_string().into_bytes()] {
            let mut request = request("/interface.php", body.clone());
            if signed {
                request.headers.insert("liteav-sig", liteav::sign("token", &body).parse().unwrap());
            }
            let reply = runtime.block_on(v1.call(&request));
            let answer: Value = serde_json::from_slice(&reply.body).unwrap();
            prop_assert_eq!(reply.status, StatusCode::OK);
            prop_assert_eq!(answer.as_object().map(serde_json::Map::len), Some(3));
            prop_assert_eq!(&answer["returnValue"], &json!(reply.code));
            prop_assert!(answer["returnMsg"].as_str().is_some_and(|text| !text.is_empty()));
            prop_assert!(answer["returnData"].is_object());
            prop_assert!([0, 498, 1000, 2003, 4001, 4002].contains(&reply.code), "{}", reply.code);
            let reply = runtime.block_on(callbacks.call(&self::request("/tape_callback", body)));
            prop_assert_eq!(reply.status, StatusCode::OK);
            prop_assert!([4001, 4002, 4003].contains(&reply.code));
        }
    });
}

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Sink;

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_logged() {
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| Sink).init();
    let folder = tempfile::tempdir().unwrap();
    let core = start(&folder);
    let (v1, callbacks) = (MinilvbV1::new(core.clone(), Config::default()), Callbacks::new(core.clone()));
    core.accounts().register(NewAccount::new("anna", Password::plain("password-of-anna"))).await.unwrap();
    let identifier = Identifier::UserId("anna".into());
    let forms = [Password::plain("password-of-anna")];
    let (_, session) = core.accounts().login(Dialect::MinilvbV2, identifier, &forms).await.unwrap();
    let token = session.token.expose_secret();

    let announce =
        json!({ "Action": "RequestLVBAddr", "userid": "anna", "groupid": "g", "title": "t" }).to_string();
    let signature = liteav::sign(token, announce.as_bytes());
    let mut signed = request("/interface.php", announce);
    signed.headers.insert("liteav-sig", signature.parse().unwrap());
    let reply = v1.call(&signed).await;
    let push_url = body(&reply)["returnData"]["pushurl"].as_str().unwrap().to_owned();
    let secret = push_url.split("txSecret=").nth(1).and_then(|rest| rest.get(..32)).unwrap().to_owned();
    let mut secrets = vec![token.to_owned(), signature, secret, callback::sign(Key(KEY), "1700000600")];
    for action in ["GetCOSSign", "GetCOSSignV2", "GetVodSignature"] {
        let data = body(&call(&v1, &json!({ "Action": action })).await)["returnData"].clone();
        secrets.extend(data.as_object().unwrap().values().map(|value| value.as_str().unwrap().to_owned()));
    }
    callbacks.call(&request("/tape_callback", notice(100))).await;
    callbacks.call(&request("/tape_callback", notice(1).replace("\"t\":17", "\"t\":18"))).await;
    core.shutdown().await;
    callbacks.call(&request("/tape_callback", notice(1))).await;
    call(&v1, &json!({ "Action": "ChangeStatus", "userid": "bob", "status": 0 })).await;

    tracing::info!("the end");
    let log = String::from_utf8_lossy(&LOG.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    assert!(log.contains("the end"), "the log is captured");
    secrets.extend(["password-of-anna", "-key-of-this-test"].map(str::to_owned));
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
}

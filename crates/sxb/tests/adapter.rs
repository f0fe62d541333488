//! What contract data cannot show: a storage that fails, hostile values in every field, what is logged.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use relive_core::{Clock, Core, TestClock, TestRandom, sign::digest::md5_hex};
use relive_wire::{Adapter as _, Body, Reply, Request};
use serde_json::{Value, json};
use sxb::{Config, Sxb};
use tracing_subscriber::fmt::MakeWriter;

const KEY: &str = "callback-key-3f";

struct Server {
    sxb: Sxb,
    core: Core,
    clock: Arc<TestClock>,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::at(1_700_000_000));
        let mut core = relive_core::Config::sqlite(folder.path().join("relive.db"));
        core.accounts.argon2_memory_kib = 8;
        core.accounts.argon2_iterations = 1;
        core.background = false;
        core.cloud.callback_key = KEY.to_owned().into();
        core.cloud.im_secret = "im-key-3f".to_owned().into();
        let same: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);
        let core = Core::start(core, same, Arc::new(TestRandom::seeded(1))).unwrap();
        Self { sxb: Sxb::new(core.clone(), config), core, clock, _folder: folder }
    }

    async fn send(&self, name: &str, body: impl Into<Bytes>) -> Reply {
        let (svc, cmd) = name.split_once('/').unwrap();
        let request = Request {
            method: Method::POST,
            uri: format!("/index.php?svc={svc}&cmd={cmd}").parse().unwrap(),
            mount_len: 0,
            headers: HeaderMap::new(),
            body: Body::Whole(body.into()),
            client: [127, 0, 0, 1].into(),
        };
        self.sxb.call(request).await
    }

    async fn call(&self, name: &str, body: &Value) -> Value {
        serde_json::from_slice(&self.send(name, body.to_string()).await.body).unwrap()
    }

    async fn log_in(&self, id: &str) -> String {
        let credentials = json!({"id": id, "pwd": "password-3f"});
        self.call("account/regist", &credentials).await;
        let reply = self.call("account/login", &credentials).await;
        reply["data"]["token"].as_str().unwrap().to_owned()
    }

    fn recording(&self) -> Value {
        let t = self.clock.now() + 600;
        json!({
            "event_type": 100, "stream_id": "8123_x", "stream_param": "groupid=10001", "video_id": "v1",
            "video_url": "http://vod.example/v1.mp4", "t": t, "sign": md5_hex(format!("{KEY}{t}")),
        })
    }
}

#[tokio::test]
async fn a_callback_that_cannot_be_stored_is_asked_for_again() {
    let server = Server::start(Config::default());
    let token = server.log_in("mei").await;
    server.call("live/create", &json!({"token": token, "type": "live"})).await;
    server.core.shutdown().await;

    let lost = server.send("live/callback", server.recording().to_string()).await;
    assert_eq!((lost.status, lost.code), (StatusCode::SERVICE_UNAVAILABLE, 90000));
    let envelope: Value = serde_json::from_slice(&lost.body).unwrap();
    assert_eq!(
        envelope,
        json!({"errorCode": 90000, "errorInfo": "internal error", "errInfo": "internal error"}),
        "nothing of what failed inside is told"
    );

    let mut forged = server.recording();
    forged["sign"] = "0".into();
    let refused = server.send("live/callback", forged.to_string()).await;
    assert_eq!((refused.status, refused.code), (StatusCode::OK, 10001));
    let other = server.send("live/exitroom", json!({"token": token}).to_string()).await;
    assert_eq!(
        (other.status, other.code),
        (StatusCode::OK, 90000),
        "only a callback may have another status"
    );
}

#[tokio::test]
async fn metrics_are_told_the_call_and_its_code() {
    let server = Server::start(Config::default());
    let reply = server.send("account/login", "{}").await;
    assert_eq!((reply.interface, reply.code), ("account/login", 10003));
    let reply = server.send("account/nosuch", "{}").await;
    assert_eq!((reply.interface, reply.code), ("unknown", 10001));
}

const FIELDS: &str = "id pwd kickid holdsig sig identifier privMap accounttype appid type room lbs roomnum groupid \
    title cover device videotype index size role operate thumbup status uid name s_uid t sign event_type video_id \
    video_url stream_id start_time end_time duration";

/// A body that is right for every call.
fn body(token: &str, t: i64) -> Value {
    let mut body = json!({
        "token": token, "id": "lin", "pwd": "password-3f", "kickid": "nobody", "sig": "x", "identifier": "lin",
        "type": "live", "roomnum": 10001, "groupid": "g", "device": 0, "videotype": 0, "appid": 1, "index": 0,
        "size": 1, "role": 0, "status": "on", "uid": "u", "name": "n", "t": t, "event_type": 100,
        "sign": md5_hex(format!("{KEY}{t}")), "video_id": "v", "video_url": "u", "stream_id": "s",
    });
    body["room"] = body.clone();
    body
}

/// Every call, given every kind of value in every field it knows: always its envelope, never an internal error.
#[tokio::test]
async fn no_value_in_any_field_breaks_a_call() {
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(0.5),
        json!(1e300),
        json!(""),
        json!("-9223372036854775808"),
        json!("x\0y"),
        json!("\u{202e}%s%n'--"),
        json!("随".repeat(5_000)),
        json!([[{}]]),
        json!({"type": {}}),
    ];
    let server = Server::start(Config { admins: vec!["lin".to_owned()], ..Config::default() });
    let mut token = server.log_in("lin").await;
    for interface in server.sxb.interfaces() {
        let name = interface.name;
        for field in FIELDS.split_whitespace() {
            for value in &values {
                let mut body = body(&token, server.clock.now());
                if name == "live/reportroom" && field != "room" {
                    body["room"][field] = value.clone();
                }
                body[field] = value.clone();
                let reply = server.send(name, body.to_string()).await;
                let told: Value = serde_json::from_slice(&reply.body).unwrap();
                assert_eq!(reply.status, StatusCode::OK, "{name} {field} {value}");
                assert_eq!(told["errorCode"], reply.code, "{name} {field} {value}");
                assert_eq!(told["errInfo"], told["errorInfo"], "{name} {field} {value}");
                assert!(reply.code != 90000 || name == "account/verify", "{name} {field} {value}: {told}");
                if reply.code == 0
                    && ["account/login", "account/logout", "account/authPrivMap"].contains(&name)
                {
                    token = server.log_in("lin").await;
                }
            }
        }
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_secret_is_logged() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server =
        Server::start(Config { sign_secret: "sign-secret-3f".to_owned().into(), ..Config::default() });
    let first = server.log_in("mei").await;
    server.call("account/authPrivMap", &json!({"identifier": "mei", "pwd": "wrong-3f", "roomnum": 1})).await;
    let granted = server.call("account/login", &json!({"id": "mei", "pwd": "password-3f"})).await;
    let granted = |name: &str| granted["data"][name].as_str().unwrap();
    let (token, ticket) = (granted("token"), granted("userSig"));
    server.call("account/verify", &json!({"id": "lin", "sig": ticket})).await;
    server.call("live/create", &json!({"token": first, "type": "live"})).await;
    server.core.shutdown().await;
    let recording = server.recording();
    server.call("live/callback", &recording).await;
    server.call("live/exitroom", &json!({"token": token})).await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let config = format!("{:?}", server.sxb);
    assert!(log.contains("request failed"), "{log}");
    let sign = recording["sign"].as_str().unwrap();
    for secret in ["password-3f", "wrong-3f", "sign-secret-3f", "im-key-3f", KEY, &first, token, ticket, sign]
    {
        assert!(!log.contains(secret), "{secret} in {log}");
        assert!(!config.contains(secret), "{secret} in {config}");
    }
}

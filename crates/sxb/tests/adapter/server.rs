//! A test server: the adapter on a core of its own, with a clock that tests move.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use relive_core::{Clock, Core, Seconds, TestClock, TestRandom, UnixSeconds, sign::digest::md5_hex};
use relive_wire::{Adapter as _, Body, Reply, Request};
use serde_json::{Value, json};
use sxb::{Config, Sxb};

/// The key of callbacks.
pub(crate) const KEY: &str = "callback-key-3f";

pub(crate) struct Server {
    pub(crate) sxb: Sxb,
    pub(crate) core: Core,
    pub(crate) clock: Arc<TestClock>,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts a server with that configuration of the adapter.
    pub(crate) fn start(config: Config) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let clock = Arc::new(TestClock::at(UnixSeconds(1_700_000_000)));
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

    /// Calls with a body of any bytes.
    pub(crate) async fn send(&self, name: &str, body: impl Into<Bytes>) -> Reply {
        let (svc, cmd) = name.split_once('/').unwrap();
        let request = Request {
            method: Method::POST,
            uri: format!("/index.php?svc={svc}&cmd={cmd}").parse().unwrap(),
            mount_len: 0,
            headers: HeaderMap::new(),
            body: Body::Whole(body.into()),
            client: [127, 0, 0, 1].into(),
            is_exempt: true,
        };
        self.sxb.call(&request).await
    }

    /// Calls with a JSON body; returns the JSON of the reply.
    pub(crate) async fn call(&self, name: &str, body: &Value) -> Value {
        serde_json::from_slice(&self.send(name, body.to_string()).await.body).unwrap()
    }

    /// Registers a user unless the id is registered, and logs in; returns the token.
    pub(crate) async fn log_in(&self, id: &str) -> String {
        let credentials = json!({"id": id, "pwd": "password-3f"});
        self.call("account/regist", &credentials).await;
        let reply = self.call("account/login", &credentials).await;
        reply["data"]["token"].as_str().unwrap().to_owned()
    }

    /// Makes a signed notice of a recording of the first room.
    pub(crate) fn recording(&self) -> Value {
        let t = self.clock.now() + Seconds(600);
        json!({
            "event_type": 100, "stream_id": "8123_x", "stream_param": "groupid=10001", "video_id": "v1",
            "video_url": "http://vod.example/v1.mp4", "t": t, "sign": md5_hex(format!("{KEY}{t}")),
        })
    }
}

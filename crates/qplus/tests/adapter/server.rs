//! A test server: the adapter on a core of its own in a temporary folder, with a clock that tests move.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use http::{HeaderMap, Method};
use qplus::{
    CodeDelivery, Config, DeliveryError, DeliveryFuture, ExposeAnchorPassword, PasswordReset, Qplus,
    VerificationCode,
};
use relive_core::{Core, TestClock, TestRandom, UnixSeconds};
use relive_wire::{Adapter as _, Body, Reply, Request};
use serde_json::{Value, json};

/// Records the codes that it is given.
#[derive(Default)]
pub(crate) struct Phones {
    pub(crate) received: Mutex<Vec<(String, String)>>,
    pub(crate) out_of_order: bool,
}

impl CodeDelivery for Phones {
    fn deliver<'a>(&'a self, VerificationCode { phone, code }: VerificationCode<'a>) -> DeliveryFuture<'a> {
        Box::pin(async move {
            if self.out_of_order {
                return Err(DeliveryError::new("out of order"));
            }
            self.received.lock().unwrap().push((phone.to_owned(), code.to_owned()));
            Ok(())
        })
    }
}

pub(crate) struct Server {
    pub(crate) core: Core,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) phones: Arc<Phones>,
    adapter: Qplus,
    _folder: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(PasswordReset::Open, Phones::default())
    }

    pub(crate) fn with(password_reset: PasswordReset, phones: Phones) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = relive_core::Config::sqlite(folder.path().join("relive.db"));
        config.accounts.argon2_memory_kib = 8;
        config.accounts.argon2_iterations = 1;
        config.background = false;
        let clock = Arc::new(TestClock::at(UnixSeconds(1_700_000_000)));
        let core =
            Core::start(config, Arc::<TestClock>::clone(&clock), Arc::new(TestRandom::seeded(7))).unwrap();
        let phones = Arc::new(phones);
        let config = Config {
            password_reset,
            expose_anchor_password: ExposeAnchorPassword::Owner,
            delivery: Some(Arc::<Phones>::clone(&phones)),
        };
        Self { adapter: Qplus::new(core.clone(), config), core, clock, phones, _folder: folder }
    }

    pub(crate) async fn send(&self, method: Method, target: &str, body: impl Into<bytes::Bytes>) -> Reply {
        let request = Request {
            method,
            uri: target.parse().unwrap(),
            mount_len: 0,
            headers: HeaderMap::new(),
            body: Body::Whole(body.into()),
            client: Ipv4Addr::LOCALHOST.into(),
            is_exempt: true,
        };
        self.adapter.call(&request).await
    }

    /// Calls, and returns the body of the reply.
    pub(crate) async fn post(&self, api: &str, body: Value) -> Value {
        let reply = self.send(Method::POST, &format!("/live/{api}"), body.to_string()).await;
        serde_json::from_slice(&reply.body).unwrap()
    }

    /// Calls, and returns `status` of the reply.
    pub(crate) async fn status(&self, api: &str, body: Value) -> i64 {
        self.post(api, body).await["status"].as_i64().unwrap()
    }

    /// Registers a user and logs in; returns the session.
    pub(crate) async fn user(&self, name: &str) -> String {
        let phone = phone(name);
        let email = format!("{name}@example.org");
        let body = json!({"account": name, "phone": phone, "email": email, "password": "s3cret!"});
        assert_eq!(self.status("Register", body).await, 10_000);
        self.login(name, "s3cret!").await.unwrap()
    }

    pub(crate) async fn login(&self, account: &str, password: &str) -> Option<String> {
        let reply = self.post("Login", json!({"account": account, "password": password})).await;
        reply["sessionId"].as_str().map(str::to_owned)
    }

    /// The code that was delivered last.
    pub(crate) fn code(&self) -> String {
        self.phones.received.lock().unwrap().last().unwrap().1.clone()
    }
}

/// Derives the phone number of a user from the user's name.
pub(crate) fn phone(name: &str) -> String {
    let digits: u32 = name.bytes().fold(0, |sum, byte| sum * 7 + u32::from(byte));
    format!("139{digits:08}")
}

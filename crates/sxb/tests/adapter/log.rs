//! Checks that no secret is logged, at any level.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use serde_json::json;
use sxb::Config;
use tracing_subscriber::fmt::MakeWriter;

use crate::server::{KEY, Server};

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
    let reply = server.call("account/login", &json!({"id": "mei", "pwd": "password-3f"})).await;
    let data = |name: &str| reply["data"][name].as_str().unwrap();
    let (token, ticket) = (data("token"), data("userSig"));
    server.call("account/verify", &json!({"id": "lin", "sig": ticket})).await;
    server.call("live/create", &json!({"token": first, "type": "live"})).await;
    server.core.shutdown().await;
    let recording = server.recording();
    server.call("live/callback", &recording).await;
    server.call("live/exitroom", &json!({"token": token})).await;
    tracing::trace!("logged to the end");

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let config = format!("{:?}", server.sxb);
    assert!(log.contains("logged to the end"), "{log}");
    let sign = recording["sign"].as_str().unwrap();
    for secret in ["password-3f", "wrong-3f", "sign-secret-3f", "im-key-3f", KEY, &first, token, ticket, sign]
    {
        assert!(!log.contains(secret), "{secret} in {log}");
        assert!(!config.contains(secret), "{secret} in {config}");
    }
}

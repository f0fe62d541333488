//! A server as a process of its own, and what clients say to it.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// The server has to be ready this soon.
pub(crate) const READY: Duration = Duration::from_secs(2);
/// Signs the media cloud's notices.
pub(crate) const CALLBACK_KEY: &str = "callbackkey-demo";

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
}

/// An address nobody listens on.
pub(crate) fn free_address() -> String {
    let socket = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    socket.expect("a port").to_string()
}

impl Server {
    /// Starts it over the data in a folder. What it logs goes there.
    pub(crate) fn start(folder: &Path, address: &str, log: Stdio) -> Self {
        Self::start_on("sqlite://relive-data/relive.db", folder, address, log)
    }

    /// Starts it over a database.
    pub(crate) fn start_on(database: &str, folder: &Path, address: &str, log: Stdio) -> Self {
        let database = format!("database.url={database}");
        let listen = format!("http.listen={address}");
        let callback = format!("callback.key={CALLBACK_KEY}");
        let process = Command::new(env!("CARGO_BIN_EXE_relive"))
            .current_dir(folder)
            .args(["--set", &database, "--set", &listen, "--set", &callback, "--set", "admin.listen="])
            .args(["--set", "accounts.argon2.memory_kib=8", "--set", "accounts.argon2.iterations=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the server starts");
        Self { process, address: address.to_owned() }
    }

    /// Waits until it answers, and tells how long that took.
    pub(crate) fn ready(&self) -> Duration {
        let started = Instant::now();
        while post(&self.address, "/index.php?svc=live&cmd=probe", "{}").is_none() {
            assert!(started.elapsed() < READY, "not ready after {READY:?}");
            thread::yield_now();
        }
        started.elapsed()
    }

    /// `kill -9`, without waiting for the end.
    pub(crate) fn strike(&mut self) {
        self.process.kill().expect("the server can be killed");
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.strike();
        self.process.wait().expect("the server is gone");
    }
}

/// The answer to a request of its own, or `None` if there was none.
pub(crate) fn post(address: &str, path: &str, body: &str) -> Option<Value> {
    send(&ureq::agent(), address, path, &[], body)
}

/// The answer, or `None` if there was none.
pub(crate) fn send(
    agent: &ureq::Agent,
    address: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<Value> {
    let mut request = agent.post(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let text = request
        .config()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .send(body)
        .ok()?
        .body_mut()
        .read_to_string()
        .ok()?;
    serde_json::from_str(&text).ok()
}

/// The text at a pointer.
pub(crate) fn text(answer: &Value, pointer: &str) -> String {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("no text at {pointer} in {answer}")).to_owned()
}

//! Starts and kills a server process, and sends requests to it.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use relive_core::{Clock as _, SystemClock};
use serde_json::Value;

/// Time within which the server must be ready.
pub(crate) const READY: Duration = Duration::from_secs(2);
/// Key that signs the media cloud's notices.
pub(crate) const CALLBACK_KEY: &str = "callbackkey-demo";

/// The time `t` of a notice of the media cloud that is sent now.
pub(crate) fn notice_time() -> i64 {
    SystemClock.now().0 + 600
}

/// A running server process.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
}

/// A free address on loopback.
pub(crate) fn free_address() -> String {
    let socket = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    socket.expect("a port").to_string()
}

impl Server {
    /// Starts a server on the SQLite database in a folder; its log lines go to `log`.
    pub(crate) fn start(folder: &Path, address: &str, log: Stdio) -> Self {
        Self::start_on("sqlite://relive-data/relive.db", folder, address, log)
    }

    /// Starts a server on a database.
    pub(crate) fn start_on(database: &str, folder: &Path, address: &str, log: Stdio) -> Self {
        Self::start_with(Command::new(env!("CARGO_BIN_EXE_relive")), database, folder, address, log)
    }

    /// Starts a server with a command that takes its arguments.
    pub(crate) fn start_with(
        mut command: Command,
        database: &str,
        folder: &Path,
        address: &str,
        log: Stdio,
    ) -> Self {
        let database = format!("database.url={database}");
        let listen = format!("http.listen={address}");
        let callback = format!("callback.key={CALLBACK_KEY}");
        let process = command
            .current_dir(folder)
            .args(["--set", &database, "--set", &listen, "--set", &callback, "--set", "admin.listen="])
            .args(["--set", "accounts.argon2.memory_kib=8", "--set", "accounts.argon2.iterations=1"])
            // A busy machine may be slow.
            .args(["--set", "http.request_deadline=60s"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the server starts");
        Self { process, address: address.to_owned() }
    }

    /// Waits until the server answers; returns how long that took.
    pub(crate) fn ready(&self) -> Duration {
        let started = Instant::now();
        while post(&self.address, "/index.php?svc=live&cmd=probe", "{}").is_none() {
            assert!(started.elapsed() < READY, "not ready after {READY:?}");
            thread::yield_now();
        }
        started.elapsed()
    }

    /// Sends a signal, such as `-TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.process.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits for the end of the process.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.process.wait().expect("the server is gone")
    }

    /// Sends `kill -9` without waiting for the end of the process.
    pub(crate) fn strike(&mut self) {
        self.process.kill().expect("the server can be killed");
    }

    /// Sends `kill -9` and waits for the end of the process.
    pub(crate) fn kill(mut self) {
        self.strike();
        self.process.wait().expect("the server is gone");
    }
}

/// The answer to a request on a new connection; `None` if there was no answer.
pub(crate) fn post(address: &str, path: &str, body: &str) -> Option<Value> {
    send(&ureq::agent(), address, path, &[], body)
}

/// The answer to a request; `None` if there was no answer.
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

/// The text at a JSON pointer.
pub(crate) fn text(answer: &Value, pointer: &str) -> String {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("no text at {pointer} in {answer}")).to_owned()
}

//! A server to attack, and clients that behave while it is attacked.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::bench::{Profile, Programs, Server, Setup};

/// How long a client waits for a reply.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a client that behaves asks.
const PACE: Duration = Duration::from_millis(5);

/// The built server, and a folder for its databases.
#[derive(Debug)]
pub(super) struct Lab {
    programs: Programs,
    folder: TempDir,
}

/// Keys that make clients on loopback strangers: a client says where it comes from, as a proxy would.
const STRANGERS: [&str; 2] = ["limits.exempt=", "http.trusted_proxies=127.0.0.0/8"];
/// Keys that let an attack prepare what it needs.
const NO_BUDGETS: [&str; 6] = [
    "limits.guests_per_ip_per_minute=0",
    "limits.lives_per_ip_per_minute=0",
    "limits.guest_lives_per_ip=0",
    "limits.enters_per_ip_per_minute=0",
    "limits.uploads_per_ip_per_minute=0",
    "limits.register_per_ip_per_hour=0",
];

impl Lab {
    pub(super) fn build(profile: Profile) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("relive-abuse-").tempdir()?;
        let programs = Programs::build_server(folder.path(), profile)?;
        Ok(Self { programs, folder })
    }

    /// Starts a server on an empty database whose clients are strangers without budgets, with some further keys.
    pub(super) fn server(&self, keys: &[&str]) -> Result<Server> {
        self.server_on("sqlite://relive.db", keys)
    }

    /// Starts a server like [`Lab::server`] on a given database.
    pub(super) fn server_on(&self, database: &str, keys: &[&str]) -> Result<Server> {
        let folder = tempfile::tempdir_in(self.folder.path())?.keep();
        let database = database.to_owned();
        let keys = STRANGERS.iter().chain(&NO_BUDGETS).chain(keys).map(|key| (*key).to_owned()).collect();
        Server::relive(&self.programs, &folder, &Setup { database, keys, ..Setup::default() })
    }
}

/// A call of minilvb-v1 by a guest; an error unless it succeeds.
pub(super) fn guest(server: &Server, from: &str, call: &Value) -> Result<Value> {
    let reply = post(server, "/interface.php", from, call)?;
    ensure!(reply.get("returnValue") == Some(&Value::from(0)), "{call} was answered {reply}");
    Ok(reply)
}

/// Begins the live of a guest whose texts are given.
pub(super) fn go_live(server: &Server, from: &str, user: &str, title: &str, userinfo: &Value) -> Result<()> {
    guest(
        server,
        from,
        &serde_json::json!({"Action": "RequestLVBAddr", "userid": user, "groupid": user, "title": title,
        "userinfo": userinfo}),
    )?;
    guest(server, from, &serde_json::json!({"Action": "ChangeStatus", "userid": user, "status": 0}))?;
    Ok(())
}

/// Sends a request of JSON from an address; returns the reply.
pub(super) fn post(server: &Server, path: &str, from: &str, body: &Value) -> Result<Value> {
    let text = server.post(path, from, body.to_string().as_bytes())?;
    serde_json::from_str(&text).with_context(|| format!("{path} answered {text:?}"))
}

/// Opens a connection.
pub(super) fn connect(server: &Server) -> Result<TcpStream> {
    let address: SocketAddr = server.address.parse()?;
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends bytes on a connection of their own and reads until the server closes it.
pub(super) fn exchange(server: &Server, request: &[u8]) -> Result<Vec<u8>> {
    let mut stream = connect(server)?;
    stream.write_all(request)?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    Ok(reply)
}

/// The 99th percentile of the time that a list takes, in milliseconds, while something else happens.
pub(super) fn latency_during<T>(server: &Server, act: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let done = AtomicBool::new(false);
    let (outcome, times) = thread::scope(|scope| {
        let client = scope.spawn(|| ask_until(server, &done));
        let outcome = act();
        done.store(true, Ordering::Release);
        (outcome, client.join())
    });
    let mut times = times.map_err(|_| anyhow::anyhow!("the client that behaves panicked"))??;
    let outcome = outcome?;
    ensure!(!times.is_empty(), "the client that behaves asked nothing");
    times.sort_by(f64::total_cmp);
    Ok((outcome, times.get(times.len() * 99 / 100).copied().unwrap_or_default()))
}

/// Asks for the first live again and again, from an address of its own; returns how long each reply took, in milliseconds.
fn ask_until(server: &Server, done: &AtomicBool) -> Result<Vec<f64>> {
    let list = serde_json::json!({"Action": "FetchList", "flag": 1, "pageno": 1, "pagesize": 1});
    let mut times = Vec::new();
    while !done.load(Ordering::Acquire) {
        let start = Instant::now();
        guest(server, "203.0.113.1", &list)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        thread::park_timeout(PACE);
    }
    Ok(times)
}

/// The most memory that the server has held since the last call, in MB.
pub(super) fn peak(server: &Server) -> Result<f64> {
    let process = format!("/proc/{}", server.id());
    let status = fs::read_to_string(format!("{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim_end().parse()?;
    // 5 = forget the peak (proc_pid_clear_refs(5)).
    fs::write(format!("{process}/clear_refs"), "5")?;
    Ok(kib * 1_024.0 / 1e6)
}

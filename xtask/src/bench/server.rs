//! Building and starting what is measured.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::command::{cargo, root, run};

/// How long a server may take to answer its first request.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    /// `127.0.0.1:port`.
    pub(crate) address: String,
    /// Its operator's listener, if it has one.
    admin: String,
    http: ureq::Agent,
}

/// Builds the release binaries.
pub(crate) fn build() -> Result<()> {
    run(&mut cargo([
        "build",
        "--release",
        "--package",
        "relive-gateway",
        "--bin",
        "relive",
        "--example",
        "bare",
    ]))
}

fn release(binary: &str) -> Result<PathBuf> {
    Ok(root()?.join("target/release").join(binary))
}

/// A loopback address nobody listens on.
fn free_address() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.to_string())
}

impl Server {
    /// Starts relive with its data in a folder.
    pub(crate) fn relive(folder: &Path) -> Result<Self> {
        let (address, admin) = (free_address()?, free_address()?);
        let mut command = Command::new(release("relive")?);
        command
            .current_dir(folder)
            .args(["--set", &format!("http.listen={address}"), "--set", &format!("admin.listen={admin}")])
            // Setting up thousands of accounts should not measure the password hash.
            .args(["--set", "accounts.argon2.memory_kib=8", "--set", "accounts.argon2.iterations=1"])
            .args(["--set", "log.level=warn"]);
        Self::start(command, address, admin)
    }

    /// Starts the baseline.
    pub(crate) fn bare() -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(release("examples/bare")?);
        command.arg(&address);
        Self::start(command, address, String::new())
    }

    fn start(mut command: Command, address: String, admin: String) -> Result<Self> {
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
        let server = Self { process, address, admin, http: config.build().into() };
        let started = Instant::now();
        while std::net::TcpStream::connect(&server.address).is_err() {
            if started.elapsed() > PATIENCE {
                bail!("{} does not answer", server.address);
            }
            std::thread::yield_now();
        }
        Ok(server)
    }

    /// Posts JSON, reads JSON.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let text = self
            .http
            .post(format!("http://{}{path}", self.address))
            .send(body.to_string())?
            .body_mut()
            .read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("{path} answered {text:?}"))
    }

    /// Requests answered with another code than the given one, by the server's own count.
    pub(crate) fn failures(&self, success: &str) -> Result<u64> {
        let metrics =
            self.http.get(format!("http://{}/metrics", self.admin)).call()?.body_mut().read_to_string()?;
        Ok(metrics
            .lines()
            .filter(|line| {
                line.starts_with("relive_requests_total{") && !line.contains(&format!("code=\"{success}\""))
            })
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok())
            .sum())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

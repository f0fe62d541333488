//! Builds, starts and stops the servers that are measured.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::request::{Dialect, Request};
use crate::{
    command::{cargo, run},
    package::target_directory,
};

/// Longest time until a server answers its first request, and until it stops. A start may read a million members.
const SERVER_TIMEOUT: Duration = Duration::from_mins(2);
/// Threads that check requests before a measurement.
const CHECKERS: usize = 8;

/// How the server is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

/// Folder with copies of the server and the yardsticks: another build may replace the originals during a run.
#[derive(Debug)]
pub(crate) struct Programs(PathBuf);

impl Programs {
    /// Builds the server and the yardsticks and copies them to a folder.
    pub(crate) fn build(folder: &Path) -> Result<Self> {
        let gateway =
            ["--package", "relive-gateway", "--bin", "relive", "--example", "bare", "--example", "fill"];
        run(cargo(["build", "--release"]).args(gateway))?;
        let programs = Self(folder.to_owned());
        ["release/relive", "release/examples/bare", "release/examples/fill"]
            .iter()
            .try_for_each(|built| programs.keep(built))?;
        Ok(programs)
    }

    /// Builds the server alone and copies it to a folder.
    pub(crate) fn build_server(folder: &Path, profile: Profile) -> Result<Self> {
        let (options, built) = match profile {
            Profile::Debug => (&[][..], "debug/relive"),
            Profile::Release => (&["--release"][..], "release/relive"),
        };
        run(cargo(["build", "--package", "relive-gateway", "--bin", "relive"]).args(options))?;
        let programs = Self(folder.to_owned());
        programs.keep(built)?;
        Ok(programs)
    }

    /// Builds the yardstick of databases and password hashes, for the rows that need it. It is built apart from the
    /// server, because its dependencies must not change the features of the server's dependencies.
    pub(crate) fn build_baseline(&self) -> Result<()> {
        run(cargo(["build", "--release"]).args(["--package", "relive-core", "--example", "baseline"]))?;
        self.keep("release/examples/baseline")
    }

    fn keep(&self, built: &str) -> Result<()> {
        let from = target_directory()?.join(built);
        let to = self.0.join(from.file_name().unwrap_or_default());
        fs::copy(&from, to).with_context(|| format!("cannot copy {}", from.display()))?;
        Ok(())
    }

    pub(crate) fn relive(&self) -> PathBuf {
        self.0.join("relive")
    }

    pub(crate) fn example(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// Options for the start of relive.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    /// `database.url`.
    pub(crate) database: String,
    /// Whether passwords are hashed at the default cost; else at the lowest.
    pub(crate) strong: bool,
    /// Further keys, such as `http.h2c=true`.
    pub(crate) keys: Vec<String>,
    /// Program and arguments under which relive runs; empty = none.
    pub(crate) under: Vec<String>,
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    /// `127.0.0.1:port`.
    pub(crate) address: String,
    /// Address of the operator's listener; "" for the baseline.
    admin: String,
    http: ureq::Agent,
    /// Time from the start to the first answer.
    pub(crate) started_in: Duration,
}

/// A free address on loopback.
fn free_address() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.to_string())
}

impl Server {
    /// Starts relive in a folder.
    pub(crate) fn relive(programs: &Programs, folder: &Path, setup: &Setup) -> Result<Self> {
        let (address, admin) = (free_address()?, free_address()?);
        let mut words = setup.under.iter().map(String::as_str);
        let mut command = match words.next() {
            Some(program) => {
                let mut command = Command::new(program);
                command.args(words).arg(programs.relive());
                command
            }
            None => Command::new(programs.relive()),
        };
        command.current_dir(folder);
        for setting in [
            format!("http.listen={address}"),
            format!("admin.listen={admin}"),
            format!("database.url={}", setup.database),
            "log.level=error".to_owned(),
        ] {
            command.args(["--set", &setting]);
        }
        for key in &setup.keys {
            command.args(["--set", key]);
        }
        if !setup.strong {
            command.args(["--set", "accounts.argon2.memory_kib=8", "--set", "accounts.argon2.iterations=1"]);
        }
        Self::start(command, address, admin)
    }

    /// Starts the baseline.
    pub(crate) fn bare(programs: &Programs, under: &[String]) -> Result<Self> {
        let address = free_address()?;
        let mut words: Vec<_> = under.iter().map(Into::into).collect();
        words.push(programs.example("bare").into_os_string());
        let mut words = words.into_iter();
        let mut command = Command::new(words.next().context("no program")?);
        command.args(words).arg(&address);
        Self::start(command, address, String::new())
    }

    fn start(mut command: Command, address: String, admin: String) -> Result<Self> {
        let started = Instant::now();
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(SERVER_TIMEOUT))
            .max_idle_connections_per_host(CHECKERS);
        let http = config.build().into();
        let mut server = Self { process, address, admin, http, started_in: Duration::ZERO };
        while std::net::TcpStream::connect(&server.address).is_err() {
            if let Some(status) = server.process.try_wait()? {
                bail!("{command:?} ended: {status}");
            }
            ensure!(started.elapsed() < SERVER_TIMEOUT, "{} does not answer", server.address);
            thread::park_timeout(Duration::from_millis(1));
        }
        // The server may accept connections before it can answer.
        server
            .http
            .post(format!("http://{}/index.php", server.address))
            .send("{}")?
            .body_mut()
            .read_to_vec()?;
        server.started_in = started.elapsed();
        Ok(server)
    }

    /// Stops the server gracefully.
    pub(crate) fn stop(&mut self) -> Result<()> {
        Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?;
        let signalled = Instant::now();
        while self.process.try_wait()?.is_none() {
            ensure!(signalled.elapsed() < SERVER_TIMEOUT, "a server does not stop");
            thread::park_timeout(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Id of the server's process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Resident memory of the server in MB.
    pub(crate) fn resident(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))
            .context("cannot read /proc: memory is measured on Linux only")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches("kB").trim_end().parse()?;
        Ok(kib * 1_024.0 / 1e6)
    }

    /// Sends a body from an address that a proxy would report; returns the answer without a check.
    pub(crate) fn post(&self, path: &str, from: &str, body: &[u8]) -> Result<String> {
        let post = self.http.post(format!("http://{}{path}", self.address)).header("X-Forwarded-For", from);
        Ok(post.content_type("application/json").send(body)?.body_mut().read_to_string()?)
    }

    /// Sends a request and returns the answer without a check.
    pub(crate) fn send(&self, request: &Request) -> Result<String> {
        let mut post = self.http.post(format!("http://{}{}", self.address, request.path));
        if let Some(signature) = &request.signature {
            post = post.header("Liteav-Sig", signature);
        }
        Ok(post
            .header("Content-Type", "application/json")
            .send(&request.body)?
            .body_mut()
            .read_to_string()?)
    }

    /// Sends a request; returns the answer and its length in bytes. An answer without success, or with another number
    /// of entries than expected, is an error.
    pub(crate) fn ask(&self, request: &Request) -> Result<(Value, usize)> {
        let text = self.send(request)?;
        let value = request.check(&text).with_context(|| format!("{} {}", request.path, request.body))?;
        Ok((value, text.len()))
    }

    /// Sends every request once and checks the answers; returns their lengths in bytes.
    pub(crate) fn lengths(&self, requests: &[Request]) -> Result<Vec<usize>> {
        let share = requests.len().div_ceil(CHECKERS).max(1);
        let parts = thread::scope(|scope| {
            let ask = |part: &[Request]| part.iter().map(|request| Ok(self.ask(request)?.1)).collect();
            let threads: Vec<_> = requests.chunks(share).map(|part| scope.spawn(move || ask(part))).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, Result<Vec<usize>>>| {
                thread.join().unwrap_or_else(|_| bail!("a checker panicked"))
            };
            threads.into_iter().map(join).collect::<Result<Vec<_>>>()
        })?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// Number of requests that were answered without success, from the server's metrics.
    pub(crate) fn failures(&self) -> Result<u64> {
        Ok(failures(&self.metrics()?))
    }

    /// The value of a metric without labels.
    pub(crate) fn gauge(&self, name: &str) -> Result<f64> {
        let metrics = self.metrics()?;
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.with_context(|| format!("no metric {name}"))?.parse()?)
    }

    fn metrics(&self) -> Result<String> {
        Ok(self.http.get(format!("http://{}/metrics", self.admin)).call()?.body_mut().read_to_string()?)
    }
}

fn failures(metrics: &str) -> u64 {
    let failed = |line: &&str| {
        let answered = line.strip_prefix("relive_requests_total{");
        let successful = |dialect: &Dialect| {
            line.contains(&format!("adapter=\"{}\"", dialect.name()))
                && line.contains(&format!("code=\"{}\"", dialect.success()))
        };
        // `Server::start` sends one request that names no interface.
        answered.is_some_and(|labels| !labels.contains("interface=\"unknown\""))
            && !Dialect::ALL.iter().any(successful)
    };
    metrics.lines().filter(failed).filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_failure_unless_it_is_the_success_of_its_dialect() {
        let metrics = "relive_requests_total{adapter=\"sxb\",interface=\"live/heartbeat\",code=\"0\"} 7\n\
                       relive_requests_total{adapter=\"minilvb-v2\",interface=\"get_vod_list\",code=\"200\"} 5\n\
                       relive_requests_total{adapter=\"sxb\",interface=\"unknown\",code=\"10001\"} 1\n\
                       relive_connections 3\n";
        assert_eq!(failures(metrics), 0);
        let wrong = "relive_requests_total{adapter=\"minilvb-v2\",interface=\"get_vod_list\",code=\"498\"} 2\n\
                     relive_requests_total{adapter=\"qplus\",interface=\"Login\",code=\"0\"} 1\n";
        assert_eq!(failures(wrong), 3);
    }
}

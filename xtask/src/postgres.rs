//! Starts a temporary PostgreSQL server for tests and for manual use: on loopback, on a free port, in a temporary
//! folder that is removed with the server.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    net::TcpListener,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

/// Message for a machine without PostgreSQL.
pub(crate) const MISSING: &str = "no PostgreSQL binaries found (looked in PATH and /usr/lib/postgresql/*/bin); \
                                  `apt-get install postgresql` or your system's package installs them";

/// Folders in which distributions keep `initdb`, which is often not in PATH.
const FOLDERS: &[&str] = &["/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt"];

/// Whether commits are synced to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sync {
    /// Commits survive a crash of the machine, as in production.
    On,
    /// Commits may be lost in a crash of the machine, which makes tests faster.
    Off,
}

/// A running server. Dropping the value stops the server and removes its data.
pub(crate) struct Cluster {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    /// The user that runs the server if this tool runs as root, which PostgreSQL refuses.
    user: Option<&'static str>,
}

/// Processes of a server that are stopped; they go on when the value is dropped.
#[derive(Debug)]
pub(crate) struct Frozen(Vec<String>);

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = quiet(Command::new("kill").arg("-CONT").args(&self.0));
    }
}

impl Cluster {
    /// Starts a server; `None` where PostgreSQL is not installed.
    pub(crate) fn start(sync: Sync) -> Result<Option<Self>> {
        let Some(programs) = programs() else { return Ok(None) };
        let folder = tempfile::Builder::new().prefix("relive-postgres-").tempdir()?;
        let is_root = folder.path().metadata()?.uid() == 0;
        let user = if is_root { Some(unprivileged()?) } else { None };
        if let Some(user) = user {
            quiet(Command::new("chown").arg(user).arg(folder.path()))?;
        }
        let cluster = Self { programs, folder, port: free_port()?, user };
        cluster.certify()?;
        let data = cluster.data();
        quiet(cluster.command("initdb").arg("--pgdata").arg(&data).args([
            "--username=relive",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]))?;
        let fsync = match sync {
            Sync::On => "on",
            Sync::Off => "off",
        };
        // In the configuration file, so that tests can stop and start the server with the same options.
        let options = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{}'\nmax_connections = 500\n\
             fsync = {fsync}\nlog_min_messages = fatal\n\
             ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
            cluster.port,
            cluster.folder.path().display(),
            cluster.root().display(),
            cluster.key().display(),
        );
        let mut file = OpenOptions::new().append(true).open(data.join("postgresql.conf"))?;
        file.write_all(options.as_bytes())?;
        quiet(cluster.control("start").args(["--wait", "--timeout=60"]))?;
        Ok(Some(cluster))
    }

    /// The URL of the server's database `postgres`, through which other databases can be created.
    pub(crate) fn url(&self) -> String {
        format!("postgres://relive@127.0.0.1:{}/postgres", self.port)
    }

    /// A command that runs a client program on the database of [`Cluster::url`].
    pub(crate) fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.args(["--host=127.0.0.1", &format!("--port={}", self.port), "--username=relive"]);
        command.env("PGDATABASE", "postgres");
        command
    }

    /// The words of a `pg_ctl` command for this server, separated by spaces, for tests that stop and start the server.
    pub(crate) fn control_words(&self) -> String {
        let control = self.control("");
        let words = std::iter::once(control.get_program()).chain(control.get_args());
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ").trim_end().to_owned()
    }

    /// Stops all processes of the server, as a machine that is suspended does, until the value is dropped.
    pub(crate) fn freeze(&self) -> Result<Frozen> {
        let file = fs::read_to_string(self.data().join("postmaster.pid"))?;
        let first = file.lines().next().context("an empty postmaster.pid")?.to_owned();
        let children = fs::read_to_string(format!("/proc/{first}/task/{first}/children"))?;
        // The parent first: it would start others.
        let frozen =
            Frozen(std::iter::once(first).chain(children.split_whitespace().map(str::to_owned)).collect());
        quiet(Command::new("kill").arg("-STOP").args(&frozen.0))?;
        Ok(frozen)
    }

    /// The root certificate: the server's own, which is self-signed.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("root.crt")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("server.key")
    }

    /// Creates a certificate for the server's address, and its key with the permissions that PostgreSQL requires.
    fn certify(&self) -> Result<()> {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
        fs::write(self.root(), made.cert.pem())?;
        let mut key = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.key())?;
        key.write_all(made.signing_key.serialize_pem().as_bytes())?;
        if let Some(user) = self.user {
            quiet(Command::new("chown").arg(user).arg(self.key()).arg(self.root()))?;
        }
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn control(&self, action: &str) -> Command {
        let mut command = self.command("pg_ctl");
        command.arg("--pgdata").arg(self.data()).arg("--log").arg(self.folder.path().join("log"));
        if !action.is_empty() {
            command.arg(action);
        }
        command
    }

    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        match self.user {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program);
                command
            }
            None => Command::new(program),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = quiet(self.control("stop").args(["--mode=immediate", "--wait"])) {
            eprintln!("PostgreSQL could not be stopped: {error:#}");
        }
    }
}

/// `cargo xtask postgres`: a server until Ctrl-C.
pub(crate) fn run() -> Result<()> {
    let interrupt = crate::interrupt::catch()?;
    let Some(cluster) = Cluster::start(Sync::Off)? else { bail!(MISSING) };
    println!("PostgreSQL is running. Ctrl-C stops it and deletes its data. To use it:\n");
    println!("    RELIVE_DATABASE__URL={} cargo run", cluster.url());
    println!("    psql {}\n", cluster.url());
    interrupt.wait();
    Ok(())
}

/// The folder of the programs of the newest PostgreSQL on this machine.
fn programs() -> Option<PathBuf> {
    let versions = FOLDERS.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let mut found: Vec<PathBuf> = versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
        .collect();
    found.sort_by_key(|folder| version(folder));
    found.pop().or_else(|| {
        let output = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output().ok()?;
        let folder = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
        folder.join("initdb").is_file().then_some(folder)
    })
}

/// The first number in the name of a version's folder.
fn version(programs: &Path) -> u32 {
    let name = programs.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let digits: String =
        name.chars().skip_while(|char| !char.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

fn unprivileged() -> Result<&'static str> {
    let exists = |user: &&str| {
        Command::new("id")
            .arg(user)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|id| id.success())
    };
    ["postgres", "nobody"]
        .into_iter()
        .find(exists)
        .context("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody")
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Runs a command; shows its output only if it fails.
fn quiet(command: &mut Command) -> Result<()> {
    // A started server inherits the output. A pipe would stay open until the server ends, so the output goes to a file.
    let output = tempfile::tempfile()?;
    let (out, error) = (output.try_clone()?, output.try_clone()?);
    let status = command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(error)
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if !status.success() {
        let mut text = String::new();
        let mut output = output;
        std::io::Seek::rewind(&mut output)?;
        std::io::Read::read_to_string(&mut output, &mut text)?;
        ensure!(status.success(), "{command:?} failed ({status}):\n{text}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(
            version(Path::new("/usr/lib/postgresql/15/bin"))
                > version(Path::new("/usr/lib/postgresql/9/bin"))
        );
        assert_eq!(version(Path::new("/opt/homebrew/opt/postgresql@17/bin")), 17);
    }

    #[test]
    fn dropping_a_cluster_stops_the_server_and_removes_its_data() {
        // `cargo xtask test` reports a machine without PostgreSQL.
        let Some(cluster) = Cluster::start(Sync::Off).unwrap() else { return };
        let port = cluster.port;
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        let folder = cluster.folder.path().to_owned();
        drop(cluster);
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err() && !folder.exists());
    }
}

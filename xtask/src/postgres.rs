//! A PostgreSQL server of one's own, for tests and for trying things out: on loopback, on a free port, in a temporary
//! folder, and gone afterwards.

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

/// What to say where there is no PostgreSQL.
pub(crate) const MISSING: &str = "no PostgreSQL binaries found (looked in PATH and /usr/lib/postgresql/*/bin); \
                                  `apt-get install postgresql` or your system's package installs them";

/// Where distributions keep `initdb`, which is not in everybody's PATH.
const FOLDERS: &[&str] = &["/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt"];

/// Whether what is committed survives the machine's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sync {
    /// It does, as everywhere where it matters.
    On,
    /// It does not: tests are done sooner.
    Off,
}

/// A running server. It is stopped, and its data removed, with this value.
pub(crate) struct Cluster {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    /// Who runs it instead of root, which PostgreSQL refuses.
    user: Option<&'static str>,
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
        // In the file, so that whoever stops it can start it again.
        let options = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{}'\nmax_connections = 500\n\
             fsync = {fsync}
log_min_messages = fatal
\
             ssl = on
ssl_cert_file = '{}'
ssl_key_file = '{}'
",
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

    /// The URL of a database on it from which others can be made.
    pub(crate) fn url(&self) -> String {
        format!("postgres://relive@127.0.0.1:{}/postgres", self.port)
    }

    /// One of its client programs, to be run on the database of [`Cluster::url`].
    pub(crate) fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.args(["--host=127.0.0.1", &format!("--port={}", self.port), "--username=relive"]);
        command.env("PGDATABASE", "postgres");
        command
    }

    /// How to call `pg_ctl` on it, for tests that stop and start it: words separated by spaces.
    pub(crate) fn control_words(&self) -> String {
        let control = self.control("");
        let words = std::iter::once(control.get_program()).chain(control.get_args());
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ").trim_end().to_owned()
    }

    /// The certificate its own is signed by: its own.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("root.crt")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("server.key")
    }

    /// Makes a certificate for its address, as private as PostgreSQL wants the key.
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
    println!("PostgreSQL is running, and gone with everything in it after Ctrl-C. To use it:\n");
    println!("    RELIVE_DATABASE__URL={} cargo run", cluster.url());
    println!("    psql {}\n", cluster.url());
    interrupt.wait();
    Ok(())
}

/// The folder of the newest PostgreSQL there is.
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

/// Runs a command; what it says is only shown if it fails.
fn quiet(command: &mut Command) -> Result<()> {
    // A server that is started inherits the output: a pipe would not end before the server does.
    let said = tempfile::tempfile()?;
    let (out, error) = (said.try_clone()?, said.try_clone()?);
    let status = command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(error)
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if !status.success() {
        let mut text = String::new();
        let mut said = said;
        std::io::Seek::rewind(&mut said)?;
        std::io::Read::read_to_string(&mut said, &mut text)?;
        ensure!(status.success(), "{command:?} failed ({status}):\n{text}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_not_texts() {
        assert!(
            version(Path::new("/usr/lib/postgresql/15/bin"))
                > version(Path::new("/usr/lib/postgresql/9/bin"))
        );
        assert_eq!(version(Path::new("/opt/homebrew/opt/postgresql@17/bin")), 17);
    }

    #[test]
    fn a_cluster_is_gone_when_it_is_dropped() {
        // Where there is none, `xtask test` says so.
        let Some(cluster) = Cluster::start(Sync::Off).unwrap() else { return };
        let port = cluster.port;
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        let folder = cluster.folder.path().to_owned();
        drop(cluster);
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err() && !folder.exists());
    }
}

//! Starts, copies and promotes PostgreSQL servers.

use std::{
    fs::{OpenOptions, Permissions, set_permissions},
    io::Write as _,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// The folder of the programs of PostgreSQL, and the words that run them as the right user.
#[derive(Clone)]
pub(crate) struct Programs {
    user: Vec<String>,
    folder: PathBuf,
}

impl Programs {
    /// Finds the programs that `cargo xtask test` uses, if there are any.
    #[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
    pub(crate) fn find() -> Option<Self> {
        // The words that call `pg_ctl` on another server: "runuser -u postgres -- …/bin/pg_ctl --pgdata …".
        let words = std::env::var("RELIVE_TEST_POSTGRES_CONTROL").ok()?;
        let words: Vec<_> = words.split(' ').map(str::to_owned).collect();
        let at = words.iter().position(|word| word.ends_with("pg_ctl")).unwrap();
        let (user, control) = words.split_at(at);
        let folder = Path::new(control.first().unwrap()).parent().unwrap().to_owned();
        Some(Self { user: user.to_vec(), folder })
    }

    fn command(&self, program: &str) -> Command {
        let mut words = self.user.iter().cloned().chain([self.folder.join(program).display().to_string()]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words);
        command
    }
}

/// A server on loopback. It is stopped, and its data removed, with this value.
pub(crate) struct Server {
    programs: Programs,
    folder: TempDir,
    port: u16,
}

impl Server {
    /// Starts a new server.
    pub(crate) fn start(programs: &Programs) -> Self {
        let server = Self::prepare(programs);
        let mut init = programs.command("initdb");
        init.arg("--pgdata").arg(server.data());
        quiet(init.args(["--username=relive", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]));
        server.configure("fsync = off\nlog_min_messages = fatal\n");
        server.control(&["start"]);
        server
    }

    /// Copies the data of a running server as they are now.
    pub(crate) fn copy(&self) -> Copy {
        let copy = Self::prepare(&self.programs);
        let mut backup = self.programs.command("pg_basebackup");
        backup.arg("--pgdata").arg(copy.data());
        backup.args(["--checkpoint=fast", "--wal-method=fetch", "--no-sync", "--username=relive"]);
        quiet(backup.args(["--host=127.0.0.1", &format!("--port={}", self.port)]));
        copy.configure("");
        // With this file the copy starts as a standby, and only a standby can be promoted.
        std::fs::write(copy.data().join("standby.signal"), "").unwrap();
        Copy(copy)
    }

    fn prepare(programs: &Programs) -> Self {
        let folder = tempfile::Builder::new().prefix("relive-failover-").tempdir().unwrap();
        // PostgreSQL may run as another user than the test. The folder of the data is private to that user.
        set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { programs: programs.clone(), folder, port }
    }

    fn configure(&self, more: &str) {
        let path = self.data().join("postgresql.conf");
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        let (port, folder) = (self.port, self.folder.path().display());
        let own = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{folder}'\n{more}"
        );
        file.write_all(own.as_bytes()).unwrap();
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn control(&self, action: &[&str]) {
        let mut control = self.programs.command("pg_ctl");
        control.arg("--pgdata").arg(self.data()).arg("--log").arg(self.folder.path().join("log"));
        quiet(control.args(action).arg("--wait"));
    }

    /// `127.0.0.1:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The URL of its database.
    pub(crate) fn url(&self) -> String {
        format!("postgres://relive@{}/postgres", self.address())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut control = self.programs.command("pg_ctl");
        control.arg("--pgdata").arg(self.data()).args(["stop", "--mode=immediate", "--wait"]);
        let _ = control.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// A copy of a server that does not run yet.
pub(crate) struct Copy(Server);

impl Copy {
    /// Starts the copy and promotes it, which begins a timeline of its own.
    pub(crate) fn promote(self) -> Server {
        self.0.control(&["start"]);
        self.0.control(&["promote"]);
        self.0
    }
}

/// Runs a command and fails the test if the command fails.
fn quiet(command: &mut Command) {
    // A started server inherits the output, so a pipe would not end before the server does.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

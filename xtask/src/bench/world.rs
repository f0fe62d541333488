//! The data in the database of a measured server.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::server::{Programs, Server, Setup};

/// Amounts of data: see `fill --help`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) on_air: usize,
    pub(crate) members: usize,
    pub(crate) crowd: usize,
    pub(crate) recordings: usize,
    pub(crate) users: usize,
    pub(crate) hosts: usize,
    pub(crate) strong: bool,
}

/// The live of a guest, which never times out.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Live {
    pub(crate) user: String,
    pub(crate) group: String,
    pub(crate) room: i64,
}

/// A registered user, with a session in each dialect that has sessions.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    /// The user's own room if the user is a host, else the room that the user has entered.
    pub(crate) room: i64,
    pub(crate) sxb: String,
    pub(crate) v2: String,
    pub(crate) qplus: String,
}

/// The data that a load generator needs.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct World {
    /// When the database was filled, in seconds since 1970.
    pub(crate) now: i64,
    pub(crate) password: String,
    pub(crate) lives: Vec<Live>,
    /// All registered users, hosts first.
    pub(crate) users: Vec<User>,
}

impl World {
    /// Fills a database.
    pub(crate) fn fill(programs: &Programs, database: &str, shape: Shape) -> Result<Self> {
        let mut command = Command::new(programs.example("fill"));
        command.args(["--database", database]);
        for (option, count) in [
            ("--on-air", shape.on_air),
            ("--members", shape.members),
            ("--crowd", shape.crowd),
            ("--recordings", shape.recordings),
            ("--users", shape.users),
            ("--hosts", shape.hosts),
        ] {
            command.args([option, &count.to_string()]);
        }
        if shape.strong {
            command.arg("--strong");
        }
        eprintln!(
            "filling a database: {} on air, {} members, {} users",
            shape.on_air, shape.members, shape.users
        );
        let output = command.stderr(Stdio::inherit()).output().context("cannot start fill")?;
        ensure!(output.status.success(), "fill failed ({})", output.status);
        serde_json::from_slice(&output.stdout).context("cannot read the output of fill")
    }
}

/// A running relive on a database filled with data.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) shape: Shape,
    pub(crate) world: World,
    pub(crate) server: Server,
    folder: PathBuf,
    setup: Setup,
}

impl Site {
    /// Fills a SQLite database in a new folder below `folder`, and starts relive on the database. `under` is the
    /// program under which relive runs; empty = none.
    pub(crate) fn start(
        programs: &Programs,
        folder: &Path,
        shape: Shape,
        under: Vec<String>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir_in(folder)?.keep();
        let database = format!("sqlite://{}", folder.join("world.db").display());
        Self::start_on(programs, folder, database, shape, under)
    }

    /// Fills a given database and starts relive on it, like [`Site::start`]. `folder` is for the server's own files.
    pub(crate) fn start_on(
        programs: &Programs,
        folder: PathBuf,
        database: String,
        shape: Shape,
        under: Vec<String>,
    ) -> Result<Self> {
        let world = World::fill(programs, &database, shape)?;
        let setup = Setup { database, strong: shape.strong, under };
        let server = Server::relive(programs, &folder, &setup)?;
        Ok(Self { shape, world, server, folder, setup })
    }

    /// Stops the server gracefully and starts it again.
    pub(crate) fn restart(&mut self, programs: &Programs) -> Result<()> {
        self.server.stop()?;
        self.server = Server::relive(programs, &self.folder, &self.setup)?;
        Ok(())
    }
}

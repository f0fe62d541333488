//! What is in the database of a server that is measured.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::server::{Programs, Server, Setup};

/// How much there is of what, see `fill --help`.
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

/// A live of a guest: it never times out.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Live {
    pub(crate) user: String,
    pub(crate) group: String,
    pub(crate) room: i64,
}

/// A registered user with a session in each dialect that has them.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    /// Its own, if it is a host, else the one it sits in.
    pub(crate) room: i64,
    pub(crate) sxb: String,
    pub(crate) v2: String,
    pub(crate) qplus: String,
}

/// What a load generator has to know.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct World {
    /// When it was filled, seconds since 1970.
    pub(crate) now: i64,
    pub(crate) password: String,
    pub(crate) lives: Vec<Live>,
    /// Hosts first.
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
        serde_json::from_slice(&output.stdout).context("fill wrote something else than a world")
    }
}

/// A relive with a world in it.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) shape: Shape,
    pub(crate) world: World,
    pub(crate) server: Server,
    folder: PathBuf,
    setup: Setup,
}

impl Site {
    /// Fills an SQLite database in a new folder below the given one, and starts a relive on it, if need be under another
    /// program.
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

    /// Likewise on a given database, with the server's own files in a folder.
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

    /// Stops the server in good order and starts it again.
    pub(crate) fn restart(&mut self, programs: &Programs) -> Result<()> {
        self.server.stop()?;
        self.server = Server::relive(programs, &self.folder, &self.setup)?;
        Ok(())
    }
}

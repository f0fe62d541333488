//! The data in the database of a measured server.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::{
    request,
    server::{Programs, Server, Setup},
};

/// Amounts of data: see `fill --help`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) on_air: usize,
    pub(crate) members: usize,
    pub(crate) crowd: usize,
    pub(crate) recordings: usize,
    pub(crate) users: usize,
    pub(crate) hosts: usize,
    /// Whether the hosts are on air through RoomService; else through sxb.
    pub(crate) room_service: bool,
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
    pub(crate) room_service: String,
    /// The code of the anchors of the user's room, if the user is a host of RoomService.
    #[serde(default)]
    pub(crate) room_code: i64,
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
        if shape.room_service {
            command.arg("--room-service");
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
        let mut world = World::fill(programs, &database, shape)?;
        let setup = Setup { database, strong: shape.strong, under, ..Setup::default() };
        let server = Server::relive(programs, &folder, &setup)?;
        if shape.room_service {
            learn_room_codes(&server, world.users.iter_mut().take(shape.hosts))?;
        }
        Ok(Self { shape, world, server, folder, setup })
    }

    /// Stops the server gracefully and starts it again.
    pub(crate) fn restart(&mut self, programs: &Programs) -> Result<()> {
        self.server.stop()?;
        self.server = Server::relive(programs, &self.folder, &self.setup)?;
        Ok(())
    }
}

/// Asks for the code of each host's room, as an app does with its first heartbeat.
fn learn_room_codes<'a>(server: &Server, hosts: impl Iterator<Item = &'a mut User>) -> Result<()> {
    for host in hosts {
        let beat = request::anchor_heartbeat(host, 0);
        let answer = beat.check(&server.send(&beat)?)?;
        let code = answer.get("roomStatusCode").and_then(Value::as_i64);
        host.room_code = code.with_context(|| format!("no code in {answer}"))?;
    }
    Ok(())
}

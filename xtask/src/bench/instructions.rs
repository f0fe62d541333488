//! Counts the instructions of a request with callgrind: unlike times, they do not vary with the machine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

use super::{
    Bench,
    report::{Goal, INSTRUCTIONS, Report, Row},
    request::{self, Request},
    server::Server,
    world::{Shape, Site, World},
};

const MISSING: &str = "valgrind is not installed: `apt-get install valgrind`";

/// Requests before the count starts.
const WARM_UP: usize = 100;
/// Requests of one count.
const COUNTED: usize = 100;
/// Counts of a row, of which the smallest is reported: upkeep and wake-ups of other threads, which are counted too when
/// they happen to run, only add to it.
const COUNTS: usize = 9;

const SHAPE: Shape = Shape {
    on_air: 100,
    members: 100,
    crowd: 0,
    recordings: 100,
    users: 10,
    hosts: 0,
    room_service: false,
    strong: false,
};

/// A call, and a function that makes its request with a given index.
struct Call {
    name: &'static str,
    request: fn(&World, usize) -> Option<Request>,
}

const CALLS: [Call; 8] = [
    Call { name: "sxb heartbeat", request: |world, at| Some(request::heartbeat(user(world, at)?, false)) },
    Call {
        name: "sxb roomlist, 10 of 100",
        request: |world, at| Some(request::room_list(user(world, at)?, at % 9 * 10, 10)),
    },
    Call {
        name: "v1 FetchList, 20 lives of 100",
        request: |_, at| Some(request::fetch_list(1, at % 5 + 1, 20)),
    },
    Call {
        name: "v2 get_vod_list, 20 of 100",
        request: |world, at| Some(request::vod_list(user(world, at)?, world.now, at % 5 * 20, 20)),
    },
    Call {
        name: "qplus GetLiveRoomList, 10 of 100",
        request: |world, at| Some(request::live_room_list(user(world, at)?, 10)),
    },
    Call {
        name: "roomservice get_room_list, 20 of 100",
        request: |world, at| Some(request::live_rooms(user(world, at)?, at % 5 * 20, 20)),
    },
    Call { name: "v1 like", request: |world, at| Some(request::like(live(world, at)?)) },
    Call {
        // Each request moves a user to another room.
        name: "sxb enter",
        request: |world, at| {
            let room = live(world, at + at / SHAPE.users)?.room;
            Some(request::move_sxb(user(world, at)?, room, 0, false))
        },
    },
];

fn user(world: &World, at: usize) -> Option<&super::world::User> {
    world.users.get(at % world.users.len().max(1))
}

fn live(world: &World, at: usize) -> Option<&super::world::Live> {
    world.lives.get(at % world.lives.len().max(1))
}

fn row_name(call: &str) -> String {
    format!("instructions: {call}")
}

/// Measures the rows that the options select.
pub(super) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let calls: Vec<_> = CALLS.iter().filter(|call| bench.wants(&row_name(call.name))).collect();
    if calls.is_empty() {
        return Ok(());
    }
    if !installed() {
        report.skip("instructions", MISSING);
        return Ok(());
    }
    let counters = [Counter::new(bench.folder(), "relive"), Counter::new(bench.folder(), "bare")];
    let [ours, theirs] = &counters;
    let site = Site::start(&bench.programs, bench.folder(), SHAPE, ours.words())?;
    let bare = Server::bare(&bench.programs, &theirs.words())?;
    ours.control(&site.server, &["-i", "on"])?;
    theirs.control(&bare, &["-i", "on"])?;
    for (first, call) in (1..).step_by(COUNTS).zip(calls) {
        let all: Option<Vec<_>> =
            (0..WARM_UP + COUNTS * COUNTED).map(|at| (call.request)(&site.world, at)).collect();
        let all = all.context("an empty world")?;
        let (measured, lengths) =
            ours.count(&site.server, &all, first, |request| Ok(site.server.ask(request)?.1))?;
        let equal: Vec<_> = all.iter().zip(lengths).map(|(request, length)| request.bare(length)).collect();
        let (baseline, _) = theirs.count(&bare, &equal, first, |request| Ok(bare.send(request)?.len()))?;
        report.add(Row {
            scenario: row_name(call.name),
            connections: Some(1),
            measured: Some(measured),
            unit: INSTRUCTIONS,
            goal: Goal::Open,
            relive: format!("{:.1} × bare", measured / baseline),
            beside: format!("bare {baseline:.0}"),
        });
    }
    bench.check(&site.server, "instructions")
}

fn installed() -> bool {
    let mut command = Command::new("valgrind");
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Callgrind for one server; the path is that of callgrind's output files.
struct Counter(PathBuf);

impl Counter {
    fn new(folder: &Path, name: &str) -> Self {
        Self(folder.join(format!("callgrind.{name}")))
    }

    /// The program and arguments under which to run the server.
    fn words(&self) -> Vec<String> {
        let file = format!("--callgrind-out-file={}", self.0.display());
        ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", &file].map(str::to_owned).into()
    }

    fn control(&self, server: &Server, words: &[&str]) -> Result<()> {
        let output = Command::new("callgrind_control").args(words).arg(server.id().to_string()).output();
        let output = output.context("cannot start callgrind_control")?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success() && text.contains("OK"),
            "callgrind_control of {}: {text}",
            self.0.display()
        );
        Ok(())
    }

    /// Sends the requests; returns the instructions per counted request, and the length of every answer in bytes. The
    /// counts are the server's dumps number `first` and following.
    fn count(
        &self,
        server: &Server,
        requests: &[Request],
        first: usize,
        ask: impl Fn(&Request) -> Result<usize>,
    ) -> Result<(f64, Vec<usize>)> {
        let (warm_up, counted) = requests.split_at(WARM_UP.min(requests.len()));
        let mut lengths = warm_up.iter().map(&ask).collect::<Result<Vec<_>>>()?;
        let mut totals = Vec::new();
        for (dump, requests) in (first..).zip(counted.chunks(COUNTED)) {
            self.control(server, &["-z"])?;
            for request in requests {
                lengths.push(ask(request)?);
            }
            self.control(server, &["-d"])?;
            let file = format!("{}.{dump}", self.0.display());
            let text = fs::read_to_string(&file).with_context(|| format!("callgrind wrote no {file}"))?;
            totals.push(total(&text).with_context(|| format!("no total in {file}"))?);
        }
        let least = totals.into_iter().min_by(f64::total_cmp).context("no request was counted")?;
        #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
        let count = COUNTED as f64;
        Ok((least / count, lengths))
    }
}

/// The number of instructions in a file that callgrind wrote.
fn total(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("totals:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_callgrind_writes() {
        let text = "version: 1\nevents: Ir\nsummary: 2163264\n\nfn=(1) main\n0 7\ntotals: 2163266\n";
        assert_eq!(total(text), Some(2_163_266.0));
        assert_eq!(total("events: Ir\n"), None);
    }
}

//! Benches: measures relive in turns with a bare hyper server and other yardsticks, because absolute figures of a
//! shared machine mean nothing. `docs/PERFORMANCE.md` explains each row.

mod curve;
mod durability;
mod growth;
mod instructions;
mod load;
mod login;
mod memory;
mod page;
mod plot;
mod report;
mod request;
mod server;
mod throughput;
mod world;
mod yardstick;

use std::path::Path;

use anyhow::{Result, bail, ensure};
use clap::Args;
use tempfile::TempDir;

use self::{
    load::{Figures, Load},
    report::Report,
    request::Request,
    throughput::Pair,
    world::{Shape, Site},
};
pub(crate) use self::{
    report::{Goal, MEGABYTES, TIMES, Unit},
    server::{Profile, Programs, Server, Setup},
};
use crate::interrupt;

/// Selection and length of the measurements.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Measure only rows with this text in their name; may be given several times.
    #[arg(long, value_name = "SUBSTRING")]
    only: Vec<String>,
    /// Pairs of measurements per row, of which the median counts.
    #[arg(long, default_value_t = PAIRS)]
    pairs: usize,
    /// Seconds per measurement.
    #[arg(long, default_value_t = SECONDS)]
    seconds: u64,
    /// Minutes of the mixed load during which the server's memory must not grow.
    #[arg(long, default_value_t = SOAK, value_name = "MINUTES")]
    soak: u64,
    /// Write the results into docs/PERFORMANCE.md. A run without other options always does.
    #[arg(long)]
    write: bool,
}

const PAIRS: usize = 3;
const SECONDS: u64 = 4;
const SOAK: u64 = 10;

impl Options {
    /// Whether everything is measured for the default time, as the document describes.
    fn whole(&self) -> bool {
        self.only.is_empty() && self.pairs == PAIRS && self.seconds == SECONDS && self.soak == SOAK
    }
}

/// The inputs of every measurement.
#[derive(Debug)]
struct Bench {
    options: Options,
    programs: Programs,
    folder: TempDir,
    bare: Server,
}

impl Bench {
    /// Whether the options select the row of this name.
    fn wants(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.options.only.is_empty()
            || self.options.only.iter().any(|part| name.contains(&part.to_lowercase()))
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts relive on a database filled with data.
    fn site(&self, shape: Shape) -> Result<Site> {
        Site::start(&self.programs, self.folder(), shape, Vec::new())
    }

    fn measure(
        &self,
        server: &Server,
        requests: &[Request],
        connections: u32,
        seconds: u64,
    ) -> Result<Figures> {
        Load { folder: self.folder(), address: &server.address, requests, connections, seconds }.measure()
    }

    /// Measures both servers in turn; returns the pair with the median ratio.
    fn compare(
        &self,
        site: &Site,
        (requests, bare): (&[Request], &[Request]),
        connections: u32,
        seconds: u64,
    ) -> Result<Pair> {
        let pair = || {
            Ok(Pair {
                relive: self.measure(&site.server, requests, connections, seconds)?,
                bare: self.measure(&self.bare, bare, connections, seconds)?,
            })
        };
        Pair::median(self.pairs(pair)?)
    }

    /// Runs as many pairs of measurements as the options say.
    fn pairs<T>(&self, pair: impl Fn() -> Result<T>) -> Result<Vec<T>> {
        (0..self.options.pairs).map(|_| pair()).collect()
    }

    /// Fails if the server answered a request with an error, which makes the measurement invalid.
    #[expect(clippy::unused_self, reason = "reads as what it is: one of the bench's steps")]
    fn check(&self, server: &Server, scenario: &str) -> Result<()> {
        let failures = server.failures()?;
        ensure!(failures == 0, "{scenario}: {failures} requests were answered with an error");
        Ok(())
    }
}

pub(crate) fn run(options: Options) -> Result<()> {
    ensure!(load::installed(), load::MISSING);
    ensure!(options.pairs > 0 && options.seconds > 0 && options.soak > 0, "nothing would be measured");
    // Ctrl-C must not leave servers running: they are killed when `bench` is dropped, which needs this process alive.
    let _interrupt = interrupt::catch()?;
    let folder = tempfile::Builder::new().prefix("relive-bench-").tempdir()?;
    let programs = Programs::build(folder.path())?;
    let bare = Server::bare(&programs, &[])?;
    let bench = Bench { options, programs, folder, bare };
    let mut report = Report::default();
    print!("{}", report::HEAD);
    throughput::run(&bench, &mut report)?;
    durability::run(&bench, &mut report)?;
    login::run(&bench, &mut report)?;
    instructions::run(&bench, &mut report)?;
    memory::run(&bench, &mut report)?;
    let growth = growth::run(&bench, &mut report)?;
    let rates = curve::run(&bench)?;
    println!("\n{}", report.table());
    if bench.options.write || bench.options.whole() {
        page::write(&bench.options, &report, &rates, &growth)?;
    }
    let missed = report.missed();
    if !missed.is_empty() {
        bail!("goals missed: {}", missed.join(", "));
    }
    Ok(())
}

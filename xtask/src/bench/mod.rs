//! Benches: relive against a bare hyper server and other yardsticks, alternating in one run, because absolute figures of
//! a shared machine mean nothing. `docs/PERFORMANCE.md` says what each row is.

mod load;
mod report;
mod request;
mod server;
mod throughput;
mod world;

use std::path::Path;

use anyhow::{Result, bail, ensure};
use clap::Args;
use tempfile::TempDir;

use self::{
    load::{Figures, Load},
    report::Report,
    request::Request,
    server::{Programs, Server},
    throughput::Pair,
    world::{Shape, Site},
};
use crate::interrupt;

/// What to measure, and for how long.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Measure only what has this in its name; may be given several times.
    #[arg(long, value_name = "SUBSTRING")]
    only: Vec<String>,
    /// Pairs of measurements per row; the one in the middle counts.
    #[arg(long, default_value_t = 3)]
    pairs: usize,
    /// Seconds per measurement.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
}

/// What every measurement needs.
#[derive(Debug)]
struct Bench {
    options: Options,
    programs: Programs,
    folder: TempDir,
    bare: Server,
}

impl Bench {
    /// Whether a row of that name was asked for.
    fn wants(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.options.only.is_empty()
            || self.options.only.iter().any(|part| name.contains(&part.to_lowercase()))
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A relive with a world in it.
    fn site(&self, shape: Shape) -> Result<Site> {
        Site::start(&self.programs, self.folder(), shape)
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

    /// Measures both servers in turn; the pair in the middle.
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
        Pair::median((0..self.options.pairs).map(|_| pair()).collect::<Result<_>>()?)
    }

    /// A measurement of errors is none.
    #[expect(clippy::unused_self, reason = "reads as what it is: one of the bench's steps")]
    fn check(&self, server: &Server, scenario: &str) -> Result<()> {
        let failures = server.failures()?;
        ensure!(failures == 0, "{scenario}: {failures} requests were answered with an error");
        Ok(())
    }
}

pub(crate) fn run(options: Options) -> Result<()> {
    ensure!(load::installed(), load::MISSING);
    ensure!(options.pairs > 0 && options.seconds > 0, "nothing would be measured");
    // Whoever interrupts must not be left with servers: they end with this value, not with the signal.
    let _interrupt = interrupt::catch()?;
    let folder = tempfile::Builder::new().prefix("relive-bench-").tempdir()?;
    let programs = Programs::build(folder.path())?;
    let bare = Server::bare(&programs, &[])?;
    let bench = Bench { options, programs, folder, bare };
    let mut report = Report::default();
    throughput::run(&bench, &mut report)?;
    println!("\n{}", report.table());
    let missed = report.missed();
    if !missed.is_empty() {
        bail!("goals missed: {}", missed.join(", "));
    }
    Ok(())
}

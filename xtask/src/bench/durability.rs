//! Measures the rate of group commit beside a database without it, and the latency of group commit for a single client.

use anyhow::{Context as _, Result};

use super::{
    Bench,
    load::Figures,
    report::{Goal, Report, Row, TIMES, Unit, median},
    request::Request,
    throughput::{CONNECTIONS, LIVES, beside_bare, likes, likes_of_one},
    world::{Shape, Site},
    yardstick::{self, Commits},
};
use crate::postgres::{Cluster, MISSING, Sync};

const SQLITE: &str = "v1 like on 1,000 lives, beside plain SQLite";
const ALONE: &str = "v1 like, one connection: what it takes longer than bare";
const ONE_ROW: &str = "PostgreSQL: v1 like on one live, beside pgbench on one row";
const MANY_ROWS: &str = "PostgreSQL: v1 like on 1,000 lives, beside pgbench on 1,000 rows";

/// Rows that the yardsticks update: as many as there are lives.
const ROWS: usize = 1_000;
/// Connections to relive on PostgreSQL, and clients of pgbench.
const CLIENTS: u32 = 64;

/// Measures the rows that the options select.
pub(super) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    if bench.wants(SQLITE) || bench.wants(ALONE) {
        bench.programs.build_baseline()?;
        let site = bench.site(LIVES)?;
        if bench.wants(SQLITE) {
            beside_sqlite(bench, &site, report)?;
        }
        if bench.wants(ALONE) {
            alone(bench, &site, report)?;
        }
        bench.check(&site.server, SQLITE)?;
    }
    if bench.wants(ONE_ROW) || bench.wants(MANY_ROWS) {
        let Some(cluster) = Cluster::start(Sync::On)? else {
            report.skip("PostgreSQL", MISSING);
            return Ok(());
        };
        beside_postgres(bench, &cluster, report)?;
    }
    Ok(())
}

fn beside_sqlite(bench: &Bench, site: &Site, report: &mut Report) -> Result<()> {
    let requests = likes(&site.world);
    site.server.lengths(&requests)?;
    let seconds = bench.options.seconds;
    for connections in CONNECTIONS {
        let pair = || {
            let relive = bench.measure(&site.server, &requests, connections, seconds)?;
            Ok((relive, yardstick::commits(&bench.programs, connections, ROWS, seconds)?))
        };
        let pairs: Vec<(Figures, Commits)> = bench.pairs(pair)?;
        let ratio = |(relive, sqlite): &(Figures, Commits)| relive.rate / sqlite.rate;
        let pair = median(pairs, ratio).context("no pairs were measured")?;
        report.add(Row {
            scenario: SQLITE.to_owned(),
            connections: Some(connections),
            measured: Some(ratio(&pair)),
            unit: TIMES,
            goal: Goal::AtLeast(5.0),
            relive: pair.0.to_string(),
            beside: pair.1.to_string(),
        });
    }
    Ok(())
}

/// Figures of one connection that sends one like at a time.
struct Alone {
    relive: Figures,
    bare: Figures,
    sqlite: Commits,
}

impl Alone {
    fn measure(bench: &Bench, site: &Site, requests: &[Request], bare: &[Request]) -> Result<Self> {
        Ok(Self {
            relive: bench.measure(&site.server, requests, 1, 1)?,
            bare: bench.measure(&bench.bare, bare, 1, 1)?,
            sqlite: yardstick::commits(&bench.programs, 1, ROWS, 1)?,
        })
    }

    /// The additional latency of a like over the bare server's answer, in commits of plain SQLite.
    fn commits(&self) -> f64 {
        (1_000.0 / self.relive.rate - 1_000.0 / self.bare.rate) / self.sqlite.mean
    }
}

fn alone(bench: &Bench, site: &Site, report: &mut Report) -> Result<()> {
    let (requests, bare) = beside_bare(site, likes_of_one(&site.world))?;
    let seconds = bench.options.seconds;
    // Commits cost more until the database's log has reached its size.
    bench.measure(&site.server, &likes(&site.world), 64, seconds)?;
    // Measured in turns of one second: a shared disk is slower at times, which must affect all three figures.
    let triples =
        || (0..seconds).map(|_| Alone::measure(bench, site, &requests, &bare)).collect::<Result<Vec<_>>>();
    let triples = bench.pairs(triples)?.into_iter().flatten().collect();
    let found = median(triples, Alone::commits).context("nothing was measured")?;
    report.add(Row {
        scenario: ALONE.to_owned(),
        connections: Some(1),
        measured: Some(found.commits()),
        unit: Unit("commits of plain SQLite", 2),
        goal: Goal::AtMost(2.5),
        relive: format!("mean {:.3} ms", 1_000.0 / found.relive.rate),
        beside: format!("bare {:.3} ms, a commit {:.3} ms", 1_000.0 / found.bare.rate, found.sqlite.mean),
    });
    Ok(())
}

fn beside_postgres(bench: &Bench, cluster: &Cluster, report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir_in(bench.folder())?.keep();
    let shape = Shape { members: 0, users: 0, ..LIVES };
    let site = Site::start_on(&bench.programs, folder, cluster.url(), shape, Vec::new())?;
    yardstick::prepare_pgbench(cluster, ROWS)?;
    let one = (ONE_ROW, likes_of_one(&site.world), 1, 4.0);
    let many = (MANY_ROWS, likes(&site.world), ROWS, 1.5);
    for (name, requests, rows, goal) in [one, many] {
        if bench.wants(name) {
            against_pgbench(bench, cluster, &site, report, (name, &requests, rows, goal))?;
        }
    }
    bench.check(&site.server, "PostgreSQL")
}

fn against_pgbench(
    bench: &Bench,
    cluster: &Cluster,
    site: &Site,
    report: &mut Report,
    (name, requests, rows, goal): (&str, &[Request], usize, f64),
) -> Result<()> {
    site.server.lengths(requests)?;
    let seconds = bench.options.seconds;
    let pair = || {
        let relive = bench.measure(&site.server, requests, CLIENTS, seconds)?;
        Ok((relive, yardstick::pgbench(cluster, bench.folder(), CLIENTS, rows, seconds)?))
    };
    let pairs: Vec<(Figures, f64)> = bench.pairs(pair)?;
    let ratio = |(relive, pgbench): &(Figures, f64)| relive.rate / pgbench;
    let pair = median(pairs, ratio).context("no pairs were measured")?;
    report.add(Row {
        scenario: name.to_owned(),
        connections: Some(CLIENTS),
        measured: Some(ratio(&pair)),
        unit: TIMES,
        goal: Goal::AtLeast(goal),
        relive: pair.0.to_string(),
        beside: format!("{:.0} transactions/s", pair.1),
    });
    Ok(())
}

//! Measures logins at the default cost of a password hash, and the latency of other requests meanwhile.

use anyhow::{Context as _, Result};

use super::{
    Bench,
    load::{Figures, Load},
    report::{Goal, MILLISECONDS, Report, Row, TIMES, median},
    request::{self, Request},
    throughput,
    world::{Shape, Site},
    yardstick::{self, Hashes},
};

const LOGINS: &str = "sxb login, beside hash threads ÷ time of a hash";
const OTHERS: &str = "sxb heartbeat while everybody logs in: 99th percentile";

/// Connections that log in, and the smallest number of connections that send heartbeats.
const CONNECTIONS: u32 = 16;
/// The highest 99th percentile of a heartbeat, in milliseconds, that is acceptable while logins are saturated.
const PATIENCE: f64 = 10.0;
/// Users who log in; as many other users send heartbeats.
const PEOPLE: usize = 64;

const SHAPE: Shape = Shape {
    on_air: PEOPLE,
    members: 0,
    crowd: 0,
    recordings: 0,
    users: 2 * PEOPLE,
    hosts: 0,
    room_service: false,
    strong: true,
};

/// Measures the rows that the options select.
pub(super) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    if !bench.wants(LOGINS) && !bench.wants(OTHERS) {
        return Ok(());
    }
    bench.programs.build_baseline()?;
    let site = bench.site(SHAPE)?;
    let (logging_in, beating) = site.world.users.split_at(PEOPLE);
    let logins: Vec<_> = logging_in.iter().map(|user| request::log_in(user, &site.world.password)).collect();
    site.server.lengths(&logins)?;
    if bench.wants(LOGINS) {
        beside_hashes(bench, &site, &logins, report)?;
    }
    if bench.wants(OTHERS) {
        let beats: Vec<_> = beating.iter().map(|user| request::heartbeat(user, false)).collect();
        undisturbed(bench, &site, (&logins, &beats), report)?;
    }
    bench.check(&site.server, LOGINS)
}

fn beside_hashes(bench: &Bench, site: &Site, logins: &[Request], report: &mut Report) -> Result<()> {
    let seconds = bench.options.seconds;
    let pair = || {
        let relive = bench.measure(&site.server, logins, CONNECTIONS, seconds)?;
        Ok((relive, yardstick::hash(&bench.programs, seconds)?))
    };
    let pairs: Vec<(Figures, Hashes)> = bench.pairs(pair)?;
    let ratio = |(relive, hashes): &(Figures, Hashes)| relive.rate / hashes.rate();
    let pair = median(pairs, ratio).context("no pairs were measured")?;
    report.add(Row {
        scenario: LOGINS.to_owned(),
        connections: Some(CONNECTIONS),
        measured: Some(ratio(&pair)),
        unit: TIMES,
        goal: Goal::AtLeast(0.9),
        relive: pair.0.to_string(),
        beside: pair.1.to_string(),
    });
    Ok(())
}

fn undisturbed(
    bench: &Bench,
    site: &Site,
    (logins, beats): (&[Request], &[Request]),
    report: &mut Report,
) -> Result<()> {
    let seconds = bench.options.seconds;
    // The viewers may have timed out, so they enter their rooms again.
    let seat = |user| request::move_sxb(user, user.room, 0, false);
    site.server.lengths(&site.world.users.iter().skip(PEOPLE).map(seat).collect::<Vec<_>>())?;
    site.server.lengths(beats)?;
    for connections in std::iter::once(CONNECTIONS).chain(throughput::CONNECTIONS) {
        let pair = || {
            let before = bench.measure(&site.server, beats, connections, seconds)?;
            let load = Load {
                folder: bench.folder(),
                address: &site.server.address,
                requests: logins,
                connections: CONNECTIONS,
                // Logins begin before the first heartbeat and continue after the last one.
                seconds: seconds + 1,
            };
            let logging_in = load.start()?;
            let during = bench.measure(&site.server, beats, connections, seconds)?;
            logging_in.finish()?;
            Ok((during, before))
        };
        let pairs: Vec<(Figures, Figures)> = bench.pairs(pair)?;
        let pair = median(pairs, |(during, _)| during.p99).context("no pairs were measured")?;
        report.add(Row {
            scenario: OTHERS.to_owned(),
            connections: Some(connections),
            measured: Some(pair.0.p99),
            unit: MILLISECONDS,
            goal: Goal::AtMost(PATIENCE),
            relive: pair.0.to_string(),
            beside: format!("without logins {}", pair.1),
        });
    }
    Ok(())
}

//! Measures the time of a start, the memory of an idle server, and the growth of memory under load.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use super::{
    Bench,
    load::Load,
    report::{Goal, MEGABYTES, MILLISECONDS, Report, Row, Unit, median},
    request::Request,
    throughput::{ALL, heartbeats, mixed},
    world::{Shape, Site},
};

const IDLE: &str = "memory on a nearly empty database";
const START: &str = "start on a nearly empty database";
const SOAK: &str = "memory under the mixed load: growth";

/// Number of starts, of which the median counts.
const STARTS: usize = 5;
const CONNECTIONS: u32 = 64;
/// Time between two samples of the server's memory.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(2);

/// Names and goals of two rows: the time of a start, and the memory after a start.
pub(super) struct StartRows {
    pub(super) start: &'static str,
    pub(super) start_goal: Goal,
    pub(super) memory: &'static str,
    pub(super) memory_goal: Goal,
}

/// Measures the rows that the options select.
pub(super) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    if bench.wants(IDLE) || bench.wants(START) {
        idle(bench, report)?;
    }
    if bench.wants(SOAK) {
        soak(bench, report)?;
    }
    Ok(())
}

fn idle(bench: &Bench, report: &mut Report) -> Result<()> {
    let mut site = bench.site(Shape { on_air: 1, users: 10, ..Shape::default() })?;
    let traffic = heartbeats(&site.world);
    let rows = StartRows {
        start: START,
        start_goal: Goal::AtMost(100.0),
        memory: IDLE,
        memory_goal: Goal::AtMost(60.0),
    };
    measure_starts(bench, report, &mut site, &rows, &traffic)
}

/// Restarts a server several times, sends it the traffic, and adds the rows that the options select.
pub(super) fn measure_starts(
    bench: &Bench,
    report: &mut Report,
    site: &mut Site,
    rows: &StartRows,
    traffic: &[Request],
) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        site.restart(&bench.programs)?;
        times.push(site.server.started_in.as_secs_f64() * 1e3);
    }
    let row = Row {
        scenario: rows.start.to_owned(),
        connections: None,
        measured: median(times, |time| *time),
        unit: MILLISECONDS,
        goal: rows.start_goal,
        relive: "from its start to its first answer".to_owned(),
        beside: String::new(),
    };
    if bench.wants(rows.start) {
        report.add(row.clone());
    }
    if bench.wants(rows.memory) {
        site.server.lengths(traffic)?;
        report.add(Row {
            scenario: rows.memory.to_owned(),
            measured: Some(site.server.resident()?),
            unit: MEGABYTES,
            goal: rows.memory_goal,
            relive: "after a start and a little traffic".to_owned(),
            ..row
        });
    }
    Ok(())
}

fn soak(bench: &Bench, report: &mut Report) -> Result<()> {
    let site = bench.site(ALL)?;
    let requests = mixed(&site.world);
    site.server.lengths(&requests)?;
    let seconds = bench.options.soak * 60;
    let load = Load {
        folder: bench.folder(),
        address: &site.server.address,
        requests: &requests,
        connections: CONNECTIONS,
        seconds,
    };
    let (running, started) = (load.start()?, Instant::now());
    let mut sizes = Vec::new();
    while started.elapsed() < Duration::from_secs(seconds) {
        thread::park_timeout(SAMPLE_INTERVAL);
        sizes.push(site.server.resident()?);
    }
    let figures = running.finish()?;
    bench.check(&site.server, SOAK)?;
    let (early, late) = ends(&sizes).context("nothing was sampled")?;
    report.add(Row {
        scenario: SOAK.to_owned(),
        connections: Some(CONNECTIONS),
        measured: Some((late / early - 1.0) * 100.0),
        unit: Unit("%", 1),
        goal: Goal::AtMost(5.0),
        relive: format!("{late:.1} MB in the last of {} minutes, {figures}", bench.options.soak),
        beside: format!("{early:.1} MB in the second tenth and the third"),
    });
    Ok(())
}

/// The mean of the second and third tenth of the samples, and the mean of the last tenth.
fn ends(sizes: &[f64]) -> Option<(f64, f64)> {
    let tenth = sizes.len() / 10;
    #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
    let mean = |part: &[f64]| (!part.is_empty()).then(|| part.iter().sum::<f64>() / part.len() as f64);
    Some((mean(sizes.get(tenth..3 * tenth)?)?, mean(sizes.get(sizes.len() - tenth..)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tenth_of_the_samples_is_left_out() {
        let sizes: Vec<f64> = (0..20).map(f64::from).collect();
        assert_eq!(ends(&sizes), Some((3.5, 18.5)));
        assert_eq!(ends(&[1.0]), None);
    }
}

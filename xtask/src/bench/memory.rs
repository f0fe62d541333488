//! What an idle server holds in memory, how soon it is there, and whether it keeps its size.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use super::{
    Bench,
    load::Load,
    report::{Goal, MEGABYTES, MILLISECONDS, Report, Row, Unit, median},
    throughput::{ALL, heartbeats, mixed},
    world::Shape,
};

const IDLE: &str = "memory on a nearly empty database";
const START: &str = "start on a nearly empty database";
const SOAK: &str = "memory under the mixed load: growth";

/// Starts of which the one in the middle counts.
const STARTS: usize = 5;
const CONNECTIONS: u32 = 64;
/// Between two looks at its size.
const LOOK: Duration = Duration::from_secs(2);

/// Measures those that were asked for.
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
    let mut times = Vec::new();
    for _ in 0..STARTS {
        site.restart(&bench.programs)?;
        times.push(site.server.started_in.as_secs_f64() * 1e3);
    }
    let row = Row {
        scenario: START.to_owned(),
        connections: None,
        measured: median(times, |time| *time),
        unit: MILLISECONDS,
        goal: Goal::AtMost(100.0),
        relive: "from its start to its first answer".to_owned(),
        beside: String::new(),
    };
    if bench.wants(START) {
        report.add(row.clone());
    }
    if bench.wants(IDLE) {
        site.server.lengths(&heartbeats(&site.world))?;
        report.add(Row {
            scenario: IDLE.to_owned(),
            measured: Some(site.server.resident()?),
            unit: MEGABYTES,
            goal: Goal::AtMost(60.0),
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
        thread::park_timeout(LOOK);
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

/// The means of the second and third tenth, and of the last.
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
    fn the_ends_leave_out_the_warm_up() {
        let sizes: Vec<f64> = (0..20).map(f64::from).collect();
        assert_eq!(ends(&sizes), Some((3.5, 18.5)));
        assert_eq!(ends(&[1.0]), None);
    }
}

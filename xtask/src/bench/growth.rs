//! Measures the cost of a thousand times as much data: per request, in memory, and at a start.

use anyhow::{Context as _, Result};

use super::{
    Bench,
    load::Figures,
    memory::{StartRows, measure_starts},
    report::{Goal, Report, Row, TIMES, median},
    request::{self, Request},
    throughput::{Pair, beside_bare, revive},
    world::{Shape, Site, World},
};

const CONNECTIONS: u32 = 64;
const USERS: usize = 200;

/// 100 lives on air.
const SMALL: Shape = Shape {
    on_air: 100,
    members: 1_000,
    crowd: 100,
    recordings: 0,
    users: USERS,
    hosts: 0,
    room_service: false,
    strong: false,
};
/// 100,000 lives on air.
const BIG: Shape = Shape {
    on_air: 100_000,
    members: 1_000_000,
    crowd: 100_000,
    recordings: 0,
    users: USERS,
    hosts: 0,
    room_service: false,
    strong: false,
};
/// Lives on air of the worlds between these two, for the plot.
const STEPS: [usize; 2] = [1_000, 10_000];

/// Entries per page of a member list.
const MEMBERS: usize = 50;

const MEMORY: &str = "memory with 100,000 on air and 1,000,000 members";
const START: &str = "start with 100,000 on air and 1,000,000 members";
const CURVE: &str = "growth, for the plot";

/// A call whose cost must not grow.
struct Call {
    name: &'static str,
    requests: fn(&World, Shape) -> Vec<Request>,
}

const CALLS: [Call; 5] = [
    Call {
        name: "growth: sxb roomlist",
        requests: |world, _| each(world, |user| request::room_list(user, 0, 10)),
    },
    Call { name: "growth: v1 FetchList", requests: |_, _| vec![request::fetch_list(1, 1, 20)] },
    Call { name: "growth: sxb roomidlist", requests: |world, _| members(world, 0) },
    Call { name: "growth: v1 FetchGroupMemberList", requests: |world, _| group(world, 1) },
    Call {
        name: "growth: sxb heartbeat",
        requests: |world, _| each(world, |user| request::heartbeat(user, false)),
    },
];

/// A list whose last page must cost about as much as its first.
struct Deep {
    name: &'static str,
    first: fn(&World, Shape) -> Vec<Request>,
    last: fn(&World, Shape) -> Vec<Request>,
}

const PAGES: [Deep; 4] = [
    Deep {
        name: "last page: sxb roomlist",
        first: |world, _| each(world, |user| request::room_list(user, 0, 10)),
        last: |world, shape| each(world, |user| request::room_list(user, shape.on_air - 10, 10)),
    },
    Deep {
        name: "last page: v1 FetchList",
        first: |_, _| vec![request::fetch_list(1, 1, 20)],
        last: |_, shape| vec![request::fetch_list(1, shape.on_air / 20, 20)],
    },
    Deep {
        name: "last page: sxb roomidlist of 100,000 members",
        first: |world, _| members(world, 0),
        last: |world, shape| members(world, shape.crowd - MEMBERS),
    },
    Deep {
        name: "last page: v1 FetchGroupMemberList of 100,000 members",
        first: |world, _| group(world, 1),
        last: |world, shape| group(world, shape.crowd / MEMBERS),
    },
];

fn each(world: &World, request: impl Fn(&super::world::User) -> Request) -> Vec<Request> {
    world.users.iter().map(request).collect()
}

fn members(world: &World, index: usize) -> Vec<Request> {
    let crowded = world.lives.first().map_or(0, |live| live.room);
    each(world, |user| request::member_list(user, crowded, index, MEMBERS))
}

fn group(world: &World, page: usize) -> Vec<Request> {
    world.lives.iter().take(1).map(|live| request::group_list(live, page, MEMBERS)).collect()
}

/// Numbers of lives on air, each with the cost of a call divided by the bare server's.
pub(super) type Curve = Vec<(usize, f64)>;

/// Measures the rows that the options select; returns the curves of heartbeat and roomlist, if selected.
pub(super) fn run(bench: &Bench, report: &mut Report) -> Result<Vec<(&'static str, Curve)>> {
    let calls: Vec<_> = CALLS.iter().filter(|call| bench.wants(call.name)).collect();
    let pages: Vec<_> = PAGES.iter().filter(|deep| bench.wants(deep.name)).collect();
    let curve = bench.wants(CURVE);
    if calls.is_empty() && pages.is_empty() && ![MEMORY, START, CURVE].iter().any(|name| bench.wants(name)) {
        return Ok(Vec::new());
    }
    let small = bench.site(SMALL)?;
    let mut big = bench.site(BIG)?;
    for call in calls {
        grow(bench, report, call, &small, &big)?;
    }
    for deep in pages {
        dive(bench, report, deep, &big)?;
    }
    let mut curves = Vec::new();
    if curve {
        curves = measure_curves(bench, &small, &big)?;
    }
    bench.check(&small.server, "growth")?;
    bench.check(&big.server, "growth")?;
    drop(small);
    if bench.wants(MEMORY) || bench.wants(START) {
        let calls = CALLS.iter().flat_map(|call| (call.requests)(&big.world, big.shape));
        let traffic: Vec<_> = calls.collect();
        let rows = StartRows {
            start: START,
            start_goal: Goal::AtMost(2_000.0),
            memory: MEMORY,
            memory_goal: Goal::AtMost(700.0),
        };
        measure_starts(bench, report, &mut big, &rows, &traffic)?;
    }
    Ok(curves)
}

fn grow(bench: &Bench, report: &mut Report, call: &Call, small: &Site, big: &Site) -> Result<()> {
    let of = |site: &Site| (call.requests)(&site.world, site.shape);
    let (few, many) = (of(small), of(big));
    for (site, requests) in [(small, &few), (big, &many)] {
        revive(site)?;
        site.server.lengths(requests)?;
    }
    let pair = || {
        let few = bench.measure(&small.server, &few, CONNECTIONS, bench.options.seconds)?;
        Ok((few, bench.measure(&big.server, &many, CONNECTIONS, bench.options.seconds)?))
    };
    add(report, call.name, 1.25, bench.pairs(pair)?)
}

fn dive(bench: &Bench, report: &mut Report, deep: &Deep, big: &Site) -> Result<()> {
    let first = (deep.first)(&big.world, big.shape);
    let last = (deep.last)(&big.world, big.shape);
    big.server.lengths(&first)?;
    big.server.lengths(&last)?;
    let pair = || {
        let first = bench.measure(&big.server, &first, CONNECTIONS, bench.options.seconds)?;
        Ok((first, bench.measure(&big.server, &last, CONNECTIONS, bench.options.seconds)?))
    };
    add(report, deep.name, 1.5, bench.pairs(pair)?)
}

/// Adds a row: the cost of the second measurement of a pair divided by that of the first.
fn add(report: &mut Report, name: &str, goal: f64, pairs: Vec<(Figures, Figures)>) -> Result<()> {
    let cost = |(little, much): &(Figures, Figures)| little.rate / much.rate;
    let pair = median(pairs, cost).context("no pairs were measured")?;
    report.add(Row {
        scenario: name.to_owned(),
        connections: Some(CONNECTIONS),
        measured: Some(cost(&pair)),
        unit: TIMES,
        goal: Goal::AtMost(goal),
        relive: pair.1.to_string(),
        beside: pair.0.to_string(),
    });
    Ok(())
}

fn measure_curves(bench: &Bench, small: &Site, big: &Site) -> Result<Vec<(&'static str, Curve)>> {
    let mut curves = vec![("roomlist", Vec::new()), ("heartbeat", Vec::new())];
    let mut measure = |site: &Site| -> Result<()> {
        for ((_, curve), call) in curves.iter_mut().zip([CALLS.first(), CALLS.last()]) {
            let call = call.context("no calls")?;
            let (requests, bare) = beside_bare(site, (call.requests)(&site.world, site.shape))?;
            let pair: Pair = bench.compare(site, (&requests, &bare), CONNECTIONS, bench.options.seconds)?;
            curve.push((site.shape.on_air, 1.0 / pair.ratio()));
        }
        Ok(())
    };
    measure(small)?;
    for on_air in STEPS {
        measure(&bench.site(Shape { on_air, members: 10 * on_air, crowd: on_air, ..SMALL })?)?;
    }
    measure(big)?;
    Ok(curves)
}

//! Measures requests per second in comparison with the bare server, for each dialect.

use anyhow::{Context as _, Result};

use super::{
    Bench,
    load::Figures,
    report::{Goal, MILLISECONDS, Report, Row, TIMES_BARE, median},
    request::{self, Request},
    world::{Shape, Site, World},
};

/// Connections of the generator.
pub(super) const CONNECTIONS: [u32; 2] = [64, 256];

/// Requests of the mixed load; a multiple of 100.
const MIXED: usize = 4_000;

/// Lives on air, and as many replays, in the lists.
const LISTED: usize = 500;

/// Rooms on air, and as many viewers.
const ROOMS: usize = 1_000;

/// Users whose sessions take turns in calls for which one session would be enough.
const CALLERS: usize = 50;

pub(super) const SEATS: Shape = Shape {
    on_air: 0,
    members: 0,
    crowd: 0,
    recordings: 0,
    users: 2 * ROOMS,
    hosts: ROOMS,
    room_service: false,
    strong: false,
};
pub(super) const LIVES: Shape = Shape {
    on_air: ROOMS,
    members: ROOMS,
    crowd: 0,
    recordings: 0,
    users: ROOMS,
    hosts: 0,
    room_service: false,
    strong: false,
};
const LISTS: Shape = Shape {
    on_air: LISTED,
    members: ROOMS,
    crowd: 0,
    recordings: LISTED,
    users: CALLERS,
    hosts: 0,
    room_service: false,
    strong: false,
};
const ANCHORS: Shape = Shape {
    on_air: 0,
    members: 0,
    crowd: 0,
    recordings: 0,
    users: ROOMS,
    hosts: ROOMS,
    room_service: true,
    strong: false,
};
pub(super) const ALL: Shape = Shape {
    on_air: LISTED,
    members: ROOMS,
    crowd: 0,
    recordings: LISTED,
    users: 2 * ROOMS,
    hosts: ROOMS,
    room_service: false,
    strong: false,
};

/// One kind of load, and the share of the bare server's rate that it must reach.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    goal: f64,
    pub(super) requests: fn(&World) -> Vec<Request>,
}

/// All scenarios. Those with the same shape are adjacent, so that they use the same server.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "sxb heartbeat", shape: SEATS, goal: 0.80, requests: heartbeats },
    Scenario { name: "sxb roomlist, 10 of 1,000", shape: LIVES, goal: 0.70, requests: room_lists },
    Scenario { name: "qplus GetLiveRoomList, 10 of 1,000", shape: LIVES, goal: 0.60, requests: qplus_lists },
    Scenario { name: "v1 like on 1,000 lives, durable", shape: LIVES, goal: 0.50, requests: likes },
    Scenario { name: "v1 like on one live, durable", shape: LIVES, goal: 0.55, requests: likes_of_one },
    Scenario { name: "sxb enter and leave, durable", shape: LIVES, goal: 0.40, requests: moves },
    Scenario { name: "v1 FetchList, 20 of 1,000", shape: LISTS, goal: 0.60, requests: fetch_lists },
    Scenario { name: "v2 get_vod_list, 20 of 500, signed", shape: LISTS, goal: 0.60, requests: vod_lists },
    Scenario {
        name: "roomservice anchor_heartbeat",
        shape: ANCHORS,
        goal: 0.75,
        requests: anchor_heartbeats,
    },
    Scenario {
        name: "roomservice get_room_list, 20 of 1,000",
        shape: ANCHORS,
        goal: 0.60,
        requests: live_rooms,
    },
    Scenario { name: "mixed", shape: ALL, goal: 0.55, requests: mixed },
];

/// Goal for the 99th percentile of the mixed load's latency, in milliseconds.
const PATIENCE: f64 = 20.0;

/// Measures the rows that the options select.
pub(super) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let mut site: Option<Site> = None;
    for scenario in SCENARIOS.iter().filter(|scenario| bench.wants(scenario.name)) {
        let at = match site.take() {
            Some(site) if site.shape == scenario.shape => site,
            _ => bench.site(scenario.shape)?,
        };
        for connections in CONNECTIONS {
            let (requests, bare) = beside_bare(&at, (scenario.requests)(&at.world))?;
            let pair = bench.compare(&at, (&requests, &bare), connections, bench.options.seconds)?;
            report.add(pair.row(scenario.name, connections, Goal::AtLeast(scenario.goal)));
            if scenario.name == "mixed" && connections == 64 {
                report.add(Row {
                    measured: Some(pair.relive.p99),
                    unit: MILLISECONDS,
                    ..pair.row("mixed: 99th percentile", connections, Goal::AtMost(PATIENCE))
                });
            }
        }
        bench.check(&at.server, scenario.name)?;
        site = Some(at);
    }
    Ok(())
}

/// Checks each request; returns the requests, and the corresponding ones to the baseline.
pub(super) fn beside_bare(site: &Site, requests: Vec<Request>) -> Result<(Vec<Request>, Vec<Request>)> {
    revive(site)?;
    let lengths = site.server.lengths(&requests)?;
    let bare = requests.iter().zip(lengths).map(|(request, length)| request.bare(length)).collect();
    Ok((requests, bare))
}

/// Puts hosts that timed out back on air, and lets viewers enter again: between two measurements no client sends
/// heartbeats. Hosts of RoomService have an hour.
pub(super) fn revive(site: &Site) -> Result<()> {
    if site.shape.room_service {
        return Ok(());
    }
    let (hosts, viewers) = site.world.users.split_at(site.shape.hosts.min(site.world.users.len()));
    for host in hosts {
        let enter = request::move_sxb(host, host.room, 1, false);
        if enter.check(&site.server.send(&enter)?).is_err() {
            site.server.ask(&request::report_room(host))?;
        }
    }
    let enter = |user| request::move_sxb(user, user.room, 0, false);
    site.server.lengths(&viewers.iter().map(enter).collect::<Vec<_>>()).context("seating viewers")?;
    Ok(())
}

/// Figures of relive and of the baseline.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) relive: Figures,
    pub(super) bare: Figures,
}

impl Pair {
    /// Rate of relive divided by the rate of the baseline.
    pub(super) fn ratio(&self) -> f64 {
        self.relive.rate / self.bare.rate
    }

    /// The pair with the median ratio.
    pub(super) fn median(pairs: Vec<Self>) -> Result<Self> {
        median(pairs, Self::ratio).context("no pairs were measured")
    }

    fn row(&self, scenario: &str, connections: u32, goal: Goal) -> Row {
        Row {
            scenario: scenario.to_owned(),
            connections: Some(connections),
            measured: Some(self.ratio()),
            unit: TIMES_BARE,
            goal,
            relive: self.relive.to_string(),
            beside: self.bare.to_string(),
        }
    }
}

/// One heartbeat of every user: first the hosts, then the viewers.
pub(super) fn heartbeats(world: &World) -> Vec<Request> {
    world.users.iter().enumerate().map(|(at, user)| request::heartbeat(user, at < ROOMS)).collect()
}

pub(super) fn room_lists(world: &World) -> Vec<Request> {
    let pages = [0, 10, 490, 990];
    world
        .users
        .iter()
        .take(CALLERS)
        .flat_map(|user| pages.map(|index| request::room_list(user, index, 10)))
        .collect()
}

fn fetch_lists(_: &World) -> Vec<Request> {
    (1..=2 * LISTED / 20).map(|page| request::fetch_list(3, page, 20)).collect()
}

fn vod_lists(world: &World) -> Vec<Request> {
    let users = world.users.iter().take(CALLERS).enumerate();
    users.map(|(at, user)| request::vod_list(user, world.now, at % (LISTED / 20) * 20, 20)).collect()
}

/// One heartbeat of every host, which knows the code of its room.
fn anchor_heartbeats(world: &World) -> Vec<Request> {
    world.users.iter().map(|host| request::anchor_heartbeat(host, host.room_code)).collect()
}

fn live_rooms(world: &World) -> Vec<Request> {
    let pages = [0, 20, 480, 980];
    let callers = world.users.iter().take(CALLERS);
    callers.flat_map(|user| pages.map(|index| request::live_rooms(user, index, 20))).collect()
}

fn qplus_lists(world: &World) -> Vec<Request> {
    world.users.iter().take(CALLERS).map(|user| request::live_room_list(user, 10)).collect()
}

pub(super) fn likes(world: &World) -> Vec<Request> {
    world.lives.iter().map(request::like).collect()
}

pub(super) fn likes_of_one(world: &World) -> Vec<Request> {
    world.lives.iter().take(1).map(request::like).collect()
}

/// First every user enters another room, then every user leaves the room. The two requests of a user are so far apart
/// that they keep their order on any connections.
fn moves(world: &World) -> Vec<Request> {
    let all = |leave| {
        let rooms = world.lives.iter().rev().map(|live| live.room);
        world.users.iter().zip(rooms).map(move |(user, room)| request::move_sxb(user, room, 0, leave))
    };
    all(false).chain(all(true)).collect()
}

/// 70 % heartbeats, 15 % lists, 10 % likes, 5 % moves, scattered. Each of the generator's two threads sends every
/// second request and has its own guests and viewers to move.
pub(super) fn mixed(world: &World) -> Vec<Request> {
    let threads = [0, 1].map(|thread| mixed_thread(world, thread));
    let [even, odd] = threads;
    even.into_iter().zip(odd).flat_map(|(even, odd)| [even, odd]).collect()
}

fn mixed_thread(world: &World, thread: usize) -> Vec<Request> {
    let beats = heartbeats(world);
    let (hosts, viewers) = world.users.split_at(ROOMS.min(world.users.len()));
    let lists = mixed_lists(world, hosts);
    let moves = mixed_moves(world, viewers, thread);
    let likes = likes(world);
    let mut turns = [thread, thread, thread, 0];
    let mut next = |kind: usize, from: &[Request], step: usize| {
        let turn = turns.get_mut(kind)?;
        let request = from.get(*turn % from.len().max(1)).cloned();
        *turn += step;
        request
    };
    let scattered = (0..MIXED / 2).filter_map(|at| match at * 37 % 100 {
        0..70 => next(0, &beats, 2),
        70..85 => next(1, &lists, 2),
        85..95 => next(2, &likes, 2),
        // All moves of this thread, in order.
        _ => next(3, &moves, 1),
    });
    scattered.collect()
}

fn mixed_lists(world: &World, callers: &[super::world::User]) -> Vec<Request> {
    let list = |(at, user)| match at % 4 {
        0 => request::room_list(user, at / 4 * 10 % LISTED, 10),
        1 => request::fetch_list(3, at / 4 % (2 * LISTED / 20) + 1, 20),
        2 => request::vod_list(user, world.now, at / 4 * 20 % LISTED, 20),
        _ => request::live_room_list(user, 10),
    };
    // Two callers in a row send the same kind of request, so that each of the two threads sends all kinds.
    callers.iter().enumerate().map(|(at, user)| (at / 2, user)).map(list).collect()
}

/// As many moves as a thread sends in a round: first every mover enters a room, then every mover leaves the room.
fn mixed_moves(world: &World, viewers: &[super::world::User], thread: usize) -> Vec<Request> {
    let movers = MIXED / 2 * 5 / 100 / 2;
    let all = |leave| {
        (0..movers).filter_map(move |at| {
            let mover = 2 * at + thread;
            let live = world.lives.get(mover % world.lives.len().max(1))?;
            if at % 2 == 0 {
                Some(request::move_sxb(viewers.get(mover)?, live.room, 0, leave))
            } else {
                Some(request::move_v1(&format!("guest{mover:07}"), live, leave))
            }
        })
    };
    all(false).chain(all(true)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::world::{Live, User};

    fn world() -> World {
        let live = |at| Live { user: format!("live{at}"), group: format!("g{at}"), room: at };
        let user = |at: i64| User {
            id: format!("user{at}"),
            room: at,
            sxb: format!("s{at}"),
            v2: format!("v{at}"),
            qplus: format!("q{at}"),
            room_service: format!("r{at}"),
            room_code: 0,
        };
        World {
            now: 0,
            password: String::new(),
            lives: (0..500).map(live).collect(),
            users: (0..2_000).map(user).collect(),
        }
    }

    #[test]
    fn the_mixed_load_has_its_shares() {
        let requests = mixed(&world());
        let share = |part: &str| {
            let found =
                requests.iter().filter(|request| request.path.contains(part) || request.body.contains(part));
            found.count() * 100 / MIXED
        };
        assert_eq!(requests.len(), MIXED);
        assert_eq!((share("heartbeat"), share("ChangeCount")), (70, 10));
        let lists =
            [share("cmd=roomlist"), share("FetchList"), share("get_vod_list"), share("GetLiveRoomList")];
        assert!(lists.iter().all(|share| (3..=4).contains(share)), "{lists:?}");
        assert_eq!(share("reportmemid") + share("EnterGroup") + share("QuitGroup"), 4);
        assert_eq!(share("QuitGroup"), share("EnterGroup"));
    }

    #[test]
    fn a_user_that_enters_leaves_later_through_the_same_thread() {
        let requests = mixed(&world());
        for (at, enter) in
            requests.iter().enumerate().filter(|(_, request)| request.body.contains("\"operate\":0"))
        {
            let leave = enter.body.replace("\"operate\":0", "\"operate\":1");
            let left = requests.iter().position(|request| request.body == leave).unwrap();
            assert!(left > at + 512 && (left - at) % 2 == 0, "{at} {left}");
        }
    }
}

//! Time is monotonic: a clock that is set, and a process that slept, make nobody silent and keep nothing alive.

use relive_core::{
    AccountId, Client, Core, Dialect, Error, Identifier, NewAccount, Password, Purpose, Role, RoomNumber,
    Seconds,
};

use crate::support::{ALL, START, World};

const HOUR: Seconds = Seconds(3_600);
const TEN_YEARS: Seconds = Seconds(315_576_000);

/// A live of sxb with some viewers.
struct SxbLive {
    host: AccountId,
    room: RoomNumber,
    viewers: Vec<AccountId>,
}

impl SxbLive {
    async fn begin(world: &World, host: &str, viewers: usize) -> Self {
        let host_account = world.user(host).await;
        let room = world.sxb_live(host_account, host).await;
        let mut live = Self { host: host_account, room, viewers: Vec::new() };
        for number in 0..viewers {
            let viewer = world.user(&format!("{host}-{number}")).await;
            world.core.audiences().enter(viewer, room, Role::Viewer).await.unwrap();
            live.viewers.push(viewer);
        }
        live
    }

    /// Every client of the live sends a heartbeat.
    async fn beat(&self, world: &World) {
        world.core.audiences().beat(self.host, Role::Host, None).await.unwrap();
        for viewer in &self.viewers {
            world.core.audiences().beat(*viewer, Role::Viewer, None).await.unwrap();
        }
    }

    async fn members(&self, world: &World) -> usize {
        world.core.audiences().members(self.room, ALL).await.unwrap().total
    }
}

/// Lets time pass in steps of a second, in each of which the upkeep runs.
async fn pass(world: &World, seconds: i64) {
    for _ in 0..seconds {
        world.clock.advance(Seconds(1));
        world.core.maintain().await.unwrap();
    }
}

#[tokio::test]
async fn a_clock_set_an_hour_ahead_ends_no_live_no_membership_and_no_session() {
    let world = World::new();
    let live = SxbLive::begin(&world, "sonja", 30).await;
    let (quinn, wang) = (world.user("quinn").await, world.session("sonja-0").await);
    let room = world.core.broadcasts().prepare(quinn).await.unwrap();
    world.core.broadcasts().push(quinn, room, Seconds(600)).await.unwrap();
    world.core.audiences().watch(&wang, room).await.unwrap();
    let token = world.token(Dialect::Qplus, "quinn").await;
    pass(&world, 20).await;

    world.clock.set_forward(HOUR);
    assert_eq!(
        (world.on_air().await.len(), live.members(&world).await),
        (2, 31),
        "before the clock is compared"
    );
    world.core.maintain().await.unwrap();
    assert_eq!(world.core.now(), START + Seconds(60 + 20 + 3_600));
    assert_eq!((world.on_air().await.len(), live.members(&world).await), (2, 31));
    world.core.sessions().authenticate(Dialect::Qplus, &token).await.unwrap();
    for _ in 0..8 {
        pass(&world, 20).await;
        live.beat(&world).await;
    }
    assert_eq!((world.on_air().await.len(), live.members(&world).await), (2, 31));
    assert_eq!(world.core.audiences().members(room, ALL).await.unwrap().total, 2);

    // Silence is as long as it is, whatever the clock shows.
    pass(&world, 600 - 20 - 160).await;
    assert!(world.of_room(room).await.is_some(), "its lease has not run out");
    world.clock.advance(Seconds(1));
    assert!(world.of_room(room).await.is_none());
}

#[tokio::test]
async fn a_clock_set_back_keeps_nobody() {
    let world = World::new();
    let live = SxbLive::begin(&world, "sonja", 3).await;
    pass(&world, 20).await;
    world.clock.set_forward(Seconds(-3_600));
    world.core.maintain().await.unwrap();
    assert_eq!(world.core.now(), START + Seconds(80 - 3_600));
    assert_eq!(live.members(&world).await, 4);
    pass(&world, 59).await;
    assert_eq!(live.members(&world).await, 4, "the grace");
    world.core.audiences().beat(live.host, Role::Host, None).await.unwrap();
    pass(&world, 2).await;
    assert_eq!(live.members(&world).await, 1);
    pass(&world, 90).await;
    assert!(world.on_air().await.is_empty());
}

#[tokio::test]
async fn a_clock_set_ten_years_ahead_and_back_leaves_no_ghost_and_refuses_nobody() {
    let mut world = World::with(|config| config.limits.login_failures = 10);
    let here = Client { address: [192, 0, 2, 7].into(), is_exempt: false };
    world.user("anna").await;
    world.clock.set_forward(TEN_YEARS);
    world.core.maintain().await.unwrap();
    let live = SxbLive::begin(&world, "sonja", 30).await;
    world.core.accounts().issue_code("13800000001", Purpose::Register).await.unwrap();
    let core = world.core.for_client(here);
    let login = async |core: &Core, password: &str| {
        let anna = Identifier::UserId("anna".into());
        core.accounts().login(Dialect::Sxb, anna, &[Password::plain(password)]).await.map(drop)
    };
    for _ in 0..11 {
        assert!(login(&core, "wrong").await.is_err());
    }
    assert!(matches!(login(&core, "anna").await, Err(Error::RateLimited)));
    world.core.maintain().await.unwrap();

    world.clock.set_forward(Seconds(-TEN_YEARS.0));
    world.core.maintain().await.unwrap();
    assert_eq!(live.members(&world).await, 31, "the grace");
    world.clock.advance(Seconds(2));
    login(&core, "anna").await.unwrap();
    world.core.accounts().issue_code("13800000001", Purpose::Register).await.unwrap();
    pass(&world, 98).await;
    assert!(world.on_air().await.is_empty() && live.members(&world).await == 0);

    let ghost = SxbLive::begin(&world, "gesa", 3).await;
    world.clock.set_forward(TEN_YEARS);
    world.core.maintain().await.unwrap();
    ghost.beat(&world).await;
    world.core.shutdown().await;
    world.clock.set_forward(Seconds(-TEN_YEARS.0));
    world.crash(Seconds(5));
    world.core.maintain().await.unwrap();
    assert_eq!(ghost.members(&world).await, 4, "the grace of the start");
    world.clock.advance(Seconds(61));
    assert_eq!(ghost.members(&world).await, 1);
    world.clock.advance(Seconds(40));
    assert!(world.on_air().await.is_empty());
    world.core.accounts().issue_code("13800000001", Purpose::Register).await.unwrap();
}

#[tokio::test]
async fn a_session_used_in_the_future_ends_when_it_is_idle() {
    let mut world = World::new();
    world.user("anna").await;
    world.clock.set_forward(TEN_YEARS);
    world.core.maintain().await.unwrap();
    let token = world.token(Dialect::Qplus, "anna").await;
    world.core.shutdown().await;
    world.clock.set_forward(Seconds(-TEN_YEARS.0));
    world.crash(Seconds(0));
    let alive =
        async |world: &World| world.core.sessions().authenticate(Dialect::Qplus, &token).await.is_ok();
    assert!(alive(&world).await);
    // The clock has stood long enough to be right.
    world.clock.advance(Seconds(600));
    world.core.maintain().await.unwrap();
    world.restart(Seconds(0)).await;
    world.clock.advance(Seconds(3_000));
    assert!(alive(&world).await);
    world.clock.advance(HOUR);
    assert!(!alive(&world).await);
}

#[tokio::test]
async fn a_clock_that_was_behind_at_the_start_logs_nobody_out() {
    let mut world = World::new();
    world.user("anna").await;
    let token = world.token(Dialect::Qplus, "anna").await;
    world.core.shutdown().await;
    world.clock.set_forward(Seconds(-TEN_YEARS.0));
    world.crash(Seconds(0));
    world.core.maintain().await.unwrap();
    world.clock.set_forward(TEN_YEARS);
    pass(&world, 30).await;
    world.core.sessions().authenticate(Dialect::Qplus, &token).await.unwrap();
}

#[tokio::test]
async fn a_process_that_slept_for_34_seconds_loses_no_member() {
    let world = World::with(|config| config.background = true);
    let live = SxbLive::begin(&world, "sonja", 100).await;
    pass(&world, 10).await;
    world.clock.set_longest_gap(Seconds(5));
    world.clock.advance(Seconds(34));
    // The first request after waking is that of a client that waited.
    assert_eq!(live.members(&world).await, 101);
    live.beat(&world).await;
    pass(&world, 1).await;
    assert_eq!(world.core.now(), START + Seconds(60 + 10 + 34 + 1));
    pass(&world, 28).await;
    assert_eq!(live.members(&world).await, 101);
    pass(&world, 40).await;
    assert_eq!(live.members(&world).await, 1, "the host has a longer time-out");
}

#[tokio::test]
async fn no_setting_of_the_clock_ends_a_live_or_stops_the_server() {
    let to_2038 = Seconds(2_147_483_640 - START.0);
    for by in [Seconds(-3_600), Seconds(-TEN_YEARS.0), to_2038, Seconds(6_311_520_000)] {
        let world = World::new();
        let live = SxbLive::begin(&world, "sonja", 2).await;
        world.clock.set_forward(by);
        for _ in 0..10 {
            pass(&world, 10).await;
            live.beat(&world).await;
        }
        assert_eq!((world.on_air().await.len(), live.members(&world).await), (1, 3), "{by}");
        assert_eq!(world.core.now(), START + Seconds(160) + by);
        world.token(Dialect::Qplus, "sonja").await;
    }
}

#[tokio::test]
async fn a_wall_clock_that_stands_still_ends_no_live() {
    let world = World::new();
    let live = SxbLive::begin(&world, "sonja", 2).await;
    for _ in 0..100 {
        pass(&world, 1).await;
        world.clock.set_wall_forward(Seconds(-1));
        live.beat(&world).await;
    }
    assert_eq!(live.members(&world).await, 3);
    let silent = live.viewers[0];
    for _ in 0..32 {
        pass(&world, 1).await;
        world.clock.set_wall_forward(Seconds(-1));
        for account in [live.host, live.viewers[1]] {
            world.core.audiences().beat(account, Role::Viewer, None).await.unwrap();
        }
    }
    let members = world.core.audiences().members(live.room, ALL).await.unwrap();
    assert_eq!(members.total, 2, "{silent:?} was silent for 32 seconds: {members:?}");
}

#[tokio::test]
async fn a_budget_is_full_again_after_its_window_whatever_the_clock_shows() {
    let world = World::with(|config| config.limits.registrations_per_hour = 1);
    let core = world.core.for_client(Client { address: [192, 0, 2, 7].into(), is_exempt: false });
    let register =
        async |id: &str| core.accounts().register(NewAccount::new(id, Password::plain(id))).await.is_ok();
    world.clock.set_forward(TEN_YEARS);
    world.core.maintain().await.unwrap();
    assert!(register("anna").await && !register("berta").await);
    world.clock.set_forward(Seconds(-TEN_YEARS.0));
    world.core.maintain().await.unwrap();
    assert!(!register("berta").await, "an hour has not passed");
    world.clock.advance(HOUR);
    assert!(register("berta").await);
}

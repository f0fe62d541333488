//! A promoted copy that lacks the last writes takes the place of a PostgreSQL server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use relive_core::{
    Actor, Announcement, Config, Core, Counted, Dialect, Error, Identifier, MemberNames, NewAccount,
    OnAirFilter, Password, Step, SystemClock, SystemRandom, Window,
};
use secrecy::ExposeSecret as _;

use crate::{
    log,
    relay::Relay,
    server::{Programs, Server},
};

const ALL: Window = Window { offset: 0, limit: 10_000 };
/// Promotions in a row. Each time another thread may be the first to find its connection broken.
const ROUNDS: usize = 20;
/// Accounts registered in a round: more than the values of a sequence that PostgreSQL skips in a recovery, so that lost ids
/// are assigned again.
const LOST: usize = 40;
/// A core that is not back after this time has failed the test.
const RETURN_LIMIT: Duration = Duration::from_mins(2);

fn start(url: String) -> Core {
    let mut config = Config::sqlite("");
    config.database.url = url;
    config.database.reconnect_pause = Duration::from_millis(50);
    config.accounts.argon2_memory_kib = 8;
    config.accounts.argon2_iterations = 1;
    config.background = false;
    Core::start(config, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap()
}

async fn enter(core: &Core, name: &str) {
    let guest = Actor::Unproven(name.into());
    core.audiences().enter_group(guest, &"host".into(), &"g".into(), MemberNames::default()).await.unwrap();
}

async fn like(core: &Core) {
    core.broadcasts().count(&"host".into(), Counted::Like, Step::Up).await.unwrap();
}

async fn register(core: &Core, name: &str) {
    core.accounts().register(NewAccount::new(name, Password::plain(name))).await.unwrap();
}

/// Registers accounts whose names begin with `names`, and logs the last one in. Returns its token.
async fn log_in(core: &Core, names: &str) -> String {
    for number in 0..LOST {
        register(core, &format!("{names}-{number}")).await;
    }
    let name = format!("{names}-{}", LOST - 1);
    let (identifier, forms) = (Identifier::UserId(name.clone().into()), [Password::plain(name)]);
    let (_, session) = core.accounts().login(Dialect::Sxb, identifier, &forms).await.unwrap();
    session.token.expose_secret().to_owned()
}

/// Describes what the read model shows.
async fn shown(core: &Core) -> String {
    let live = core.broadcasts().latest(&"host".into()).await.unwrap().unwrap();
    let group = core.audiences().group(&"host".into(), &"g".into(), ALL).await.unwrap();
    let on_air = core.broadcasts().on_air(OnAirFilter::default(), ALL).await.unwrap();
    let stats = core.stats();
    format!(
        "likes {} viewers {} members {} group {} on air {} {} all members {}",
        live.likes, live.viewers, live.members, group.total, on_air.total, stats.rooms_on_air, stats.members
    )
}

/// Waits until the core has reached its database again and its read model agrees with the tables.
async fn catch_up(core: &Core) {
    let started = Instant::now();
    while let Err(error) = core.maintain().await {
        assert!(started.elapsed() < RETURN_LIMIT, "the core does not come back: {error:?}");
        tokio::task::yield_now().await;
    }
}

/// Reads a table until `stop` is set, whatever the answers are.
fn keep_reading(core: &Core, stop: &Arc<AtomicBool>) -> tokio::task::JoinHandle<()> {
    let (core, stop) = (core.clone(), Arc::clone(stop));
    tokio::spawn(async move {
        while !stop.load(Ordering::Relaxed) {
            let _ = core.accounts().find(&"host".into()).await;
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_read_model_follows_to_a_server_that_lacks_the_last_writes() {
    let Some(programs) = Programs::find() else { return };
    let mut server = Server::start(&programs);
    let relay = Relay::start(server.address(), "");
    let cores = [(); 2].map(|()| start(relay.url(&server.url())));
    let [here, there] = &cores;
    let host = Actor::Unproven("host".into());
    let announcement = Announcement { group_id: "g".into(), ..Announcement::default() };
    here.broadcasts().announce(host.clone(), announcement).await.unwrap();
    here.broadcasts().put_on_air(host).await.unwrap();
    for round in 0..ROUNDS {
        enter(there, &format!("kept-{round}")).await;
        let copy = server.copy();
        // The copy lacks these writes.
        let token = log_in(here, &format!("lost-{round}")).await;
        for guest in 0..5 {
            enter(here, &format!("lost-guest-{round}-{guest}")).await;
            like(there).await;
        }
        for core in &cores {
            catch_up(core).await;
            core.sessions().authenticate(Dialect::Sxb, &token).await.unwrap();
        }
        // A sibling that is on the new server already writes with lower transaction numbers than the lost writes had.
        let new = copy.promote();
        let sibling = start(new.url());
        let strangers = log_in(&sibling, &format!("stranger-{round}")).await;
        enter(&sibling, &format!("sibling-{round}")).await;
        like(&sibling).await;

        let stop = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = cores.iter().chain(&cores).map(|core| keep_reading(core, &stop)).collect();
        relay.switch(new.address());
        for core in &cores {
            catch_up(core).await;
        }
        stop.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.await.unwrap();
        }
        // A core that has just been started shows the content of the tables.
        let tables = start(new.url());
        for core in &cores {
            assert_eq!(shown(core).await, shown(&tables).await, "round {round}");
            let lost = core.sessions().authenticate(Dialect::Sxb, &token).await;
            assert!(matches!(lost, Err(Error::InvalidSession)), "round {round}: {lost:?}");
            core.sessions().authenticate(Dialect::Sxb, &strangers).await.unwrap();
        }
        tables.shutdown().await;
        sibling.shutdown().await;
        server = new;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_set_back_is_refused() {
    let Some(programs) = Programs::find() else { return };
    log::collect();
    let old = Server::start(&programs);
    let relay = Relay::start(old.address(), "");
    let core = start(relay.url(&old.url()));
    register(&core, "host").await;
    let new = old.copy().promote();
    relay.switch(new.address());
    catch_up(&core).await;
    register(&core, "newcomer").await;

    // A faulty failover manager leads back to the old server.
    relay.switch(old.address());
    for _ in 0..20 {
        assert!(core.maintain().await.is_err(), "the follower uses the old server");
        assert!(core.probe().await.is_err(), "a write goes to the old server");
        assert!(core.accounts().find(&"host".into()).await.is_err());
        assert!(matches!(
            core.broadcasts().on_air(OnAirFilter::default(), ALL).await,
            Err(Error::Unavailable)
        ));
    }
    assert!(log::has("it was set back to an older timeline"));

    relay.switch(new.address());
    catch_up(&core).await;
    assert!(core.accounts().find(&"newcomer".into()).await.unwrap().is_some());
}

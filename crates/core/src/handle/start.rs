//! Starts a core: opens the database, loads the read model, starts the threads.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use crossbeam_channel::Sender;
use diesel::{dsl::sql, prelude::*, sql_types::BigInt};

use super::{
    commit::ReadModelListener,
    core::{Core, Inner},
    upkeep::data_version,
};
use crate::{
    Clock, Config, Random, Result, StartError,
    domain::{broadcast::count, push_ttl},
    limit::Budgets,
    login::{hasher::Hasher, throttle::LoginThrottle},
    model::{rule::Grace, server_time::ServerTime},
    read_model::memory::Memory,
    replica::{
        follower::Follower,
        load::{empty, last_position, load},
    },
    store::{
        CommitListener, CommitNotice, Env, Store,
        coalesce::Coalescer,
        conn::{Backend, Conn, on},
        lease,
        lock::ExclusiveLock,
        migrate::migrate,
        pool,
    },
    table::changes,
};

impl Core {
    /// Opens the database, migrates it, loads the read model, and starts the threads. Blocks until that is done.
    ///
    /// Errors: [`StartError::InUse`] if another core with upkeep ([`Config::background`]) runs on the SQLite file.
    pub fn start(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self, StartError> {
        let config = Arc::new(config);
        let shared = matches!(Backend::of(&config.database)?, Backend::Postgres(_));
        // A second server would serve from a memory of its own. A short-lived command may run beside a server.
        let lock =
            if config.background && !shared { Some(ExclusiveLock::take(&config.database)?) } else { None };
        let mut conn = Conn::open(&config.database)?;
        migrate(&mut conn)?;
        let told = changes::database_time(&mut conn).map_err(StartError::Load)?;
        let time = Arc::new(ServerTime::new(clock, told));
        let longest_push_ttl =
            push_ttl::keep(&mut conn, config.media.push_ttl, time.now()).map_err(StartError::Load)?;
        let memory =
            Arc::new(Memory::new(empty(&config, Grace::after(time.now())), Arc::clone(&random), shared));
        let budgets = Arc::new(Budgets::new(config.limits));
        let env = Arc::new(Env {
            config: Arc::clone(&config),
            time: Arc::clone(&time),
            random: Arc::clone(&random),
            position: AtomicI64::new(0),
            origin: AtomicI64::new(0),
            budgets: Arc::clone(&budgets),
        });
        let (store, follower, seen) = if shared {
            drop(conn);
            let (store, follower) = start_shared(&env, &memory)?;
            (store, Some(follower), 0)
        } else {
            let (store, seen) = start_alone(conn, &env, &memory)?;
            (store, None, seen)
        };
        let inner = Inner {
            store,
            follower,
            coalescer: Coalescer::new(count::apply, count::isolation),
            hasher: Hasher::start(&config.accounts, Arc::clone(&random))?,
            throttle: LoginThrottle::new(config.limits),
            budgets,
            config,
            time,
            random,
            memory,
            longest_push_ttl,
            foreign_changes: AtomicI64::new(seen),
            flushing: tokio::sync::Mutex::default(),
            stopped: AtomicBool::new(false),
            lock: Mutex::new(lock),
        };
        let core = Self::new(Arc::new(inner));
        if core.config().background {
            core.start_looking()?;
            core.start_upkeep()?;
        }
        Ok(core)
    }
}

/// Opens the store over SQLite and loads the read model. Returns the version of the database that was loaded.
fn start_alone(mut conn: Conn, env: &Arc<Env>, memory: &Arc<Memory>) -> Result<(Store, i64), StartError> {
    // The version comes before the data, so that every later change by another process is noticed.
    let seen = data_version(&mut conn).map_err(StartError::Load)?;
    let grace = Grace::after(env.time.now());
    let live = load(&mut conn, &env.config, grace, memory).map_err(StartError::Load)?;
    memory.replace_live(live);
    memory.bring_back(env.time.now());
    env.position.store(last_position(&mut conn).map_err(StartError::Load)?, Ordering::Relaxed);
    let commits = Arc::new(ReadModelListener { memory: Arc::clone(memory) });
    Ok((Store::sqlite(conn, env, commits)?, seen))
}

/// Draws a number that identifies this gateway in the feed.
fn new_origin(conn: &mut Conn) -> Result<i64> {
    Ok(on!(conn, |c| diesel::select(sql::<BigInt>("nextval('positions')")).get_result(c))?)
}

/// Opens the store over PostgreSQL and starts the follower, which loads the read model. Returns the follower's queue.
fn start_shared(env: &Arc<Env>, memory: &Arc<Memory>) -> Result<(Store, Sender<CommitNotice>), StartError> {
    let database = &env.config.database;
    let connections = pool::open(database)?;
    let (sender, committed) = crossbeam_channel::bounded(database.queue);
    let origin = connections.get(lease::deadline()).and_then(|mut conn| new_origin(&mut conn));
    let origin = origin.map_err(StartError::Load)?;
    env.origin.store(origin, Ordering::Relaxed);
    let (config, time) = (Arc::clone(&env.config), Arc::clone(&env.time));
    let mut follower =
        Follower::new(Arc::clone(&connections), Arc::clone(memory), config, time, origin, committed);
    follower.fill().map_err(StartError::Load)?;
    follower.start()?;
    let commits: Arc<dyn CommitListener> = Arc::new(ReadModelListener { memory: Arc::clone(memory) });
    Ok((Store::postgres(&connections, env, &commits, &sender)?, sender))
}

//! The handle everything is done through, its start and its upkeep.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    thread,
    time::Duration,
};

use crossbeam_channel::Sender;
use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{Array, BigInt, Bool},
};

use crate::{
    AccountId, Accounts, Audiences, BroadcastId, Broadcasts, Clock, Cloud, Config, Error, Random, Recordings,
    Result, Rooms, Sessions, ShortVideos, StartError, Step, Streams, UnixSeconds,
    account::{self, Hasher, LoginThrottle},
    broadcast::{self, Counter},
    causes,
    commit::ReadModelListener,
    follower::{self, Follower},
    live::Change,
    memory::{DirtyClocks, Memory},
    read_model::{empty, last_position, load},
    session::{self, Session},
    store::{
        self, CommitListener, CommitNotice, Env, Store, Tx,
        coalesce::Coalescer,
        conn::{Backend, Conn, on},
        link::{Link, Reachability},
        migrate::migrate,
        prepared::prepared,
        schema::{audience, broadcasts, settings},
    },
};

/// Seconds after a start in which nothing times out: clients that could not reach a stopped server beat again first.
pub(crate) const GRACE: i64 = 60;

/// Held by the one gateway that sweeps, for as long as its transaction takes.
const UPKEEP_LOCK: &str = "pg_try_advisory_xact_lock(32198758101115138)";

/// Figures of a running core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Broadcasts on air.
    pub rooms_on_air: usize,
    /// Members of all audiences.
    pub members: usize,
    /// Sessions held in memory.
    pub sessions: usize,
    /// Jobs that wait for the writer.
    pub queue_depth: usize,
}

/// A running core. Cloning it is cheap; all clones are the same core.
///
/// ```
/// # use std::sync::Arc;
/// use relive_core::{Config, Core, Dialect, Identifier, NewAccount, Password, SystemClock, SystemRandom};
///
/// # let folder = tempfile::tempdir()?;
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let core = Core::start(Config::sqlite(folder.path().join("relive.db")), Arc::new(SystemClock), Arc::new(SystemRandom))?;
/// core.accounts().register(NewAccount::new("anna", Password::plain("secret"))).await?;
/// let anna = Identifier::UserId("anna".to_owned());
/// let (account, grant) = core.accounts().login(Dialect::Sxb, anna, &[Password::plain("secret")], None).await?;
/// let room = core.broadcasts().prepare(account.id).await?;
/// assert_eq!(core.rooms().number_of(grant.account).await?, Some(room));
/// core.shutdown().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Core(Arc<Inner>);

struct Inner {
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    store: Store,
    /// To the follower, where the database is shared with other gateways.
    follower: Option<Sender<CommitNotice>>,
    coalescer: Coalescer<Counter>,
    memory: Arc<Memory>,
    hasher: Hasher,
    throttle: LoginThrottle,
    /// The database's own count of what others changed, as of the last look.
    foreign_changes: AtomicI64,
    /// Held while clocks are written down.
    flushing: tokio::sync::Mutex<()>,
    stopped: AtomicBool,
}

/// Clocks on their way into the table. They are noted again if they do not arrive, or if nobody waits any more.
struct DrainedClocks<'a> {
    memory: &'a Memory,
    clocks: Option<Arc<DirtyClocks>>,
}

impl Drop for DrainedClocks<'_> {
    fn drop(&mut self) {
        if let Some(clocks) = &self.clocks {
            self.memory.restore_dirty(clocks);
        }
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Core")
    }
}

impl Core {
    /// Opens the database, brings it up to date, loads what is served from memory, and starts the threads.
    pub fn start(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self, StartError> {
        let config = Arc::new(config);
        let shared = matches!(Backend::of(&config.database)?, Backend::Postgres(_));
        let mut conn = Conn::open(&config.database)?;
        migrate(&mut conn)?;
        let memory = Arc::new(Memory::new(empty(&config, clock.now()), Arc::clone(&random), shared));
        let env = Arc::new(Env {
            config: Arc::clone(&config),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
            position: AtomicI64::new(0),
            origin: AtomicI64::new(0),
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
            coalescer: Coalescer::new(broadcast::apply_steps, broadcast::isolation_of_steps),
            hasher: Hasher::start(&config.accounts, Arc::clone(&random))?,
            throttle: LoginThrottle::new(config.limits),
            config,
            clock,
            random,
            memory,
            foreign_changes: AtomicI64::new(seen),
            flushing: tokio::sync::Mutex::default(),
            stopped: AtomicBool::new(false),
        };
        let core = Self(Arc::new(inner));
        if core.config().background {
            core.start_upkeep()?;
        }
        Ok(core)
    }

    /// A thread that maintains the core once a second, as long as there is one.
    fn start_upkeep(&self) -> Result<(), StartError> {
        let core: Weak<Inner> = Arc::downgrade(&self.0);
        thread::Builder::new()
            .name("relive-upkeep".to_owned())
            .spawn(move || {
                while let Some(inner) = core.upgrade() {
                    if inner.stopped.load(Ordering::Acquire) {
                        break;
                    }
                    if let Err(error) = Self(inner).maintain_blocking() {
                        tracing::warn!(error = %causes(&error), "upkeep failed");
                    }
                    thread::park_timeout(Duration::from_secs(1));
                }
            })
            .map_err(StartError::Thread)?;
        Ok(())
    }

    /// Accounts: registration, login, profiles.
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts(self)
    }

    /// Sessions: what a token stands for.
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions(self)
    }

    /// Rooms: numbers, names, followers.
    pub fn rooms(&self) -> Rooms<'_> {
        Rooms(self)
    }

    /// Broadcasts: going on air and off, live lists, counters.
    pub fn broadcasts(&self) -> Broadcasts<'_> {
        Broadcasts(self)
    }

    /// Audiences: entering, beating, leaving.
    pub fn audiences(&self) -> Audiences<'_> {
        Audiences(self)
    }

    /// Recordings: replays.
    pub fn recordings(&self) -> Recordings<'_> {
        Recordings(self)
    }

    /// Short videos.
    pub fn short_videos(&self) -> ShortVideos<'_> {
        ShortVideos(self)
    }

    /// Streams: what the media cloud says.
    pub fn streams(&self) -> Streams<'_> {
        Streams(self)
    }

    /// Signatures with the configured keys.
    pub fn cloud(&self) -> Cloud<'_> {
        Cloud(self)
    }

    /// The configuration the core was started with.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The time.
    pub fn now(&self) -> UnixSeconds {
        self.0.clock.now()
    }

    /// Figures.
    pub fn stats(&self) -> Stats {
        let (rooms_on_air, members) = self.memory().live().size();
        Stats {
            rooms_on_air,
            members,
            sessions: self.memory().sessions.len(),
            queue_depth: self.store().queue_depth(),
        }
    }

    /// Writes something and waits until it is on disk: whether the core can do its work.
    pub async fn probe(&self) -> Result<()> {
        self.store()
            .write_read_committed(|tx| {
                let now = tx.now.to_string();
                on!(tx.conn, |c| prepared!(
                    diesel::insert_into(settings::table)
                        .values((settings::name.eq("probe"), settings::value.eq(&now)))
                        .on_conflict(settings::name)
                        .do_update()
                        .set(settings::value.eq(&now))
                )
                .run(c))?;
                Ok(())
            })
            .await
    }

    /// Writes down clocks that have moved, ends what has timed out, takes over what another process changed. Happens
    /// by itself once a second unless [`Config::background`] is off.
    pub async fn maintain(&self) -> Result<()> {
        self.catch_up().await?;
        self.write_clocks().await?;
        self.expire_due().await?;
        let core = Arc::clone(&self.0);
        let seen = self.store().write(move |tx| core.upkeep(tx)).await?;
        self.0.foreign_changes.store(seen, Ordering::Relaxed);
        Ok(())
    }

    /// Writes down clocks that have moved, a bounded number at a time. Whether there were any.
    async fn write_clocks(&self) -> Result<bool> {
        self.write_clocks_in(&self.0.flushing.lock().await).await
    }

    /// The same; one at a time, so that whoever had to wait finds its own clocks written.
    async fn write_clocks_in(&self, _turn: &tokio::sync::MutexGuard<'_, ()>) -> Result<bool> {
        let clocks = Arc::new(self.0.memory.drain_dirty());
        if clocks.is_empty() {
            return Ok(false);
        }
        let mut taken = DrainedClocks { memory: &self.0.memory, clocks: Some(Arc::clone(&clocks)) };
        self.store().write_read_committed(move |tx| flush(tx, &clocks)).await?;
        taken.clocks = None;
        Ok(true)
    }

    /// Waits until siblings can read how far a session has read. Sessions that read at the same time share a write.
    pub(crate) async fn keep_cursors(&self, session: &Session) -> Result<()> {
        while self.has_siblings() {
            // Whoever took it before this turn has written it, or noted it again.
            let turn = self.0.flushing.lock().await;
            if !session.has_read_on() || !self.write_clocks_in(&turn).await? {
                break;
            }
        }
        Ok(())
    }

    /// Waits until memory has what other gateways have committed before this call.
    async fn catch_up(&self) -> Result<()> {
        let Some(follower) = &self.0.follower else { return Ok(()) };
        let (job, answer) = store::wait();
        let look = CommitNotice::Keys(Vec::new(), job);
        follower.try_send(look).map_err(|_| Error::Busy)?;
        answer.await.map_err(|_| Error::Unavailable)?;
        if self.memory().is_fresh() { Ok(()) } else { Err(Error::Unavailable) }
    }

    fn maintain_blocking(&self) -> Result<()> {
        let mut upkeep = std::pin::pin!(self.maintain());
        let waker = std::task::Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = std::task::Context::from_waker(&waker);
        loop {
            match upkeep.as_mut().poll(&mut context) {
                std::task::Poll::Ready(result) => return result,
                std::task::Poll::Pending => thread::park(),
            }
        }
    }

    /// Writes everything down and stops. Later calls fail with [`Error::Unavailable`].
    pub async fn shutdown(&self) {
        while let Ok(true) = self.write_clocks().await {}
        self.0.stopped.store(true, Ordering::Release);
        self.store().stop().await;
    }

    /// Before memory is shown: ends what has timed out by now, if anything, so that lists show nothing that is over. Says
    /// when that was.
    ///
    /// Errors: [`Error::Unavailable`] while it is not known what other gateways do.
    pub(crate) async fn expire_due(&self) -> Result<UnixSeconds> {
        if !self.memory().is_fresh() {
            return Err(Error::Unavailable);
        }
        let now = self.now();
        if self.memory().is_due(now) {
            // Every batch begins with what is due; an empty job makes one.
            self.store().write(|_| Ok(())).await?;
        }
        Ok(now)
    }

    /// Whether other gateways may write to the same database.
    pub(crate) fn has_siblings(&self) -> bool {
        self.0.follower.is_some()
    }

    /// Counts, together with all others that count on the same counter now.
    pub(crate) async fn count(&self, counter: Counter, step: Step) -> Result<()> {
        self.0.coalescer.count(self.store().queue(), counter, step.by()).await
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.0.memory
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.0.hasher
    }

    pub(crate) fn throttle(&self) -> &LoginThrottle {
        &self.0.throttle
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.0.random
    }
}

/// The store over an embedded database, with memory filled, and the version of the database memory has.
fn start_alone(mut conn: Conn, env: &Arc<Env>, memory: &Arc<Memory>) -> Result<(Store, i64), StartError> {
    // Before anything is read: what others change from here on is noticed.
    let seen = data_version(&mut conn).map_err(StartError::Load)?;
    let grace_until = env.clock.now() + GRACE;
    let live = load(&mut conn, &env.config, grace_until, memory).map_err(StartError::Load)?;
    memory.replace_live(live);
    env.position.store(last_position(&mut conn).map_err(StartError::Load)?, Ordering::Relaxed);
    let commits = Arc::new(ReadModelListener { memory: Arc::clone(memory) });
    Ok((Store::sqlite(conn, env, commits)?, seen))
}

/// A name for this gateway in the feed that no other one has.
fn new_origin(conn: &mut Conn) -> Result<i64> {
    Ok(on!(conn, |c| diesel::select(sql::<BigInt>("nextval('positions')")).get_result(c))?)
}

/// The store over a database shared with other gateways, and the follower that keeps the memory of it.
fn start_shared(env: &Arc<Env>, memory: &Arc<Memory>) -> Result<(Store, Sender<CommitNotice>), StartError> {
    let database = &env.config.database;
    let common = Reachability::new(database.clone());
    let (sender, committed) = crossbeam_channel::bounded(database.queue);
    let mut link = Link::open(&common)?;
    let origin = link.get().and_then(new_origin).map_err(StartError::Load)?;
    env.origin.store(origin, Ordering::Relaxed);
    let (config, clock) = (Arc::clone(&env.config), Arc::clone(&env.clock));
    let mut follower = Follower::new(link, Arc::clone(memory), config, clock, origin, committed);
    follower.fill().map_err(StartError::Load)?;
    follower.start()?;
    let commits: Arc<dyn CommitListener> = Arc::new(ReadModelListener { memory: Arc::clone(memory) });
    Ok((Store::postgres(&common, env, &commits, &sender)?, sender))
}

/// Wakes a thread that waits for a future.
struct Unpark(thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Inner {
    /// In a writer: what has to be looked after in the tables. Returns the version of them that memory has after it.
    fn upkeep(&self, tx: &mut Tx<'_>) -> Result<i64> {
        match tx.conn {
            Conn::Sqlite(_) => {
                session::sweep(tx)?;
                account::sweep(tx)?;
                self.look_for_others(tx)
            }
            Conn::Postgres(c) => {
                // One gateway at a time is enough.
                let ours: bool = prepared!(diesel::select(sql::<Bool>(UPKEEP_LOCK))).get_result(c)?;
                if ours {
                    session::sweep(tx)?;
                    account::sweep(tx)?;
                    follower::prune(tx.conn)?;
                }
                Ok(0)
            }
        }
    }

    /// With SQLite: takes over what another process (the command line) has changed.
    fn look_for_others(&self, tx: &mut Tx<'_>) -> Result<i64> {
        let version = data_version(tx.conn)?;
        if self.foreign_changes.load(Ordering::Relaxed) != version {
            tracing::info!("another process has changed the database, reading it again");
            // It may have closed any session; they are read again when asked for.
            self.memory.sessions.clear();
            let live = load(tx.conn, &self.config, 0, &self.memory)?;
            let given = last_position(tx.conn)?;
            tx.skip_positions(given);
            self.memory.stage(live);
            tx.changed(Change::Reloaded);
        }
        Ok(version)
    }
}

/// A number that changes when another connection has changed the database.
fn data_version(conn: &mut Conn) -> Result<i64> {
    Ok(on!(conn, |c| prepared!(diesel::select(sql::<BigInt>(
        "(SELECT data_version FROM pragma_data_version)"
    )))
    .get_result(c))?)
}

/// Writes clocks down. A clock never goes back.
fn flush(tx: &mut Tx<'_>, clocks: &DirtyClocks) -> Result<()> {
    session::flush(tx, &clocks.sessions)?;
    match tx.conn {
        // In process: a loop costs nothing.
        Conn::Sqlite(c) => {
            for (host, account, beat_at) in &clocks.members {
                prepared!(
                    diesel::update(
                        audience::table
                            .filter(audience::host_id.eq(host).and(audience::account_id.eq(account)))
                            .filter(audience::beat_at.lt(beat_at)),
                    )
                    .set(audience::beat_at.eq(beat_at))
                )
                .run(c)?;
            }
            for (broadcast, beat_at) in &clocks.broadcasts {
                prepared!(
                    diesel::update(
                        broadcasts::table
                            .filter(broadcasts::id.eq(broadcast).and(broadcasts::beat_at.lt(beat_at))),
                    )
                    .set(broadcasts::beat_at.eq(beat_at))
                )
                .run(c)?;
            }
        }
        Conn::Postgres(c) => {
            let hosts: Vec<AccountId> = clocks.members.iter().map(|(host, _, _)| *host).collect();
            let accounts: Vec<AccountId> = clocks.members.iter().map(|(_, account, _)| *account).collect();
            let beats: Vec<i64> = clocks.members.iter().map(|(_, _, beat_at)| *beat_at).collect();
            prepared!(
                diesel::sql_query(
                    "UPDATE audience SET beat_at = greatest(audience.beat_at, new.beat_at) \
                 FROM unnest($1, $2, $3) AS new (host_id, account_id, beat_at) \
                 WHERE audience.host_id = new.host_id AND audience.account_id = new.account_id",
                )
                .bind::<Array<BigInt>, _>(hosts)
                .bind::<Array<BigInt>, _>(accounts)
                .bind::<Array<BigInt>, _>(beats)
            )
            .run(c)?;
            let ids: Vec<BroadcastId> = clocks.broadcasts.iter().map(|(id, _)| *id).collect();
            let beats: Vec<i64> = clocks.broadcasts.iter().map(|(_, beat_at)| *beat_at).collect();
            prepared!(
                diesel::sql_query(
                    "UPDATE broadcasts SET beat_at = greatest(broadcasts.beat_at, new.beat_at) \
                 FROM unnest($1, $2) AS new (id, beat_at) WHERE broadcasts.id = new.id",
                )
                .bind::<Array<BigInt>, _>(ids)
                .bind::<Array<BigInt>, _>(beats)
            )
            .run(c)?;
        }
    }
    Ok(())
}

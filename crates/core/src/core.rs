//! The handle everything is done through, its start and its upkeep.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicI64, Ordering},
    },
    thread,
    time::Duration,
};

use diesel::prelude::*;

use crate::{
    AccountId, Accounts, Audiences, Broadcasts, Clock, Cloud, Config, Error, Random, Recordings, Result,
    Rooms, Sessions, ShortVideos, StartError, State, Streams, UnixSeconds,
    account::{self, AccountRow, Guard, Hasher},
    audience::MemberRow,
    broadcast::BroadcastRow,
    live::{Change, Live},
    memory::{Clocks, Memory},
    session::{self, Digest, Session, SessionRow},
    store::{
        Env, Store, Tx,
        conn::{Conn, on},
        migrate::migrate,
        schema::{accounts, audience, broadcasts, recording_audience, sessions, settings},
    },
};

/// Seconds after a start in which nothing times out: clients that could not reach a stopped server beat again first.
const GRACE: i64 = 60;

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
    memory: Arc<Memory>,
    hasher: Hasher,
    guard: Guard,
    /// The database's own count of what others changed, as of the last look.
    foreign_changes: AtomicI64,
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
        let mut conn = Conn::open(&config.database)?;
        migrate(&mut conn)?;
        let now = clock.now();
        let memory = Memory::new(empty(&config, now), Arc::clone(&random));
        // Before anything is read: what others change from here on is noticed.
        let seen = data_version(&mut conn).map_err(StartError::Load)?;
        let live = load(&mut conn, &config, now + GRACE, &memory).map_err(StartError::Load)?;
        memory.replace_live(live);
        let memory = Arc::new(memory);
        let position = last_position(&mut conn).map_err(StartError::Load)?;
        let env = Arc::new(Env {
            config: Arc::clone(&config),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
            position: AtomicI64::new(position),
        });
        let commits: Arc<Memory> = Arc::clone(&memory);
        let inner = Inner {
            store: Store::start(conn, &env, commits)?,
            hasher: Hasher::start(&config.accounts, Arc::clone(&random))?,
            guard: Guard::new(config.limits),
            config,
            clock,
            random,
            memory,
            foreign_changes: AtomicI64::new(seen),
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
                    if let Err(error) = Self(inner).maintain_blocking() {
                        if matches!(error, Error::Unavailable) {
                            break;
                        }
                        tracing::warn!(error = &error as &dyn std::error::Error, "upkeep failed");
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
            .write(|tx| {
                let now = tx.now.to_string();
                on!(tx.conn, |c| diesel::insert_into(settings::table)
                    .values((settings::name.eq("probe"), settings::value.eq(&now)))
                    .on_conflict(settings::name)
                    .do_update()
                    .set(settings::value.eq(&now))
                    .execute(c))?;
                Ok(())
            })
            .await
    }

    /// Writes down clocks that have moved, ends what has timed out, takes over what another process changed. Happens
    /// by itself once a second unless [`Config::background`] is off.
    pub async fn maintain(&self) -> Result<()> {
        let clocks = self.0.memory.take_clocks();
        if !clocks.is_empty() {
            self.store().write(move |tx| flush(tx, &clocks)).await?;
        }
        self.settle().await?;
        let core = Arc::clone(&self.0);
        let seen = self.store().write(move |tx| core.upkeep(tx)).await?;
        self.0.foreign_changes.store(seen, Ordering::Relaxed);
        Ok(())
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
        loop {
            let clocks = self.0.memory.take_clocks();
            if clocks.is_empty() || self.store().write(move |tx| flush(tx, &clocks)).await.is_err() {
                break;
            }
        }
        self.store().stop().await;
    }

    /// Ends what has timed out by now, if anything: lists show nothing that is over.
    pub(crate) async fn settle(&self) -> Result<()> {
        if self.memory().is_due(self.now()) {
            // Every batch begins with what is due; an empty job makes one.
            self.store().write(|_| Ok(())).await?;
        }
        Ok(())
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

    pub(crate) fn guard(&self) -> &Guard {
        &self.0.guard
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.0.random
    }
}

/// Wakes a thread that waits for a future.
struct Unpark(thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Inner {
    /// In the writer: what has to be looked after in the tables. Returns the version of them that memory has after it.
    fn upkeep(&self, tx: &mut Tx<'_>) -> Result<i64> {
        session::sweep(tx)?;
        account::sweep(tx)?;
        let version = data_version(tx.conn)?;
        if self.foreign_changes.load(Ordering::Relaxed) != version {
            tracing::info!("another process has changed the database, reading it again");
            // It may have closed any session; they are read again when asked for.
            self.memory.sessions.clear();
            let live = load(tx.conn, &self.config, 0, &self.memory)?;
            let given = last_position(tx.conn)?;
            tx.skip_positions(given);
            tx.changed(Change::Reloaded(Box::new(live)));
        }
        Ok(version)
    }
}

/// A number that changes when another connection has changed the database.
fn data_version(conn: &mut Conn) -> Result<i64> {
    Ok(on!(conn, |c| diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(
        "(SELECT data_version FROM pragma_data_version)"
    ))
    .get_result(c))?)
}

fn empty(config: &Config, floor: UnixSeconds) -> Live {
    Live::new(config.timeouts, config.sessions.qplus_idle, floor)
}

/// Reads everything that is served from memory. Sessions are read when asked for, but for those that hold a seat.
fn load(conn: &mut Conn, config: &Config, floor: UnixSeconds, memory: &Memory) -> Result<Live> {
    let mut live = empty(config, floor);
    let on_air: Vec<(BroadcastRow, AccountRow)> = on!(conn, |c| broadcasts::table
        .inner_join(accounts::table)
        .filter(broadcasts::state.eq(State::OnAir))
        .load(c))?;
    for (row, host) in on_air {
        live.apply(Change::Broadcast(Box::new(row.current(&host))), &memory.sessions);
    }
    let seated: Vec<Vec<u8>> = on!(conn, |c| audience::table
        .filter(audience::session.is_not_null())
        .select(audience::session.assume_not_null())
        .distinct()
        .load(c))?;
    for digest in seated.iter().filter_map(|bytes| Digest::from_bytes(bytes)) {
        hold_session(conn, &digest, memory)?;
    }
    let members: Vec<(MemberRow, String)> = on!(conn, |c| audience::table
        .inner_join(accounts::table)
        .select((audience::all_columns, accounts::user_id))
        .load(c))?;
    for (row, user_id) in members {
        live.apply(Change::Member(Box::new(row.seat(&user_id))), &memory.sessions);
    }
    Ok(live)
}

fn hold_session(conn: &mut Conn, digest: &Digest, memory: &Memory) -> Result<()> {
    let found: Option<(SessionRow, AccountId)> = on!(conn, |c| sessions::table
        .find(digest.bytes())
        .select((sessions::all_columns, sessions::account_id))
        .first(c)
        .optional())?;
    let Some((row, account)) = found else { return Ok(()) };
    let Some(user) = account::by_id(conn, account)? else { return Ok(()) };
    if let Some(session) = Session::new(row, user.user_id.into()) {
        memory.hold(session);
    }
    Ok(())
}

/// The highest order of entry ever given out.
fn last_position(conn: &mut Conn) -> Result<i64> {
    let live: Option<i64> =
        on!(conn, |c| audience::table.select(diesel::dsl::max(audience::position)).first(c))?;
    let recorded: Option<i64> = on!(conn, |c| recording_audience::table
        .select(diesel::dsl::max(recording_audience::position))
        .first(c))?;
    Ok(live.max(recorded).unwrap_or(0))
}

/// Writes clocks down. A clock never goes back.
fn flush(tx: &mut Tx<'_>, clocks: &Clocks) -> Result<()> {
    session::flush(tx, &clocks.sessions)?;
    for (host, account, beat_at) in &clocks.members {
        on!(tx.conn, |c| diesel::update(
            audience::table
                .filter(audience::host_id.eq(host).and(audience::account_id.eq(account)))
                .filter(audience::beat_at.lt(beat_at))
        )
        .set(audience::beat_at.eq(beat_at))
        .execute(c))?;
    }
    for (broadcast, beat_at) in &clocks.broadcasts {
        on!(tx.conn, |c| diesel::update(
            broadcasts::table.filter(broadcasts::id.eq(broadcast).and(broadcasts::beat_at.lt(beat_at)))
        )
        .set(broadcasts::beat_at.eq(beat_at))
        .execute(c))?;
    }
    Ok(())
}

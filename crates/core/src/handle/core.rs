//! The handle of a running core, and its accessors.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicI64},
};

use crossbeam_channel::Sender;

use crate::{
    Client, Config, Error, Random, Result, Seconds, Step, UnixSeconds,
    limit::{Budgets, Limit},
    login::{hasher::Hasher, throttle::LoginThrottle},
    model::{counter::Counter, server_time::ServerTime},
    read_model::memory::Memory,
    store::{CommitNotice, Store, Tx, coalesce::Coalescer, lock::ExclusiveLock},
    table::settings,
};

/// Figures of a running core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Broadcasts on air.
    pub rooms_on_air: usize,
    /// Members of all audiences.
    pub members: usize,
    /// Cached sessions.
    pub sessions: usize,
    /// Jobs that wait for the writer.
    pub queue_depth: usize,
    /// How often each limit has refused a client since the start.
    pub limited: [(Limit, u64); Limit::ALL.len()],
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
/// let anna = Identifier::UserId("anna".into());
/// let (account, issued) = core.accounts().login(Dialect::Sxb, anna, &[Password::plain("secret")]).await?;
/// let room = core.broadcasts().prepare(account.id).await?;
/// assert_eq!(core.rooms().number_of(issued.account).await?, Some(room));
/// core.shutdown().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Core {
    pub(super) inner: Arc<Inner>,
    /// The client on whose behalf this handle acts.
    client: Option<Client>,
}

/// The parts of a running core.
pub(super) struct Inner {
    pub(super) config: Arc<Config>,
    pub(super) time: Arc<ServerTime>,
    pub(super) random: Arc<dyn Random>,
    pub(super) store: Store,
    /// The queue of the follower; `None` with SQLite.
    pub(super) follower: Option<Sender<CommitNotice>>,
    pub(super) coalescer: Coalescer<Counter>,
    pub(super) memory: Arc<Memory>,
    pub(super) hasher: Hasher,
    pub(super) throttle: LoginThrottle,
    pub(super) budgets: Arc<Budgets>,
    /// The longest time for which a push URL that may be in use was signed.
    pub(super) longest_push_ttl: Seconds,
    /// SQLite's counter of changes by other connections, at the last upkeep.
    pub(super) foreign_changes: AtomicI64,
    /// Held while clocks are flushed.
    pub(super) flushing: tokio::sync::Mutex<()>,
    pub(super) stopped: AtomicBool,
    /// The lock on a SQLite database; `None` for a command, and after the shutdown.
    pub(super) lock: Mutex<Option<ExclusiveLock>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Core")
    }
}

/// Accounts: registration, login, profiles. From [`Core::accounts`].
#[derive(Debug, Clone, Copy)]
pub struct Accounts<'a>(pub(super) &'a Core);

/// Sessions of all dialects. From [`Core::sessions`].
#[derive(Debug, Clone, Copy)]
pub struct Sessions<'a>(pub(super) &'a Core);

/// Rooms. From [`Core::rooms`].
#[derive(Debug, Clone, Copy)]
pub struct Rooms<'a>(pub(super) &'a Core);

/// Broadcasts. From [`Core::broadcasts`].
#[derive(Debug, Clone, Copy)]
pub struct Broadcasts<'a>(pub(super) &'a Core);

/// Live rooms. From [`Core::live_rooms`].
#[derive(Debug, Clone, Copy)]
pub struct LiveRooms<'a>(pub(super) &'a Core);

/// Audiences. From [`Core::audiences`].
#[derive(Debug, Clone, Copy)]
pub struct Audiences<'a>(pub(super) &'a Core);

/// Recordings. From [`Core::recordings`].
#[derive(Debug, Clone, Copy)]
pub struct Recordings<'a>(pub(super) &'a Core);

/// Short videos. From [`Core::short_videos`].
#[derive(Debug, Clone, Copy)]
pub struct ShortVideos<'a>(pub(super) &'a Core);

/// Streams. From [`Core::streams`].
#[derive(Debug, Clone, Copy)]
pub struct Streams<'a>(pub(super) &'a Core);

/// Signatures with the configured keys. From [`Core::cloud`]. A method returns `None` if its service is not configured.
#[derive(Debug, Clone, Copy)]
pub struct Cloud<'a>(pub(super) &'a Core);

impl Core {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self { inner, client: None }
    }

    /// A handle that acts on behalf of a client, whose budgets ([`LimitConfig`](crate::LimitConfig)) its operations use. A call
    /// beyond a budget fails with [`Error::RateLimited`] and changes nothing. The operations of a handle without a client have
    /// no limits.
    #[must_use]
    pub fn for_client(&self, client: Client) -> Self {
        Self { inner: Arc::clone(&self.inner), client: Some(client) }
    }

    /// Accounts: registration, login, profiles.
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts(self)
    }

    /// Sessions: the accounts behind tokens.
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

    /// Live rooms: broadcasts under an id of their own, with several anchors.
    pub fn live_rooms(&self) -> LiveRooms<'_> {
        LiveRooms(self)
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

    /// Streams: notices of the media cloud.
    pub fn streams(&self) -> Streams<'_> {
        Streams(self)
    }

    /// Signatures with the configured keys.
    pub fn cloud(&self) -> Cloud<'_> {
        Cloud(self)
    }

    /// The configuration with which the core was started.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The current time: that of the machine, with PostgreSQL that of the database. A clock that is set makes a difference after
    /// the next [`Core::maintain`].
    pub fn now(&self) -> UnixSeconds {
        self.inner.time.now()
    }

    /// The time for spans of time in memory, which a clock that is set does not change.
    pub(crate) fn steady(&self) -> UnixSeconds {
        self.inner.time.steady()
    }

    /// Whether nobody is taken for silent, because the time has made a large step.
    pub(crate) fn has_grace(&self) -> bool {
        self.inner.time.has_grace()
    }

    /// Figures of the running core.
    pub fn stats(&self) -> Stats {
        let (rooms_on_air, members) = self.memory().live().size();
        Stats {
            rooms_on_air,
            members,
            sessions: self.memory().sessions.len(),
            queue_depth: self.store().queue_depth(),
            limited: self.inner.budgets.refused(),
        }
    }

    /// Checks that the core can write: commits a small change and waits until it is on disk.
    pub async fn probe(&self) -> Result<()> {
        self.store().write_read_committed(settings::probe).await
    }

    /// Expires everything past its deadline and returns the time used. Call before reading the read model, so that lists show
    /// nothing that has ended.
    ///
    /// Errors: [`Error::Unavailable`] while the read model may be behind the database.
    pub(crate) async fn expire_due(&self) -> Result<UnixSeconds> {
        if !self.memory().is_fresh() {
            return Err(Error::Unavailable);
        }
        let now = self.now();
        if self.memory().is_due(now) {
            // Every batch begins by expiring what is due, so an empty job is enough.
            self.store().write(|_| Ok(())).await?;
        }
        Ok(now)
    }

    /// Whether other gateways may write to the same database.
    pub(crate) fn has_siblings(&self) -> bool {
        self.inner.follower.is_some()
    }

    /// Adds a step to a counter. Concurrent steps on one counter share a statement.
    ///
    /// Errors: [`Error::RateLimited`].
    pub(crate) async fn count(&self, counter: Counter, step: Step) -> Result<()> {
        self.count_by(counter, step.by()).await
    }

    /// Adds a number to a counter, as [`Core::count`] does.
    pub(crate) async fn count_by(&self, counter: Counter, by: i64) -> Result<()> {
        self.spend(Limit::Counts)?;
        self.inner.coalescer.count(self.store().queue(), counter, by).await
    }

    /// Runs a job for the client of this handle, see [`Store::write`].
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.store().write_for(self.client, job).await
    }

    /// Uses one of the client's budget, for what is not decided in a job: a job uses [`Tx::spend`], which gives back what a refused
    /// job has used.
    ///
    /// Errors: [`Error::RateLimited`].
    pub(crate) fn spend(&self, limit: Limit) -> Result<()> {
        self.client.map_or(Ok(()), |client| self.inner.budgets.spend(limit, client, self.steady()))
    }

    /// Gives one back to the client's budget, because what it was for did not happen.
    pub(crate) fn give_back(&self, limit: Limit) {
        if let Some(client) = self.client {
            self.inner.budgets.give_back(limit, client);
        }
    }

    /// Counts a refusal for the metrics.
    pub(crate) fn refuse(&self, limit: Limit) -> Error {
        self.inner.budgets.refuse(limit)
    }

    /// The client on whose behalf this handle acts; `None`: the operator, or the service that embeds the core.
    pub fn client(&self) -> Option<Client> {
        self.client
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.inner.memory
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.inner.hasher
    }

    pub(crate) fn throttle(&self) -> &LoginThrottle {
        &self.inner.throttle
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.inner.random
    }
}

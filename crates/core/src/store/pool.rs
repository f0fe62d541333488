//! The pool of connections: r2d2, with one pool per generation and a circuit breaker in front.
//!
//! A *generation* is what was opened since the database was reached last. It is retired as a whole when a connection
//! breaks while it is in use, or when a new connection reaches another server, because the new server may lack what the
//! old one had. Connections of a retired generation are never handed out again, and the follower reads everything anew
//! when the generation of its connection is another than before.
//!
//! A connection that broke while it was idle is replaced within its generation: the replacement reaches the same server,
//! or retires the generation.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use r2d2::NopErrorHandler;
use scheduled_thread_pool::ScheduledThreadPool;

use super::{
    conn::{Backend, Conn},
    generation::{Generation, LeaseTicket, Manager},
    lease::{CONNECTION_TIMEOUT, Connections, Lease},
    opener::{ConnectError, Opener},
    postgres::server::Server,
};
use crate::{DatabaseConfig, Error, Result, StartError};

/// Connections beyond the size of the pool that may replace written-off ones.
const SPARES: u32 = 2;

/// Threads that open connections: more than one, because opening one may wait for a server that does not answer.
const OPENING_THREADS: usize = 2;

/// Opens all connections of a core: one for each reader and, with PostgreSQL, for each writer and the follower.
pub(crate) fn open(config: &DatabaseConfig) -> Result<Arc<dyn Connections>, StartError> {
    let size = match Backend::of(config)? {
        Backend::Sqlite(_) => config.readers.max(1),
        Backend::Postgres(_) => config.readers.max(1) + config.writers.max(1) + 1,
    };
    Ok(Arc::new(Pool::open(config, size)?))
}

/// A generation and its r2d2 pools.
struct GenerationPool {
    generation: Arc<Generation>,
    pool: r2d2::Pool<Manager>,
    /// In place of written-off connections, which keep their places in `pool` until they are closed.
    spares: r2d2::Pool<Manager>,
}

impl GenerationPool {
    /// Checks out a connection, if one is free or opened before the deadline and the generation is not retired.
    fn check_out(&self, deadline: Instant) -> Option<Lease> {
        let left = deadline.saturating_duration_since(Instant::now());
        let conn = if self.generation.written_off() == 0 {
            self.pool.get_timeout(left).ok()?
        } else {
            self.pool.try_get().or_else(|| self.spares.get_timeout(left).ok())?
        };
        let lease = Lease::new(conn, Arc::clone(&self.generation));
        (!self.generation.is_retired()).then_some(lease)
    }

    /// Closes the idle connections of a retired generation.
    fn close_idle(&self) {
        self.generation.retire();
        // The test on check-out drops all of them.
        while self.pool.try_get().or_else(|| self.spares.try_get()).is_some() {}
    }
}

enum PoolState {
    /// The next caller tries to reach the database.
    Down,
    /// A caller is trying.
    Connecting,
    /// The database was reached.
    Up(Arc<GenerationPool>),
}

struct Pool {
    opener: Arc<Opener>,
    size: u32,
    opening: Arc<ScheduledThreadPool>,
    state: Mutex<PoolState>,
    changed: Condvar,
    /// Generations so far.
    generations: AtomicU64,
}

impl Pool {
    /// Opens all connections, and fails if one of them cannot be opened.
    fn open(config: &DatabaseConfig, size: usize) -> Result<Self, StartError> {
        let opening = ScheduledThreadPool::builder()
            .num_threads(OPENING_THREADS)
            .thread_name_pattern("relive-connect-{}")
            .build();
        let pool = Self {
            opener: Arc::new(Opener::new(config.clone())),
            size: u32::try_from(size).unwrap_or(u32::MAX),
            opening: Arc::new(opening),
            state: Mutex::new(PoolState::Down),
            changed: Condvar::new(),
            generations: AtomicU64::new(0),
        };
        // On this thread, because r2d2 does not tell why a connection could not be opened.
        let opened: Result<Vec<_>, _> = (0..size).map(|_| pool.opener.open()).collect();
        let (ready, servers): (Vec<_>, Vec<_>) = opened
            .map_err(|error| match error {
                ConnectError::Failed(error) => error,
                _ => StartError::Load(Error::Unavailable),
            })?
            .into_iter()
            .unzip();
        let server = servers.first().cloned().unwrap_or(Server::EMBEDDED);
        if servers.iter().any(|other| other.started != server.started) {
            return Err(StartError::Load(Error::Unavailable));
        }
        let first = pool.begin_generation(ready, server);
        // r2d2 takes connections one by one, as they are asked for: all of them are asked for now.
        let deadline = Instant::now() + config.connect_timeout;
        drop((0..size).map_while(|_| first.check_out(deadline)).collect::<Vec<_>>());
        *pool.state() = PoolState::Up(Arc::new(first));
        Ok(pool)
    }

    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_generation(&self, ready: Vec<Conn>, server: Server) -> GenerationPool {
        let number = self.generations.fetch_add(1, Ordering::Relaxed) + 1;
        let generation = Arc::new(Generation::new(number, server, Arc::clone(&self.opener), ready));
        let pool = |size| {
            r2d2::Pool::builder()
                .max_size(size)
                // Connections are opened when they are needed, and stay until they fail.
                .min_idle(Some(0))
                .max_lifetime(None)
                .idle_timeout(None)
                .test_on_check_out(true)
                .connection_timeout(CONNECTION_TIMEOUT)
                // The opener has logged what failed.
                .error_handler(Box::new(NopErrorHandler))
                .thread_pool(Arc::clone(&self.opening))
                .build_unchecked(Manager(Arc::clone(&generation)))
        };
        GenerationPool { pool: pool(self.size), spares: pool(SPARES), generation }
    }

    /// The generation to take connections from. During an outage one caller tries to begin a new one, and all others fail
    /// at once. Before an outage is known, they wait for the outcome of the first attempt until their deadline.
    fn current(&self, deadline: Instant) -> Result<Arc<GenerationPool>> {
        let mut state = self.state();
        loop {
            match &*state {
                PoolState::Up(current) if !current.generation.is_retired() => return Ok(Arc::clone(current)),
                PoolState::Up(_) | PoolState::Down => break,
                PoolState::Connecting => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() || self.opener.breaker().is_open() {
                        return Err(Error::Unavailable);
                    }
                    let waited = self.changed.wait_timeout(state, left);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
        let before = std::mem::replace(&mut *state, PoolState::Connecting);
        drop(state);
        let mut attempt = Attempt { pool: self, outcome: PoolState::Down };
        if let PoolState::Up(retired) = before {
            retired.close_idle();
        }
        let (conn, server) = self.opener.attempt().map_err(|_| Error::Unavailable)?;
        let current = Arc::new(self.begin_generation(vec![conn], server));
        tracing::info!(
            generation = current.generation.number(),
            "the database is reached again, all connections are opened anew"
        );
        attempt.outcome = PoolState::Up(Arc::clone(&current));
        Ok(current)
    }
}

/// An attempt to begin a generation. Dropping this tells its outcome to waiting callers, also after a panic.
struct Attempt<'a> {
    pool: &'a Pool,
    outcome: PoolState,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        *self.pool.state() = std::mem::replace(&mut self.outcome, PoolState::Down);
        self.pool.changed.notify_all();
    }
}

impl Connections for Pool {
    fn get(&self, deadline: Instant) -> Result<Lease> {
        loop {
            let current = self.current(deadline)?;
            if let Some(lease) = current.check_out(deadline) {
                return Ok(lease);
            }
            let retired = current.generation.is_retired();
            if !retired && !self.opener.breaker().is_open() {
                return Err(Error::Busy);
            }
            if !retired || Instant::now() >= deadline {
                return Err(Error::Unavailable);
            }
        }
    }

    fn write_off(&self, ticket: &LeaseTicket) {
        ticket.write_off();
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use diesel::result::{DatabaseErrorKind, Error as QueryError};
    use tempfile::TempDir;

    use super::*;
    use crate::Config;

    /// Long enough for a thread to open a file, whatever else the machine does.
    const LONG: Duration = Duration::from_mins(1);

    fn config(file: &Path) -> DatabaseConfig {
        let mut config = Config::sqlite(file).database;
        config.reconnect_pause = Duration::from_mins(1);
        config
    }

    fn pool(size: usize) -> (Pool, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let pool = Pool::open(&config(&folder.path().join("data").join("relive.db")), size).unwrap();
        (pool, folder)
    }

    fn get(pool: &Pool) -> Lease {
        pool.get(Instant::now() + LONG).unwrap()
    }

    fn open_connections(lease: &Lease, pool: &Pool) -> u32 {
        match &*pool.state() {
            PoolState::Up(current) if current.generation.number() == lease.generation() => {
                current.pool.state().connections
            }
            _ => 0,
        }
    }

    #[test]
    fn a_connection_is_used_again() {
        let (pool, _folder) = pool(1);
        get(&pool).execute("CREATE TEMP TABLE mine (id INTEGER)").unwrap();
        get(&pool).execute("INSERT INTO mine VALUES (1)").unwrap();
    }

    #[test]
    fn a_retired_generation_is_never_handed_out_again() {
        let (pool, _folder) = pool(2);
        let (mut busy, lost) = (get(&pool), get(&pool));
        assert_eq!((busy.generation(), lost.generation()), (1, 1));
        busy.execute("CREATE TEMP TABLE mine (id INTEGER)").unwrap();
        lost.lose();
        drop(lost);
        let new = get(&pool);
        assert_eq!(new.generation(), 2);
        // Work under way goes on, and its connection is closed afterwards.
        busy.execute("INSERT INTO mine VALUES (1)").unwrap();
        drop((busy, new));
        let mut again = get(&pool);
        assert_eq!(again.generation(), 2);
        assert!(again.execute("INSERT INTO mine VALUES (1)").is_err(), "the old connection came back");
    }

    #[test]
    fn an_error_of_the_database_is_not_a_lost_connection() {
        let (pool, _folder) = pool(1);
        let mut lease = get(&pool);
        let error = lease.execute("nonsense").unwrap_err();
        assert!(!lease.lost_by(&error));
        let closed = QueryError::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new(String::new()));
        assert!(lease.lost_by(&closed.into()));
        drop(lease);
        assert_eq!(get(&pool).generation(), 2);
    }

    #[test]
    fn calls_fail_at_once_until_an_attempt_succeeds() {
        let (pool, folder) = pool(1);
        get(&pool).lose();
        // Where the folder was is a file: nothing can be opened.
        let data = folder.path().join("data");
        std::fs::remove_dir_all(&data).unwrap();
        std::fs::write(&data, "").unwrap();
        let never = || Instant::now() + LONG;
        assert!(matches!(pool.get(never()), Err(Error::Unavailable)));
        std::fs::remove_file(&data).unwrap();
        assert!(matches!(pool.get(never()), Err(Error::Unavailable)), "there is a pause");
        pool.opener.breaker().end_pause();
        assert_eq!(get(&pool).generation(), 2);
    }

    #[test]
    fn callers_that_come_during_the_first_attempt_wait_for_its_outcome() {
        let (pool, _folder) = pool(1);
        *pool.state() = PoolState::Connecting;
        assert!(
            matches!(pool.get(Instant::now()), Err(Error::Unavailable)),
            "a caller waits until its deadline"
        );
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| get(&pool).generation());
            drop(Attempt { pool: &pool, outcome: PoolState::Down });
            assert_eq!(waiting.join().unwrap(), 2);
        });
        *pool.state() = PoolState::Connecting;
        pool.opener.breaker().failed();
        assert!(matches!(pool.get(Instant::now() + LONG), Err(Error::Unavailable)), "an outage is known");
    }

    #[test]
    fn two_written_off_connections_are_replaced() {
        let (pool, _folder) = pool(1);
        let busy = || matches!(pool.get(Instant::now()), Err(Error::Busy));
        let first = get(&pool);
        assert!(busy(), "the pool is as large as it was asked to be");
        pool.write_off(first.ticket());
        let second = get(&pool);
        pool.write_off(second.ticket());
        let third = get(&pool);
        pool.write_off(third.ticket());
        assert!(busy(), "each of the three keeps its slot at the server");
        let ticket = first.ticket().clone();
        drop((first, second, third));
        pool.write_off(&ticket);
        let lease = get(&pool);
        assert_eq!((lease.generation(), open_connections(&lease, &pool)), (1, 1), "all others are closed");
    }

    #[test]
    fn a_written_off_connection_does_not_come_back() {
        let (pool, _folder) = pool(1);
        let mut lease = get(&pool);
        lease.execute("CREATE TEMP TABLE mine (id INTEGER); BEGIN").unwrap();
        pool.write_off(lease.ticket());
        drop(lease);
        let mut lease = get(&pool);
        assert_eq!(lease.generation(), 1);
        lease.execute("BEGIN").unwrap();
        assert!(lease.execute("INSERT INTO mine VALUES (1)").is_err());
        assert_eq!(open_connections(&lease, &pool), 1);
    }
}

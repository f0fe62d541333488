//! A generation of connections: those that were opened since the database was reached last, all to one server.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use r2d2::ManageConnection;

use super::{
    conn::Conn,
    opener::{ConnectError, Opener},
    postgres::server::{Server, Timeline},
};

/// A PostgreSQL connection that was idle for longer is tested before it is used: a proxy may have cut it.
const IDLE: Duration = Duration::from_secs(1);

/// What the connections of a generation have in common.
pub(super) struct Generation {
    number: u64,
    server: Server,
    opener: Arc<Opener>,
    retired: AtomicBool,
    /// Connections that were opened before their r2d2 pool was built.
    ready: Mutex<Vec<Conn>>,
    /// Connections that are written off and still open.
    written_off: Arc<AtomicU32>,
}

impl Generation {
    /// Begins a generation with connections to this server.
    pub(super) fn new(number: u64, server: Server, opener: Arc<Opener>, ready: Vec<Conn>) -> Self {
        Self {
            number,
            server,
            opener,
            retired: AtomicBool::new(false),
            ready: Mutex::new(ready),
            written_off: Arc::default(),
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn opener(&self) -> &Opener {
        &self.opener
    }

    /// Whether the server tells its timeline.
    pub(super) fn tells_timeline(&self) -> bool {
        self.server.timeline != Timeline::Untold
    }

    /// Whether its connections must not be handed out any more.
    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Ends the generation: connections in use are closed when they come back.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// Connections that are written off and still open.
    pub(super) fn written_off(&self) -> u32 {
        self.written_off.load(Ordering::Acquire)
    }

    fn take_ready(&self) -> Option<Conn> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// Opens, tests and closes the connections of a generation on behalf of r2d2.
pub(super) struct Manager(pub(super) Arc<Generation>);

impl ManageConnection for Manager {
    type Connection = PooledConn;
    type Error = ConnectError;

    /// Opens a connection ready for use: [`Conn::open`] makes the settings of the session.
    fn connect(&self) -> Result<PooledConn, ConnectError> {
        let generation = &self.0;
        if generation.is_retired() {
            return Err(ConnectError::Retired);
        }
        let conn = if let Some(conn) = generation.take_ready() {
            conn
        } else {
            let (conn, server) = generation.opener.attempt()?;
            if server.started != generation.server.started {
                generation.retire();
                return Err(ConnectError::Retired);
            }
            conn
        };
        let fate = Fate { stage: AtomicU8::new(USABLE), written_off: Arc::clone(&generation.written_off) };
        Ok(PooledConn { conn, used_at: Instant::now(), ticket: LeaseTicket(Arc::new(fate)) })
    }

    /// Costs no query while the connection is in use all the time.
    fn is_valid(&self, pooled: &mut PooledConn) -> Result<(), ConnectError> {
        if self.0.is_retired() {
            return Err(ConnectError::Retired);
        }
        match &mut pooled.conn {
            conn @ Conn::Postgres(_) if pooled.used_at.elapsed() >= IDLE => {
                conn.execute("SELECT 1").map_err(|_| ConnectError::Broken)
            }
            _ => Ok(()),
        }
    }

    fn has_broken(&self, pooled: &mut PooledConn) -> bool {
        self.0.is_retired() || pooled.ticket.0.stage.load(Ordering::Acquire) != USABLE
    }
}

/// A connection in the pool.
pub(super) struct PooledConn {
    pub(super) conn: Conn,
    pub(super) used_at: Instant,
    pub(super) ticket: LeaseTicket,
}

/// The name of a connection, by which it can be written off while another thread holds it.
#[derive(Debug, Clone)]
pub(crate) struct LeaseTicket(Arc<Fate>);

/// The state of a connection beyond its holder's reach.
#[derive(Debug)]
struct Fate {
    /// [`USABLE`], [`WRITTEN_OFF`] or [`CLOSED`].
    stage: AtomicU8,
    /// Of the generation: connections that are written off and still open.
    written_off: Arc<AtomicU32>,
}

const USABLE: u8 = 0;
const WRITTEN_OFF: u8 = 1;
const CLOSED: u8 = 2;

impl LeaseTicket {
    /// Marks the connection as never to be handed out again. Idempotent.
    pub(super) fn write_off(&self) {
        let Fate { stage, written_off } = &*self.0;
        // Counted before it is marked, because the thread that closes a marked connection counts it down.
        written_off.fetch_add(1, Ordering::AcqRel);
        if stage.compare_exchange(USABLE, WRITTEN_OFF, Ordering::AcqRel, Ordering::Acquire).is_err() {
            written_off.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Drop for PooledConn {
    fn drop(&mut self) {
        let Fate { stage, written_off } = &*self.ticket.0;
        if stage.swap(CLOSED, Ordering::AcqRel) == WRITTEN_OFF {
            written_off.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

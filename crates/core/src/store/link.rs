//! A thread's own connection, and what all of them know about the database being reachable.
//!
//! Whoever finds the database gone tells the others: they fail at once instead of each waiting for its own time-out,
//! and try again after a pause that doubles up to a limit. A connection that was open while another one broke is asked
//! for a sign of life before it is used again.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use diesel::result::{DatabaseErrorKind, Error as QueryError};

use super::conn::Conn;
use crate::{DatabaseConfig, Error, Result, StartError, causes};

/// The first pause after a failed attempt to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Since when, and until when, nobody tries to connect.
#[derive(Debug, Default)]
struct Outage {
    pause: Duration,
    until: Option<Instant>,
}

/// What the connections of one core know together.
#[derive(Debug)]
pub(crate) struct Reachability {
    config: DatabaseConfig,
    outage: Mutex<Outage>,
    /// Counts broken connections.
    broken: AtomicU64,
}

impl Reachability {
    pub(crate) fn new(config: DatabaseConfig) -> Arc<Self> {
        Arc::new(Self { config, outage: Mutex::default(), broken: AtomicU64::new(0) })
    }

    fn outage(&self) -> MutexGuard<'_, Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the caller may try to connect now. During an outage one at a time does.
    fn claim(&self) -> bool {
        let mut outage = self.outage();
        match outage.until {
            None => true,
            Some(until) if Instant::now() < until => false,
            Some(_) => {
                outage.until = Some(Instant::now() + self.config.connect_timeout);
                true
            }
        }
    }

    fn failed(&self) {
        let mut outage = self.outage();
        outage.pause = (outage.pause * 2).clamp(FIRST_PAUSE, self.config.reconnect_pause.max(FIRST_PAUSE));
        outage.until = Some(Instant::now() + outage.pause);
    }

    fn reached(&self) {
        *self.outage() = Outage::default();
    }
}

/// One connection, opened again when it breaks.
pub(crate) struct Link {
    common: Arc<Reachability>,
    conn: Option<Conn>,
    /// How many connections had broken when this one was last known to work.
    seen: u64,
}

impl Link {
    /// Opens the connection.
    pub(crate) fn open(common: &Arc<Reachability>) -> Result<Self, StartError> {
        Conn::open(&common.config).map(|conn| Self::of(conn, common))
    }

    /// Goes on with an open connection.
    pub(crate) fn of(conn: Conn, common: &Arc<Reachability>) -> Self {
        Self { common: Arc::clone(common), conn: Some(conn), seen: common.broken.load(Ordering::Acquire) }
    }

    /// The connection, opened again if it was lost.
    ///
    /// Errors: [`Error::Unavailable`] if that fails, and at once during an outage.
    pub(crate) fn get(&mut self) -> Result<&mut Conn> {
        let broken = self.common.broken.load(Ordering::Acquire);
        if self.seen != broken {
            self.seen = broken;
            if self.conn.as_mut().is_some_and(|conn| conn.execute("SELECT 1").is_err()) {
                self.conn = None;
            }
        }
        if self.conn.is_none() {
            if !self.common.claim() {
                return Err(Error::Unavailable);
            }
            match Conn::open(&self.common.config) {
                Ok(conn) => {
                    self.common.reached();
                    self.conn = Some(conn);
                }
                Err(error) => {
                    tracing::warn!(
                        error = %causes(&error),
                        "the database cannot be reached"
                    );
                    self.common.failed();
                }
            }
        }
        self.conn.as_mut().ok_or(Error::Unavailable)
    }

    /// The connection is of no use any more.
    pub(crate) fn lose(&mut self) {
        if self.conn.take().is_some() {
            self.seen = self.common.broken.fetch_add(1, Ordering::AcqRel) + 1;
        }
    }

    /// Drops the connection if that is what the error says; whether it was.
    pub(crate) fn lost_by(&mut self, error: &Error) -> bool {
        let lost = matches!(
            query_error(error),
            Some(QueryError::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                _
            ))
        );
        if lost {
            self.lose();
        }
        lost
    }
}

/// What the database said, if it was the database that failed.
pub(crate) fn query_error(error: &Error) -> Option<&QueryError> {
    match error {
        Error::Storage(source) => source.downcast_ref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn an_outage_is_found_once_and_left_at_once() {
        let mut config = Config::sqlite("").database;
        config.reconnect_pause = Duration::from_mins(1);
        let common = Reachability::new(config);
        assert!(common.claim() && common.claim(), "nobody knows of an outage");
        common.failed();
        assert!(!common.claim(), "there is a pause");
        assert_eq!(common.outage().pause, FIRST_PAUSE);
        common.failed();
        assert_eq!(common.outage().pause, FIRST_PAUSE * 2);
        common.outage().until = Some(Instant::now());
        assert!(common.claim(), "the pause is over");
        assert!(!common.claim(), "one is trying");
        common.reached();
        assert!(common.claim());
    }
}

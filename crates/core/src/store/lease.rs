//! A connection that is lent for one job or query, and the trait of its lender.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::{Duration, Instant},
};

use diesel::result::{DatabaseErrorKind, Error as QueryError};
use r2d2::PooledConnection;

use super::{
    conn::Conn,
    generation::{Generation, LeaseTicket, Manager},
};
use crate::{Error, Result};

/// How long a caller waits for a connection at most. Opening one takes a few milliseconds.
pub(super) const CONNECTION_TIMEOUT: Duration = Duration::from_millis(50);

/// Lends connections.
pub(crate) trait Connections: Send + Sync {
    /// Checks out a connection for one job or query. It is of the current generation, see [`Lease::generation`].
    ///
    /// Errors: [`Error::Unavailable`], at once while the database is known to be away; [`Error::Busy`] if no connection
    /// is free before the deadline.
    fn get(&self, deadline: Instant) -> Result<Lease>;

    /// Gives up a connection whose state is not known, or whose holder does not come back. It is closed when its holder
    /// drops it. Until then its place is given to a new one: to two at most, because each written-off connection may keep
    /// its slot at the server.
    fn write_off(&self, ticket: &LeaseTicket);
}

/// The deadline of a caller that starts to wait for a connection now.
pub(crate) fn deadline() -> Instant {
    Instant::now() + CONNECTION_TIMEOUT
}

/// A checked-out connection. Dropping this gives it back.
pub(crate) struct Lease {
    conn: PooledConnection<Manager>,
    generation: Arc<Generation>,
}

impl Lease {
    pub(super) fn new(conn: PooledConnection<Manager>, generation: Arc<Generation>) -> Self {
        Self { conn, generation }
    }

    /// The number of the connection's generation, from 1. It grows whenever the database had to be reached again: what was
    /// read through another generation may have come from another server.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.number()
    }

    /// The name by which the connection can be written off.
    pub(crate) fn ticket(&self) -> &LeaseTicket {
        &self.conn.ticket
    }

    /// Asks the server for its timeline. `None`: the server is a standby, or does not tell.
    ///
    /// Errors: [`Error::Unavailable`] if a newer timeline was seen before; the generation is retired then.
    pub(crate) fn timeline(&mut self) -> Result<Option<u32>> {
        if !self.generation.tells_timeline() {
            return Ok(None);
        }
        let told = self.generation.opener().timeline(&mut self.conn.conn);
        if let Err(Error::Unavailable) = told {
            self.lose();
        }
        told
    }

    /// Retires the generation: this connection is broken, and the others may reach a server that is replaced.
    pub(crate) fn lose(&self) {
        self.generation.retire();
    }

    /// Retires the generation if the error says that the connection is broken. Returns whether it does.
    pub(crate) fn lost_by(&self, error: &Error) -> bool {
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

impl Deref for Lease {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn.conn
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn.conn
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.conn.used_at = Instant::now();
    }
}

/// The database's error behind an error of the domain, if there is one.
pub(super) fn query_error(error: &Error) -> Option<&QueryError> {
    match error {
        Error::Storage(source) => source.downcast_ref(),
        _ => None,
    }
}

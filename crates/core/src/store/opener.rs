//! Opens connections, as often as the circuit breaker allows, and refuses a server that lacks acknowledged writes.

use super::{
    breaker::Breaker,
    conn::Conn,
    postgres::server::{self, NewestTimeline, Server, Timeline},
};
use crate::{DatabaseConfig, Error, Result, StartError, causes};

/// Why no connection was opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// The circuit breaker is open.
    #[error("the last attempt failed a moment ago")]
    Paused,
    /// The connection would not belong to the generation it was opened for.
    #[error("the generation is retired")]
    Retired,
    /// The connection was idle, and does not answer any more.
    #[error("the connection is broken")]
    Broken,
    /// The server was set back to an earlier state than one that was seen.
    #[error("the server is on timeline {found}, which is older than timeline {newest}")]
    OlderTimeline {
        /// The timeline of the server.
        found: u32,
        /// The newest timeline that was seen since the start.
        newest: u32,
    },
    /// The server cannot be reached, or refuses.
    #[error(transparent)]
    Failed(#[from] StartError),
}

/// Opens connections to the configured database.
pub(super) struct Opener {
    config: DatabaseConfig,
    breaker: Breaker,
    newest: NewestTimeline,
}

impl Opener {
    pub(super) fn new(config: DatabaseConfig) -> Self {
        Self { breaker: Breaker::new(&config), newest: NewestTimeline::default(), config }
    }

    pub(super) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Opens a connection unless an attempt failed a moment ago. Logs why that failed.
    pub(super) fn attempt(&self) -> Result<(Conn, Server), ConnectError> {
        if !self.breaker.claim() {
            return Err(ConnectError::Paused);
        }
        let opened = self.open();
        match &opened {
            Ok(_) => self.breaker.reached(),
            Err(error) => {
                // The line about an older timeline is written where it is found.
                if !matches!(error, ConnectError::OlderTimeline { .. }) {
                    tracing::warn!(error = %causes(error), "the database cannot be reached");
                }
                self.breaker.failed();
            }
        }
        opened
    }

    /// Opens a connection.
    pub(super) fn open(&self) -> Result<(Conn, Server), ConnectError> {
        let mut conn = Conn::open(&self.config)?;
        let server = conn.server().map_err(StartError::Load)?;
        self.admit(server.timeline)?;
        Ok((conn, server))
    }

    /// Asks the server for its timeline once more. `None`: the server is a standby, or does not tell.
    ///
    /// Errors: [`Error::Unavailable`] if a newer timeline was seen before.
    pub(super) fn timeline(&self, conn: &mut Conn) -> Result<Option<u32>> {
        let Conn::Postgres(conn) = conn else { return Ok(None) };
        let timeline = server::timeline(conn)?;
        self.admit(timeline).map_err(|_| Error::Unavailable)?;
        Ok(match timeline {
            Timeline::Number(number) => Some(number),
            Timeline::Standby | Timeline::Untold => None,
        })
    }

    fn admit(&self, timeline: Timeline) -> Result<(), ConnectError> {
        let Timeline::Number(found) = timeline else { return Ok(()) };
        self.newest.admit(found).map_err(|newest| {
            tracing::error!(
                timeline = found,
                newest_timeline = newest,
                "the database server is refused: it was set back to an older timeline and lacks acknowledged writes"
            );
            ConnectError::OlderTimeline { found, newest }
        })
    }
}

//! Maintains a core once a second: flushes clocks, expires what is due, deletes ended rows, follows foreign writes.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    thread,
    time::Duration,
};

use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{BigInt, Bool},
};

use super::core::{Core, Inner};
use crate::{
    Error, Result, Session, StartError, causes,
    domain::session,
    model::{change::Change, rule::Grace},
    read_model::memory::{DirtyClocks, Memory},
    replica::load::{last_position, load},
    store::{
        self, CommitNotice, Tx,
        conn::{Conn, on},
        prepared::prepared,
    },
    table::{audience, broadcasts, changes, sessions, verifications},
};

/// Held by the one gateway that sweeps, for as long as its transaction takes.
const UPKEEP_LOCK: &str = "pg_try_advisory_xact_lock(32198758101115138)";

/// Dirty clocks being flushed. Unless the write succeeds, dropping this puts them back in the dirty set.
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

impl Core {
    /// A thread that maintains the core once a second, as long as there is one.
    pub(super) fn start_upkeep(&self) -> Result<(), StartError> {
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

    /// Writes clocks that have moved, ends what has timed out, reloads what another process changed. Happens by itself once a
    /// second unless [`Config::background`] is off.
    pub async fn maintain(&self) -> Result<()> {
        self.catch_up().await?;
        self.write_clocks().await?;
        self.expire_due().await?;
        let core = Arc::clone(&self.0);
        let seen = self.store().write(move |tx| core.upkeep(tx)).await?;
        self.0.foreign_changes.store(seen, Ordering::Relaxed);
        Ok(())
    }

    /// Writes clocks that have moved, a bounded number at a time. Returns whether there were any.
    async fn write_clocks(&self) -> Result<bool> {
        self.write_clocks_in(&self.0.flushing.lock().await).await
    }

    /// Likewise, by a caller that holds the turn: after waiting for its turn a caller finds its own clocks written.
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
            if !session.has_dirty_cursors() || !self.write_clocks_in(&turn).await? {
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
}

/// Wakes a thread that waits for a future.
struct Unpark(thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Inner {
    /// Runs on a writer: deletes ended rows, reloads after foreign writes. Returns the version of the tables that the read model
    /// has afterwards.
    fn upkeep(&self, tx: &mut Tx<'_>) -> Result<i64> {
        match tx.conn {
            Conn::Sqlite(_) => {
                session::close_ended(tx)?;
                verifications::delete_ended(tx)?;
                self.reload_after_foreign_writes(tx)
            }
            Conn::Postgres(c) => {
                // One gateway at a time is enough.
                let ours: bool = prepared!(diesel::select(sql::<Bool>(UPKEEP_LOCK))).get_result(c)?;
                if ours {
                    session::close_ended(tx)?;
                    verifications::delete_ended(tx)?;
                    changes::prune(tx.conn)?;
                }
                Ok(0)
            }
        }
    }

    /// SQLite: reads everything again if another process (the command line) has changed the database.
    fn reload_after_foreign_writes(&self, tx: &mut Tx<'_>) -> Result<i64> {
        let version = data_version(tx.conn)?;
        if self.foreign_changes.load(Ordering::Relaxed) != version {
            tracing::info!("another process has changed the database, reading it again");
            // It may have closed any session; they are read again when asked for.
            self.memory.sessions.clear();
            let live = load(tx.conn, &self.config, Grace::NONE, &self.memory)?;
            let given = last_position(tx.conn)?;
            tx.skip_positions(given);
            self.memory.stage(live);
            tx.changed(Change::Reloaded);
        }
        Ok(version)
    }
}

/// A number that changes when another connection has changed the database.
pub(super) fn data_version(conn: &mut Conn) -> Result<i64> {
    Ok(on!(conn, |c| prepared!(diesel::select(sql::<BigInt>(
        "(SELECT data_version FROM pragma_data_version)"
    )))
    .get_result(c))?)
}

/// Writes clocks. A stored clock never goes back.
fn flush(tx: &mut Tx<'_>, clocks: &DirtyClocks) -> Result<()> {
    sessions::flush(tx, &clocks.sessions)?;
    audience::flush_beats(tx, &clocks.members)?;
    broadcasts::flush_beats(tx, &clocks.broadcasts)
}

//! Maintains a core once a second: follows the clock, flushes beats, expires everything due, deletes ended rows, follows foreign
//! writes.

use std::{
    sync::{Arc, PoisonError, Weak, atomic::Ordering},
    thread,
    time::Duration,
};

use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{BigInt, Bool},
};
use tokio::{runtime, sync::oneshot};

use super::core::{Core, Inner};
use crate::{
    Error, Result, Session, StartError, UnixSeconds, causes,
    domain::{future, live_room::room, session},
    model::{change::Change, rule::Grace},
    read_model::memory::{DirtyClocks, Memory},
    replica::load::{last_position, load},
    store::{
        CommitNotice, Tx,
        conn::{Conn, on},
        prepared::prepared,
    },
    table::{audience, broadcasts, changes, pushes, revoked_codes, sessions, stream_codes, verifications},
};

/// Advisory lock of the gateway that deletes ended rows, until the end of its transaction.
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
    /// Starts the thread that maintains the core once a second, until the core is shut down or dropped.
    pub(super) fn start_upkeep(&self) -> Result<(), StartError> {
        let core: Weak<Inner> = Arc::downgrade(&self.inner);
        let runtime = runtime::Builder::new_current_thread().build().map_err(StartError::Thread)?;
        thread::Builder::new()
            .name("relive-upkeep".to_owned())
            .spawn(move || {
                while let Some(inner) = core.upgrade() {
                    if inner.stopped.load(Ordering::Acquire) {
                        break;
                    }
                    if let Err(error) = runtime.block_on(Self::new(inner).maintain()) {
                        tracing::warn!(error = %causes(&error), "upkeep failed");
                    }
                    thread::park_timeout(Duration::from_secs(1));
                }
            })
            .map_err(StartError::Thread)?;
        Ok(())
    }

    /// Starts the thread that looks at the clock once a second, until the core is shut down or dropped. Not a part of the upkeep,
    /// which may wait for the database: from a long gap between two looks follows that the process slept.
    pub(super) fn start_looking(&self) -> Result<(), StartError> {
        let core: Weak<Inner> = Arc::downgrade(&self.inner);
        self.inner.time.watch();
        thread::Builder::new()
            .name("relive-clock".to_owned())
            .spawn(move || {
                while let Some(inner) = core.upgrade().filter(|inner| !inner.stopped.load(Ordering::Acquire))
                {
                    inner.time.now();
                    drop(inner);
                    thread::park_timeout(Duration::from_secs(1));
                }
            })
            .map_err(StartError::Thread)?;
        Ok(())
    }

    /// Follows the clock, flushes dirty beats, expires everything due, takes over the changes of other processes. Runs by itself
    /// once a second unless [`Config::background`](crate::Config::background) is off.
    pub async fn maintain(&self) -> Result<()> {
        self.follow_siblings().await?;
        self.follow_clock().await?;
        self.flush_clocks().await?;
        self.expire_due().await?;
        if self.inner.time.is_trusted() {
            self.memory().forget_revocations(self.inner.oldest_push_url(self.now()));
        }
        let core = Arc::clone(&self.inner);
        let seen = self.store().write(move |tx| core.upkeep(tx)).await?;
        self.inner.foreign_changes.store(seen, Ordering::Relaxed);
        Ok(())
    }

    /// Makes the step that the clock has made, and counts stored times that are in the future then as now.
    async fn follow_clock(&self) -> Result<()> {
        let time = &self.inner.time;
        // With PostgreSQL the follower makes the steps.
        if !self.has_siblings() {
            self.memory().follow(time, || time.compare_with_wall());
        }
        if time.has_unchecked_beats() {
            let by = time.take_set_back();
            let moved = self.store().write_read_committed(move |tx| future::set_beats_back(tx, by)).await;
            if let Err(error) = moved {
                time.give_set_back(by);
                return Err(error);
            }
            // Also those that were under way during the step.
            self.memory().bring_back(self.now());
            time.beats_checked();
        }
        if time.is_unsettled() {
            self.store().write_read_committed(future::bring_back).await?;
            self.memory().bring_back(self.now());
            self.memory().sessions.forget_opened_after(self.now());
            time.settled();
        }
        Ok(())
    }

    /// Flushes dirty clocks, a bounded number at a time. Returns whether there were any.
    async fn flush_clocks(&self) -> Result<bool> {
        self.flush_clocks_locked(&self.inner.flushing.lock().await).await
    }

    /// Flushes dirty clocks while holding [`Inner::flushing`].
    async fn flush_clocks_locked(&self, _guard: &tokio::sync::MutexGuard<'_, ()>) -> Result<bool> {
        let clocks = Arc::new(self.inner.memory.drain_dirty());
        if clocks.is_empty() {
            return Ok(false);
        }
        let mut drained = DrainedClocks { memory: &self.inner.memory, clocks: Some(Arc::clone(&clocks)) };
        self.store().write_read_committed(move |tx| flush(tx, &clocks)).await?;
        drained.clocks = None;
        Ok(true)
    }

    /// Waits until the cursors of a session are written, where siblings need them. Sessions that read at the same time share
    /// a write.
    pub(crate) async fn keep_cursors(&self, session: &Session) -> Result<()> {
        while self.has_siblings() {
            // A flush that took these cursors before has written them, or has put them back into the dirty set.
            let guard = self.inner.flushing.lock().await;
            if !session.has_dirty_cursors() || !self.flush_clocks_locked(&guard).await? {
                break;
            }
        }
        Ok(())
    }

    /// Waits until the read model has all changes that other gateways have committed before this call.
    pub(crate) async fn follow_siblings(&self) -> Result<()> {
        let Some(follower) = &self.inner.follower else { return Ok(()) };
        let (reply, answer) = oneshot::channel();
        follower.try_send(CommitNotice::Poll(reply)).map_err(|_| Error::Busy)?;
        answer.await.map_err(|_| Error::Unavailable)?;
        if self.memory().is_fresh() { Ok(()) } else { Err(Error::Unavailable) }
    }

    /// Flushes all clocks and stops. Later calls fail with [`Error::Unavailable`].
    pub async fn shutdown(&self) {
        while let Ok(true) = self.flush_clocks().await {}
        self.inner.stopped.store(true, Ordering::Release);
        self.store().stop().await;
        drop(self.inner.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Inner {
    /// Runs on a writer: deletes ended rows, reloads after foreign writes. Returns the version of the tables that the read model
    /// has afterwards.
    fn upkeep(&self, tx: &mut Tx<'_>) -> Result<i64> {
        match tx.conn {
            Conn::Sqlite(_) => {
                self.delete_ended(tx)?;
                self.reload_after_foreign_writes(tx)
            }
            Conn::Postgres(c) => {
                // The other gateways need not delete the same rows.
                let locked: bool = prepared!(diesel::select(sql::<Bool>(UPKEEP_LOCK))).get_result(c)?;
                if locked {
                    self.delete_ended(tx)?;
                    changes::prune(tx.conn)?;
                }
                Ok(0)
            }
        }
    }

    /// Deletes rows whose time is over. A session or room that seems to be silent may seem so because of a wrong clock, which
    /// also makes a revocation look old whose URLs are still valid.
    fn delete_ended(&self, tx: &mut Tx<'_>) -> Result<()> {
        if self.time.is_trusted() {
            session::close_ended(tx)?;
            room::forget_unopened(tx)?;
            revoked_codes::prune(tx)?;
        }
        verifications::delete_ended(tx)?;
        stream_codes::delete_ended(tx)?;
        pushes::delete_forgotten(tx)
    }

    /// The earliest second in which a push URL can have been issued that is valid now.
    fn oldest_push_url(&self, now: UnixSeconds) -> UnixSeconds {
        now - self.longest_push_ttl
    }

    /// SQLite: reads everything again if another process (the command line) has changed the database.
    fn reload_after_foreign_writes(&self, tx: &mut Tx<'_>) -> Result<i64> {
        let version = data_version(tx.conn)?;
        if self.foreign_changes.load(Ordering::Relaxed) != version {
            tracing::info!("another process has changed the database, reading it again");
            // That process may have closed any session. Sessions are read again when they are used.
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

/// Writes clocks to the tables; a stored clock never goes back.
fn flush(tx: &mut Tx<'_>, clocks: &DirtyClocks) -> Result<()> {
    sessions::flush(tx, &clocks.sessions)?;
    audience::flush_beats(tx, &clocks.members)?;
    broadcasts::flush_beats(tx, &clocks.broadcasts)
}

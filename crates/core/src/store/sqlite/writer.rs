//! Runs SQLite's one writer thread: group commit.
//!
//! The thread takes every job that waits, runs all of them in one transaction, commits once and answers then. Handing a
//! job over costs two context switches, which is negligible in a batch.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Instant,
};

use crossbeam_channel::Receiver;

use super::{connection::resolved, files::DatabaseFiles, wal};
use crate::model::change::Change;
use crate::{
    Error, Result, StartError, UnixSeconds, causes,
    store::{
        conn::{Backend, Conn, Engine, on},
        env::Env,
        job::{Isolation, WriteJob},
        listener::CommitListener,
        prepared::prepared,
        tx::Tx,
    },
};

/// Executes a statement that is prepared once per connection.
macro_rules! exec_prepared {
    ($conn:expr, $sql:literal) => {
        on!(&mut $conn, |c| prepared!(diesel::sql_query($sql)).run(c))?
    };
}

/// Jobs in one commit at most, which bounds the wait of the first of them.
const BATCH: usize = 512;

/// Starts the writer thread.
pub(in crate::store) fn start(
    conn: Conn,
    env: Arc<Env>,
    commits: Arc<dyn CommitListener>,
    queue: Receiver<Box<dyn WriteJob>>,
) -> Result<JoinHandle<()>, StartError> {
    let writer = SqliteWriter { conn, env, commits };
    thread::Builder::new()
        .name("relive-write".to_owned())
        .spawn(move || {
            // After a panic outside of a job memory may differ from the file: nothing is written any more.
            let _ = catch_unwind(AssertUnwindSafe(|| writer.serve(&queue)));
            for job in queue {
                job.answer(Some(Error::Unavailable));
            }
        })
        .map_err(StartError::Thread)
}

struct SqliteWriter {
    conn: Conn,
    env: Arc<Env>,
    commits: Arc<dyn CommitListener>,
}

impl SqliteWriter {
    /// Commits the queued jobs until one of them stops the writer or the queue closes.
    fn serve(mut self, queue: &Receiver<Box<dyn WriteJob>>) {
        self.grow_log();
        let mut files = self.files();
        let mut batch = Vec::with_capacity(BATCH);
        let mut stops = Vec::new();
        while stops.is_empty()
            && let Ok(first) = queue.recv()
        {
            batch.push(first);
            batch.extend(queue.try_iter().take(BATCH - 1));
            stops.extend(batch.extract_if(.., |job| job.stops()));
            if batch.is_empty() {
                continue;
            }
            if let Some(fault) = files.as_mut().and_then(DatabaseFiles::fault) {
                tracing::error!(
                    "nothing is written any more: {fault} under the running server; stop it and restore the file"
                );
                for job in batch.into_iter().chain(stops) {
                    job.answer(Some(Error::Unavailable));
                }
                return;
            }
            let failure = self.commit(&mut batch);
            for job in batch.drain(..) {
                job.answer(failure.as_ref().map(Error::again));
            }
        }
        self.truncate_log();
        // Callers that wait for the end of the writer may open the file now.
        for job in stops {
            job.answer(None);
        }
    }

    /// Gives the log its full size before the first commit, so that no commit waits for the file to grow.
    fn grow_log(&mut self) {
        // A short-lived command does not need it.
        if self.env.config.background
            && let Ok(Backend::Sqlite(path)) = Backend::of(&self.env.config.database)
            && let Err(error) = wal::grow(&mut self.conn, &resolved(path))
        {
            tracing::warn!(error = %causes(&error), "the log could not be given its size");
        }
    }

    /// The files that are watched; none for a short-lived command.
    fn files(&self) -> Option<DatabaseFiles> {
        match Backend::of(&self.env.config.database) {
            Ok(Backend::Sqlite(path)) if self.env.config.background => {
                Some(DatabaseFiles::of(&resolved(path)))
            }
            _ => None,
        }
    }

    /// Moves the log into the database file after the last commit, and closes the connection.
    fn truncate_log(mut self) {
        // One file is what an operator expects to copy; a log that cannot be moved now is moved at the next start.
        // A command leaves this to the server beside it, or to the last connection that closes.
        if self.env.config.background {
            let _ = self.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }

    /// Runs all jobs in one transaction and tells the read models. Returns why the commit failed, if it did.
    fn commit(&mut self, batch: &mut [Box<dyn WriteJob>]) -> Option<Error> {
        let started = Instant::now();
        #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
        metrics::histogram!("relive_commit_batch_size").record(batch.len() as f64);
        let now = self.env.time.now();
        let failure = match self.run(batch, now) {
            Ok(changes) => {
                self.commits.committed(changes);
                None
            }
            Err(error) => {
                tracing::error!(
                    error = %causes(&error),
                    jobs = batch.len(),
                    "commit failed"
                );
                let _ = self.conn.execute("ROLLBACK");
                Some(error)
            }
        };
        metrics::histogram!("relive_commit_seconds").record(started.elapsed().as_secs_f64());
        failure
    }

    fn run(&mut self, batch: &mut [Box<dyn WriteJob>], now: UnixSeconds) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        if let [job] = batch
            && job.isolation(Engine::Sqlite) == Isolation::SingleStatement
            && !self.commits.is_due(now)
        {
            let done = job.run(&mut Tx::new(&mut self.conn, now, &self.env, &mut changes));
            // The statement commits itself: its failure may be that of the commit.
            return if done {
                Ok(changes)
            } else {
                Err(job.failure().map_or(Error::Unavailable, Error::again))
            };
        }
        exec_prepared!(self.conn, "BEGIN IMMEDIATE");
        self.commits.expire(&mut Tx::new(&mut self.conn, now, &self.env, &mut changes))?;
        for job in batch {
            exec_prepared!(self.conn, "SAVEPOINT job");
            let mark = changes.len();
            if job.run(&mut Tx::new(&mut self.conn, now, &self.env, &mut changes)) {
                exec_prepared!(self.conn, "RELEASE job");
            } else {
                changes.truncate(mark);
                self.conn.execute("ROLLBACK TO job; RELEASE job")?;
            }
        }
        exec_prepared!(self.conn, "COMMIT");
        Ok(changes)
    }
}

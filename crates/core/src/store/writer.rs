//! SQLite's one writer thread: group commit.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::Instant,
};

use crossbeam_channel::Receiver;

use super::{
    Commits, Env, Tx,
    conn::{Backend, Conn, on},
    fixed::fixed,
    job::WriteJob,
    log_file,
};
use crate::{Error, Result, StartError, UnixSeconds, live::Change};

/// Runs a statement that is run for every batch or job: parsed once.
macro_rules! said {
    ($conn:expr, $sql:literal) => {
        on!(&mut $conn, |c| fixed!(diesel::sql_query($sql)).run(c))?
    };
}

/// Jobs that share one commit at most. Bounds how long the first of them waits.
const BATCH: usize = 512;

/// Starts the writer thread.
pub(super) fn start(
    conn: Conn,
    env: Arc<Env>,
    commits: Arc<dyn Commits>,
    queue: Receiver<Box<dyn WriteJob>>,
) -> Result<JoinHandle<()>, StartError> {
    thread::Builder::new()
        .name("relive-write".to_owned())
        .spawn(move || {
            let mut writer = Writer { conn, env, commits };
            writer.grow_log();
            let mut batch = Vec::with_capacity(BATCH);
            while let Ok(first) = queue.recv() {
                batch.push(first);
                batch.extend(queue.try_iter().take(BATCH - 1));
                if batch.iter().any(|job| job.stops()) {
                    break;
                }
                writer.commit(&mut batch);
            }
            let (stops, mut last): (Vec<_>, Vec<_>) = batch.into_iter().partition(|job| job.stops());
            if !last.is_empty() {
                writer.commit(&mut last);
            }
            // Everything into the one file an operator thinks of; what cannot be moved now is moved at the next start.
            // A command leaves that to the server beside it; if there is none, to the last connection that closes.
            if writer.env.config.background {
                let _ = writer.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)");
            }
            drop(writer);
            // Whoever waits for the end may open the file now.
            for job in stops {
                job.answer(None);
            }
            // A job that comes between the last batch and the end of the queue would be answered by nobody.
            for job in queue {
                job.answer(Some(Error::Unavailable));
            }
        })
        .map_err(StartError::Thread)
}

struct Writer {
    conn: Conn,
    env: Arc<Env>,
    commits: Arc<dyn Commits>,
}

impl Writer {
    /// Before the first commit, so that none has to wait for it later.
    fn grow_log(&mut self) {
        // A command that is done in a moment needs none.
        if self.env.config.background
            && let Ok(Backend::Sqlite(path)) = Backend::of(&self.env.config.database)
            && let Err(error) = log_file::grow(&mut self.conn, path)
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "the log could not be given its size");
        }
    }

    /// Runs all jobs in one transaction and answers them.
    fn commit(&mut self, batch: &mut Vec<Box<dyn WriteJob>>) {
        let started = Instant::now();
        #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
        metrics::histogram!("relive_commit_batch_size").record(batch.len() as f64);
        let now = self.env.clock.now();
        let failure = match self.run(batch, now) {
            Ok(changes) => {
                self.commits.committed(changes);
                None
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    jobs = batch.len(),
                    "commit failed"
                );
                let _ = self.conn.execute("ROLLBACK");
                Some(error.to_string())
            }
        };
        metrics::histogram!("relive_commit_seconds").record(started.elapsed().as_secs_f64());
        for job in batch.drain(..) {
            job.answer(failure.clone().map(|text| Error::Storage(text.into())));
        }
    }

    fn run(&mut self, batch: &mut [Box<dyn WriteJob>], now: UnixSeconds) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        said!(self.conn, "BEGIN IMMEDIATE");
        self.commits.expire(&mut Tx::new(&mut self.conn, now, &self.env, &mut changes))?;
        for job in batch {
            said!(self.conn, "SAVEPOINT job");
            let mark = changes.len();
            if job.run(&mut Tx::new(&mut self.conn, now, &self.env, &mut changes)) {
                said!(self.conn, "RELEASE job");
            } else {
                changes.truncate(mark);
                self.conn.execute("ROLLBACK TO job; RELEASE job")?;
            }
        }
        said!(self.conn, "COMMIT");
        Ok(changes)
    }
}

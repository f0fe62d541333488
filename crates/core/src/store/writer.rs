//! The writer thread: group commit.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Instant,
};

use crossbeam_channel::Receiver;
use tokio::sync::oneshot;

use super::{Env, Tx, conn::Conn};
use crate::{Error, Result, StartError, UnixSeconds, live::Change};

/// Jobs that share one commit at most. Bounds how long the first of them waits.
const BATCH: usize = 512;

/// Who hears of commits: the read models.
pub(crate) trait Commits: Send + Sync + 'static {
    /// Runs first in every batch: what has timed out by now is over before any job looks.
    fn expire(&self, tx: &mut Tx<'_>) -> Result<()>;

    /// Takes over what a commit changed, before anybody is told that it happened.
    fn committed(&self, changes: Vec<Change>);
}

/// A job in the queue.
pub(crate) trait WriteJob: Send {
    /// Runs in a savepoint; `true` keeps what it wrote.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Answers the caller, after the commit or with the failure of the whole batch.
    fn answer(self: Box<Self>, failure: Option<Error>);
    /// Whether the writer shall end after this batch.
    fn stops(&self) -> bool {
        false
    }
}

struct Job<F, T> {
    run: F,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> WriteJob for Job<F, T>
where
    F: FnMut(&mut Tx<'_>) -> Result<T> + Send,
    T: Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        // A panic must not take the writer and all its waiting jobs along.
        let result = catch_unwind(AssertUnwindSafe(|| (self.run)(tx))).unwrap_or(Err(Error::Unavailable));
        self.result.insert(result).is_ok()
    }

    fn answer(self: Box<Self>, failure: Option<Error>) {
        let result = match failure {
            Some(failure) => Err(failure),
            None => self.result.unwrap_or(Err(Error::Unavailable)),
        };
        let _ = self.reply.send(result);
    }
}

/// Makes a job of a closure.
pub(super) fn job<T: Send + 'static>(
    run: impl FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    reply: oneshot::Sender<Result<T>>,
) -> Box<dyn WriteJob> {
    Box::new(Job { run, result: None, reply })
}

struct Stop(oneshot::Sender<()>);

impl WriteJob for Stop {
    fn run(&mut self, _: &mut Tx<'_>) -> bool {
        true
    }

    fn answer(self: Box<Self>, _: Option<Error>) {
        let _ = self.0.send(());
    }

    fn stops(&self) -> bool {
        true
    }
}

/// The job after which the writer ends.
pub(super) fn stop(reply: oneshot::Sender<()>) -> Box<dyn WriteJob> {
    Box::new(Stop(reply))
}

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
            let mut batch = Vec::with_capacity(BATCH);
            while let Ok(first) = queue.recv() {
                batch.push(first);
                batch.extend(queue.try_iter().take(BATCH - 1));
                let stops = batch.iter().any(|job| job.stops());
                writer.commit(&mut batch);
                if stops {
                    break;
                }
            }
            drop(writer);
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
        self.conn.execute("BEGIN IMMEDIATE")?;
        self.commits.expire(&mut Tx::new(&mut self.conn, now, &self.env, &mut changes))?;
        for job in batch {
            self.conn.execute("SAVEPOINT job")?;
            let mark = changes.len();
            if job.run(&mut Tx::new(&mut self.conn, now, &self.env, &mut changes)) {
                self.conn.execute("RELEASE job")?;
            } else {
                changes.truncate(mark);
                self.conn.execute("ROLLBACK TO job; RELEASE job")?;
            }
        }
        self.conn.execute("COMMIT")?;
        Ok(changes)
    }
}

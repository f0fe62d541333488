//! The one choke point between the domain and the database.
//!
//! * [`Store::write`] hands a job to a writer. With SQLite there is one: it takes every waiting job, opens one
//!   transaction, runs each job in a savepoint of its own, commits once and only then answers: what is acknowledged is
//!   on disk, and all jobs of a batch share the price of one sync. With PostgreSQL there are a few writers, and each
//!   job has a transaction of its own.
//! * [`Store::read`] hands a query to one of a few reader threads.
//!
//! Both queues are bounded; a full one answers [`Error::Busy`] at once.

pub(crate) mod coalesce;
pub(crate) mod conn;
mod job;
pub(crate) mod link;
mod log_file;
pub(crate) mod migrate;
mod postgres;
pub(crate) mod prepared;
mod reader;
pub(crate) mod schema;
#[cfg(test)]
mod tests;
mod tx;
mod writer;

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::AtomicI64},
    thread::JoinHandle,
};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tokio::sync::oneshot;

use self::{conn::Conn, link::Reachability, reader::ReadJob};
pub(crate) use self::{
    job::{Isolation, WriteJob},
    postgres::CommitNotice,
    tx::Tx,
};
use crate::{Clock, Config, Error, Random, Result, StartError, live::Change};

/// A job that does nothing, and the end of the wait for its answer.
pub(crate) fn wait() -> (Box<dyn WriteJob>, oneshot::Receiver<()>) {
    let (reply, answer) = oneshot::channel();
    (job::stop(reply), answer)
}

/// What every job may look at.
pub(crate) struct Env {
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// The last order of entry given out, where the database does not count it.
    pub(crate) position: AtomicI64,
    /// This gateway in the feed of changes, where there is one.
    pub(crate) origin: AtomicI64,
}

/// Who hears of commits: the read models.
pub(crate) trait CommitListener: Send + Sync + 'static {
    /// Whether something has timed out by now.
    fn is_due(&self, now: crate::UnixSeconds) -> bool;

    /// Runs before the jobs: what has timed out by now is over before any of them looks.
    fn expire(&self, tx: &mut Tx<'_>) -> Result<()>;

    /// Takes over what a commit changed, before anybody is told that it happened.
    fn committed(&self, changes: Vec<Change>);

    /// The same for what others may have changed meanwhile as well, if that is only counters of broadcasts memory knows:
    /// of these it can tell what is newer. Otherwise `false`, and everything has to be read again.
    fn counted(&self, changes: &[Change]) -> bool;
}

/// The way to the writers.
#[derive(Clone)]
pub(crate) struct Queue(Sender<Box<dyn WriteJob>>);

impl Queue {
    /// Queues a job.
    ///
    /// Errors: [`Error::Busy`] if the queue is full, [`Error::Unavailable`] after the writers have stopped.
    pub(crate) fn submit(&self, job: Box<dyn WriteJob>) -> Result<()> {
        self.0.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => Error::Busy,
            TrySendError::Disconnected(_) => Error::Unavailable,
        })
    }
}

/// The writers, the readers and their queues.
pub(crate) struct Store {
    queue: Queue,
    writers: usize,
    reads: Sender<ReadJob>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Store {
    /// Starts the threads on an open, migrated SQLite database. `commits` learns of every commit before its callers do.
    pub(crate) fn sqlite(
        conn: Conn,
        env: &Arc<Env>,
        commits: Arc<dyn CommitListener>,
    ) -> Result<Self, StartError> {
        let common = Reachability::new(env.config.database.clone());
        Self::start(env, &common, 1, |queue| Ok(vec![writer::start(conn, Arc::clone(env), commits, queue)?]))
    }

    /// Starts the threads on a migrated PostgreSQL database. What jobs have changed goes to `committed`, whose owner
    /// answers them.
    pub(crate) fn postgres(
        common: &Arc<Reachability>,
        env: &Arc<Env>,
        commits: &Arc<dyn CommitListener>,
        committed: &Sender<CommitNotice>,
    ) -> Result<Self, StartError> {
        let writers = env.config.database.writers.max(1);
        Self::start(env, common, writers, |queue| {
            postgres::start(writers, common, env, commits, committed, &queue)
        })
    }

    fn start(
        env: &Arc<Env>,
        common: &Arc<Reachability>,
        count: usize,
        start_writers: impl FnOnce(Receiver<Box<dyn WriteJob>>) -> Result<Vec<JoinHandle<()>>, StartError>,
    ) -> Result<Self, StartError> {
        let database = &env.config.database;
        let (jobs, write_queue) = crossbeam_channel::bounded(database.queue);
        let (reads, read_queue) = crossbeam_channel::bounded(database.queue);
        let mut threads = reader::start(database.readers, common, &read_queue)?;
        threads.extend(start_writers(write_queue)?);
        Ok(Self { queue: Queue(jobs), writers: count, reads, threads: Mutex::new(threads) })
    }

    /// Runs a job in a writer and waits until it is committed. The job may run more than once.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(Isolation::Serializable, job).await
    }

    /// Like [`Store::write`], for jobs that are correct under READ COMMITTED, whatever other jobs run meanwhile.
    pub(crate) async fn write_read_committed<T: Send + 'static>(
        &self,
        job: impl FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(Isolation::ReadCommitted, job).await
    }

    async fn run<T: Send + 'static>(
        &self,
        isolation: Isolation,
        job: impl FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.queue.submit(job::job(isolation, job, reply))?;
        answer.await.unwrap_or(Err(Error::Unavailable))
    }

    /// The queue of the writers.
    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Runs a query in a reader thread. It sees everything that was committed before the call.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        match self.reads.try_send(reader::job(query, reply)) {
            Ok(()) => answer.await.unwrap_or(Err(Error::Unavailable)),
            Err(TrySendError::Full(_)) => Err(Error::Busy),
            Err(TrySendError::Disconnected(_)) => Err(Error::Unavailable),
        }
    }

    /// Like [`Store::read`], with all statements of the query looking at one state of the database.
    pub(crate) async fn snapshot<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.read(move |conn| {
            conn.begin_snapshot()?;
            let result = query(conn);
            // Also after a failure: there is nothing to undo.
            let ended = conn.execute("COMMIT");
            let result = result?;
            ended?;
            Ok(result)
        })
        .await
    }

    /// Jobs that wait for a writer.
    pub(crate) fn queue_depth(&self) -> usize {
        self.queue.0.len()
    }

    /// Lets the queues run empty and waits for the writers. Later calls answer [`Error::Unavailable`].
    pub(crate) async fn stop(&self) {
        let mut answers = Vec::with_capacity(self.writers);
        for _ in 0..self.writers {
            let (reply, answer) = oneshot::channel();
            // Waits for a place in a full queue: the writers are emptying it.
            if self.queue.0.send(job::stop(reply)).is_ok() {
                answers.push(answer);
            }
        }
        for answer in answers {
            let _ = answer.await;
        }
        drop(self.threads.lock().unwrap_or_else(PoisonError::into_inner).drain(..));
    }
}

//! Starts the writers and the readers, and hands jobs and queries to them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tokio::sync::oneshot;

use super::{
    caller::Caller,
    conn::Conn,
    env::Env,
    job::{self, Isolation, WriteJob},
    lease::Connections,
    listener::CommitListener,
    pool,
    postgres::{self, writer::CommitNotice},
    queue::Queue,
    reader::{self, ReadJob},
    sqlite,
    tx::Tx,
};
use crate::{Client, Error, Result, StartError};

/// The writers, the readers and their queues.
pub(crate) struct Store {
    queue: Queue,
    writers: usize,
    reads: Sender<ReadJob>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Store {
    /// Starts the threads on an open, migrated SQLite database. `commits` is told of every commit before its callers are.
    pub(crate) fn sqlite(
        conn: Conn,
        env: &Arc<Env>,
        commits: Arc<dyn CommitListener>,
    ) -> Result<Self, StartError> {
        let connections = pool::open(&env.config.database)?;
        Self::start(env, &connections, 1, |queue| {
            Ok(vec![sqlite::writer::start(conn, Arc::clone(env), commits, queue)?])
        })
    }

    /// Starts the threads on a migrated PostgreSQL database. Committed jobs that changed the read model are sent to
    /// `committed`, whose receiver answers them.
    pub(crate) fn postgres(
        connections: &Arc<dyn Connections>,
        env: &Arc<Env>,
        commits: &Arc<dyn CommitListener>,
        committed: &Sender<CommitNotice>,
    ) -> Result<Self, StartError> {
        let writers = env.config.database.writers.max(1);
        Self::start(env, connections, writers, |queue| {
            postgres::writer::start(writers, connections, env, commits, committed, &queue)
        })
    }

    fn start(
        env: &Arc<Env>,
        connections: &Arc<dyn Connections>,
        count: usize,
        start_writers: impl FnOnce(Receiver<Box<dyn WriteJob>>) -> Result<Vec<JoinHandle<()>>, StartError>,
    ) -> Result<Self, StartError> {
        let database = &env.config.database;
        let (jobs, write_queue) = crossbeam_channel::bounded(database.queue);
        let (reads, read_queue) = crossbeam_channel::bounded(database.queue);
        let mut threads = reader::start(database.readers, connections, &read_queue)?;
        threads.extend(start_writers(write_queue)?);
        Ok(Self { queue: Queue::new(jobs), writers: count, reads, threads: Mutex::new(threads) })
    }

    /// Runs a job in a writer and waits until it is committed. The job may run more than once.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(Isolation::Serializable, job).await
    }

    /// Like [`Store::write`], for a client.
    pub(crate) async fn write_for<T: Send + 'static>(
        &self,
        client: Option<Client>,
        mut job: impl FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut caller = Caller::new(client);
        self.write(move |tx| tx.for_caller(&mut caller, &mut job)).await
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

    /// Runs a query in a reader thread. The query sees everything that was committed before the call.
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

    /// Like [`Store::read`]; all statements of the query see the same state of the database.
    pub(crate) async fn snapshot<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.read(move |conn| {
            conn.begin_snapshot()?;
            let result = query(conn);
            // COMMIT after a failure as well, because a query has nothing to undo.
            let ended = conn.execute("COMMIT");
            let result = result?;
            ended?;
            Ok(result)
        })
        .await
    }

    /// Jobs that wait for a writer.
    pub(crate) fn queue_depth(&self) -> usize {
        self.queue.depth()
    }

    /// Runs the queued jobs and stops the writers. Later calls answer [`Error::Unavailable`].
    pub(crate) async fn stop(&self) {
        let mut answers = Vec::with_capacity(self.writers);
        for _ in 0..self.writers {
            let (reply, answer) = oneshot::channel();
            // If the queue is full this waits for a place, which the writers make.
            if self.queue.submit_waiting(job::stop(reply)).is_ok() {
                answers.push(answer);
            }
        }
        for answer in answers {
            let _ = answer.await;
        }
        drop(self.threads.lock().unwrap_or_else(PoisonError::into_inner).drain(..));
    }
}

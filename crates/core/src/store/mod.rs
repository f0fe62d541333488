//! The one choke point between the domain and the database.
//!
//! * [`Store::write`] hands a job to the single writer thread. The writer takes every waiting job, opens one
//!   transaction, runs each job in a savepoint of its own, commits once and only then answers: what is acknowledged is
//!   on disk, and the price of one sync is shared by all.
//! * [`Store::read`] hands a query to one of a few reader threads.
//!
//! Both queues are bounded; a full one answers [`Error::Busy`] at once.

pub(crate) mod conn;
pub(crate) mod migrate;
mod reader;
pub(crate) mod schema;
mod tx;
mod writer;

use std::{
    sync::{Arc, atomic::AtomicI64},
    thread::JoinHandle,
};

use crossbeam_channel::{Sender, TrySendError};
use tokio::sync::oneshot;

use self::{conn::Conn, reader::ReadJob, writer::WriteJob};
pub(crate) use self::{tx::Tx, writer::Commits};
use crate::{Clock, Config, Error, Random, Result, StartError};

/// What every job may look at.
pub(crate) struct Env {
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// The last order of entry given out.
    pub(crate) position: AtomicI64,
}

/// The writer, the readers and their queues.
pub(crate) struct Store {
    writes: Sender<Box<dyn WriteJob>>,
    reads: Sender<ReadJob>,
    threads: std::sync::Mutex<Vec<JoinHandle<()>>>,
}

impl Store {
    /// Starts the threads on an open, migrated database. `commits` learns of every commit before its callers do.
    pub(crate) fn start(conn: Conn, env: &Arc<Env>, commits: Arc<dyn Commits>) -> Result<Self, StartError> {
        let database = &env.config.database;
        let (writes, write_queue) = crossbeam_channel::bounded(database.queue);
        let (reads, read_queue) = crossbeam_channel::bounded(database.queue);
        let mut threads = reader::start(database, &read_queue)?;
        threads.push(writer::start(conn, Arc::clone(env), commits, write_queue)?);
        Ok(Self { writes, reads, threads: std::sync::Mutex::new(threads) })
    }

    /// Runs a job in the writer and waits until it is committed. The job may run more than once.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        match self.writes.try_send(writer::job(job, reply)) {
            Ok(()) => answer.await.unwrap_or(Err(Error::Unavailable)),
            Err(TrySendError::Full(_)) => Err(Error::Busy),
            Err(TrySendError::Disconnected(_)) => Err(Error::Unavailable),
        }
    }

    /// Runs a query in a reader thread. It sees everything that was committed before the call.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let job: ReadJob = Box::new(move |conn| {
            let _ = reply.send(conn.and_then(query));
        });
        match self.reads.try_send(job) {
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
            conn.execute("BEGIN")?;
            let result = query(conn);
            conn.execute("COMMIT")?;
            result
        })
        .await
    }

    /// Jobs that wait for the writer.
    pub(crate) fn queue_depth(&self) -> usize {
        self.writes.len()
    }

    /// Lets the queues run empty and waits for the threads. Later calls answer [`Error::Unavailable`].
    pub(crate) async fn stop(&self) {
        let (reply, answer) = oneshot::channel();
        if self.writes.try_send(writer::stop(reply)).is_ok() {
            let _ = answer.await;
        }
        drop(self.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner).drain(..));
    }
}

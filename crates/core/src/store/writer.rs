//! SQLite's one writer: group commit.
//!
//! Its thread takes all jobs that wait and commits them together. Two changes of threads beside each commit are nothing when
//! hundreds share it, but half of what it costs to a caller who is alone: such a caller commits where it is.

use std::{
    sync::{Arc, Mutex, MutexGuard, TryLockError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Select, TryRecvError};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{
    CommitListener, Env, Tx,
    conn::{Backend, Conn, on},
    job::{Isolation, WriteJob},
    log_file,
    prepared::prepared,
};
use crate::{Error, Result, StartError, UnixSeconds, causes, model::change::Change};

/// Runs a statement that is run for every batch or job: parsed once.
macro_rules! exec_prepared {
    ($conn:expr, $sql:literal) => {
        on!(&mut $conn, |c| prepared!(diesel::sql_query($sql)).run(c))?
    };
}

/// Jobs that share one commit at most. Bounds how long the first of them waits.
const BATCH: usize = 512;
/// Commits of one caller each, in a row, after which the next caller counts as alone.
pub(super) const ALONE: u32 = 8;

/// A commit that takes longer is one of a slow disk.
const QUICK: Duration = Duration::from_millis(1);

/// Starts the writer thread.
pub(super) fn start(
    conn: Conn,
    env: Arc<Env>,
    commits: Arc<dyn CommitListener>,
    queue: Receiver<Box<dyn WriteJob>>,
) -> Result<(Arc<Desk>, JoinHandle<()>), StartError> {
    let desk = Arc::new(Desk(Mutex::new(Some(Writer { conn, env, commits, alone: 0, quick: false }))));
    let own = Arc::clone(&desk);
    let thread = thread::Builder::new().name("relive-write".to_owned()).spawn(move || own.serve(queue));
    Ok((desk, thread.map_err(StartError::Thread)?))
}

/// Where the writer sits: for its thread, and for callers that are alone. Empty once the queue has ended.
pub(super) struct Desk(Mutex<Option<Writer>>);

impl Desk {
    /// Commits a job on the thread of its caller, who has found the queue empty. Gives it back if others write as well, or
    /// if this thread must not wait.
    pub(super) fn commit(&self, job: Box<dyn WriteJob>) -> Option<Box<dyn WriteJob>> {
        let quick = match self.free().as_deref() {
            Some(Some(writer)) => writer.quick,
            _ => return Some(job),
        };
        let runtime = match Handle::try_current() {
            Ok(runtime) if runtime.runtime_flavor() == RuntimeFlavor::MultiThread => runtime,
            _ => return Some(job),
        };
        if quick && runtime.metrics().num_workers() > 1 {
            wake_another_worker(&runtime);
            self.commit_here(job)
        } else {
            // Other threads take over what else this one had to do, the sockets included: the disk may be slow. Not under
            // the lock, as Tokio may refuse this by a panic.
            tokio::task::block_in_place(|| self.commit_here(job))
        }
    }

    fn commit_here(&self, job: Box<dyn WriteJob>) -> Option<Box<dyn WriteJob>> {
        let mut desk = self.free();
        let Some(writer) = desk.as_mut().and_then(|desk| desk.as_mut()) else { return Some(job) };
        let mut batch = vec![job];
        let failure = writer.commit(&mut batch);
        // Under the lock: a job that follows from this one must not be committed here as well, and so on.
        answer(&mut batch, failure.as_ref());
        None
    }

    /// The writer, if nobody has it and whoever asks is alone.
    fn free(&self) -> Option<MutexGuard<'_, Option<Writer>>> {
        let desk = match self.0.try_lock() {
            Ok(desk) => desk,
            Err(TryLockError::WouldBlock) => return None,
            Err(TryLockError::Poisoned(desk)) => {
                // What was begun before the panic is undone, and others may write to the file.
                drop(desk.into_inner().take());
                return None;
            }
        };
        desk.as_ref().is_some_and(|writer| writer.alone >= ALONE).then_some(desk)
    }

    /// Commits what is put into the queue, until that ends.
    fn serve(&self, queue: Receiver<Box<dyn WriteJob>>) {
        if let Ok(mut desk) = self.0.lock()
            && let Some(writer) = desk.as_mut()
        {
            writer.grow_log();
        }
        let mut batch = Vec::with_capacity(BATCH);
        let mut waiting = Select::new();
        waiting.recv(&queue);
        let writer = loop {
            // A job stays in the queue until its turn has come, so that nobody commits in place meanwhile.
            waiting.ready();
            // A panic outside of a job has left memory behind the file, maybe: nobody writes any more.
            let Ok(mut desk) = self.0.lock() else { break None };
            match queue.try_recv() {
                Ok(first) => batch.push(first),
                Err(TryRecvError::Empty) => continue,
                Err(TryRecvError::Disconnected) => break desk.take(),
            }
            batch.extend(queue.try_iter().take(BATCH - 1));
            if batch.iter().any(|job| job.stops()) {
                break desk.take();
            }
            let failure = desk.as_mut().and_then(|writer| writer.commit(&mut batch));
            // Who is answered may be alone, and finds the desk free.
            drop(desk);
            answer(&mut batch, failure.as_ref());
        };
        let (stops, mut last): (Vec<_>, Vec<_>) = batch.into_iter().partition(|job| job.stops());
        if let Some(mut writer) = writer {
            if !last.is_empty() {
                let failure = writer.commit(&mut last);
                answer(&mut last, failure.as_ref());
            }
            writer.move_log();
        }
        // Whoever waits for the end may open the file now.
        for job in stops {
            job.answer(None);
        }
        // A job that comes between the last batch and the end of the queue would be answered by nobody.
        for job in queue {
            job.answer(Some(Error::Unavailable));
        }
    }
}

struct Writer {
    conn: Conn,
    env: Arc<Env>,
    commits: Arc<dyn CommitListener>,
    /// Commits of one caller each since others shared one.
    alone: u32,
    /// The last commit took less than [`QUICK`].
    quick: bool,
}

impl Writer {
    /// Before the first commit, so that none has to wait for it later.
    fn grow_log(&mut self) {
        // A command that is done in a moment needs none.
        if self.env.config.background
            && let Ok(Backend::Sqlite(path)) = Backend::of(&self.env.config.database)
            && let Err(error) = log_file::grow(&mut self.conn, path)
        {
            tracing::warn!(error = %causes(&error), "the log could not be given its size");
        }
    }

    /// After the last commit.
    fn move_log(mut self) {
        // Everything into the one file an operator thinks of; what cannot be moved now is moved at the next start.
        // A command leaves that to the server beside it; if there is none, to the last connection that closes.
        if self.env.config.background {
            let _ = self.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }

    /// Runs all jobs in one transaction; why that failed, if it did.
    fn commit(&mut self, batch: &mut [Box<dyn WriteJob>]) -> Option<Error> {
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
                    error = %causes(&error),
                    jobs = batch.len(),
                    "commit failed"
                );
                let _ = self.conn.execute("ROLLBACK");
                Some(error)
            }
        };
        let alone = batch.iter().map(|job| job.callers()).sum::<usize>() <= 1;
        self.alone = if alone { self.alone.saturating_add(1) } else { 0 };
        let took = started.elapsed();
        self.quick = took < QUICK;
        metrics::histogram!("relive_commit_seconds").record(took.as_secs_f64());
        failure
    }

    fn run(&mut self, batch: &mut [Box<dyn WriteJob>], now: UnixSeconds) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        if let [job] = batch
            && job.isolation() == Isolation::Statement
            && !self.commits.is_due(now)
        {
            let done = job.run(&mut Tx::new(&mut self.conn, now, &self.env, &mut changes));
            // What failed may be the commit.
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

/// Wakes up a worker that sleeps, unless one is looking for work already. It finds what else this one had to do, and then
/// waits at the sockets: should the disk be slow for once, only who commits waits for it. Costs less than handing this
/// worker over to another thread.
fn wake_another_worker(runtime: &Handle) {
    // What a worker wakes up last stays its own, until something else takes that place and makes it everybody's.
    for _ in 0..2 {
        runtime.spawn(std::future::ready(()));
    }
}

/// Tells every caller how its job ended.
fn answer(batch: &mut Vec<Box<dyn WriteJob>>, failure: Option<&Error>) {
    for job in batch.drain(..) {
        job.answer(failure.map(Error::again));
    }
}

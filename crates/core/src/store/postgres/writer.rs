//! Runs PostgreSQL's writer threads: every job is a transaction of its own.
//!
//! Jobs are written as if each ran alone, so they run SERIALIZABLE: PostgreSQL aborts one of two transactions that conflict,
//! and the writer runs that job again. A job that changed the read models writes a row of `changes` in the same transaction,
//! which tells the other gateways. In this gateway the job is sent to the follower, which answers the caller when the read
//! model has the change.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Barrier, Mutex, PoisonError, atomic::Ordering},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender};
use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as QueryError},
};
use tokio::sync::oneshot;

use crate::model::{change::Change, change_key::ChangeKey};
use crate::{
    Error, Result, StartError, causes,
    store::{
        conn::{Conn, Engine},
        env::Env,
        job::{self, Isolation, WriteJob},
        lease::{Connections, Lease, deadline, query_error},
        listener::CommitListener,
        prepared::prepared,
        schema::changes,
        tx::Tx,
    },
};

/// Runs of a job at most; [`crate::DatabaseConfig::conflict_patience`] bounds their time.
const TRIES: u32 = 64;

/// A message to the follower.
pub(crate) enum CommitNotice {
    /// The transaction is committed. Carries the keys of its changes, and the job to answer when memory has them.
    Committed(Vec<ChangeKey>, Box<dyn WriteJob>),
    /// The connection broke during the commit, so the transaction may be committed.
    InDoubt,
    /// A caller waits until memory has the changes that other gateways have committed.
    Poll(oneshot::Sender<()>),
}

/// Starts the writer threads.
pub(in crate::store) fn start(
    count: usize,
    connections: &Arc<dyn Connections>,
    env: &Arc<Env>,
    commits: &Arc<dyn CommitListener>,
    committed: &Sender<CommitNotice>,
    queue: &Receiver<Box<dyn WriteJob>>,
) -> Result<Vec<JoinHandle<()>>, StartError> {
    let expiring = Arc::new(Mutex::new(()));
    let through = Arc::new(Barrier::new(count));
    (0..count)
        .map(|index| {
            let (queue, through) = (queue.clone(), Arc::clone(&through));
            let mut writer = PostgresWriter {
                connections: Arc::clone(connections),
                env: Arc::clone(env),
                commits: Arc::clone(commits),
                committed: committed.clone(),
                expiring: Arc::clone(&expiring),
            };
            thread::Builder::new()
                .name(format!("relive-write-{index}"))
                .spawn(move || {
                    while let Ok(job) = queue.recv() {
                        if job.stops() {
                            // Each writer gets one such job: behind the barrier no other job is under way.
                            through.wait();
                            job.answer(None);
                            break;
                        }
                        writer.expire();
                        writer.serve(job);
                    }
                    drop(writer);
                    // Jobs that come after the last one need an answer, too.
                    for job in queue {
                        job.answer(Some(Error::Unavailable));
                    }
                })
                .map_err(StartError::Thread)
        })
        .collect()
}

/// How one run of a job ended.
enum End {
    /// Committed.
    Done(Vec<ChangeKey>),
    /// The job failed in the words of the domain, and its transaction is rolled back.
    Refused,
    /// Not committed, because another transaction was in the way.
    Conflict,
    /// Not committed because of an error of the database, which may be gone when the job runs again.
    Again(Error),
    /// Not committed, because the connection broke.
    Failed(Error),
    /// The connection broke during the commit: the transaction may be committed.
    Unknown(Error),
}

struct PostgresWriter {
    connections: Arc<dyn Connections>,
    env: Arc<Env>,
    commits: Arc<dyn CommitListener>,
    committed: Sender<CommitNotice>,
    /// Held by the writer that expires what is due.
    expiring: Arc<Mutex<()>>,
}

impl PostgresWriter {
    /// Expires everything past its deadline, and waits until the read models have the change.
    fn expire(&mut self) {
        if !self.commits.is_due(self.env.time.now()) {
            return;
        }
        let expiring = Arc::clone(&self.expiring);
        let _one_at_a_time = expiring.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.commits.is_due(self.env.time.now()) {
            return;
        }
        let commits = Arc::clone(&self.commits);
        let (reply, answer) = oneshot::channel();
        self.serve(job::job(Isolation::Serializable, move |tx| commits.expire(tx), reply));
        // The next job meets the same failure and reports it.
        let _ = answer.blocking_recv();
    }

    /// Runs a job until it is committed, refused or given up, and answers it or hands it to the follower.
    fn serve(&mut self, mut job: Box<dyn WriteJob>) {
        let started = Instant::now();
        let patience = self.env.config.database.conflict_patience;
        let (mut tries, mut conflicts) = (0, 0);
        loop {
            tries += 1;
            let end = self.run(&mut *job);
            conflicts += u32::from(matches!(end, Ok(End::Conflict)));
            match end {
                Ok(End::Done(keys)) if keys.is_empty() => job.answer(None),
                Ok(End::Done(keys)) => {
                    // The follower outlives the writers; without it there is no memory to wait for.
                    if let Err(lost) = self.committed.send(CommitNotice::Committed(keys, job))
                        && let CommitNotice::Committed(_, job) = lost.into_inner()
                    {
                        job.answer(None);
                    }
                }
                Ok(End::Refused) => job.answer(None),
                Ok(End::Conflict | End::Again(_)) if tries < TRIES && started.elapsed() < patience => {
                    metrics::counter!("relive_transaction_retries_total").increment(1);
                    if tries > 4 {
                        thread::park_timeout(Duration::from_millis(u64::from(tries.min(20))));
                    }
                    continue;
                }
                // The error is logged where it is found.
                Err(error) => job.answer(Some(error)),
                // A constraint that is violated after conflicts is another sign of contention.
                Ok(End::Conflict | End::Again(_)) if conflicts > 0 => {
                    tracing::debug!(tries, conflicts, "a job gave way to other transactions too often");
                    job.answer(Some(Error::Busy));
                }
                Ok(End::Conflict) => job.answer(Some(Error::Busy)),
                Ok(End::Again(error) | End::Failed(error)) => {
                    tracing::error!(error = %causes(&error), tries, "a job failed");
                    job.answer(Some(error));
                }
                Ok(End::Unknown(error)) => {
                    tracing::error!(error = %causes(&error), "a commit was cut off");
                    let _ = self.committed.send(CommitNotice::InDoubt);
                    job.answer(Some(error));
                }
            }
            break;
        }
        metrics::histogram!("relive_commit_seconds").record(started.elapsed().as_secs_f64());
    }

    /// Runs a job once. `Err`: there is no connection to run it on.
    fn run(&self, job: &mut dyn WriteJob) -> Result<End> {
        let mut lease = self.connections.get(deadline())?;
        let ended = catch_unwind(AssertUnwindSafe(|| self.run_on(&mut lease, job)));
        Ok(ended.unwrap_or_else(|_| {
            // The connection may be inside a transaction, or the transaction may be committed.
            self.connections.write_off(lease.ticket());
            End::Unknown(Error::Unavailable)
        }))
    }

    fn run_on(&self, lease: &mut Lease, job: &mut dyn WriteJob) -> End {
        let begin = match job.isolation(Engine::Postgres) {
            Isolation::Serializable => Some("BEGIN ISOLATION LEVEL SERIALIZABLE"),
            Isolation::ReadCommitted => Some("BEGIN"),
            Isolation::SingleStatement => None,
        };
        if let Some(begin) = begin
            && let Err(error) = lease.execute(begin)
        {
            // Nothing has happened yet; on another connection it may work.
            lease.lose();
            return End::Again(error);
        }
        let mut changes = Vec::new();
        let kept = job.run(&mut Tx::new(lease, self.env.time.now(), &self.env, &mut changes));
        if !kept {
            return give_up(lease, begin.is_some(), job.failure());
        }
        if begin.is_none() {
            return self.done(lease, &changes);
        }
        let keys = ChangeKey::of(&changes);
        if let Err(error) = announce(lease, self.env.origin.load(Ordering::Relaxed), &keys) {
            return give_up(lease, true, Some(&error));
        }
        let Err(error) = lease.execute("COMMIT") else { return self.done(lease, &changes) };
        if lease.lost_by(&error) {
            return End::Unknown(Error::Unavailable);
        }
        give_up(lease, true, Some(&error))
    }

    /// Ends a committed job: finds the keys that memory has to read again.
    fn done(&self, lease: &Lease, changes: &[Change]) -> End {
        let keys = ChangeKey::of(changes);
        let counted = !keys.is_empty() && self.commits.counted(lease.generation(), changes);
        End::Done(if counted { Vec::new() } else { keys })
    }
}

/// Rolls the transaction back, if one has begun, and classifies the failure. Without one the failure may be that of the
/// commit.
fn give_up(lease: &mut Lease, begun: bool, failure: Option<&Error>) -> End {
    if failure.is_some_and(|failure| lease.lost_by(failure)) {
        return if begun { End::Failed(Error::Unavailable) } else { End::Unknown(Error::Unavailable) };
    }
    if begun && lease.execute("ROLLBACK").is_err() {
        lease.lose();
    }
    match failure.map(|failure| (failure, query_error(failure))) {
        Some((_, Some(QueryError::DatabaseError(kind, told)))) if is_conflict(*kind, told.message()) => {
            End::Conflict
        }
        // A violated constraint may be a conflict as well: when the job runs again it sees the other transaction's rows, and
        // fails in the words of the domain.
        Some((failure, Some(QueryError::DatabaseError(..)))) => End::Again(failure.again()),
        _ => End::Refused,
    }
}

/// Whether another transaction was in the way. diesel has no kinds for deadlocks and lock time-outs, so their English messages
/// are compared; a server with other messages has its deadlocks reported as errors of the storage.
fn is_conflict(kind: DatabaseErrorKind, message: &str) -> bool {
    match kind {
        DatabaseErrorKind::SerializationFailure => true,
        DatabaseErrorKind::Unknown => {
            message == "deadlock detected" || message == "canceling statement due to lock timeout"
        }
        _ => false,
    }
}

/// Writes the keys of the changes into the feed, if there are any.
fn announce(conn: &mut Conn, origin: i64, keys: &[ChangeKey]) -> Result<()> {
    let Conn::Postgres(conn) = conn else { return Ok(()) };
    if !keys.is_empty() {
        let row = (changes::origin.eq(origin), changes::keys.eq(ChangeKey::format(keys)));
        prepared!(diesel::insert_into(changes::table).values(row)).run(conn)?;
    }
    Ok(())
}

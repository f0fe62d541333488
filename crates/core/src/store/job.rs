//! What waits in the queue of the writers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use super::Tx;
use crate::{Error, Result};

/// What a job asks of the transaction it runs in, where each has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// It decides by what it has read, and must run as if no other job ran meanwhile.
    Serial,
    /// It is several statements that do not mind the company of other jobs.
    Loose,
    /// It is one statement with PostgreSQL, and several with SQLite that do not mind the company of other jobs.
    Together,
    /// It is one statement: a transaction by itself. It also tells the other gateways, and fails when its commit does.
    Statement,
}

/// A job in the queue.
pub(crate) trait WriteJob: Send {
    /// Runs inside a transaction, or a savepoint of one; `true` keeps what it wrote. May be called again after a
    /// transaction that was given up.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;

    /// Why the last run is not kept.
    fn failure(&self) -> Option<&Error>;

    /// Answers the caller, after the commit or with the failure of the whole transaction.
    fn answer(self: Box<Self>, failure: Option<Error>);

    /// What it asks of its transaction.
    fn isolation(&mut self) -> Isolation {
        Isolation::Serial
    }

    /// How many wait for it, once it has run.
    fn callers(&self) -> usize {
        1
    }

    /// Whether the writer shall end with this job.
    fn stops(&self) -> bool {
        false
    }
}

struct Job<F, T> {
    run: F,
    isolation: Isolation,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> WriteJob for Job<F, T>
where
    F: FnMut(&mut Tx<'_>) -> Result<T> + Send,
    T: Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        self.result.insert(guarded(|| (self.run)(tx))).is_ok()
    }

    fn failure(&self) -> Option<&Error> {
        self.result.as_ref()?.as_ref().err()
    }

    fn answer(self: Box<Self>, failure: Option<Error>) {
        let result = match failure {
            Some(failure) => Err(failure),
            None => self.result.unwrap_or(Err(Error::Unavailable)),
        };
        let _ = self.reply.send(result);
    }

    fn isolation(&mut self) -> Isolation {
        self.isolation
    }
}

/// Runs something that may panic: that must not take the writer and all its waiting jobs along.
pub(super) fn guarded<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(Error::Unavailable))
}

/// Makes a job of a closure.
pub(super) fn job<T: Send + 'static>(
    isolation: Isolation,
    run: impl FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    reply: oneshot::Sender<Result<T>>,
) -> Box<dyn WriteJob> {
    Box::new(Job { run, isolation, result: None, reply })
}

struct Stop(oneshot::Sender<()>);

impl WriteJob for Stop {
    fn run(&mut self, _: &mut Tx<'_>) -> bool {
        true
    }

    fn failure(&self) -> Option<&Error> {
        None
    }

    fn answer(self: Box<Self>, _: Option<Error>) {
        let _ = self.0.send(());
    }

    fn stops(&self) -> bool {
        true
    }
}

/// The job after which a writer ends.
pub(super) fn stop(reply: oneshot::Sender<()>) -> Box<dyn WriteJob> {
    Box::new(Stop(reply))
}

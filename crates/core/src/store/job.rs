//! A job in the queue of the writers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use super::{conn::Engine, tx::Tx};
use crate::{Error, Result};

/// The transaction a job needs. SQLite's writer runs one batch at a time, so there every transaction is serializable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// The job decides by what it has read: run it as if no other job ran meanwhile.
    Serializable,
    /// The job is several statements that are correct under READ COMMITTED.
    ReadCommitted,
    /// The job is one statement that is correct under READ COMMITTED and writes its own row of `changes`: run it without
    /// BEGIN and COMMIT. The statement's failure may be that of its commit.
    SingleStatement,
}

/// A job in the queue.
pub(crate) trait WriteJob: Send {
    /// Runs inside a transaction or a savepoint; `true` keeps what the job wrote. Called again if the transaction was given
    /// up.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;

    /// The error of the last run, if that is not kept.
    fn failure(&self) -> Option<&Error>;

    /// Answers the caller: with the result of the job after the commit, or with the failure of the transaction.
    fn answer(self: Box<Self>, failure: Option<Error>);

    /// The transaction the job needs on this engine.
    fn isolation(&mut self, engine: Engine) -> Isolation;

    /// Whether the writer stops after this job.
    fn stops(&self) -> bool {
        false
    }
}

struct ClosureJob<F, T> {
    run: F,
    isolation: Isolation,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> WriteJob for ClosureJob<F, T>
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

    fn isolation(&mut self, _: Engine) -> Isolation {
        self.isolation
    }
}

/// Runs a job and catches its panic, which must not end the writer and fail all waiting jobs.
pub(super) fn guarded<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(Error::Unavailable))
}

/// Makes a job of a closure.
pub(super) fn job<T: Send + 'static>(
    isolation: Isolation,
    run: impl FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    reply: oneshot::Sender<Result<T>>,
) -> Box<dyn WriteJob> {
    Box::new(ClosureJob { run, isolation, result: None, reply })
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

    fn isolation(&mut self, _: Engine) -> Isolation {
        Isolation::Serializable
    }

    fn stops(&self) -> bool {
        true
    }
}

/// Makes the job after which a writer stops.
pub(super) fn stop(reply: oneshot::Sender<()>) -> Box<dyn WriteJob> {
    Box::new(Stop(reply))
}

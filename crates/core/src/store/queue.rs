//! The queue of the writers.

use crossbeam_channel::{Sender, TrySendError};

use super::job::WriteJob;
use crate::{Error, Result};

/// The sending end of the queue of the writers.
#[derive(Clone)]
pub(crate) struct Queue(Sender<Box<dyn WriteJob>>);

impl Queue {
    pub(super) fn new(jobs: Sender<Box<dyn WriteJob>>) -> Self {
        Self(jobs)
    }

    /// Queues a job.
    ///
    /// Errors: [`Error::Busy`] if the queue is full, [`Error::Unavailable`] after the writers have stopped.
    pub(crate) fn submit(&self, job: Box<dyn WriteJob>) -> Result<()> {
        self.0.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => Error::Busy,
            TrySendError::Disconnected(_) => Error::Unavailable,
        })
    }

    /// Queues a job; waits for a place if the queue is full.
    ///
    /// Errors: [`Error::Unavailable`] after the writers have stopped.
    pub(super) fn submit_waiting(&self, job: Box<dyn WriteJob>) -> Result<()> {
        self.0.send(job).map_err(|_| Error::Unavailable)
    }

    /// The number of jobs that wait for a writer.
    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }
}

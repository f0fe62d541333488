//! The surroundings of a job: configuration, clock, randomness, budgets.

use std::sync::{Arc, atomic::AtomicI64};

use crate::{Clock, Config, Random, limit::Budgets};

/// The surroundings of a job.
pub(crate) struct Env {
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) budgets: Arc<Budgets>,
    /// SQLite: the last order of entry that was assigned. PostgreSQL has a sequence for it.
    pub(crate) position: AtomicI64,
    /// PostgreSQL: the number of this gateway in the feed of changes.
    pub(crate) origin: AtomicI64,
}

//! The surroundings of a job: configuration, time, randomness, budgets.

use std::sync::{Arc, atomic::AtomicI64};

use crate::{Config, Random, limit::Budgets, model::server_time::ServerTime};

/// The surroundings of a job.
pub(crate) struct Env {
    pub(crate) config: Arc<Config>,
    pub(crate) time: Arc<ServerTime>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) budgets: Arc<Budgets>,
    /// SQLite: the last order of entry that was assigned. PostgreSQL has a sequence for it.
    pub(crate) position: AtomicI64,
    /// PostgreSQL: the number of this gateway in the feed of changes.
    pub(crate) origin: AtomicI64,
}

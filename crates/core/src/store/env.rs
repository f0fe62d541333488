//! What every job may look at.

use std::sync::{Arc, atomic::AtomicI64};

use crate::{Clock, Config, Random};

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

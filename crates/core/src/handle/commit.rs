//! Connects the writers to the read model: everything due is expired before the jobs of a commit, and the changes of a
//! commit are applied to the read model before the callers are answered.

use std::sync::Arc;

use crate::{
    Result, UnixSeconds,
    domain::{audience, broadcast::close},
    model::change::Change,
    read_model::{expiry::Expirable, memory::Memory},
    store::{CommitListener, Tx},
};

/// Keeps the read model equal to the tables.
pub(crate) struct ReadModelListener {
    pub(crate) memory: Arc<Memory>,
}

impl CommitListener for ReadModelListener {
    fn is_due(&self, now: UnixSeconds) -> bool {
        self.memory.is_due(now)
    }

    fn expire(&self, tx: &mut Tx<'_>) -> Result<()> {
        let due = self.memory.due(tx.now);
        // Broadcasts first: the end of a broadcast also removes its audience.
        for expirable in &due {
            if let Expirable::Broadcast(host) = expirable {
                close::expire(tx, *host)?;
            }
        }
        for expirable in due {
            match expirable {
                Expirable::Broadcast(_) => {}
                Expirable::Member { host, account } => audience::expire(tx, host, account)?,
                Expirable::Anchor { host, account } => audience::expire_anchor(tx, host, account)?,
            }
        }
        Ok(())
    }

    fn committed(&self, changes: Vec<Change>) {
        self.memory.apply(changes);
    }

    fn counted(&self, generation: u64, changes: &[Change]) -> bool {
        self.memory.apply_counters(generation, changes)
    }
}

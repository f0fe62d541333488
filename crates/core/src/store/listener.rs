//! The listener that writers tell of commits.

use super::tx::Tx;
use crate::model::change::Change;
use crate::{Result, UnixSeconds};

/// Keeps the read models equal to the tables. Called by the writers.
pub(crate) trait CommitListener: Send + Sync + 'static {
    /// Whether something is past its deadline.
    fn is_due(&self, now: UnixSeconds) -> bool;

    /// Expires everything past its deadline. Called before the jobs of a transaction.
    fn expire(&self, tx: &mut Tx<'_>) -> Result<()>;

    /// Applies the changes of a commit to the read models. Called before the callers are answered.
    fn committed(&self, changes: Vec<Change>);

    /// Applies changes that may be older than those of other gateways, if all of them are versioned counters. Returns
    /// `false` if the rows have to be read again: also if the read models were read through another generation of connections
    /// than this commit.
    fn counted(&self, generation: u64, changes: &[Change]) -> bool;
}

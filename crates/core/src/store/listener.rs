//! Who is told of commits.

use super::tx::Tx;
use crate::model::change::Change;
use crate::{Result, UnixSeconds};

/// Who hears of commits: the read models.
pub(crate) trait CommitListener: Send + Sync + 'static {
    /// Whether something has timed out by now.
    fn is_due(&self, now: UnixSeconds) -> bool;

    /// Runs before the jobs: what has timed out by now is over before any of them looks.
    fn expire(&self, tx: &mut Tx<'_>) -> Result<()>;

    /// Takes over what a commit changed, before anybody is told that it happened.
    fn committed(&self, changes: Vec<Change>);

    /// The same for what others may have changed meanwhile as well, if that is only counters of broadcasts memory knows:
    /// of these it can tell what is newer. Otherwise `false`, and everything has to be read again; also if memory was read
    /// through another generation of connections than this commit went through.
    fn counted(&self, generation: u64, changes: &[Change]) -> bool;
}

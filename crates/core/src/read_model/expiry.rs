//! When things time out.

use std::collections::BTreeSet;

use crate::{AccountId, UnixSeconds};

/// Something that can time out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Expirable {
    /// The broadcast of a host.
    Broadcast(AccountId),
    /// A member of a host's audience.
    Member { host: AccountId, account: AccountId },
}

/// A queue of times at which to look again.
///
/// A beat does not touch the queue: an entry's time is a lower bound, and whoever finds it due asks the thing itself
/// when it really ends. So a heartbeat costs one atomic store, and each living thing is looked at once per time-out.
#[derive(Debug, Default)]
pub(crate) struct Expiry(BTreeSet<(UnixSeconds, Expirable)>);

impl Expiry {
    pub(crate) fn watch(&mut self, at: UnixSeconds, what: Expirable) {
        if at != UnixSeconds::MAX {
            self.0.insert((at, what));
        }
    }

    pub(crate) fn forget(&mut self, at: UnixSeconds, what: Expirable) {
        self.0.remove(&(at, what));
    }

    /// When something may have ended.
    pub(crate) fn due_at(&self) -> UnixSeconds {
        self.0.first().map_or(UnixSeconds::MAX, |(at, _)| *at)
    }

    /// Takes out the next entry whose time has come.
    pub(crate) fn pop(&mut self, now: UnixSeconds) -> Option<(UnixSeconds, Expirable)> {
        if self.due_at() <= now { self.0.pop_first() } else { None }
    }

    #[cfg(test)]
    pub(crate) fn entries(&self) -> impl Iterator<Item = (UnixSeconds, Expirable)> {
        self.0.iter().copied()
    }
}

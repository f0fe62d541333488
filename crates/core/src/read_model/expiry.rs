//! The queue of deadlines.

use std::collections::BTreeSet;

use crate::{AccountId, UnixSeconds};

/// Something that can time out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Expirable {
    /// The broadcast of a host.
    Broadcast(AccountId),
    /// A member of a host's audience.
    Member { host: AccountId, account: AccountId },
    /// A sub-anchor in a host's live room.
    Anchor { host: AccountId, account: AccountId },
}

/// A queue of the times at which deadlines are checked.
///
/// A beat does not change the queue: the time of an entry is a lower bound, and when the entry is due, the deadline is computed
/// anew from the last beat. So a heartbeat costs one atomic store, and each expirable is checked once per time-out.
#[derive(Debug, Default)]
pub(crate) struct Expiry(BTreeSet<(UnixSeconds, Expirable)>);

impl Expiry {
    pub(crate) fn schedule(&mut self, at: UnixSeconds, what: Expirable) {
        if at != UnixSeconds::MAX {
            self.0.insert((at, what));
        }
    }

    pub(crate) fn cancel(&mut self, at: UnixSeconds, what: Expirable) {
        self.0.remove(&(at, what));
    }

    /// The time before which nothing ends.
    pub(crate) fn due_at(&self) -> UnixSeconds {
        self.0.first().map_or(UnixSeconds::MAX, |(at, _)| *at)
    }

    /// Takes out the next entry whose time has come, with that time.
    pub(crate) fn pop(&mut self, now: UnixSeconds) -> Option<(UnixSeconds, Expirable)> {
        if self.due_at() <= now { self.0.pop_first() } else { None }
    }

    #[cfg(test)]
    pub(crate) fn entries(&self) -> impl Iterator<Item = (UnixSeconds, Expirable)> {
        self.0.iter().copied()
    }
}

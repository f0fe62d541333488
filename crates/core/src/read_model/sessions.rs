//! Sessions in memory: a bounded cache over the table, never stale.

use std::{
    borrow::Borrow,
    collections::{HashMap, VecDeque},
    hash::{Hash, Hasher},
    sync::{Arc, PoisonError},
};

use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
use indexmap::IndexSet;

use crate::{
    Dialect, Random, Session,
    model::{random, session::TokenHash},
};

/// Closed sessions remembered by name; whoever reads the table is done before so many more are closed.
const LATELY: usize = 4_096;

/// Sessions kept in memory at most; beyond, one that nobody asked for lately gives way and is read again when needed.
const CAPACITY: usize = 1_000_000;

/// A session that is found by its digest, which is nowhere but in the session itself: several entries of the index share
/// a line of the processor's cache, and what a request has to wait for is mostly the session.
#[derive(Debug)]
struct Held(Arc<Session>);

impl Borrow<TokenHash> for Held {
    fn borrow(&self) -> &TokenHash {
        &self.0.digest
    }
}

impl Hash for Held {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.digest.hash(state);
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.0.digest == other.0.digest
    }
}

impl Eq for Held {}

#[derive(Debug, Default)]
struct Index {
    by_digest: IndexSet<Held, foldhash::fast::RandomState>,
    /// The one session of an account in the dialect whose requests name the user instead of a token.
    signed: HashMap<Arc<str>, Arc<Session>>,
    /// How many sessions were closed: who read the table before a close must not put back what it saw.
    closed: usize,
    /// The last of them, the latest at the end.
    lately: VecDeque<TokenHash>,
}

/// The cache. Commits write through it, so a closed session is gone before the caller hears of it.
#[derive(Debug, Default)]
pub(crate) struct SessionCache(ShardedLock<Index>);

impl SessionCache {
    fn read(&self) -> ShardedLockReadGuard<'_, Index> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> ShardedLockWriteGuard<'_, Index> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at a session where it is.
    pub(crate) fn peek<T>(&self, digest: &TokenHash, at: impl FnOnce(&Arc<Session>) -> T) -> Option<T> {
        self.read().by_digest.get(digest).map(|Held(session)| at(session))
    }

    pub(crate) fn get(&self, digest: &TokenHash) -> Option<Arc<Session>> {
        self.peek(digest, Arc::clone)
    }

    pub(crate) fn signed(&self, user_id: &str) -> Option<Arc<Session>> {
        self.read().signed.get(user_id).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        self.read().by_digest.len()
    }

    /// A mark to hand to [`SessionCache::fill`]; take it before reading the table.
    pub(crate) fn mark(&self) -> usize {
        self.read().closed
    }

    /// Keeps a session that was read from the table, unless it was closed since the mark. `None` then: the caller reads
    /// again.
    pub(crate) fn fill(&self, session: Session, mark: usize, random: &dyn Random) -> Option<Arc<Session>> {
        let mut inner = self.write();
        let since = inner.closed - mark;
        if since > inner.lately.len() || inner.lately.iter().rev().take(since).any(|it| *it == session.digest)
        {
            return None;
        }
        // Two readers may have missed the same session: the first one's copy carries the beats.
        if let Some(Held(known)) = inner.by_digest.get(&session.digest) {
            known.used_since(session.used_at());
            return Some(Arc::clone(known));
        }
        Some(inner.insert(session, random))
    }

    /// Takes over what the table says about a session: a new one is kept, of a known one the clock.
    pub(crate) fn renew(&self, session: Session, random: &dyn Random) -> Arc<Session> {
        let mut inner = self.write();
        match inner.by_digest.get(&session.digest) {
            Some(Held(known)) => {
                known.catch_up(&session);
                Arc::clone(known)
            }
            None => inner.insert(session, random),
        }
    }

    /// Forgets everything: the table has been changed by somebody else.
    pub(crate) fn clear(&self) {
        let mut inner = self.write();
        inner.closed += 1;
        inner.lately.clear();
        inner.by_digest.clear();
        inner.signed.clear();
    }

    #[cfg(test)]
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.read().by_digest.iter().map(|Held(session)| Arc::clone(session)).collect()
    }

    #[cfg(test)]
    pub(crate) fn all_signed(&self) -> Vec<(Arc<str>, TokenHash)> {
        self.read().signed.iter().map(|(user, session)| (Arc::clone(user), session.digest)).collect()
    }

    /// A session was closed.
    pub(crate) fn close(&self, digest: &TokenHash) {
        let mut inner = self.write();
        inner.closed += 1;
        if inner.lately.len() == LATELY {
            inner.lately.pop_front();
        }
        inner.lately.push_back(*digest);
        inner.forget(digest);
    }
}

impl Index {
    fn insert(&mut self, session: Session, random: &dyn Random) -> Arc<Session> {
        if self.by_digest.len() >= CAPACITY {
            self.evict(random);
        }
        let session = Arc::new(session);
        self.by_digest.insert(Held(Arc::clone(&session)));
        if session.dialect == Dialect::MinilvbV2 {
            self.signed.insert(Arc::clone(&session.user_id), Arc::clone(&session));
        }
        session
    }

    fn forget(&mut self, digest: &TokenHash) {
        if let Some(Held(session)) = self.by_digest.swap_take(digest)
            && self.signed.get(&session.user_id).is_some_and(|signed| signed.digest == *digest)
        {
            self.signed.remove(&session.user_id);
        }
    }

    /// Drops the longest unused of a few random sessions: close enough to the oldest, at no bookkeeping per use.
    fn evict(&mut self, random: &dyn Random) {
        let oldest = (0..8)
            .filter_map(|_| {
                let index = random::number(random) as usize % self.by_digest.len();
                self.by_digest.get_index(index).map(|Held(session)| (session.used_at(), session.digest))
            })
            .min_by_key(|(used_at, _)| *used_at);
        if let Some((_, digest)) = oldest {
            self.forget(&digest);
        }
    }
}

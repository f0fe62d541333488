//! The session cache: bounded, and never stale.

use std::{
    borrow::Borrow,
    collections::{HashMap, VecDeque},
    hash::{Hash, Hasher},
    sync::{Arc, PoisonError},
};

use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
use indexmap::IndexSet;

use crate::{
    Dialect, Random, Seconds, Session, UnixSeconds, UserId,
    model::{random, session::TokenHash},
};

/// Closed sessions that are remembered: a read of the table takes less time than so many closes.
const CLOSED_REMEMBERED: usize = 4_096;

/// Largest number of cached sessions. Beyond it, a session that has not been used for long is evicted and read again when
/// it is used.
const CAPACITY: usize = 1_000_000;

/// An entry of the index, hashed by the digest inside the session. Without a copy of the digest several entries share one
/// cache line, so that a lookup mostly waits for the session itself.
#[derive(Debug)]
struct Entry(Arc<Session>);

impl Borrow<TokenHash> for Entry {
    fn borrow(&self) -> &TokenHash {
        &self.0.digest
    }
}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.digest.hash(state);
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.0.digest == other.0.digest
    }
}

impl Eq for Entry {}

#[derive(Debug, Default)]
struct Index {
    by_digest: IndexSet<Entry, foldhash::fast::RandomState>,
    /// The minilvb-v2 session of each user: its requests name the user instead of a token.
    signed: HashMap<UserId, Arc<Session>>,
    /// Number of closes so far. A caller that read the table before a close must not cache the closed session.
    closes: usize,
    /// The last closed sessions, the latest at the end.
    closed: VecDeque<TokenHash>,
}

/// The cache. Commits write through it, so a closed session is removed before the caller of the close is answered.
#[derive(Debug, Default)]
pub(crate) struct SessionCache(ShardedLock<Index>);

impl SessionCache {
    fn read(&self) -> ShardedLockReadGuard<'_, Index> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> ShardedLockWriteGuard<'_, Index> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes a cached session to `read` without cloning it.
    pub(crate) fn peek<T>(&self, digest: &TokenHash, read: impl FnOnce(&Arc<Session>) -> T) -> Option<T> {
        self.read().by_digest.get(digest).map(|Entry(session)| read(session))
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

    /// The mark for [`SessionCache::fill`]; take it before reading the table.
    pub(crate) fn mark(&self) -> usize {
        self.read().closes
    }

    /// Caches a session that was read from the table. `None` if the session may have been closed since the mark: the caller
    /// reads the table again.
    pub(crate) fn fill(&self, session: Session, mark: usize, random: &dyn Random) -> Option<Arc<Session>> {
        let mut inner = self.write();
        let since = inner.closes - mark;
        if since > inner.closed.len() || inner.closed.iter().rev().take(since).any(|it| *it == session.digest)
        {
            return None;
        }
        // Two callers may have read the same session: the first copy has the later uses.
        if let Some(Entry(known)) = inner.by_digest.get(&session.digest) {
            known.advance_used_at(session.used_at());
            return Some(Arc::clone(known));
        }
        Some(inner.insert(session, random))
    }

    /// Takes over a session read from the table: caches it, or merges its clock and cursors into the cached copy.
    pub(crate) fn renew(&self, session: Session, random: &dyn Random) -> Arc<Session> {
        let mut inner = self.write();
        match inner.by_digest.get(&session.digest) {
            Some(Entry(known)) => {
                known.merge(&session);
                Arc::clone(known)
            }
            None => inner.insert(session, random),
        }
    }

    /// Removes every session, because another process has changed the table.
    pub(crate) fn clear(&self) {
        let mut inner = self.write();
        inner.closes += 1;
        inner.closed.clear();
        inner.by_digest.clear();
        inner.signed.clear();
    }

    /// Makes a step of the time by a length and moves the last use of every session with it. Returns the time after the step and
    /// the sessions that have become dirty. No session is looked up meanwhile.
    pub(crate) fn shift(
        &self,
        by: Seconds,
        step: impl FnOnce() -> UnixSeconds,
    ) -> (UnixSeconds, Vec<Arc<Session>>) {
        let inner = self.write();
        let now = step();
        let shifted = inner.by_digest.iter().filter(|Entry(session)| session.shift(by, now));
        (now, shifted.map(|Entry(session)| Arc::clone(session)).collect())
    }

    /// Removes every session that was opened after a time; it is read again when it is used.
    pub(crate) fn forget_opened_after(&self, time: UnixSeconds) {
        let mut inner = self.write();
        let opened_after: Vec<TokenHash> = inner
            .by_digest
            .iter()
            .filter(|Entry(session)| session.is_opened_after(time))
            .map(|Entry(session)| session.digest)
            .collect();
        for digest in opened_after {
            inner.forget(&digest);
        }
    }

    #[cfg(test)]
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.read().by_digest.iter().map(|Entry(session)| Arc::clone(session)).collect()
    }

    #[cfg(test)]
    pub(crate) fn all_signed(&self) -> Vec<(UserId, TokenHash)> {
        self.read().signed.iter().map(|(user, session)| (user.clone(), session.digest)).collect()
    }

    /// Removes a closed session.
    pub(crate) fn close(&self, digest: &TokenHash) {
        let mut inner = self.write();
        inner.closes += 1;
        if inner.closed.len() == CLOSED_REMEMBERED {
            inner.closed.pop_front();
        }
        inner.closed.push_back(*digest);
        inner.forget(digest);
    }
}

impl Index {
    fn insert(&mut self, session: Session, random: &dyn Random) -> Arc<Session> {
        if self.by_digest.len() >= CAPACITY {
            self.evict(random);
        }
        let session = Arc::new(session);
        self.by_digest.insert(Entry(Arc::clone(&session)));
        if session.dialect == Dialect::MinilvbV2 {
            self.signed.insert(session.user_id.clone(), Arc::clone(&session));
        }
        session
    }

    fn forget(&mut self, digest: &TokenHash) {
        if let Some(Entry(session)) = self.by_digest.swap_take(digest)
            && self.signed.get(&session.user_id).is_some_and(|signed| signed.digest == *digest)
        {
            self.signed.remove(&session.user_id);
        }
    }

    /// Removes the longest unused of eight random sessions: close to the longest unused of all, without bookkeeping per use.
    fn evict(&mut self, random: &dyn Random) {
        let oldest = (0..8)
            .filter_map(|_| {
                let index = random::number(random) as usize % self.by_digest.len();
                self.by_digest.get_index(index).map(|Entry(session)| (session.used_at(), session.digest))
            })
            .min_by_key(|(used_at, _)| *used_at);
        if let Some((_, digest)) = oldest {
            self.forget(&digest);
        }
    }
}

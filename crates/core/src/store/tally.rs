//! Many steps of one counter as one statement.
//!
//! Likes come in storms on one row. Whoever counts first puts a job into the queue; whoever counts on the same counter
//! before that job runs only adds to it. So the row is written once per commit, however many count.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::{
    Store, Tx,
    job::{WriteJob, guarded},
};
use crate::{Error, Result};

/// Callers that wait for one counter at most.
const WAITING: usize = 16_384;

/// Counters stay within what clients can hold.
pub(crate) const MOST: i64 = i32::MAX as i64;

/// Steps taken one after the other, each stopping at 0 and at [`MOST`]: together they make `x` to
/// `(x + by)`, but at least `low` and at most `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) by: i64,
    pub(crate) low: i64,
    pub(crate) high: i64,
}

impl Steps {
    const NONE: Self = Self { by: 0, low: 0, high: MOST };

    fn then(self, step: i64) -> Self {
        let within = |bound: i64| (bound + step).clamp(0, MOST);
        Self { by: self.by + step, low: within(self.low), high: within(self.high) }
    }
}

struct Pending {
    steps: Steps,
    waiting: Vec<oneshot::Sender<Result<()>>>,
}

type Counters<K> = Mutex<HashMap<K, Pending>>;

/// The counters that are being counted on.
pub(crate) struct Tally<K> {
    counters: Arc<Counters<K>>,
    apply: fn(&mut Tx<'_>, &K, Steps) -> Result<()>,
}

fn locked<K>(counters: &Counters<K>) -> MutexGuard<'_, HashMap<K, Pending>> {
    counters.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Clone + Eq + Hash + Send + 'static> Tally<K> {
    /// `apply` moves one counter with one statement.
    pub(crate) fn new(apply: fn(&mut Tx<'_>, &K, Steps) -> Result<()>) -> Self {
        Self { counters: Arc::default(), apply }
    }

    /// Counts, and waits until that is committed.
    pub(crate) async fn count(&self, store: &Store, key: K, step: i64) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        let first = match locked(&self.counters).entry(key.clone()) {
            Entry::Occupied(pending) if pending.get().waiting.len() >= WAITING => return Err(Error::Busy),
            Entry::Occupied(mut pending) => {
                let pending = pending.get_mut();
                pending.steps = pending.steps.then(step);
                pending.waiting.push(reply);
                false
            }
            Entry::Vacant(slot) => {
                slot.insert(Pending { steps: Steps::NONE.then(step), waiting: vec![reply] });
                true
            }
        };
        if first {
            // A refused job is dropped, and answers whoever has joined it by then.
            store.submit(Box::new(Count {
                key,
                counters: Arc::clone(&self.counters),
                apply: self.apply,
                ran: false,
                taken: None,
                failure: None,
            }))?;
        }
        answer.await.unwrap_or(Err(Error::Busy))
    }
}

struct Count<K: Eq + Hash> {
    key: K,
    counters: Arc<Counters<K>>,
    apply: fn(&mut Tx<'_>, &K, Steps) -> Result<()>,
    /// Whether what is pending has been taken, be it answered by now.
    ran: bool,
    taken: Option<Pending>,
    failure: Option<Error>,
}

impl<K: Eq + Hash> Count<K> {
    fn take(&mut self) {
        if !std::mem::replace(&mut self.ran, true) {
            self.taken = locked(&self.counters).remove(&self.key);
        }
    }
}

impl<K: Clone + Eq + Hash + Send + 'static> WriteJob for Count<K> {
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        self.take();
        let steps = self.taken.as_ref().map_or(Steps::NONE, |taken| taken.steps);
        self.failure = guarded(|| (self.apply)(tx, &self.key, steps)).err();
        self.failure.is_none()
    }

    fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    fn answer(mut self: Box<Self>, failure: Option<Error>) {
        let failure = failure.or_else(|| self.failure.take());
        self.take();
        for reply in self.taken.take().into_iter().flat_map(|taken| taken.waiting) {
            let _ = reply.send(failure.as_ref().map_or(Ok(()), |failure| Err(failure.again())));
        }
    }

    fn is_serial(&self) -> bool {
        false
    }
}

impl<K: Eq + Hash> Drop for Count<K> {
    fn drop(&mut self) {
        // A job that never ran must not leave callers behind that wait for it.
        self.take();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn steps_together_are_steps_one_by_one(
            start in prop_oneof![0_i64..4, MOST - 4..=MOST],
            ups in proptest::collection::vec(any::<bool>(), 0..12),
        ) {
            let (mut one_by_one, mut together) = (start, Steps::NONE);
            for up in ups {
                let step = if up { 1 } else { -1 };
                one_by_one = (one_by_one + step).clamp(0, MOST);
                together = together.then(step);
            }
            prop_assert_eq!((start + together.by).clamp(together.low, together.high), one_by_one);
        }
    }
}

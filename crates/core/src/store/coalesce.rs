//! Many steps of many counters as one job.
//!
//! Likes come in storms. Whoever counts first puts a job into the queue; whoever counts before that job runs only adds
//! to it. So there is one job per commit, and a row is written once, however many count.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::{
    conn::Engine,
    job::{Isolation, WriteJob, guarded},
    queue::Queue,
    tx::Tx,
};
use crate::{Error, Result, model::counter::Steps};

/// Callers that wait at most.
const WAITING: usize = 16_384;

/// What has been counted since the last job began.
struct Pending<K> {
    counters: HashMap<K, Steps>,
    waiting: Vec<oneshot::Sender<Result<()>>>,
}

impl<K> Default for Pending<K> {
    fn default() -> Self {
        Self { counters: HashMap::new(), waiting: Vec::new() }
    }
}

/// What is pending, and who will take it.
struct CoalescerState<K> {
    pending: Pending<K>,
    /// A job is under way, which is followed by another when it is done. A second one beside it would write the same
    /// rows in more commits, and wait for its locks.
    busy: bool,
}

impl<K> Default for CoalescerState<K> {
    fn default() -> Self {
        Self { pending: Pending::default(), busy: false }
    }
}

/// Moves counters: each of them once, by what its steps make together.
type Apply<K> = fn(&mut Tx<'_>, &[(K, Steps)]) -> Result<()>;

/// The transaction [`Apply`] needs for these counters on this engine.
type IsolationOf<K> = fn(&[(K, Steps)], Engine) -> Isolation;

struct Common<K> {
    state: Mutex<CoalescerState<K>>,
    apply: Apply<K>,
    isolation: IsolationOf<K>,
}

impl<K> Common<K> {
    fn state(&self) -> MutexGuard<'_, CoalescerState<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The counters that are being counted on.
pub(crate) struct Coalescer<K>(Arc<Common<K>>);

impl<K: Eq + Hash + Ord + Send + 'static> Coalescer<K> {
    /// `apply` gets the counters in their order, so that writers that meet on rows meet in the same order.
    pub(crate) fn new(apply: Apply<K>, isolation: IsolationOf<K>) -> Self {
        Self(Arc::new(Common { state: Mutex::default(), apply, isolation }))
    }

    /// Counts, and waits until that is committed.
    pub(crate) async fn count(&self, queue: &Queue, key: K, step: i64) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        {
            let mut state = self.0.state();
            let pending = &mut state.pending;
            if pending.waiting.len() >= WAITING {
                return Err(Error::Busy);
            }
            let steps = pending.counters.entry(key).or_insert(Steps::NONE);
            *steps = steps.then(step);
            pending.waiting.push(reply);
        }
        Count::submit(&self.0, queue)?;
        answer.await.unwrap_or(Err(Error::Busy))
    }
}

/// A job that counts what is pending when it begins.
struct Count<K: Ord + Send + 'static> {
    common: Arc<Common<K>>,
    queue: Queue,
    /// What is counted by this job, once it has begun.
    taken: Option<Vec<(K, Steps)>>,
    waiting: Vec<oneshot::Sender<Result<()>>>,
    failure: Option<Error>,
    /// It has made way for the next.
    done: bool,
}

impl<K: Ord + Send + 'static> Count<K> {
    /// Puts a job into the queue, unless there is one or nothing is pending.
    fn submit(common: &Arc<Common<K>>, queue: &Queue) -> Result<()> {
        {
            let mut state = common.state();
            if state.busy || state.pending.waiting.is_empty() {
                return Ok(());
            }
            state.busy = true;
        }
        // A refused job is dropped, and with it goes whoever is waiting by then.
        queue.submit(Box::new(Self {
            common: Arc::clone(common),
            queue: queue.clone(),
            taken: None,
            waiting: Vec::new(),
            failure: None,
            done: false,
        }))
    }

    /// It is done: what has been counted meanwhile is next.
    fn make_way(&mut self) {
        if std::mem::replace(&mut self.done, true) {
            return;
        }
        // A job that never ran must not leave callers behind that wait for it.
        let lost = {
            let mut state = self.common.state();
            state.busy = false;
            self.taken.is_none().then(|| std::mem::take(&mut state.pending))
        };
        drop(lost);
        // A full queue has dropped it, and said so to who waited.
        let _ = Self::submit(&self.common, &self.queue);
    }

    fn take(&mut self) -> &[(K, Steps)] {
        let (common, waiting) = (&self.common, &mut self.waiting);
        self.taken.get_or_insert_with(|| {
            let all = std::mem::take(&mut common.state().pending);
            *waiting = all.waiting;
            let mut counters: Vec<_> = all.counters.into_iter().collect();
            counters.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
            counters
        })
    }
}

impl<K: Ord + Send + 'static> WriteJob for Count<K> {
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let apply = self.common.apply;
        let counters = self.take();
        self.failure = guarded(|| apply(tx, counters)).err();
        self.failure.is_none()
    }

    fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    fn answer(mut self: Box<Self>, failure: Option<Error>) {
        self.take();
        let failure = failure.or_else(|| self.failure.take());
        let send = |reply: oneshot::Sender<Result<()>>| {
            let _ = reply.send(failure.as_ref().map_or(Ok(()), |failure| Err(failure.again())));
        };
        let last = self.waiting.pop();
        std::mem::take(&mut self.waiting).into_iter().for_each(send);
        // Whoever counts after all have been answered gets a job at once. Earlier, the first to count again would get one
        // alone, and all others had to wait for it.
        self.make_way();
        last.into_iter().for_each(send);
    }

    fn isolation(&mut self, engine: Engine) -> Isolation {
        let isolation = self.common.isolation;
        isolation(self.take(), engine)
    }
}

impl<K: Ord + Send + 'static> Drop for Count<K> {
    fn drop(&mut self) {
        self.make_way();
    }
}

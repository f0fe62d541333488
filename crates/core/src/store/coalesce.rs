//! Coalesces steps of counters into one job per commit.
//!
//! Likes come in storms. The first call queues a job; every call before that job runs adds its step to the job. So a row is
//! written once per commit, whatever the number of calls.

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

/// Waiting callers at most; beyond, a call is answered busy.
const WAITING: usize = 16_384;

/// The steps since the last job began, and the callers that wait for them.
struct Pending<K> {
    counters: HashMap<K, Steps>,
    waiting: Vec<oneshot::Sender<Result<()>>>,
}

impl<K> Default for Pending<K> {
    fn default() -> Self {
        Self { counters: HashMap::new(), waiting: Vec::new() }
    }
}

/// The pending steps, and whether a job is under way.
struct CoalescerState<K> {
    pending: Pending<K>,
    /// A job is under way, and queues the next one when it ends. A second job beside it would write the same rows in more
    /// commits, and wait for its locks.
    busy: bool,
}

impl<K> Default for CoalescerState<K> {
    fn default() -> Self {
        Self { pending: Pending::default(), busy: false }
    }
}

/// Moves counters, each of them once by the composition of its steps.
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

/// Coalesces the steps of concurrent calls.
pub(crate) struct Coalescer<K>(Arc<Common<K>>);

impl<K: Eq + Hash + Ord + Send + 'static> Coalescer<K> {
    /// Makes a coalescer. `apply` gets the counters sorted, so that writers lock common rows in the same order.
    pub(crate) fn new(apply: Apply<K>, isolation: IsolationOf<K>) -> Self {
        Self(Arc::new(Common { state: Mutex::default(), apply, isolation }))
    }

    /// Takes a step and waits until it is committed.
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

/// The job that applies the steps that are pending when it begins.
struct Count<K: Ord + Send + 'static> {
    common: Arc<Common<K>>,
    queue: Queue,
    /// The steps of this job, once it has begun.
    taken: Option<Vec<(K, Steps)>>,
    waiting: Vec<oneshot::Sender<Result<()>>>,
    failure: Option<Error>,
    /// The next job may be queued: this one has called [`Count::make_way`].
    done: bool,
}

impl<K: Ord + Send + 'static> Count<K> {
    /// Queues a job unless one is under way or no step is pending.
    fn submit(common: &Arc<Common<K>>, queue: &Queue) -> Result<()> {
        {
            let mut state = common.state();
            if state.busy || state.pending.waiting.is_empty() {
                return Ok(());
            }
            state.busy = true;
        }
        // A refused job is dropped, which fails the callers that wait by then.
        queue.submit(Box::new(Self {
            common: Arc::clone(common),
            queue: queue.clone(),
            taken: None,
            waiting: Vec::new(),
            failure: None,
            done: false,
        }))
    }

    /// Ends this job and queues the next one if steps are pending. Idempotent.
    fn make_way(&mut self) {
        if std::mem::replace(&mut self.done, true) {
            return;
        }
        // The callers of a job that never ran must not wait for ever.
        let lost = {
            let mut state = self.common.state();
            state.busy = false;
            self.taken.is_none().then(|| std::mem::take(&mut state.pending))
        };
        drop(lost);
        // If the queue is full the job is dropped, which fails its callers.
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
        // All callers but one are answered before the next job may be queued. Earlier, the first caller to count again would
        // get a job alone, and all others would wait for it.
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

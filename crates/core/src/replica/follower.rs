//! Keeps this process' memory equal to a PostgreSQL database that several gateways write to.
//!
//! One thread owns the memory's side of the matter. Whatever has changed, here or elsewhere, it reads again from the
//! tables, in one snapshot, and takes over: as every look is at a later state than the one before, memory never goes
//! back. Own changes arrive from the writers with the callers that wait for them, and are answered when memory has
//! them; those of siblings are found in the table `changes`, into which every writing transaction puts what it has
//! changed. See ADR 0006.
//!
//! When the database cannot be reached, memory is marked as not fresh; afterwards everything is read anew.

use std::{
    collections::BTreeSet,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    Clock, Config, Result, StartError, causes,
    model::{change_key::ChangeKey, rule::Grace},
    read_model::memory::Memory,
    replica::load::{load, read},
    store::{CommitNotice, link::Link},
    table::changes::{NOBODY, current, unseen},
};
use crossbeam_channel::{Receiver, RecvTimeoutError};

/// How often the feed is looked at: what siblings did is known here a little later than this.
const POLL: Duration = Duration::from_millis(200);

/// Transactions taken over at a time at most.
const BATCH: usize = 1_024;

/// The thread's state.
pub(crate) struct Follower {
    pub(crate) link: Link,
    pub(crate) memory: Arc<Memory>,
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Arc<dyn Clock>,
    /// This gateway in the feed.
    pub(crate) origin: i64,
    pub(crate) committed: Receiver<CommitNotice>,
    /// The state of the database memory is equal to, as PostgreSQL writes it; `None`: everything has to be read.
    snapshot: Option<String>,
    /// What own transactions changed and memory does not have yet.
    waiting: BTreeSet<ChangeKey>,
    polled: Instant,
    /// Until then an own transaction may turn out to be committed after all: the feed is read with own rows.
    unsure_until: Option<Instant>,
}

impl Follower {
    /// A follower that has not read anything yet.
    pub(crate) fn new(
        link: Link,
        memory: Arc<Memory>,
        config: Arc<Config>,
        clock: Arc<dyn Clock>,
        origin: i64,
        committed: Receiver<CommitNotice>,
    ) -> Self {
        let (snapshot, waiting, polled, unsure_until) = (None, BTreeSet::new(), Instant::now(), None);
        Self { link, memory, config, clock, origin, committed, snapshot, waiting, polled, unsure_until }
    }

    /// Reads everything for the first time.
    pub(crate) fn fill(&mut self) -> Result<()> {
        self.poll(true)?;
        self.memory.set_fresh(true);
        Ok(())
    }

    /// Starts the thread. It ends with the last one who could send to it.
    pub(crate) fn start(mut self) -> Result<JoinHandle<()>, StartError> {
        thread::Builder::new()
            .name("relive-follower".to_owned())
            .spawn(move || while self.turn() {})
            .map_err(StartError::Thread)
    }

    /// Waits for something to do and does it; `false` if there never will be anything again.
    fn turn(&mut self) -> bool {
        let first = match self.committed.recv_timeout(POLL.saturating_sub(self.polled.elapsed())) {
            Ok(first) => Some(first),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return false,
        };
        let mut polls = first.is_none() || self.polled.elapsed() >= POLL;
        let mut jobs = Vec::new();
        for end in first.into_iter().chain(self.committed.try_iter().take(BATCH)) {
            match end {
                CommitNotice::Keys(keys, job) => {
                    // Somebody who changed nothing, and waits, wants to know about the siblings.
                    polls |= keys.is_empty();
                    self.waiting.extend(keys);
                    jobs.push(job);
                }
                CommitNotice::InDoubt => {
                    // By now, or while the database still works on what it was sent.
                    self.snapshot = None;
                    self.memory.set_fresh(false);
                    self.unsure_until = Some(Instant::now() + 2 * self.config.database.statement_timeout);
                }
            }
        }
        let fresh = match self.poll(polls) {
            Ok(()) => true,
            Err(error) => {
                if !self.link.lost_by(&error) {
                    self.link.lose();
                }
                if self.snapshot.take().is_some() {
                    tracing::warn!(
                        error = %causes(&error),
                        "what other gateways do is not known, until the database answers again"
                    );
                }
                self.polled = Instant::now();
                false
            }
        };
        self.memory.set_fresh(fresh);
        // They are on disk, whether or not memory has them.
        for job in jobs {
            job.answer(None);
        }
        true
    }

    /// Takes over what has changed; `polls`: also what siblings changed.
    fn poll(&mut self, polls: bool) -> Result<()> {
        let conn = self.link.get()?;
        conn.begin_snapshot()?;
        match &self.snapshot {
            None => {
                // Nobody could beat while the database was away.
                let grace = Grace::after(self.clock.now());
                let now = current(conn)?;
                self.memory.sessions.clear();
                let live = load(conn, &self.config, grace, &self.memory)?;
                self.memory.replace_live(live);
                self.snapshot = Some(now);
                self.polled = Instant::now();
            }
            Some(last) => {
                let mut keys = self.waiting.clone();
                let now = if polls { Some(current(conn)?) } else { None };
                if now.is_some() {
                    self.unsure_until = self.unsure_until.filter(|until| *until > Instant::now());
                    let seen = if self.unsure_until.is_some() { NOBODY } else { self.origin };
                    for row in unseen(conn, last, seen)? {
                        keys.extend(ChangeKey::parse(&row.keys));
                    }
                }
                if !keys.is_empty() {
                    self.memory.refresh(read(conn, keys.into_iter())?);
                }
                if now.is_some() {
                    self.snapshot = now;
                    self.polled = Instant::now();
                }
            }
        }
        conn.execute("COMMIT")?;
        self.waiting.clear();
        Ok(())
    }
}

//! Keeps this process' memory equal to a PostgreSQL database that several gateways write to.
//!
//! One thread updates memory. It reads changed rows again from the tables, in one snapshot, and applies them: each snapshot is
//! later than the one before, so memory never goes back. Keys of own changes arrive from the writers together with the jobs
//! that wait for them, which are answered when memory has the changes. Keys of siblings' changes are found in the table
//! `changes`, into which every writing transaction inserts its keys. See ADR 0006.
//!
//! A snapshot is valid only on the server on which it was taken. So everything is read anew when the connection is of another
//! generation than before, or when the server is on another timeline (ADR 0019). While the database cannot be reached, memory
//! is marked as not fresh.

use std::{
    collections::BTreeSet,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::{
    Config, Result, StartError, causes,
    model::{change_key::ChangeKey, rule::Grace, server_time::ServerTime},
    read_model::memory::Memory,
    replica::load::{load, read},
    store::{
        CommitNotice, Connections,
        lease::{Lease, deadline},
    },
    table::changes::{FeedPosition, NOBODY, current, unseen},
};

/// How often the feed is polled: changes of siblings are known here a little later than this.
const POLL: Duration = Duration::from_millis(200);

/// Commits of this gateway that are applied together at most.
const BATCH: usize = 1_024;

/// The state of the thread.
pub(crate) struct Follower {
    connections: Arc<dyn Connections>,
    memory: Arc<Memory>,
    config: Arc<Config>,
    time: Arc<ServerTime>,
    /// The number of this gateway in the feed.
    origin: i64,
    committed: Receiver<CommitNotice>,
    /// The position in the feed that memory is equal to; `None`: everything has to be read anew.
    position: Option<FeedPosition>,
    /// The generation of connections that `position` was read through; 0 at first.
    generation: u64,
    /// The timeline of the server at that time, if it told one.
    timeline: Option<u32>,
    /// Whether the last poll succeeded.
    succeeded: bool,
    /// Keys of own changes that memory does not have yet.
    waiting: BTreeSet<ChangeKey>,
    polled: Instant,
    /// Until then an own transaction in doubt may be committed, so the feed is read including own rows.
    unsure_until: Option<Instant>,
}

impl Follower {
    /// Makes a follower that has not read anything yet.
    pub(crate) fn new(
        connections: Arc<dyn Connections>,
        memory: Arc<Memory>,
        config: Arc<Config>,
        time: Arc<ServerTime>,
        origin: i64,
        committed: Receiver<CommitNotice>,
    ) -> Self {
        Self {
            connections,
            memory,
            config,
            time,
            origin,
            committed,
            position: None,
            generation: 0,
            timeline: None,
            succeeded: true,
            waiting: BTreeSet::new(),
            polled: Instant::now(),
            unsure_until: None,
        }
    }

    /// Reads everything for the first time.
    pub(crate) fn fill(&mut self) -> Result<()> {
        self.poll(true)?;
        self.memory.set_fresh(true);
        Ok(())
    }

    /// Starts the thread. It runs until the channel of commits closes.
    pub(crate) fn start(mut self) -> Result<JoinHandle<()>, StartError> {
        thread::Builder::new()
            .name("relive-follower".to_owned())
            .spawn(move || while self.turn() {})
            .map_err(StartError::Thread)
    }

    /// Waits for commits or the next poll and applies what there is; `false` once the channel of commits has closed.
    fn turn(&mut self) -> bool {
        let first = match self.committed.recv_timeout(POLL.saturating_sub(self.polled.elapsed())) {
            Ok(first) => Some(first),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return false,
        };
        let mut polls = first.is_none() || self.polled.elapsed() >= POLL;
        let (mut jobs, mut callers, mut in_doubt) = (Vec::new(), Vec::new(), false);
        for notice in first.into_iter().chain(self.committed.try_iter().take(BATCH)) {
            match notice {
                CommitNotice::Committed(keys, job) => {
                    self.waiting.extend(keys);
                    jobs.push(job);
                }
                CommitNotice::InDoubt => in_doubt = true,
                CommitNotice::Poll(caller) => {
                    polls = true;
                    callers.push(caller);
                }
            }
        }
        if in_doubt {
            // The commit may have happened, or may happen while the database works on what it was sent.
            self.forget("a commit was cut off");
            self.unsure_until = Some(Instant::now() + 2 * self.config.database.statement_timeout);
        }
        let polled = self.poll(polls);
        self.memory.set_fresh(polled.is_ok());
        if let Err(error) = &polled {
            if self.succeeded {
                tracing::warn!(
                    error = %causes(error),
                    "changes of other gateways are not known until the database answers again"
                );
            }
            self.polled = Instant::now();
        }
        self.succeeded = polled.is_ok();
        // These jobs are committed, whether or not memory has them.
        for job in jobs {
            job.answer(None);
        }
        for caller in callers {
            // A caller that has gone needs no answer.
            let _ = caller.send(());
        }
        true
    }

    /// Makes the next poll read everything anew; until then memory is not shown.
    fn forget(&mut self, reason: &'static str) {
        self.memory.set_fresh(false);
        if self.position.take().is_some() {
            tracing::info!(reason, "everything is read anew");
        }
    }

    /// Applies own changes; `polls`: also those of siblings.
    fn poll(&mut self, polls: bool) -> Result<()> {
        let mut lease = self.connections.get(deadline())?;
        if lease.generation() != self.generation {
            self.forget("the connection is a new one");
            self.memory.begin_generation(lease.generation());
            self.generation = lease.generation();
        }
        let read = self.read(&mut lease, polls);
        if let Err(error) = &read {
            self.position = None;
            if !lease.lost_by(error) && lease.execute("ROLLBACK").is_err() {
                lease.lose();
            }
        }
        read
    }

    fn read(&mut self, lease: &mut Lease, polls: bool) -> Result<()> {
        lease.begin_snapshot()?;
        let polls = polls || self.position.is_none();
        if polls && let Some(timeline) = lease.timeline()? {
            if self.timeline.is_some_and(|before| before != timeline) {
                self.forget("the server is on another timeline");
            }
            self.timeline = Some(timeline);
        }
        let now = if polls { Some(self.look(lease)?) } else { None };
        if let Some((last, now)) = self.position.as_ref().zip(now.as_ref())
            && last.is_too_old(now.looked_at)
        {
            self.forget("the feed may have dropped changes since it was last read");
        }
        match &self.position {
            None => {
                // No beat was accepted while the database was away.
                let grace = Grace::after(self.time.now());
                self.memory.sessions.clear();
                let live = load(lease, &self.config, grace, &self.memory)?;
                self.memory.replace_live(live);
                self.memory.bring_back(self.time.now());
            }
            Some(last) => {
                let mut keys = self.waiting.clone();
                if polls {
                    self.unsure_until = self.unsure_until.filter(|until| *until > Instant::now());
                    let except = if self.unsure_until.is_some() { NOBODY } else { self.origin };
                    for row in unseen(lease, &last.snapshot, except)? {
                        keys.extend(ChangeKey::parse(&row.keys));
                    }
                }
                if !keys.is_empty() {
                    self.memory.refresh(read(lease, keys.into_iter())?);
                }
            }
        }
        if now.is_some() {
            self.position = now;
            self.polled = Instant::now();
        }
        lease.execute("COMMIT")?;
        self.waiting.clear();
        Ok(())
    }

    /// Looks at the feed, and makes the step after which the time is that of the database again, if there is a difference.
    fn look(&self, lease: &mut Lease) -> Result<FeedPosition> {
        let asked_at = self.time.monotonic();
        let position = current(lease)?;
        if let Some(told) = position.told() {
            self.memory.follow(&self.time, || self.time.compare_with_database(asked_at, told));
        }
        Ok(position)
    }
}

#[cfg(test)]
mod tests;

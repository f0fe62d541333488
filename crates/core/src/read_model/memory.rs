//! The read model, the caches, and the clocks that are later than in the tables.

use std::{
    collections::{HashMap, HashSet},
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Instant,
};

use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};

use super::{
    audience::Audience, expiry::Expirable, live::Live, member::MemberClock, refresh::Refresh,
    room_cache::RoomCache, sessions::SessionCache,
};
use crate::{
    AccountId, BroadcastId, Dialect, LiveRoom, Random, Role, RoomNumber, Seconds, Session, UnixSeconds,
    model::{
        change::Change,
        clock::AtomicTime,
        cursor::Cursor,
        rule,
        server_time::{self, ServerTime},
        session::{SessionUse, TokenHash},
    },
};

/// Largest number of clocks of a kind written by one flush, so that a flush does not delay jobs.
const CLOCKS_PER_FLUSH: usize = 20_000;

/// The changes by a beat that have to be written at once, beyond its clock.
pub(crate) struct HeartbeatOutcome {
    /// The host in whose audience the user's role changes.
    pub(crate) new_role_at: Option<AccountId>,
    /// Whether the host reports another number of likes than before.
    pub(crate) likes_differ: bool,
}

/// Owners of the clocks that have moved since the last flush.
#[derive(Debug, Default)]
struct Dirty {
    sessions: HashMap<TokenHash, Arc<Session>>,
    members: Vec<(AccountId, AccountId)>,
    broadcasts: Vec<AccountId>,
}

impl Dirty {
    fn extend(
        &mut self,
        sessions: Vec<Arc<Session>>,
        hosts: Vec<AccountId>,
        members: Vec<(AccountId, AccountId)>,
    ) {
        self.sessions.extend(sessions.into_iter().map(|session| (session.digest, session)));
        self.broadcasts.extend(hosts);
        self.members.extend(members);
    }
}

/// Clocks to be written to the tables.
#[derive(Debug, Default)]
pub(crate) struct DirtyClocks {
    pub(crate) sessions: Vec<SessionUse>,
    pub(crate) members: Vec<(AccountId, AccountId, UnixSeconds)>,
    pub(crate) broadcasts: Vec<(BroadcastId, UnixSeconds)>,
    /// The owners of these clocks, for [`Memory::restore_dirty`].
    owners: ClockOwners,
}

#[derive(Debug, Default)]
struct ClockOwners {
    sessions: Vec<Arc<Session>>,
    broadcasts: Vec<AccountId>,
}

impl DirtyClocks {
    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.members.is_empty() && self.broadcasts.is_empty()
    }
}

/// The read model, the caches and the dirty clocks.
#[derive(Debug)]
pub(crate) struct Memory {
    /// Sharded, because every request reads it: readers on different cores do not share a cache line.
    live: ShardedLock<Live>,
    /// A copy of [`Live::due_at`], so that the check before every call needs no lock.
    due_at: AtomicI64,
    pub(crate) sessions: SessionCache,
    pub(crate) rooms: RoomCache,
    dirty: Mutex<Dirty>,
    /// A model that a job has read anew, until the job is committed.
    staged: Mutex<Option<Live>>,
    random: Arc<dyn Random>,
    feed: Option<Feed>,
}

/// The locked read model. Dropping it updates [`Memory::due_at`].
struct LiveMut<'a> {
    live: ShardedLockWriteGuard<'a, Live>,
    due_at: &'a AtomicI64,
}

impl Deref for LiveMut<'_> {
    type Target = Live;

    fn deref(&self) -> &Live {
        &self.live
    }
}

impl DerefMut for LiveMut<'_> {
    fn deref_mut(&mut self) -> &mut Live {
        &mut self.live
    }
}

impl Drop for LiveMut<'_> {
    /// Runs before the lock is released.
    fn drop(&mut self) {
        self.due_at.store(self.live.due_at().0, Ordering::Release);
    }
}

/// How far the read model may be behind a database that other gateways write to as well.
#[derive(Debug)]
struct Feed {
    started: Instant,
    /// The last time at which the read model was up to date, in milliseconds after `started`; [`Feed::UNKNOWN`] while it may
    /// be behind by any time.
    current_at: AtomicU64,
    /// The generation of connections through which the read model was read.
    generation: AtomicU64,
}

impl Feed {
    const UNKNOWN: u64 = u64::MAX;
    /// Milliseconds after which the read model counts as stale: more than any poll of the feed takes while the database can
    /// be reached.
    const STALE_AFTER_MS: u64 = 3_000;

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(Self::UNKNOWN - 1)
    }
}

impl Memory {
    /// `shared`: other gateways write to the database as well.
    pub(crate) fn new(live: Live, random: Arc<dyn Random>, shared: bool) -> Self {
        let feed = shared.then(|| Feed {
            started: Instant::now(),
            current_at: AtomicU64::new(0),
            generation: AtomicU64::new(0),
        });
        Self {
            due_at: AtomicI64::new(live.due_at().0),
            live: ShardedLock::new(live),
            sessions: SessionCache::default(),
            rooms: RoomCache::default(),
            dirty: Mutex::default(),
            staged: Mutex::default(),
            random,
            feed,
        }
    }

    /// Whether the read model may be served: it is not known to be behind the database.
    pub(crate) fn is_fresh(&self) -> bool {
        self.feed.as_ref().is_none_or(|feed| {
            let at = feed.current_at.load(Ordering::Acquire);
            at != Feed::UNKNOWN && feed.now() <= at + Feed::STALE_AFTER_MS
        })
    }

    /// Records that the read model is up to date, or that it may be behind by any time.
    pub(crate) fn set_fresh(&self, fresh: bool) {
        if let Some(feed) = &self.feed {
            feed.current_at.store(if fresh { feed.now() } else { Feed::UNKNOWN }, Ordering::Release);
        }
    }

    /// Marks the read model as not fresh, because it will be read through another generation of connections. Counters that were
    /// committed through an older generation are no longer applied.
    pub(crate) fn begin_generation(&self, generation: u64) {
        self.set_fresh(false);
        if let Some(feed) = &self.feed {
            feed.generation.store(generation, Ordering::Release);
        }
    }

    /// Whether the read model was read through a generation of connections.
    fn is_of(&self, generation: u64) -> bool {
        self.feed.as_ref().is_none_or(|feed| feed.generation.load(Ordering::Acquire) == generation)
    }

    pub(crate) fn live(&self) -> ShardedLockReadGuard<'_, Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn live_mut(&self) -> LiveMut<'_> {
        LiveMut { live: self.live.write().unwrap_or_else(PoisonError::into_inner), due_at: &self.due_at }
    }

    fn staged(&self) -> MutexGuard<'_, Option<Live>> {
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a model that a job has read, until the job's [`Change::Reloaded`] is applied.
    pub(crate) fn stage(&self, live: Live) {
        *self.staged() = Some(live);
    }

    fn dirty(&self) -> MutexGuard<'_, Dirty> {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something listed is past its deadline.
    pub(crate) fn is_due(&self, now: UnixSeconds) -> bool {
        if self.due_at.load(Ordering::Acquire) > now.0 {
            return false;
        }
        // Most entries that are due have beaten since, and need no job.
        !self.due(now).is_empty()
    }

    /// Records a use of a session.
    pub(crate) fn record_use(&self, session: &Arc<Session>, now: UnixSeconds) {
        if session.record_use(now) {
            self.dirty().sessions.insert(session.digest, Arc::clone(session));
        }
    }

    /// Records how far a session has read its lists. Returns the cached session, which the next flush writes; `None` if the
    /// session is not cached.
    pub(crate) fn record_cursors(
        &self,
        session: &Session,
        to: [Cursor; 2],
        now: UnixSeconds,
    ) -> Option<Arc<Session>> {
        let known = self.sessions.get(&session.digest)?;
        known.record_use(now);
        known.set_cursors(to);
        self.dirty().sessions.insert(known.digest, Arc::clone(&known));
        Some(known)
    }

    /// Renews a member that enters, through sxb, the room it is in already, with the role it has; `false`: the member is not
    /// there with that role.
    pub(crate) fn beat_in_room(
        &self,
        account: AccountId,
        room: RoomNumber,
        role: Role,
        now: UnixSeconds,
    ) -> bool {
        let live = self.live();
        let Some((host, member)) = live.sxb_membership(account) else { return false };
        let role = rule::member_role(host == account, role);
        if live.host_of_room(room) != Some(host) || role != member.role {
            return false;
        }
        self.beat_member(host, account, &member.clock, &member.dirty, now);
        true
    }

    /// Renews the membership of an sxb user, and the broadcast that it has on air.
    pub(crate) fn beat(
        &self,
        account: AccountId,
        role: Role,
        likes: Option<i64>,
        now: UnixSeconds,
    ) -> HeartbeatOutcome {
        let live = self.live();
        let mut beat = HeartbeatOutcome { new_role_at: None, likes_differ: false };
        if let Some((host, member)) = live.sxb_membership(account) {
            self.beat_member(host, account, &member.clock, &member.dirty, now);
            let role = rule::member_role(host == account, role);
            beat.new_role_at = (member.role != role).then_some(host);
        }
        if let Some(on_air) = live.on_air(account).filter(|on_air| on_air.driver == Dialect::Sxb) {
            self.beat_on_air(account, &on_air.beat, &on_air.dirty, now);
            beat.likes_differ = likes.is_some_and(|likes| likes != on_air.counters.host_likes);
        }
        beat
    }

    /// Renews an anchor of a live room of RoomService: the broadcast of its creator, or a sub-anchor. Returns the room; `None`:
    /// the account is no anchor there.
    pub(crate) fn beat_anchor(&self, account: AccountId, id: &str, now: UnixSeconds) -> Option<LiveRoom> {
        let live = self.live();
        let host = live.host_of_live_room(id)?;
        let on_air = live.on_air(host).filter(|on_air| on_air.driver == Dialect::RoomService)?;
        if host == account {
            self.beat_on_air(host, &on_air.beat, &on_air.dirty, now);
        } else {
            let member = live.audience(host)?.get(account)?;
            let anchor = member.anchor.as_ref()?;
            if anchor.beat.advance(now) && !member.dirty.swap(true, Ordering::Relaxed) {
                self.dirty().members.push((host, account));
            }
        }
        live.live_room(host)
    }

    /// Renews the broadcast that a host has on air through qplus, in this room and with this lease; `false`: the host has no
    /// such broadcast.
    pub(crate) fn beat_by_push(
        &self,
        host: AccountId,
        room: RoomNumber,
        lease: Seconds,
        now: UnixSeconds,
    ) -> bool {
        let live = self.live();
        let Some(on_air) = live.on_air(host) else { return false };
        if on_air.driver != Dialect::Qplus || on_air.info.room != room || on_air.lease != Some(lease) {
            return false;
        }
        self.beat_on_air(host, &on_air.beat, &on_air.dirty, now);
        true
    }

    fn beat_on_air(
        &self,
        host: AccountId,
        beat: &AtomicTime,
        dirty: &std::sync::atomic::AtomicBool,
        now: UnixSeconds,
    ) {
        if beat.advance(now) && !dirty.swap(true, Ordering::Relaxed) {
            self.dirty().broadcasts.push(host);
        }
    }

    fn beat_member(
        &self,
        host: AccountId,
        account: AccountId,
        clock: &MemberClock,
        dirty: &std::sync::atomic::AtomicBool,
        now: UnixSeconds,
    ) {
        if let MemberClock::Beat(beat) = clock
            && beat.advance(now)
            && !dirty.swap(true, Ordering::Relaxed)
        {
            self.dirty().members.push((host, account));
        }
    }

    /// Takes the dirty clocks with their current values.
    pub(crate) fn drain_dirty(&self) -> DirtyClocks {
        let (owners, members) = {
            let mut dirty = self.dirty();
            let count = dirty.members.len().min(CLOCKS_PER_FLUSH);
            let digests: Vec<TokenHash> = dirty.sessions.keys().take(CLOCKS_PER_FLUSH).copied().collect();
            let owners = ClockOwners {
                sessions: digests.iter().filter_map(|digest| dirty.sessions.remove(digest)).collect(),
                broadcasts: std::mem::take(&mut dirty.broadcasts),
            };
            (owners, dirty.members.drain(..count).collect::<Vec<_>>())
        };
        let live = self.live();
        DirtyClocks {
            sessions: owners
                .sessions
                .iter()
                .map(|session| {
                    let (used_at, cursors) = session.take_dirty();
                    SessionUse { digest: session.digest, used_at, cursors }
                })
                .collect(),
            members: members
                .into_iter()
                .filter_map(|(host, account)| {
                    let member = live.audience(host)?.get(account)?;
                    member.dirty.store(false, Ordering::Relaxed);
                    let beat = match (&member.clock, &member.anchor) {
                        (MemberClock::Beat(beat), _) => beat,
                        (MemberClock::Never | MemberClock::Session(_), Some(anchor)) => &anchor.beat,
                        (MemberClock::Never | MemberClock::Session(_), None) => return None,
                    };
                    Some((host, account, beat.get()))
                })
                .collect(),
            broadcasts: owners
                .broadcasts
                .iter()
                .filter_map(|host| {
                    let on_air = live.on_air(*host)?;
                    on_air.dirty.store(false, Ordering::Relaxed);
                    Some((on_air.info.id, on_air.beat.get()))
                })
                .collect(),
            owners,
        }
    }

    /// Puts clocks that could not be written back into the dirty set.
    pub(crate) fn restore_dirty(&self, clocks: &DirtyClocks) {
        let live = self.live();
        let mut dirty = self.dirty();
        for (session, SessionUse { digest, cursors, .. }) in
            clocks.owners.sessions.iter().zip(&clocks.sessions)
        {
            session.restore_dirty(cursors.is_some());
            dirty.sessions.entry(*digest).or_insert_with(|| Arc::clone(session));
        }
        for (host, account, _) in &clocks.members {
            let member = live.audience(*host).and_then(|audience| audience.get(*account));
            if member.is_some_and(|member| !member.dirty.swap(true, Ordering::Relaxed)) {
                dirty.members.push((*host, *account));
            }
        }
        for host in &clocks.owners.broadcasts {
            if live.on_air(*host).is_some_and(|on_air| !on_air.dirty.swap(true, Ordering::Relaxed)) {
                dirty.broadcasts.push(*host);
            }
        }
    }

    /// Makes the step of the time that `compare` finds, if any, and moves every beat and every last use of a session with it, so
    /// that silences stay as long as they are. A large step begins the grace of a start again. The next flush writes the times that
    /// have moved.
    pub(crate) fn follow(&self, time: &ServerTime, compare: impl Fn() -> Option<Seconds>) {
        if compare().is_none() {
            return;
        }
        let mut live = self.live_mut();
        // Another thread may have made the step.
        let Some(by) = compare() else { return };
        let (now, sessions) = self.sessions.shift(by, || time.step(by));
        let (hosts, members) = live.shift_beats(by, now);
        if server_time::is_large(by) {
            live.begin_grace(now);
        }
        live.reschedule(now);
        self.dirty().extend(sessions, hosts, members);
    }

    /// Counts each time in the future, which another clock has made, as now.
    pub(crate) fn bring_back(&self, now: UnixSeconds) {
        let mut live = self.live_mut();
        let (_, sessions) = self.sessions.shift(Seconds(0), || now);
        let (hosts, members) = live.shift_beats(Seconds(0), now);
        if !(sessions.is_empty() && hosts.is_empty() && members.is_empty()) {
            live.reschedule(now);
            self.dirty().extend(sessions, hosts, members);
        }
    }

    /// Replaces the model by one read from the tables, and keeps beats that are not written yet.
    pub(crate) fn replace_live(&self, mut live: Live) {
        self.rooms.clear();
        let mut old = self.live_mut();
        live.merge_clocks(&old);
        *old = live;
    }

    /// Takes over rows that were read again.
    pub(crate) fn refresh(&self, refresh: Refresh) {
        for (digest, session) in refresh.sessions {
            match session {
                Some(session) => drop(self.sessions.renew(session, &*self.random)),
                None => self.sessions.close(&digest),
            }
        }
        refresh.rooms.into_iter().for_each(|owner| self.rooms.forget_room(owner));
        refresh.follows.into_iter().for_each(|account| self.rooms.forget_follows(account));
        let mut live = self.live_mut();
        for (host, current) in refresh.broadcasts {
            let change = match current {
                Some(current) => Change::Broadcast(current),
                None => Change::OffAir { host },
            };
            live.apply(change, &self.sessions);
        }
        for host in refresh.audiences {
            let present: HashSet<AccountId> = refresh
                .members
                .iter()
                .filter(|((of, _), _)| *of == host)
                .map(|((_, account), _)| *account)
                .collect();
            let left: Vec<AccountId> = live
                .audience(host)
                .into_iter()
                .flat_map(Audience::accounts)
                .filter(|account| !present.contains(account))
                .collect();
            for account in left {
                live.apply(Change::Left { host, account }, &self.sessions);
            }
        }
        for (host, broadcast, counters) in refresh.counters {
            live.apply(Change::Counters { host, broadcast, counters }, &self.sessions);
        }
        for change in refresh.lists {
            live.apply(change, &self.sessions);
        }
        for revocation in refresh.revocations {
            live.apply(Change::Revoked(revocation), &self.sessions);
        }
        for (account, owner) in refresh.owners {
            match owner {
                Some(owner) => live.apply(Change::Renamed(owner), &self.sessions),
                None => live.remove_recordings(account),
            }
        }
        for ((host, account), member) in refresh.members {
            let change = match member {
                Some(member) => Change::Member(Box::new(member)),
                None => Change::Left { host, account },
            };
            live.apply(change, &self.sessions);
        }
    }

    /// Forgets revocations of push URLs before a time.
    pub(crate) fn forget_revocations(&self, before: UnixSeconds) {
        if self.live().revocations().has_before(before) {
            self.live_mut().revocations.forget_before(before);
        }
    }

    /// Caches a session that was read from the table; if the session is cached already, only its later clock is taken over.
    pub(crate) fn cache_session(&self, session: Session) {
        self.sessions.fill(session, self.sessions.mark(), &*self.random);
    }

    /// Returns everything that is past its deadline and still listed. It stays listed until its end is committed.
    pub(crate) fn due(&self, now: UnixSeconds) -> Vec<Expirable> {
        if self.due_at.load(Ordering::Acquire) > now.0 {
            return Vec::new();
        }
        self.live_mut().due(now)
    }

    /// Applies the changes of a commit. Call before the callers of its jobs are answered.
    pub(crate) fn apply(&self, mut changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        // Sessions first: a member of the same commit may watch through one of them.
        for change in changes.extract_if(.., |change| matches!(change, Change::SessionOpened(_))) {
            if let Change::SessionOpened(session) = change {
                self.cache_session(*session);
            }
        }
        for change in &changes {
            match change {
                Change::SessionClosed(digest) => self.sessions.close(digest),
                Change::Room(owner) | Change::AccountDeleted(owner) => self.rooms.forget_room(*owner),
                Change::Follows(account) => self.rooms.forget_follows(*account),
                Change::Reloaded => self.rooms.clear(),
                _ => {}
            }
        }
        let mut live = self.live_mut();
        for change in changes {
            match change {
                Change::Reloaded => {
                    if let Some(staged) = self.staged().take() {
                        live.reload(staged);
                    }
                }
                other => live.apply(other, &self.sessions),
            }
        }
    }

    /// Applies changes that may have been overtaken by other gateways' changes, if all of them are versioned counters of
    /// broadcasts in the model. Returns `false`, with nothing applied or applied twice without harm, if the rows have to be
    /// read again: also if they were committed through another generation of connections than the model was read through,
    /// because two servers may give the same version to different counts.
    pub(crate) fn apply_counters(&self, generation: u64, changes: &[Change]) -> bool {
        if !changes.iter().all(|change| matches!(change, Change::Counters { .. })) {
            return false;
        }
        // Before the follower reads everything anew it marks the read model as not fresh, and then reads these counters, too.
        let mut live = self.live_mut();
        self.is_fresh()
            && self.is_of(generation)
            && changes.iter().all(|change| match change {
                Change::Counters { host, broadcast, counters } => live.count(*host, *broadcast, *counters),
                _ => false,
            })
    }
}

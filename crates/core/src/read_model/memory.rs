//! The read models together with the clocks that run ahead of the tables.

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
    AccountId, BroadcastId, Dialect, Random, Role, RoomNumber, Session, UnixSeconds,
    model::{
        change::Change,
        clock::advance,
        cursor::Cursor,
        rule,
        session::{SessionUse, TokenHash},
    },
};

/// Clocks written per flush at most: a flush must not keep jobs waiting.
const FLUSH: usize = 20_000;

/// What a beat has to write down beyond the clock itself.
pub(crate) struct HeartbeatOutcome {
    /// The user's role changes where it sits: in the audience of this host.
    pub(crate) new_role_at: Option<AccountId>,
    /// The host reports another number of likes than before.
    pub(crate) likes_differ: bool,
}

/// Clocks that moved since they were last written down.
#[derive(Debug, Default)]
struct Dirty {
    sessions: HashMap<TokenHash, Arc<Session>>,
    members: Vec<(AccountId, AccountId)>,
    broadcasts: Vec<AccountId>,
}

/// Clocks to write down.
#[derive(Debug, Default)]
pub(crate) struct DirtyClocks {
    pub(crate) sessions: Vec<SessionUse>,
    pub(crate) members: Vec<(AccountId, AccountId, UnixSeconds)>,
    pub(crate) broadcasts: Vec<(BroadcastId, UnixSeconds)>,
    /// Whose clocks these are, should they have to be noted again.
    taken: Taken,
}

#[derive(Debug, Default)]
struct Taken {
    sessions: Vec<Arc<Session>>,
    broadcasts: Vec<AccountId>,
}

impl DirtyClocks {
    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.members.is_empty() && self.broadcasts.is_empty()
    }
}

/// The read models.
#[derive(Debug)]
pub(crate) struct Memory {
    /// Read by every request, on every core: readers must not have to take turns with one cache line.
    live: ShardedLock<Live>,
    /// [`Live::due_at`], for those who ask it before every call and need nothing else of the model yet.
    due_at: AtomicI64,
    pub(crate) sessions: SessionCache,
    pub(crate) rooms: RoomCache,
    dirty: Mutex<Dirty>,
    /// A model that was read again and waits for the commit of the job that read it.
    staged: Mutex<Option<Live>>,
    random: Arc<dyn Random>,
    feed: Option<Feed>,
}

/// The read model, open for a change.
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
    /// Before anybody else sees the model.
    fn drop(&mut self) {
        self.due_at.store(self.live.due_at(), Ordering::Release);
    }
}

/// How far this memory is behind a database that others write to as well.
#[derive(Debug)]
struct Feed {
    started: Instant,
    /// Milliseconds after `started` at which it was up to date last; [`Feed::LOST`] while it is not known how far behind
    /// it is.
    current_at: AtomicU64,
    /// The generation of connections this memory was read through.
    generation: AtomicU64,
}

impl Feed {
    const LOST: u64 = u64::MAX;
    /// Longer than any look into the feed takes while the database can be reached.
    const PATIENCE: u64 = 3_000;

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(Self::LOST - 1)
    }
}

impl Memory {
    /// `shared`: others write to the database as well.
    pub(crate) fn new(live: Live, random: Arc<dyn Random>, shared: bool) -> Self {
        let feed = shared.then(|| Feed {
            started: Instant::now(),
            current_at: AtomicU64::new(0),
            generation: AtomicU64::new(0),
        });
        Self {
            due_at: AtomicI64::new(live.due_at()),
            live: ShardedLock::new(live),
            sessions: SessionCache::default(),
            rooms: RoomCache::default(),
            dirty: Mutex::default(),
            staged: Mutex::default(),
            random,
            feed,
        }
    }

    /// Whether what is here may be shown: it is as new as this process can know.
    pub(crate) fn is_fresh(&self) -> bool {
        self.feed.as_ref().is_none_or(|feed| {
            let at = feed.current_at.load(Ordering::Acquire);
            at != Feed::LOST && feed.now() <= at + Feed::PATIENCE
        })
    }

    /// Notes that it is up to date, or that it is not known to be.
    pub(crate) fn set_fresh(&self, fresh: bool) {
        if let Some(feed) = &self.feed {
            feed.current_at.store(if fresh { feed.now() } else { Feed::LOST }, Ordering::Release);
        }
    }

    /// Marks the model as not fresh, because it will be read through another generation of connections. Counters that were
    /// committed through an older one are not taken over from here on.
    pub(crate) fn begin_generation(&self, generation: u64) {
        self.set_fresh(false);
        if let Some(feed) = &self.feed {
            feed.generation.store(generation, Ordering::Release);
        }
    }

    /// Whether this memory was read through that generation of connections.
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

    /// Keeps a model that was read inside a job until [`Change::Reloaded`] of that job is committed.
    pub(crate) fn stage(&self, live: Live) {
        *self.staged() = Some(live);
    }

    fn dirty(&self) -> MutexGuard<'_, Dirty> {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something has timed out that is still listed.
    pub(crate) fn is_due(&self, now: UnixSeconds) -> bool {
        if self.due_at.load(Ordering::Acquire) > now {
            return false;
        }
        // Most of what the queue finds due has beaten since; only what has not is worth a job.
        !self.due(now).is_empty()
    }

    /// Notes the use of a session.
    pub(crate) fn touch(&self, session: &Arc<Session>, now: UnixSeconds) {
        if session.touch(now) {
            self.dirty().sessions.insert(session.digest, Arc::clone(session));
        }
    }

    /// Notes how far a session has read its lists. Returns what the flush will look at, if the session is known.
    pub(crate) fn remember_cursors(
        &self,
        session: &Session,
        to: [Cursor; 2],
        now: UnixSeconds,
    ) -> Option<Arc<Session>> {
        let known = self.sessions.get(&session.digest)?;
        known.touch(now);
        known.read_on(to);
        self.dirty().sessions.insert(known.digest, Arc::clone(&known));
        Some(known)
    }

    /// Renews a member that enters the room it sits in with the role it has; `false` if that is not so.
    pub(crate) fn beat_in(&self, account: AccountId, room: RoomNumber, role: Role, now: UnixSeconds) -> bool {
        let live = self.live();
        let Some((host, member)) = live.seat(account) else { return false };
        let role = rule::member_role(host == account, role);
        if live.host_of_room(room) != Some(host) || role != member.role {
            return false;
        }
        self.beat_member(host, account, &member.clock, &member.dirty, now);
        true
    }

    /// A sign of life, wherever the user sits and whatever it has on air.
    pub(crate) fn beat(
        &self,
        account: AccountId,
        role: Role,
        likes: Option<i64>,
        now: UnixSeconds,
    ) -> HeartbeatOutcome {
        let live = self.live();
        let mut beat = HeartbeatOutcome { new_role_at: None, likes_differ: false };
        if let Some((host, member)) = live.seat(account) {
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

    /// Renews a broadcast, if that dialect drives it.
    pub(crate) fn beat_broadcast(&self, host: AccountId, driver: Dialect, now: UnixSeconds) -> bool {
        let live = self.live();
        let Some(on_air) = live.on_air(host).filter(|on_air| on_air.driver == driver) else {
            return false;
        };
        self.beat_on_air(host, &on_air.beat, &on_air.dirty, now);
        true
    }

    fn beat_on_air(
        &self,
        host: AccountId,
        beat: &AtomicI64,
        dirty: &std::sync::atomic::AtomicBool,
        now: UnixSeconds,
    ) {
        if advance(beat, now) && !dirty.swap(true, Ordering::Relaxed) {
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
            && advance(beat, now)
            && !dirty.swap(true, Ordering::Relaxed)
        {
            self.dirty().members.push((host, account));
        }
    }

    /// Takes the clocks that moved, as they stand now.
    pub(crate) fn drain_dirty(&self) -> DirtyClocks {
        let (taken, members) = {
            let mut dirty = self.dirty();
            let some = dirty.members.len().min(FLUSH);
            let digests: Vec<TokenHash> = dirty.sessions.keys().take(FLUSH).copied().collect();
            let taken = Taken {
                sessions: digests.iter().filter_map(|digest| dirty.sessions.remove(digest)).collect(),
                broadcasts: std::mem::take(&mut dirty.broadcasts),
            };
            (taken, dirty.members.drain(..some).collect::<Vec<_>>())
        };
        let live = self.live();
        DirtyClocks {
            sessions: taken
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
                    match &member.clock {
                        MemberClock::Beat(beat) => Some((host, account, beat.load(Ordering::Relaxed))),
                        MemberClock::Never | MemberClock::Session(_) => None,
                    }
                })
                .collect(),
            broadcasts: taken
                .broadcasts
                .iter()
                .filter_map(|host| {
                    let on_air = live.on_air(*host)?;
                    on_air.dirty.store(false, Ordering::Relaxed);
                    Some((on_air.info.id, on_air.beat.load(Ordering::Relaxed)))
                })
                .collect(),
            taken,
        }
    }

    /// Notes clocks again that could not be written down.
    pub(crate) fn restore_dirty(&self, clocks: &DirtyClocks) {
        let live = self.live();
        let mut dirty = self.dirty();
        for (session, SessionUse { digest, cursors, .. }) in
            clocks.taken.sessions.iter().zip(&clocks.sessions)
        {
            session.note_again(cursors.is_some());
            dirty.sessions.entry(*digest).or_insert_with(|| Arc::clone(session));
        }
        for (host, account, _) in &clocks.members {
            let member = live.audience(*host).and_then(|audience| audience.get(*account));
            if member.is_some_and(|member| !member.dirty.swap(true, Ordering::Relaxed)) {
                dirty.members.push((*host, *account));
            }
        }
        for host in &clocks.taken.broadcasts {
            if live.on_air(*host).is_some_and(|on_air| !on_air.dirty.swap(true, Ordering::Relaxed)) {
                dirty.broadcasts.push(*host);
            }
        }
    }

    /// Puts a freshly read model in place of the one that is there, which may have heard beats that are not written down.
    pub(crate) fn replace_live(&self, mut live: Live) {
        self.rooms.clear();
        let mut old = self.live_mut();
        live.inherit(&old);
        *old = live;
    }

    /// Takes over the rows that were read again.
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
            let here: HashSet<AccountId> = refresh
                .members
                .iter()
                .filter(|((of, _), _)| *of == host)
                .map(|((_, account), _)| *account)
                .collect();
            let gone: Vec<AccountId> = live
                .audience(host)
                .into_iter()
                .flat_map(Audience::accounts)
                .filter(|account| !here.contains(account))
                .collect();
            for account in gone {
                live.apply(Change::Left { host, account }, &self.sessions);
            }
        }
        for (host, broadcast, counters) in refresh.counters {
            live.apply(Change::Counters { host, broadcast, counters }, &self.sessions);
        }
        for (id, recording) in refresh.recordings {
            match recording {
                Some(recording) => live.replays_mut().put(recording),
                None => live.replays_mut().remove(id),
            }
        }
        for (account, owner) in refresh.owners {
            match owner {
                Some(owner) => live.replays_mut().rename(&owner),
                None => live.replays_mut().remove_owner(account),
            }
        }
        for ((host, account), seat) in refresh.members {
            let change = match seat {
                Some(seat) => Change::Member(Box::new(seat)),
                None => Change::Left { host, account },
            };
            live.apply(change, &self.sessions);
        }
    }

    /// Keeps a session that was read from the table, unless it is known: then that one carries the uses.
    pub(crate) fn hold(&self, session: Session) {
        self.sessions.fill(session, self.sessions.mark(), &*self.random);
    }

    /// Returns everything that is past its deadline and still listed. It stays listed until its end is committed.
    pub(crate) fn due(&self, now: UnixSeconds) -> Vec<Expirable> {
        if self.due_at.load(Ordering::Acquire) > now {
            return Vec::new();
        }
        self.live_mut().due(now)
    }

    /// Applies the changes of a commit. Call before the callers of its jobs are answered.
    pub(crate) fn apply(&self, mut changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        // Sessions first: a member may live with one of them.
        for change in changes.extract_if(.., |change| matches!(change, Change::SessionOpened(_))) {
            if let Change::SessionOpened(session) = change {
                self.hold(*session);
            }
        }
        for change in &changes {
            match change {
                Change::SessionClosed(digest) => self.sessions.close(digest),
                Change::Room(owner) | Change::HostGone(owner) => self.rooms.forget_room(*owner),
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
        // Who reads everything anew has said so before it began; what was committed by then it will find.
        let mut live = self.live_mut();
        self.is_fresh()
            && self.is_of(generation)
            && changes.iter().all(|change| match change {
                Change::Counters { host, broadcast, counters } => live.count(*host, *broadcast, *counters),
                _ => false,
            })
    }
}

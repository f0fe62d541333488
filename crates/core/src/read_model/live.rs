//! The whole read model but the sessions and the cached rooms.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    audience::Audience,
    by_id::ById,
    directory::Directory,
    expiry::{Expirable, Expiry},
    member::{LiveMember, MemberClock},
    replays::Replays,
    sessions::SessionCache,
};
use crate::{
    AccountId, Broadcast, BroadcastId, BroadcastInfo, Dialect, OnAirFilter, RoomNumber, Seconds, State,
    TimeoutConfig, UnixSeconds,
    model::{
        audience::MemberState,
        broadcast::BroadcastState,
        change::Change,
        clock::AtomicTime,
        counter::Counters,
        cursor::ListPosition,
        rule::{self, Grace},
    },
};

/// A broadcast on air.
#[derive(Debug)]
pub(crate) struct OnAir {
    pub(crate) info: Arc<BroadcastInfo>,
    /// That of the info: a beat needs nothing else of it.
    pub(crate) driver: Dialect,
    pub(crate) counters: Counters,
    pub(crate) beat: AtomicTime,
    pub(crate) lease: Option<Seconds>,
    /// The beat has moved since it was last flushed.
    pub(crate) dirty: AtomicBool,
    pub(super) timer: UnixSeconds,
}

impl OnAir {
    /// The first second in which it is no longer on air.
    pub(super) fn gone_at(&self, grace: Grace) -> UnixSeconds {
        let beat_at = self.beat.get();
        grace.extend(rule::broadcast_ends_at(beat_at, self.lease), beat_at)
    }

    /// The same broadcast, read from the table again: its clock may run ahead of what the table knows.
    fn keep_clock(&mut self, old: &Self) {
        self.beat.advance(old.beat.get());
        *self.dirty.get_mut() |= old.dirty.load(Ordering::Relaxed);
    }

    fn place(&self) -> ListPosition {
        ListPosition::new(self.info.started_at, self.info.id, self.info.host)
    }
}

/// The whole read model but the sessions.
#[derive(Debug)]
pub(crate) struct Live {
    pub(super) on_air: ById<AccountId, OnAir>,
    pub(super) by_room: ById<RoomNumber, AccountId>,
    pub(super) by_user: HashMap<Arc<str>, AccountId>,
    pub(super) directory: Directory,
    pub(super) audiences: ById<AccountId, Audience>,
    /// Where an account sits through the dialect that allows one room per user: whose audience, and what it is there.
    pub(super) seats: ById<AccountId, (AccountId, Arc<LiveMember>)>,
    pub(super) members: usize,
    pub(super) replays: Replays,
    pub(super) expiry: Expiry,
    pub(super) timeouts: TimeoutConfig,
    pub(super) session_idle: Seconds,
    /// Nothing times out before: clients that could not reach a stopped server get time to beat again.
    pub(super) grace: Grace,
}

impl Live {
    pub(crate) fn new(timeouts: TimeoutConfig, session_idle: Seconds, grace: Grace) -> Self {
        Self {
            on_air: ById::default(),
            by_room: ById::default(),
            by_user: HashMap::new(),
            directory: Directory::default(),
            audiences: ById::default(),
            seats: ById::default(),
            members: 0,
            replays: Replays::default(),
            expiry: Expiry::default(),
            timeouts,
            session_idle,
            grace,
        }
    }

    // --- reading ---

    /// The broadcast a host has on air.
    pub(crate) fn on_air(&self, host: AccountId) -> Option<&OnAir> {
        self.on_air.get(&host)
    }

    /// The host of a room that is on air.
    pub(crate) fn host_of_room(&self, room: RoomNumber) -> Option<AccountId> {
        self.by_room.get(&room).copied()
    }

    /// The account of a user who is on air.
    pub(crate) fn host_of_user(&self, user_id: &str) -> Option<AccountId> {
        self.by_user.get(user_id).copied()
    }

    pub(crate) fn audience(&self, host: AccountId) -> Option<&Audience> {
        self.audiences.get(&host)
    }

    /// Where an account sits through the dialect that allows one room per user.
    pub(crate) fn seat(&self, account: AccountId) -> Option<(AccountId, &LiveMember)> {
        self.seats.get(&account).map(|(host, member)| (*host, &**member))
    }

    pub(crate) fn total(&self, filter: OnAirFilter) -> usize {
        self.directory.total(filter)
    }

    /// A page of what is on air, with the place of each.
    pub(crate) fn page(&self, filter: OnAirFilter, offset: usize, limit: usize) -> Vec<Broadcast> {
        self.view(&self.directory.page(filter, offset, limit))
    }

    /// What is on air behind a place, newest first.
    pub(crate) fn after(&self, place: Option<&ListPosition>, limit: usize) -> Vec<(ListPosition, Broadcast)> {
        let places = self.directory.after(place, limit);
        let broadcasts = self.view(&places);
        places.into_iter().zip(broadcasts).collect()
    }

    fn view(&self, places: &[ListPosition]) -> Vec<Broadcast> {
        places.iter().filter_map(|place| self.broadcast(place.host)).collect()
    }

    /// The broadcast a host has on air, with its counters as of now.
    pub(crate) fn broadcast(&self, host: AccountId) -> Option<Broadcast> {
        let on_air = self.on_air.get(&host)?;
        let audience = self.audiences.get(&host);
        Some(Broadcast::new(
            Arc::clone(&on_air.info),
            State::OnAir,
            on_air.counters,
            audience.map_or(0, Audience::len),
            audience.map_or(0, Audience::viewers),
        ))
    }

    /// Broadcasts on air, and members of all audiences.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.on_air.len(), self.members)
    }

    /// The recordings lists show.
    pub(crate) fn replays(&self) -> &Replays {
        &self.replays
    }

    pub(crate) fn replays_mut(&mut self) -> &mut Replays {
        &mut self.replays
    }

    /// Nothing times out before.
    pub(crate) fn due_at(&self) -> UnixSeconds {
        self.expiry.due_at()
    }

    /// What has timed out. It stays in the queue until its end is committed.
    pub(crate) fn due(&mut self, now: UnixSeconds) -> Vec<Expirable> {
        let mut ended = Vec::new();
        while let Some((_, expirable)) = self.expiry.pop(now) {
            let gone_at = self.rewatch(expirable);
            if gone_at.is_some_and(|at| at <= now) {
                ended.push(expirable);
                // Out of the queue for this loop, back in below.
                self.expiry.forget(gone_at.unwrap_or_default(), expirable);
            }
        }
        for expirable in &ended {
            self.rewatch(*expirable);
        }
        ended
    }

    /// Puts a thing into the queue at the time it really ends.
    fn rewatch(&mut self, expirable: Expirable) -> Option<UnixSeconds> {
        let at = match expirable {
            Expirable::Broadcast(host) => {
                let on_air = self.on_air.get_mut(&host)?;
                on_air.timer = on_air.gone_at(self.grace);
                on_air.timer
            }
            Expirable::Member { host, account } => {
                let member = self.audiences.get(&host)?.get(account)?;
                let at = member.gone_at(self.timeouts, self.grace, self.session_idle);
                member.timer.set(at);
                at
            }
        };
        self.expiry.watch(at, expirable);
        Some(at)
    }

    // --- applying changes ---

    /// Takes over one change. `session` finds the session a member lives with.
    pub(crate) fn apply(&mut self, change: Change, sessions: &SessionCache) {
        match change {
            Change::Broadcast(current) => self.set_broadcast(*current),
            Change::OffAir { host } => drop(self.take_off_air(host)),
            Change::HostGone(host) => {
                self.take_off_air(host);
                self.clear_audience(host);
                self.replays.remove_owner(host);
            }
            Change::Counters { host, broadcast, counters } => {
                self.count(host, broadcast, counters);
            }
            Change::Renewed { host, broadcast, beat_at, lease } => {
                self.renew(host, broadcast, beat_at, lease);
            }
            Change::Member(seat) => self.sit(*seat, sessions),
            Change::Left { host, account } => self.leave(host, account),
            Change::AudienceCleared { host } => self.clear_audience(host),
            Change::Recording(recording) => self.replays.put(recording),
            Change::RecordingCounters(counters) => self.replays.count(counters),
            Change::Renamed(owner) => self.replays.rename(&owner),
            Change::Reloaded
            | Change::SessionOpened(_)
            | Change::SessionClosed(_)
            | Change::SessionRead(_)
            | Change::Room(_)
            | Change::Follows(_) => {}
        }
    }

    fn set_broadcast(&mut self, current: BroadcastState) {
        let host = current.info.host;
        let old = self.take_off_air(host).filter(|old| old.info.id == current.info.id);
        if current.state != State::OnAir {
            return;
        }
        let mut on_air = OnAir {
            driver: current.info.driver,
            info: current.info,
            counters: current.counters,
            beat: AtomicTime::new(current.beat_at),
            lease: current.lease,
            dirty: AtomicBool::new(false),
            timer: UnixSeconds::MAX,
        };
        if let Some(old) = old {
            on_air.keep_clock(&old);
            on_air.counters = on_air.counters.or_newer(old.counters);
        }
        on_air.timer = on_air.gone_at(self.grace);
        self.expiry.watch(on_air.timer, Expirable::Broadcast(host));
        self.directory.insert(on_air.place(), on_air.info.app, on_air.info.kind == BroadcastInfo::LIVE);
        self.by_room.insert(on_air.info.room, host);
        self.by_user.insert(Arc::clone(&on_air.info.user_id), host);
        self.on_air.insert(host, on_air);
    }

    /// Takes over counters, unless newer ones are known; whether it knows the broadcast at all.
    pub(crate) fn count(&mut self, host: AccountId, broadcast: BroadcastId, counters: Counters) -> bool {
        let Some(on_air) = self.on_air.get_mut(&host).filter(|on_air| on_air.info.id == broadcast) else {
            return false;
        };
        on_air.counters = counters.or_newer(on_air.counters);
        true
    }

    fn take_off_air(&mut self, host: AccountId) -> Option<OnAir> {
        let old = self.on_air.remove(&host)?;
        self.directory.remove(&old.place(), old.info.app);
        self.by_room.remove(&old.info.room);
        self.by_user.remove(&old.info.user_id);
        self.expiry.forget(old.timer, Expirable::Broadcast(host));
        Some(old)
    }

    fn renew(
        &mut self,
        host: AccountId,
        broadcast: BroadcastId,
        beat_at: UnixSeconds,
        lease: Option<Seconds>,
    ) {
        let Some(on_air) = self.on_air.get_mut(&host).filter(|on_air| on_air.info.id == broadcast) else {
            return;
        };
        on_air.beat.advance(beat_at);
        on_air.lease = lease;
        // A shorter lease may end before the queue would look.
        self.expiry.forget(on_air.timer, Expirable::Broadcast(host));
        self.rewatch(Expirable::Broadcast(host));
    }

    fn sit(&mut self, seat: MemberState, sessions: &SessionCache) {
        let known = self.audience(seat.host).and_then(|audience| audience.get(seat.account));
        let heard = match known.map(|member| &member.clock) {
            Some(MemberClock::Beat(beat)) => beat.get(),
            _ => seat.beat_at,
        };
        let clock = match (seat.dialect, seat.session) {
            // The remembered beat runs ahead of the table's.
            (Dialect::Sxb, _) => MemberClock::Beat(AtomicTime::new(heard.max(seat.beat_at))),
            (Dialect::Qplus, Some(digest)) => {
                sessions.get(&digest).map_or(MemberClock::Never, MemberClock::Session)
            }
            _ => MemberClock::Never,
        };
        let listed = self.audiences.entry(seat.host).or_default().share(seat.listed);
        let member = LiveMember {
            user_id: seat.user_id,
            listed,
            role: seat.role,
            dialect: seat.dialect,
            position: seat.position,
            clock,
            dirty: AtomicBool::new(false),
            timer: AtomicTime::new(UnixSeconds::MAX),
        };
        let timer = member.gone_at(self.timeouts, self.grace, self.session_idle);
        member.timer.set(timer);
        let (host, account) = (seat.host, seat.account);
        let member = Arc::new(member);
        if let Some(old) = self.audiences.entry(host).or_default().insert(account, Arc::clone(&member)) {
            self.expiry.forget(old.timer.get(), Expirable::Member { host, account });
        } else {
            self.members += 1;
        }
        self.expiry.watch(timer, Expirable::Member { host, account });
        if seat.dialect == Dialect::Sxb {
            self.seats.insert(account, (host, member));
        } else {
            self.stand_up(host, account);
        }
    }

    /// It does not sit there any more through the dialect that allows one room per user.
    fn stand_up(&mut self, host: AccountId, account: AccountId) {
        if self.seats.get(&account).is_some_and(|(at, _)| *at == host) {
            self.seats.remove(&account);
        }
    }

    fn leave(&mut self, host: AccountId, account: AccountId) {
        let Some(audience) = self.audiences.get_mut(&host) else { return };
        if let Some(old) = audience.remove(account) {
            self.gone(host, account, &old);
        }
        if self.audiences.get(&host).is_some_and(Audience::is_empty) {
            self.audiences.remove(&host);
        }
    }

    fn clear_audience(&mut self, host: AccountId) {
        for (account, member) in self.audiences.remove(&host).into_iter().flat_map(Audience::into_members) {
            self.gone(host, account, &member);
        }
    }

    fn gone(&mut self, host: AccountId, account: AccountId, member: &LiveMember) {
        self.members -= 1;
        self.expiry.forget(member.timer.get(), Expirable::Member { host, account });
        if member.dialect == Dialect::Sxb {
            self.stand_up(host, account);
        }
    }

    /// Takes over a model read from the tables, except for the state the tables cannot know: clocks that are not flushed
    /// yet, and the grace after a start.
    pub(crate) fn reload(&mut self, mut live: Self) {
        live.grace = self.grace;
        live.inherit(self);
        *self = live;
    }

    /// Takes over the clocks of another model, of what is in both.
    pub(crate) fn inherit(&mut self, old: &Self) {
        for (host, on_air) in &mut self.on_air {
            if let Some(old) = old.on_air.get(host).filter(|old| old.info.id == on_air.info.id) {
                on_air.keep_clock(old);
            }
        }
        for (host, audience) in &self.audiences {
            let Some(old) = old.audiences.get(host) else { continue };
            for (account, member) in audience.members() {
                if let Some(old) = old.get(account) {
                    member.keep_clock(old);
                }
            }
        }
    }
}

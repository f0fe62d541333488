//! The read model without the sessions and the cached rooms.

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
    clips::Clips,
    directory::Directory,
    expiry::{Expirable, Expiry},
    member::{LiveAnchor, LiveMember, MemberClock, Timing},
    recording_audiences::RecordingAudiences,
    replays::Replays,
    revocations::Revocations,
    room_ids::RoomIds,
    sessions::SessionCache,
};
use crate::{
    AccountId, Broadcast, BroadcastId, BroadcastInfo, Dialect, LiveRoom, OnAirFilter, RoomNumber, Seconds,
    State, UnixSeconds, UserId, Window,
    model::{
        audience::MemberState,
        broadcast::BroadcastState,
        change::Change,
        clock::AtomicTime,
        counter::Counters,
        cursor::ListPosition,
        live_room::room_number,
        rule::{self, Grace},
    },
};

/// A broadcast on air.
#[derive(Debug)]
pub(crate) struct OnAir {
    pub(crate) info: Arc<BroadcastInfo>,
    /// A copy of the driver in `info`, so that a beat need not read `info`.
    pub(crate) driver: Dialect,
    pub(crate) counters: Counters,
    pub(crate) beat: AtomicTime,
    pub(crate) lease: Option<Seconds>,
    /// Whether the beat has moved since the last flush.
    pub(crate) dirty: AtomicBool,
    pub(super) scheduled_at: UnixSeconds,
}

impl OnAir {
    /// The first second in which the broadcast is no longer on air.
    pub(super) fn ends_at(&self, grace: Grace) -> UnixSeconds {
        let beat_at = self.beat.get();
        grace.extend(rule::broadcast_ends_at(beat_at, self.lease), beat_at)
    }

    /// The time for the expiry queue: no later than the broadcast can end, whatever beats are heard at `now` or later.
    fn check_by(&self, grace: Grace, now: UnixSeconds) -> UnixSeconds {
        grace.check_by(self.ends_at(grace), self.beat.get(), now, |beat_at| {
            rule::broadcast_ends_at(beat_at, self.lease)
        })
    }

    /// Takes over the later beat of an older copy of the broadcast: the table may not have that beat yet.
    fn merge_clock(&mut self, old: &Self) {
        self.beat.advance(old.beat.get());
        *self.dirty.get_mut() |= old.dirty.load(Ordering::Relaxed);
    }

    fn position(&self) -> ListPosition {
        ListPosition::new(self.info.started_at, self.info.id, self.info.host)
    }
}

/// The read model without the sessions and the cached rooms.
#[derive(Debug)]
pub(crate) struct Live {
    pub(super) on_air: ById<AccountId, OnAir>,
    pub(super) by_room: ById<RoomNumber, AccountId>,
    pub(super) by_user: HashMap<UserId, AccountId>,
    pub(super) room_ids: RoomIds,
    pub(super) directory: Directory,
    pub(super) audiences: ById<AccountId, Audience>,
    /// The host and the member of each account that entered through sxb, which allows one room per account.
    pub(super) sxb_memberships: ById<AccountId, (AccountId, Arc<LiveMember>)>,
    pub(super) members: usize,
    pub(super) replays: Replays,
    pub(super) recording_audiences: RecordingAudiences,
    pub(super) clips: Clips,
    pub(super) revocations: Revocations,
    pub(super) expiry: Expiry,
    pub(super) timing: Timing,
}

impl Live {
    pub(crate) fn new(timing: Timing) -> Self {
        Self {
            on_air: ById::default(),
            by_room: ById::default(),
            by_user: HashMap::new(),
            room_ids: RoomIds::default(),
            directory: Directory::default(),
            audiences: ById::default(),
            sxb_memberships: ById::default(),
            members: 0,
            replays: Replays::default(),
            recording_audiences: RecordingAudiences::default(),
            clips: Clips::default(),
            revocations: Revocations::default(),
            expiry: Expiry::default(),
            timing,
        }
    }

    // --- reading ---

    /// The broadcast that a host has on air.
    pub(crate) fn on_air(&self, host: AccountId) -> Option<&OnAir> {
        self.on_air.get(&host)
    }

    /// The host of a room that is on air.
    pub(crate) fn host_of_room(&self, room: RoomNumber) -> Option<AccountId> {
        self.by_room.get(&room).copied()
    }

    /// The account of a user that is on air.
    pub(crate) fn host_of_user(&self, user_id: &str) -> Option<AccountId> {
        self.by_user.get(user_id).copied()
    }

    pub(crate) fn audience(&self, host: AccountId) -> Option<&Audience> {
        self.audiences.get(&host)
    }

    /// The host of the room that an account entered through sxb, and the member it is there.
    pub(crate) fn sxb_membership(&self, account: AccountId) -> Option<(AccountId, &LiveMember)> {
        self.sxb_memberships.get(&account).map(|(host, member)| (*host, &**member))
    }

    pub(crate) fn total(&self, filter: OnAirFilter) -> usize {
        self.directory.total(filter)
    }

    /// A page of the broadcasts on air.
    pub(crate) fn page(&self, filter: OnAirFilter, window: Window) -> Vec<Broadcast> {
        self.view(&self.directory.page(filter, window))
    }

    /// Broadcasts on air after a position, newest start first, each with its position; from the top without a position.
    pub(crate) fn after(
        &self,
        position: Option<&ListPosition>,
        limit: usize,
    ) -> Vec<(ListPosition, Broadcast)> {
        let positions = self.directory.after(position, limit);
        let broadcasts = self.view(&positions);
        positions.into_iter().zip(broadcasts).collect()
    }

    fn view(&self, positions: &[ListPosition]) -> Vec<Broadcast> {
        positions.iter().filter_map(|position| self.broadcast(position.host)).collect()
    }

    /// The broadcast that a host has on air, with its current counters.
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

    /// The host of the live room that an id means.
    pub(crate) fn host_of_live_room(&self, id: &str) -> Option<AccountId> {
        match room_number(id) {
            Some(number) => self.host_of_room(number),
            None => self.room_ids.host(id),
        }
    }

    /// The broadcast that a host has on air, as a live room.
    pub(crate) fn live_room(&self, host: AccountId) -> Option<LiveRoom> {
        let broadcast = self.broadcast(host)?;
        let id = self.room_ids.shown(&broadcast);
        let sub_anchors =
            self.audiences.get(&host).map_or_else(Vec::new, |it| it.sub_anchors().cloned().collect());
        Some(LiveRoom { broadcast, id, sub_anchors })
    }

    /// A page of the broadcasts on air, as live rooms.
    pub(crate) fn live_rooms(&self, window: Window) -> Vec<LiveRoom> {
        let positions = self.directory.page(OnAirFilter::default(), window);
        positions.iter().filter_map(|position| self.live_room(position.host)).collect()
    }

    /// Numbers of broadcasts on air and of members of all audiences.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.on_air.len(), self.members)
    }

    /// The recordings.
    pub(crate) fn replays(&self) -> &Replays {
        &self.replays
    }

    /// The members of recordings.
    pub(crate) fn recording_audiences(&self) -> &RecordingAudiences {
        &self.recording_audiences
    }

    /// The short videos.
    pub(crate) fn clips(&self) -> &Clips {
        &self.clips
    }

    /// Takes over the lists whose contents stay in the tables.
    pub(crate) fn set_lists(&mut self, replays: Replays, audiences: RecordingAudiences, clips: Clips) {
        self.replays = replays;
        self.recording_audiences = audiences;
        self.clips = clips;
    }

    pub(crate) fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// The time before which nothing times out.
    pub(crate) fn due_at(&self) -> UnixSeconds {
        self.expiry.due_at()
    }

    /// Returns everything past its deadline. The entries stay in the queue until the end of each is committed.
    pub(crate) fn due(&mut self, now: UnixSeconds) -> Vec<Expirable> {
        let mut ended = Vec::new();
        while let Some((_, expirable)) = self.expiry.pop(now) {
            match self.ends_at(expirable) {
                // Not found twice by this loop; scheduled again below.
                Some(at) if at <= now => ended.push(expirable),
                _ => self.schedule(expirable, now),
            }
        }
        for expirable in &ended {
            self.schedule(*expirable, now);
        }
        ended
    }

    /// The first second in which an expirable is over; `None` if it does not exist.
    fn ends_at(&self, expirable: Expirable) -> Option<UnixSeconds> {
        Some(match expirable {
            Expirable::Broadcast(host) => self.on_air.get(&host)?.ends_at(self.timing.grace),
            Expirable::Member { host, account } => {
                let member = self.audiences.get(&host)?.get(account)?;
                member.leaves_at(&self.timing)
            }
            Expirable::Anchor { host, account } => {
                self.audiences.get(&host)?.get(account)?.anchor.as_ref()?.steps_down_at(&self.timing)
            }
        })
    }

    /// Puts an expirable, if it exists, into the queue at the time by which it has to be checked.
    fn schedule(&mut self, expirable: Expirable, now: UnixSeconds) {
        let at = match expirable {
            Expirable::Broadcast(host) => {
                let Some(on_air) = self.on_air.get_mut(&host) else { return };
                on_air.scheduled_at = on_air.check_by(self.timing.grace, now);
                on_air.scheduled_at
            }
            Expirable::Member { host, account } => {
                let member = self.audiences.get(&host).and_then(|audience| audience.get(account));
                let Some(member) = member else { return };
                let at = member.check_by(&self.timing, now);
                member.scheduled_at.set(at);
                at
            }
            Expirable::Anchor { host, account } => {
                let member = self.audiences.get(&host).and_then(|audience| audience.get(account));
                let Some(anchor) = member.and_then(|member| member.anchor.as_ref()) else { return };
                let at = anchor.check_by(&self.timing, now);
                anchor.scheduled_at.set(at);
                at
            }
        };
        self.expiry.schedule(at, expirable);
    }

    // --- applying changes ---

    /// Applies one change. A member that watches is connected to its session in `sessions`.
    pub(crate) fn apply(&mut self, change: Change, sessions: &SessionCache) {
        match change {
            Change::Broadcast(current) => self.set_broadcast(*current),
            Change::OffAir { host } => drop(self.take_off_air(host)),
            Change::AccountDeleted(host) => {
                self.take_off_air(host);
                self.clear_audience(host);
                self.remove_recordings(host);
            }
            Change::Counters { host, broadcast, counters } => {
                self.count(host, broadcast, counters);
            }
            Change::Renewed { host, broadcast, beat_at, lease } => {
                self.renew(host, broadcast, beat_at, lease);
            }
            Change::Member(member) => self.set_member(*member, sessions),
            Change::Left { host, account } => self.leave(host, account),
            Change::AudienceCleared { host } => self.clear_audience(host),
            Change::Recording(recording) => self.replays.put(recording),
            Change::RecordingCounters(counters) => self.replays.count(counters),
            Change::RecordingMember(member) => self.recording_audiences.insert(member),
            Change::RecordingLeft(member) => self.recording_audiences.remove(member),
            Change::ShortVideo(entry) => self.clips.insert(entry),
            Change::ShortVideoDeleted(entry) => self.clips.remove(entry),
            Change::Renamed(owner) => self.replays.rename(&owner),
            Change::Revoked(revocation) => self.revocations.put(revocation),
            Change::Reloaded
            | Change::SessionOpened(_)
            | Change::SessionClosed(_)
            | Change::CursorsMoved(_)
            | Change::Room(_)
            | Change::Follows(_) => {}
        }
    }

    /// Removes the recordings of a deleted owner, with their audiences.
    pub(crate) fn remove_recordings(&mut self, owner: AccountId) {
        for recording in self.replays.remove_owner(owner) {
            self.recording_audiences.remove_recording(recording);
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
            scheduled_at: UnixSeconds::MAX,
        };
        if let Some(old) = old {
            on_air.merge_clock(&old);
            on_air.counters = on_air.counters.or_newer(old.counters);
        }
        on_air.scheduled_at = on_air.check_by(self.timing.grace, UnixSeconds::MIN);
        self.expiry.schedule(on_air.scheduled_at, Expirable::Broadcast(host));
        self.directory.insert(on_air.position(), on_air.info.app, on_air.info.kind == BroadcastInfo::LIVE);
        self.by_room.insert(on_air.info.room, host);
        self.by_user.insert(on_air.info.user_id.clone(), host);
        self.room_ids.insert(&on_air.info);
        self.on_air.insert(host, on_air);
    }

    /// Takes over counters unless newer ones are known; returns whether the broadcast is on air.
    pub(crate) fn count(&mut self, host: AccountId, broadcast: BroadcastId, counters: Counters) -> bool {
        let Some(on_air) = self.on_air.get_mut(&host).filter(|on_air| on_air.info.id == broadcast) else {
            return false;
        };
        on_air.counters = counters.or_newer(on_air.counters);
        true
    }

    fn take_off_air(&mut self, host: AccountId) -> Option<OnAir> {
        let old = self.on_air.remove(&host)?;
        self.directory.remove(&old.position(), old.info.app);
        self.by_room.remove(&old.info.room);
        self.by_user.remove(&old.info.user_id);
        self.room_ids.remove(&old.info);
        self.expiry.cancel(old.scheduled_at, Expirable::Broadcast(host));
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
        // A shorter lease may end before the time of the entry in the queue.
        self.expiry.cancel(on_air.scheduled_at, Expirable::Broadcast(host));
        self.schedule(Expirable::Broadcast(host), beat_at);
    }

    fn set_member(&mut self, state: MemberState, sessions: &SessionCache) {
        let known = self.audience(state.host).and_then(|audience| audience.get(state.account));
        let known_beat = match known.map(|member| &member.clock) {
            Some(MemberClock::Beat(beat)) => beat.get(),
            _ => state.beat_at,
        };
        let clock = match (state.dialect, state.session) {
            // The beat in memory may be later than that of the table.
            (Dialect::Sxb, _) => MemberClock::Beat(AtomicTime::new(known_beat.max(state.beat_at))),
            (Dialect::Qplus | Dialect::RoomService, Some(digest)) => {
                sessions.get(&digest).map_or(MemberClock::Never, MemberClock::Session)
            }
            _ => MemberClock::Never,
        };
        let known_anchor = known.and_then(|member| member.anchor.as_ref()).map(|anchor| anchor.beat.get());
        let anchor = state.anchor.map(|anchor| {
            let (position, anchor) = *anchor;
            // As with the beat of a member.
            let beat_at = known_anchor.map_or(state.beat_at, |known| known.max(state.beat_at));
            let (beat, scheduled_at) = (AtomicTime::new(beat_at), AtomicTime::new(UnixSeconds::MAX));
            Box::new(LiveAnchor { anchor, position, beat, scheduled_at })
        });
        let listed = self.audiences.entry(state.host).or_default().share(state.listed);
        let member = LiveMember {
            user_id: state.user_id,
            listed,
            role: state.role,
            dialect: state.dialect,
            position: state.position,
            clock,
            dirty: AtomicBool::new(false),
            scheduled_at: AtomicTime::new(UnixSeconds::MAX),
            anchor,
        };
        let scheduled_at = member.check_by(&self.timing, UnixSeconds::MIN);
        member.scheduled_at.set(scheduled_at);
        let (host, account) = (state.host, state.account);
        let member = Arc::new(member);
        if let Some(old) = self.audiences.entry(host).or_default().insert(account, Arc::clone(&member)) {
            self.expiry.cancel(old.scheduled_at.get(), Expirable::Member { host, account });
            self.cancel_anchor(host, account, &old);
        } else {
            self.members += 1;
        }
        self.expiry.schedule(scheduled_at, Expirable::Member { host, account });
        self.schedule(Expirable::Anchor { host, account }, UnixSeconds::MIN);
        if state.dialect == Dialect::Sxb {
            self.sxb_memberships.insert(account, (host, member));
        } else {
            self.remove_sxb_membership(host, account);
        }
    }

    /// Removes the entry of a sub-anchor from the expiry queue.
    fn cancel_anchor(&mut self, host: AccountId, account: AccountId, member: &LiveMember) {
        if let Some(anchor) = &member.anchor {
            self.expiry.cancel(anchor.scheduled_at.get(), Expirable::Anchor { host, account });
        }
    }

    /// Removes an account from `sxb_memberships` if it is there with this host.
    fn remove_sxb_membership(&mut self, host: AccountId, account: AccountId) {
        if self.sxb_memberships.get(&account).is_some_and(|(of, _)| *of == host) {
            self.sxb_memberships.remove(&account);
        }
    }

    fn leave(&mut self, host: AccountId, account: AccountId) {
        let Some(audience) = self.audiences.get_mut(&host) else { return };
        if let Some(old) = audience.remove(account) {
            self.forget_member(host, account, &old);
        }
        if self.audiences.get(&host).is_some_and(Audience::is_empty) {
            self.audiences.remove(&host);
        }
    }

    fn clear_audience(&mut self, host: AccountId) {
        for (account, member) in self.audiences.remove(&host).into_iter().flat_map(Audience::into_members) {
            self.forget_member(host, account, &member);
        }
    }

    fn forget_member(&mut self, host: AccountId, account: AccountId, member: &LiveMember) {
        self.members -= 1;
        self.expiry.cancel(member.scheduled_at.get(), Expirable::Member { host, account });
        self.cancel_anchor(host, account, member);
        if member.dialect == Dialect::Sxb {
            self.remove_sxb_membership(host, account);
        }
    }

    /// Replaces the model by one read from the tables, and keeps the state that the tables do not have: clocks not flushed
    /// yet, and the grace after the start.
    pub(crate) fn reload(&mut self, mut live: Self) {
        live.timing.grace = self.timing.grace;
        live.merge_clocks(self);
        *self = live;
    }

    /// Moves every beat by a length, but not into the future. Returns the hosts whose broadcasts, and the members, have become
    /// dirty. Call [`Live::reschedule`] afterwards.
    pub(crate) fn shift_beats(
        &mut self,
        by: Seconds,
        now: UnixSeconds,
    ) -> (Vec<AccountId>, Vec<(AccountId, AccountId)>) {
        self.timing.grace = self.timing.grace.shifted(by);
        let (mut hosts, mut members) = (Vec::new(), Vec::new());
        for (host, on_air) in &self.on_air {
            if on_air.beat.shift(by, now) && !on_air.dirty.swap(true, Ordering::Relaxed) {
                hosts.push(*host);
            }
        }
        for (host, audience) in &self.audiences {
            for (account, member) in audience.members() {
                if member.shift_beat(by, now) && !member.dirty.swap(true, Ordering::Relaxed) {
                    members.push((*host, account));
                }
            }
        }
        (hosts, members)
    }

    /// Begins a grace at `now`.
    pub(crate) fn begin_grace(&mut self, now: UnixSeconds) {
        self.timing.grace = Grace::after(now);
    }

    /// Computes the queue of deadlines anew.
    pub(crate) fn reschedule(&mut self, now: UnixSeconds) {
        let broadcasts = self.on_air.keys().map(|host| Expirable::Broadcast(*host));
        let members = self.audiences.iter().flat_map(|(&host, audience)| {
            audience.members().flat_map(move |(account, _)| {
                [Expirable::Member { host, account }, Expirable::Anchor { host, account }]
            })
        });
        let expirables: Vec<Expirable> = broadcasts.chain(members).collect();
        self.expiry = Expiry::default();
        for expirable in expirables {
            self.schedule(expirable, now);
        }
    }

    /// Takes over the later beats of an older model, for everything that is in both models.
    pub(crate) fn merge_clocks(&mut self, old: &Self) {
        for (host, on_air) in &mut self.on_air {
            if let Some(old) = old.on_air.get(host).filter(|old| old.info.id == on_air.info.id) {
                on_air.merge_clock(old);
            }
        }
        for (host, audience) in &self.audiences {
            let Some(old) = old.audiences.get(host) else { continue };
            for (account, member) in audience.members() {
                if let Some(old) = old.get(account) {
                    member.merge_clock(old);
                }
            }
        }
    }
}

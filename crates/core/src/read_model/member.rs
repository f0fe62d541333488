//! One member of an audience, and the clock that its membership depends on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    Anchor, Dialect, Role, Seconds, Session, SessionConfig, TimeoutConfig, UnixSeconds, UserId,
    model::{
        audience::Listed,
        clock::AtomicTime,
        rule::{self, Grace},
    },
};

/// The clock that a membership depends on.
#[derive(Debug)]
pub(crate) enum MemberClock {
    /// The membership does not time out.
    Never,
    /// The member's own beats (sxb).
    Beat(AtomicTime),
    /// The session through which the member watches (qplus, RoomService).
    Session(Arc<Session>),
}

/// The settings that deadlines depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) timeouts: TimeoutConfig,
    pub(crate) sessions: SessionConfig,
    /// Extends the deadlines of clients that could not reach the server before its start.
    pub(crate) grace: Grace,
}

/// One member.
// The order of the fields puts those that a beat reads side by side, so that they share a cache line.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct LiveMember {
    pub(crate) clock: MemberClock,
    pub(crate) role: Role,
    pub(crate) dialect: Dialect,
    /// Whether the beat has moved since the last flush.
    pub(crate) dirty: AtomicBool,
    pub(crate) position: i64,
    pub(crate) user_id: UserId,
    pub(crate) listed: Listed,
    /// The time of the member's entry in the expiry queue.
    pub(super) scheduled_at: AtomicTime,
    /// The sub-anchor that the member is (RoomService).
    pub(crate) anchor: Option<Box<LiveAnchor>>,
}

/// A sub-anchor and its beats; without them the member is a viewer again.
#[derive(Debug)]
pub(crate) struct LiveAnchor {
    pub(crate) anchor: Anchor,
    /// The order of joining.
    pub(crate) position: i64,
    pub(crate) beat: AtomicTime,
    /// The time of the sub-anchor's entry in the expiry queue.
    pub(super) scheduled_at: AtomicTime,
}

impl LiveAnchor {
    /// The first second in which the member is no sub-anchor any more.
    pub(crate) fn steps_down_at(&self, timing: &Timing) -> UnixSeconds {
        let beat_at = self.beat.get();
        timing.grace.extend(rule::silent_anchor_steps_down_at(beat_at, timing.timeouts), beat_at)
    }

    /// The time for the expiry queue: no later than the sub-anchor can step down, whatever beats are heard at `now` or later.
    pub(super) fn check_by(&self, timing: &Timing, now: UnixSeconds) -> UnixSeconds {
        timing.grace.check_by(self.steps_down_at(timing), self.beat.get(), now, |beat_at| {
            rule::silent_anchor_steps_down_at(beat_at, timing.timeouts)
        })
    }
}

impl LiveMember {
    /// The first second in which the member is no longer in the audience.
    pub(crate) fn leaves_at(&self, timing: &Timing) -> UnixSeconds {
        let Timing { timeouts, grace, .. } = *timing;
        match &self.clock {
            MemberClock::Never => UnixSeconds::MAX,
            MemberClock::Beat(beat) => {
                let beat_at = beat.get();
                grace.extend(rule::silent_member_leaves_at(beat_at, self.role, timeouts), beat_at)
            }
            MemberClock::Session(session) => session.idle_ends_at(timing.sessions),
        }
    }

    /// The time for the expiry queue: no later than the member can leave, whatever beats are heard at `now` or later.
    pub(super) fn check_by(&self, timing: &Timing, now: UnixSeconds) -> UnixSeconds {
        let Timing { timeouts, grace, .. } = *timing;
        let leaves_at = self.leaves_at(timing);
        match &self.clock {
            MemberClock::Beat(beat) => grace.check_by(leaves_at, beat.get(), now, |beat_at| {
                rule::silent_member_leaves_at(beat_at, self.role, timeouts)
            }),
            MemberClock::Never | MemberClock::Session(_) => leaves_at,
        }
    }

    /// Moves the beats of the member by a length, but not into the future; returns whether one has moved.
    pub(super) fn shift_beat(&self, by: Seconds, now: UnixSeconds) -> bool {
        let moved = match &self.clock {
            MemberClock::Beat(beat) => beat.shift(by, now),
            MemberClock::Never | MemberClock::Session(_) => false,
        };
        self.anchor.as_ref().is_some_and(|anchor| anchor.beat.shift(by, now)) || moved
    }

    /// Takes over the later beat of an older copy of the member: the table may not have that beat yet.
    pub(super) fn merge_clock(&self, old: &Self) {
        if let (MemberClock::Beat(beat), MemberClock::Beat(known)) = (&self.clock, &old.clock) {
            beat.advance(known.get());
            self.dirty.fetch_or(old.dirty.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        if let (Some(anchor), Some(known)) = (&self.anchor, &old.anchor) {
            anchor.beat.advance(known.beat.get());
            self.dirty.fetch_or(old.dirty.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }
}

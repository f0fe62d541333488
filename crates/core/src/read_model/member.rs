//! One member of an audience, and the clock that its membership depends on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    Dialect, Role, Seconds, Session, TimeoutConfig, UnixSeconds, UserId,
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
    /// The session through which the member watches (qplus).
    Session(Arc<Session>),
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
}

impl LiveMember {
    /// The first second in which the member is no longer in the audience.
    pub(crate) fn leaves_at(&self, timeouts: TimeoutConfig, grace: Grace, idle: Seconds) -> UnixSeconds {
        match &self.clock {
            MemberClock::Never => UnixSeconds::MAX,
            MemberClock::Beat(beat) => {
                let beat_at = beat.get();
                grace.extend(rule::silent_member_leaves_at(beat_at, self.role, timeouts), beat_at)
            }
            MemberClock::Session(session) => rule::idle_session_ends_at(session.used_at(), idle),
        }
    }

    /// The time for the expiry queue: no later than the member can leave, whatever beats are heard at `now` or later.
    pub(super) fn check_by(
        &self,
        timeouts: TimeoutConfig,
        grace: Grace,
        idle: Seconds,
        now: UnixSeconds,
    ) -> UnixSeconds {
        let leaves_at = self.leaves_at(timeouts, grace, idle);
        match &self.clock {
            MemberClock::Beat(beat) => grace.check_by(leaves_at, beat.get(), now, |beat_at| {
                rule::silent_member_leaves_at(beat_at, self.role, timeouts)
            }),
            MemberClock::Never | MemberClock::Session(_) => leaves_at,
        }
    }

    /// Takes over the later beat of an older copy of the member: the table may not have that beat yet.
    pub(super) fn merge_clock(&self, old: &Self) {
        if let (MemberClock::Beat(beat), MemberClock::Beat(known)) = (&self.clock, &old.clock) {
            beat.advance(known.get());
            self.dirty.fetch_or(old.dirty.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }
}

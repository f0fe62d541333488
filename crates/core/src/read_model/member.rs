//! One member of an audience, and the clock that keeps it there.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    Dialect, Role, Seconds, Session, TimeoutConfig, UnixSeconds,
    model::{
        audience::Listed,
        clock::AtomicTime,
        rule::{self, Grace},
    },
};

/// What keeps a member in the audience.
#[derive(Debug)]
pub(crate) enum MemberClock {
    /// Nothing has to.
    Never,
    /// Its own beat.
    Beat(AtomicTime),
    /// The session it came through.
    Session(Arc<Session>),
}

/// One member.
// In this order: what a beat looks at is side by side, so that as little as possible comes from main memory.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct LiveMember {
    pub(crate) clock: MemberClock,
    pub(crate) role: Role,
    pub(crate) dialect: Dialect,
    /// The beat has moved since it was last flushed.
    pub(crate) dirty: AtomicBool,
    pub(crate) position: i64,
    pub(crate) user_id: Arc<str>,
    pub(crate) listed: Listed,
    /// When the expiry queue looks at it next.
    pub(super) timer: AtomicTime,
}

impl LiveMember {
    /// The first second in which it is no longer there.
    pub(crate) fn gone_at(&self, timeouts: TimeoutConfig, grace: Grace, idle: Seconds) -> UnixSeconds {
        match &self.clock {
            MemberClock::Never => UnixSeconds::MAX,
            MemberClock::Beat(beat) => {
                let beat_at = beat.get();
                grace.extend(rule::silent_member_leaves_at(beat_at, self.role, timeouts), beat_at)
            }
            MemberClock::Session(session) => rule::idle_session_ends_at(session.used_at(), idle),
        }
    }

    /// The same member, read from the table again: its beat may run ahead of what the table knows.
    pub(super) fn keep_clock(&self, old: &Self) {
        if let (MemberClock::Beat(beat), MemberClock::Beat(known)) = (&self.clock, &old.clock) {
            beat.advance(known.get());
            self.dirty.fetch_or(old.dirty.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }
}

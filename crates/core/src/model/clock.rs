//! The one source of time. Nothing else in the workspace reads the wall clock.

use std::{
    fmt::Debug,
    sync::atomic::{AtomicI64, Ordering},
};

/// Seconds since 1970-01-01 00:00:00 UTC. All times of the domain have this unit.
pub type UnixSeconds = i64;

/// Moves a clock forward and returns whether it moved. Reads first, because a clock that stands is read on every core at
/// once.
pub(crate) fn advance(clock: &AtomicI64, now: UnixSeconds) -> bool {
    clock.load(Ordering::Relaxed) < now && clock.fetch_max(now, Ordering::Relaxed) < now
}

/// Tells the time.
pub trait Clock: Send + Sync + Debug + 'static {
    /// Now.
    fn now(&self) -> UnixSeconds;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    /// As of the kernel's last tick, a few milliseconds ago at most: the domain counts in seconds, and every call asks
    /// more than once.
    #[cfg(target_os = "linux")]
    fn now(&self) -> UnixSeconds {
        rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse).tv_sec
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn now(&self) -> UnixSeconds {
        use std::time::{SystemTime, UNIX_EPOCH};

        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |elapsed| UnixSeconds::try_from(elapsed.as_secs()).unwrap_or(UnixSeconds::MAX))
    }
}

/// A clock that stands still until a test moves it.
///
/// ```
/// use relive_core::{Clock, TestClock};
/// let clock = TestClock::at(1_700_000_000);
/// clock.advance(60);
/// assert_eq!(clock.now(), 1_700_000_060);
/// ```
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// A clock that shows `now`.
    pub const fn at(now: UnixSeconds) -> Self {
        Self(AtomicI64::new(now))
    }

    /// Moves the clock forward.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixSeconds {
        self.0.load(Ordering::SeqCst)
    }
}

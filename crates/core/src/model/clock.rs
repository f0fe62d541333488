//! The one source of time. Nothing else in the workspace reads the wall clock.

use std::{
    fmt::Debug,
    sync::atomic::{AtomicI64, Ordering},
};

use crate::{Seconds, UnixSeconds};

/// A time that many threads read and move forward concurrently. It does not order other memory accesses.
#[derive(Debug)]
pub(crate) struct AtomicTime(AtomicI64);

impl AtomicTime {
    pub(crate) const fn new(at: UnixSeconds) -> Self {
        Self(AtomicI64::new(at.0))
    }

    pub(crate) fn get(&self) -> UnixSeconds {
        UnixSeconds(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn set(&self, at: UnixSeconds) {
        self.0.store(at.0, Ordering::Relaxed);
    }

    /// Moves the time forward and returns whether it moved. Reads first, because reads of an unchanged time do not invalidate
    /// the caches of other cores.
    pub(crate) fn advance(&self, to: UnixSeconds) -> bool {
        self.get() < to && self.0.fetch_max(to.0, Ordering::Relaxed) < to.0
    }
}

/// Tells the time.
pub trait Clock: Send + Sync + Debug + 'static {
    /// The current time.
    fn now(&self) -> UnixSeconds;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    /// The time of the kernel's last tick, which is a few milliseconds old at most: cheaper than the exact time, which is not
    /// needed because the unit is a second.
    #[cfg(target_os = "linux")]
    fn now(&self) -> UnixSeconds {
        UnixSeconds(rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse).tv_sec)
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn now(&self) -> UnixSeconds {
        use std::time::{SystemTime, UNIX_EPOCH};

        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        i64::try_from(elapsed).map_or(UnixSeconds::MAX, UnixSeconds)
    }
}

/// A clock that stands still until a test moves it.
///
/// ```
/// use relive_core::{Clock, Seconds, TestClock, UnixSeconds};
/// let clock = TestClock::at(UnixSeconds(1_700_000_000));
/// clock.advance(Seconds(60));
/// assert_eq!(clock.now(), UnixSeconds(1_700_000_060));
/// ```
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// A clock that shows `now`.
    pub const fn at(now: UnixSeconds) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Seconds) {
        self.0.fetch_add(by.0, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixSeconds {
        UnixSeconds(self.0.load(Ordering::SeqCst))
    }
}

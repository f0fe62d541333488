//! The one source of time. Nothing else in the workspace reads the wall clock.

use std::{
    fmt::Debug,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
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

    /// Moves the time by a length; returns whether it moved. A time in the future becomes the second before `now`.
    pub(crate) fn shift(&self, by: Seconds, now: UnixSeconds) -> bool {
        let from = self.get();
        let to = from + by;
        let to = if to > now { now - Seconds(1) } else { to };
        self.set(to);
        from != to
    }
}

/// Tells the time by two hands.
pub trait Clock: Send + Sync + Debug + 'static {
    /// The wall hand: the time since 1970-01-01 00:00:00 UTC, zero before. The hand jumps when an operator or a time server sets
    /// it.
    fn wall(&self) -> Duration;

    /// The monotonic hand: the time since an unknown start. The hand never jumps, goes back or is set.
    fn monotonic(&self) -> Duration;

    /// The time of the database server, which has just told it. A test clock stands for the clock of the server as well.
    fn database(&self, told: Duration) -> Duration {
        told
    }

    /// The longest time between two looks at the clock in a process that is awake; after a longer one the process has slept.
    fn longest_gap(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// The current time by the wall hand.
    fn now(&self) -> UnixSeconds {
        i64::try_from(self.wall().as_secs()).map_or(UnixSeconds::MAX, UnixSeconds)
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[cfg(target_os = "linux")]
impl SystemClock {
    /// The time of the kernel's last tick, which is a few milliseconds old at most: cheaper than the exact time, which is not
    /// needed because the unit is a second.
    fn read(id: rustix::time::ClockId) -> Duration {
        let read = rustix::time::clock_gettime(id);
        let seconds = Duration::from_secs(u64::try_from(read.tv_sec).unwrap_or(0));
        seconds.saturating_add(Duration::from_nanos(u64::try_from(read.tv_nsec).unwrap_or(0)))
    }
}

impl Clock for SystemClock {
    #[cfg(target_os = "linux")]
    fn wall(&self) -> Duration {
        Self::read(rustix::time::ClockId::RealtimeCoarse)
    }

    /// Stands still while the machine is suspended; afterwards the wall hand has run away from it.
    #[cfg(target_os = "linux")]
    fn monotonic(&self) -> Duration {
        Self::read(rustix::time::ClockId::MonotonicCoarse)
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn wall(&self) -> Duration {
        use std::time::{SystemTime, UNIX_EPOCH};

        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    #[cfg(not(target_os = "linux"))]
    fn monotonic(&self) -> Duration {
        use std::{sync::OnceLock, time::Instant};

        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
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
pub struct TestClock {
    /// In seconds, as the others. The other hands are written as differences to this one, so that time passes for all at once.
    monotonic: AtomicI64,
    wall_ahead: AtomicI64,
    database_ahead: AtomicI64,
    longest_gap: AtomicI64,
}

impl TestClock {
    /// A clock that shows `now`, as the clock of the database does.
    pub const fn at(now: UnixSeconds) -> Self {
        Self {
            monotonic: AtomicI64::new(0),
            wall_ahead: AtomicI64::new(now.0),
            database_ahead: AtomicI64::new(now.0),
            longest_gap: AtomicI64::new(i64::MAX),
        }
    }

    /// Lets time pass: moves every hand forward.
    pub fn advance(&self, by: Seconds) {
        self.monotonic.fetch_add(by.0, Ordering::SeqCst);
    }

    /// Sets the wall hand and the clock of the database forward, or back by a negative length, as a time server does. No time
    /// passes.
    pub fn set_forward(&self, by: Seconds) {
        self.set_wall_forward(by);
        self.database_ahead.fetch_add(by.0, Ordering::SeqCst);
    }

    /// Sets only the wall hand forward, or back by a negative length: the clock of this machine is wrong.
    pub fn set_wall_forward(&self, by: Seconds) {
        self.wall_ahead.fetch_add(by.0, Ordering::SeqCst);
    }

    /// From now on more than `longest` between two looks at the clock means that the process has slept. At first no time means
    /// that, because tests let hours pass at once.
    pub fn set_longest_gap(&self, longest: Seconds) {
        self.longest_gap.store(longest.0, Ordering::SeqCst);
    }

    /// The time that a hand shows which is ahead of the monotonic one.
    fn hand(&self, ahead: &AtomicI64) -> Duration {
        let ahead = Seconds(ahead.load(Ordering::SeqCst));
        from_seconds(Seconds(self.monotonic.load(Ordering::SeqCst)) + ahead)
    }
}

/// A length as the standard library has it; a negative one becomes zero.
fn from_seconds(length: Seconds) -> Duration {
    Duration::from_secs(u64::try_from(length.0).unwrap_or(0))
}

impl Clock for TestClock {
    fn wall(&self) -> Duration {
        self.hand(&self.wall_ahead)
    }

    fn monotonic(&self) -> Duration {
        from_seconds(Seconds(self.monotonic.load(Ordering::SeqCst)))
    }

    fn database(&self, _: Duration) -> Duration {
        self.hand(&self.database_ahead)
    }

    fn longest_gap(&self) -> Duration {
        from_seconds(Seconds(self.longest_gap.load(Ordering::SeqCst)))
    }
}

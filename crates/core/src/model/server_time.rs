//! The time of a core. It runs with the monotonic hand of the clock, so that a clock that is set does not make anybody silent.
//!
//! The time at the start is that of the wall hand, with PostgreSQL that of the database. Once a second the two are compared. A
//! difference is made up for by a step, and the read model moves every time of a beat by the same length, so that silences stay
//! as long as they are. In a process that slept the time goes on where it was, until the next comparison.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use crate::{Clock, Seconds, UnixSeconds};

/// Largest difference, in milliseconds, that is made up for little by little.
const SMALL_MS: i64 = 2_000;
/// Largest part of a small difference, in milliseconds, that is made up for at a time.
const PART_MS: i64 = 10;
/// Longest time, in milliseconds, that a comparison may take: the time that was read is uncertain by as much.
const LONGEST_READING_MS: i64 = 500;
/// Largest step without grace.
const SMALL_STEP: Seconds = Seconds(30);
/// Time after a larger step in which nobody is taken for silent.
const GRACE: Seconds = Seconds(60);
/// Time after a larger step, or after the start, by which a wrong clock has been set right.
const TRUSTED_AFTER: Seconds = Seconds(600);
/// Largest difference between the wall hand and the database that is not worth a warning.
const TOLERATED: Seconds = Seconds(5);
/// Shortest time between two warnings about the clock of this machine.
const PAUSE: Seconds = Seconds(600);

/// The time of a core.
#[derive(Debug)]
pub(crate) struct ServerTime {
    clock: Arc<dyn Clock>,
    /// How far the time is ahead of the monotonic hand, in milliseconds.
    ahead: AtomicI64,
    /// How far [`ServerTime::steady`] is ahead of the monotonic hand, in milliseconds.
    steady_ahead: i64,
    /// The last look at the monotonic hand, in milliseconds.
    looked_at: AtomicI64,
    /// Whether a thread looks at the monotonic hand once a second.
    watched: AtomicBool,
    /// Held by the thread that has found that the process slept.
    waking: Mutex<()>,
    /// The steady time of the last step with grace.
    stepped_at: AtomicI64,
    /// The steady time from which on the clock is trusted.
    trusted_from: AtomicI64,
    /// The steady time of the last warning about the clock of this machine.
    warned_at: AtomicI64,
    /// Whether the beats in the tables were checked for times in the future, since the start and since the time went back.
    beats_checked: AtomicBool,
    /// The seconds by which the time has gone back since then; negative.
    set_back_by: AtomicI64,
    /// Whether the tables have been checked for times in the future since the clock is trusted.
    settled: AtomicBool,
}

impl ServerTime {
    /// The time of a core that starts now. `database`: the time that the database has just told, if it has one of its own.
    pub(crate) fn new(clock: Arc<dyn Clock>, database: Option<Duration>) -> Self {
        let monotonic = millis(clock.monotonic());
        let time = database.map_or_else(|| clock.wall(), |told| clock.database(told));
        let ahead = millis(time) - monotonic;
        Self {
            ahead: AtomicI64::new(ahead),
            steady_ahead: ahead,
            looked_at: AtomicI64::new(monotonic),
            watched: AtomicBool::new(false),
            waking: Mutex::new(()),
            stepped_at: AtomicI64::new(i64::MIN),
            trusted_from: AtomicI64::new((seconds(millis(time)) + TRUSTED_AFTER).0),
            warned_at: AtomicI64::new(i64::MIN),
            beats_checked: AtomicBool::new(false),
            set_back_by: AtomicI64::new(0),
            settled: AtomicBool::new(false),
            clock,
        }
    }

    /// The current time. Every request calls this: one look at the clock and no lock.
    pub(crate) fn now(&self) -> UnixSeconds {
        let monotonic = self.look();
        seconds(monotonic.saturating_add(self.ahead.load(Ordering::Acquire)))
    }

    /// A time that never makes a step: for spans of time in memory. It equals the time at the start and is told to nobody.
    pub(crate) fn steady(&self) -> UnixSeconds {
        seconds(millis(self.clock.monotonic()).saturating_add(self.steady_ahead))
    }

    /// Records that [`ServerTime::now`] is called once a second from now on, so that a long gap means that the process slept.
    pub(crate) fn watch(&self) {
        self.now();
        self.watched.store(true, Ordering::Release);
    }

    /// Looks at the monotonic hand.
    fn look(&self) -> i64 {
        let monotonic = millis(self.clock.monotonic());
        if monotonic.saturating_sub(self.looked_at.load(Ordering::Acquire)) >= 1_000 {
            self.record_look(monotonic);
        }
        monotonic
    }

    /// Records a look at the monotonic hand. If the last one is so long ago that the process must have slept since, the time goes
    /// on where it was: no client could reach the process meanwhile.
    #[cold]
    fn record_look(&self, monotonic: i64) {
        let longest = millis(self.clock.longest_gap());
        let gap = || monotonic.saturating_sub(self.looked_at.load(Ordering::Acquire));
        if self.watched.load(Ordering::Acquire) && gap() > longest {
            let _one_thread = self.waking.lock().unwrap_or_else(PoisonError::into_inner);
            if gap() > longest {
                self.ahead.fetch_sub(gap(), Ordering::AcqRel);
                self.looked_at.fetch_max(monotonic, Ordering::AcqRel);
            }
        } else {
            self.looked_at.fetch_max(monotonic, Ordering::AcqRel);
        }
    }

    /// Compares the time with the wall hand. Returns the step that the time has to make.
    pub(crate) fn compare_with_wall(&self) -> Option<Seconds> {
        self.compare(self.clock.monotonic(), self.clock.wall())
    }

    /// Compares the time with that of the database, which `told` was the answer to a question asked when the monotonic hand
    /// showed `asked_at`. Returns the step that the time has to make.
    pub(crate) fn compare_with_database(&self, asked_at: Duration, told: Duration) -> Option<Seconds> {
        let step = self.compare(asked_at, self.clock.database(told));
        if step.is_none() {
            self.warn_of_wrong_wall();
        }
        step
    }

    /// The monotonic hand, for [`ServerTime::compare_with_database`].
    pub(crate) fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Compares the time with another one that was read after the monotonic hand showed `before`.
    fn compare(&self, before: Duration, read: Duration) -> Option<Seconds> {
        // Finds out first whether the process slept.
        let after = self.look();
        let took = after.saturating_sub(millis(before));
        if !(0..=LONGEST_READING_MS).contains(&took) {
            return None;
        }
        let time = (after - took / 2).saturating_add(self.ahead.load(Ordering::Acquire));
        let difference = millis(read).saturating_sub(time);
        if difference.abs() > SMALL_MS {
            return Some(Seconds(difference.div_euclid(1_000)));
        }
        self.ahead.fetch_add(difference.clamp(-PART_MS, PART_MS), Ordering::AcqRel);
        None
    }

    /// Makes a step, and returns the time after it. Only for the read model, which moves the times of all beats with it.
    pub(crate) fn step(&self, by: Seconds) -> UnixSeconds {
        self.ahead.fetch_add(by.0.saturating_mul(1_000), Ordering::AcqRel);
        if by < Seconds(0) {
            self.set_back_by.fetch_add(by.0, Ordering::AcqRel);
            self.beats_checked.store(false, Ordering::Release);
        }
        if is_large(by) {
            let steady = self.steady();
            self.stepped_at.store(steady.0, Ordering::Release);
            self.trusted_from.store((steady + TRUSTED_AFTER).0, Ordering::Release);
            self.settled.store(false, Ordering::Release);
            tracing::warn!(
                step_s = by.0,
                "the clock was set or the process slept: nothing times out for a minute"
            );
        }
        self.now()
    }

    /// Whether nobody is taken for silent, because a step was made less than a minute ago.
    pub(crate) fn has_grace(&self) -> bool {
        self.steady().0 < self.stepped_at.load(Ordering::Acquire).saturating_add(GRACE.0)
    }

    /// Whether no step was made for so long that the clock must be right, so that rows may be deleted for their age.
    pub(crate) fn is_trusted(&self) -> bool {
        self.stepped_at.load(Ordering::Acquire) == i64::MIN || self.has_stood_long()
    }

    /// Whether the last step, or else the start, was long ago.
    fn has_stood_long(&self) -> bool {
        self.steady().0 >= self.trusted_from.load(Ordering::Acquire)
    }

    /// Whether beats in the tables may be in the future.
    pub(crate) fn has_unchecked_beats(&self) -> bool {
        !self.beats_checked.load(Ordering::Acquire)
    }

    /// Takes the length by which the time has gone back since the beats in the tables were checked; zero or negative.
    pub(crate) fn take_set_back(&self) -> Seconds {
        Seconds(self.set_back_by.swap(0, Ordering::AcqRel))
    }

    /// Gives back what [`ServerTime::take_set_back`] took, because the tables were not changed.
    pub(crate) fn give_set_back(&self, by: Seconds) {
        self.set_back_by.fetch_add(by.0, Ordering::AcqRel);
    }

    /// Records that no beat in the tables is in the future.
    pub(crate) fn beats_checked(&self) {
        // Unless there was another step meanwhile.
        if self.set_back_by.load(Ordering::Acquire) == 0 {
            self.beats_checked.store(true, Ordering::Release);
        }
    }

    /// Whether the clock is trusted, and the tables have not been checked for times in the future since.
    pub(crate) fn is_unsettled(&self) -> bool {
        !self.settled.load(Ordering::Acquire) && self.has_stood_long()
    }

    /// Records that no time in the tables is in the future.
    pub(crate) fn settled(&self) {
        self.settled.store(true, Ordering::Release);
    }

    /// Warns if the wall hand differs from the time, which is the database's.
    fn warn_of_wrong_wall(&self) {
        let (now, wall, steady) = (self.now(), self.clock.now(), self.steady());
        let ahead = wall - now;
        let warned_at = UnixSeconds(self.warned_at.load(Ordering::Relaxed));
        if ahead.0.saturating_abs() > TOLERATED.0 && warned_at + PAUSE <= steady {
            self.warned_at.store(steady.0, Ordering::Relaxed);
            tracing::warn!(
                ahead_s = ahead.0,
                "the clock of this machine differs from that of the database, which is used"
            );
        }
    }
}

/// Whether a step is large enough for grace and a warning.
pub(crate) fn is_large(step: Seconds) -> bool {
    step.0.saturating_abs() > SMALL_STEP.0
}

fn millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

fn seconds(millis: i64) -> UnixSeconds {
    UnixSeconds(millis.div_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TestClock;

    const START: UnixSeconds = UnixSeconds(1_700_000_000);
    const HOUR: Seconds = Seconds(3_600);

    fn start() -> (Arc<TestClock>, ServerTime) {
        let clock = Arc::new(TestClock::at(START));
        let time = ServerTime::new(Arc::clone(&clock) as _, None);
        (clock, time)
    }

    #[test]
    fn the_time_runs_with_the_monotonic_hand_until_it_makes_a_step() {
        let (clock, time) = start();
        clock.advance(Seconds(10));
        assert_eq!((time.now(), time.compare_with_wall()), (START + Seconds(10), None));
        clock.set_forward(HOUR);
        assert_eq!(time.now(), START + Seconds(10));
        assert_eq!(time.compare_with_wall(), Some(HOUR));
        assert_eq!(time.step(HOUR), START + Seconds(3_610));
        assert_eq!((time.compare_with_wall(), time.steady()), (None, START + Seconds(10)));
    }

    #[test]
    fn only_a_large_step_begins_a_grace() {
        let (clock, time) = start();
        assert!(!time.has_grace() && time.is_trusted() && !time.is_unsettled());
        time.step(Seconds(30));
        time.step(Seconds(-30));
        assert!(!time.has_grace() && time.is_trusted());
        time.step(Seconds(31));
        assert!(time.has_grace() && !time.is_trusted());
        clock.advance(Seconds(60));
        assert!(!time.has_grace() && !time.is_trusted());
        clock.advance(Seconds(540));
        assert!(time.is_trusted() && time.is_unsettled());
        time.settled();
        assert!(!time.is_unsettled());
    }

    #[test]
    fn a_process_that_slept_resumes_where_it_fell_asleep_and_makes_a_step() {
        let (clock, time) = start();
        time.watch();
        clock.set_longest_gap(Seconds(5));
        for _ in 0..10 {
            clock.advance(Seconds(5));
            time.now();
        }
        assert_eq!(time.now(), START + Seconds(50));
        clock.advance(Seconds(34));
        assert_eq!(time.now(), START + Seconds(50));
        assert_eq!(time.compare_with_wall(), Some(Seconds(34)));
        assert_eq!(time.step(Seconds(34)), START + Seconds(84));
    }

    #[test]
    fn the_time_of_the_database_counts_and_a_wrong_wall_hand_does_not() {
        let clock = Arc::new(TestClock::at(START));
        clock.set_wall_forward(HOUR);
        let time = ServerTime::new(Arc::clone(&clock) as _, Some(Duration::ZERO));
        assert_eq!(time.now(), START);
        let compare = || time.compare_with_database(time.monotonic(), Duration::ZERO);
        assert_eq!((compare(), time.now()), (None, START));
        clock.set_forward(Seconds(-40));
        assert_eq!(compare(), Some(Seconds(-40)));
    }

    #[test]
    fn no_clock_makes_a_panic() {
        for by in [-3_600, 1_386_488_000, 6_300_000_000, i64::MAX / 2, i64::MIN / 2] {
            let (clock, time) = start();
            clock.set_forward(Seconds(by));
            for _ in 0..3 {
                if let Some(step) = time.compare_with_wall() {
                    time.step(step);
                }
                let _ = (time.now(), time.steady(), time.has_grace());
            }
        }
    }
}

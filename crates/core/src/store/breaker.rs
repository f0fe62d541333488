//! The circuit breaker in front of the database: after one failed attempt all calls fail at once for a pause.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::DatabaseConfig;

/// The pause after the first failed attempt to connect; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The pause between attempts to connect. By default no outage is known.
#[derive(Debug, Default)]
struct Outage {
    pause: Duration,
    until: Option<Instant>,
}

/// Decides which caller may try to connect, and when.
#[derive(Debug)]
pub(super) struct Breaker {
    outage: Mutex<Outage>,
    connect_timeout: Duration,
    longest_pause: Duration,
}

impl Breaker {
    pub(super) fn new(config: &DatabaseConfig) -> Self {
        Self {
            outage: Mutex::default(),
            connect_timeout: config.connect_timeout,
            longest_pause: config.reconnect_pause.max(FIRST_PAUSE),
        }
    }

    fn outage(&self) -> MutexGuard<'_, Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the last attempt to connect failed.
    pub(super) fn is_open(&self) -> bool {
        self.outage().until.is_some()
    }

    /// Whether the caller may try to connect now. During an outage one caller at a time may, once per pause.
    pub(super) fn claim(&self) -> bool {
        let mut outage = self.outage();
        match outage.until {
            None => true,
            Some(until) if Instant::now() < until => false,
            Some(_) => {
                outage.until = Some(Instant::now() + self.connect_timeout);
                true
            }
        }
    }

    /// Records a failed attempt: the next one is due after a pause.
    pub(super) fn failed(&self) {
        let mut outage = self.outage();
        outage.pause = (outage.pause * 2).clamp(FIRST_PAUSE, self.longest_pause);
        outage.until = Some(Instant::now() + outage.pause);
    }

    /// Records a successful attempt: the outage is over.
    pub(super) fn reached(&self) {
        *self.outage() = Outage::default();
    }

    /// Ends the pause, so that a test need not wait for it.
    #[cfg(test)]
    pub(super) fn end_pause(&self) {
        self.outage().until = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn one_caller_tries_after_a_pause_and_success_ends_the_outage() {
        let mut config = Config::sqlite("").database;
        config.reconnect_pause = Duration::from_mins(1);
        let breaker = Breaker::new(&config);
        assert!(breaker.claim() && breaker.claim(), "no outage is known");
        assert!(!breaker.is_open());
        breaker.failed();
        assert!(breaker.is_open() && !breaker.claim(), "there is a pause");
        assert_eq!(breaker.outage().pause, FIRST_PAUSE);
        breaker.failed();
        assert_eq!(breaker.outage().pause, FIRST_PAUSE * 2);
        breaker.end_pause();
        assert!(breaker.claim(), "the pause is over");
        assert!(!breaker.claim(), "another caller is trying");
        breaker.reached();
        assert!(breaker.claim() && !breaker.is_open());
    }
}

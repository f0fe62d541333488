//! Limits failed logins, registrations and new passwords, in memory of bounded size.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use crate::{AccountId, LimitConfig, Seconds, UnixSeconds};

/// Time after which failed logins are forgotten.
const FAILURE_WINDOW: Seconds = Seconds(600);
/// Time after which registrations and new passwords are forgotten.
const HOUR: Seconds = Seconds(3_600);
/// New passwords that an account may set by phone in an hour.
const RESETS_PER_HOUR: u32 = 10;
/// Longest wait after failed logins.
const LONGEST_WAIT: Seconds = Seconds(300);
/// Largest number of entries in each table.
const CAPACITY: usize = 100_000;

#[derive(Debug, Clone, Copy)]
struct Attempts {
    count: u32,
    since: UnixSeconds,
    /// Attempts before this time are refused.
    wait_until: UnixSeconds,
}

#[derive(Debug, Default)]
struct AttemptTables {
    logins: HashMap<(AccountId, IpAddr), Attempts>,
    registrations: HashMap<IpAddr, Attempts>,
    resets: HashMap<AccountId, Attempts>,
}

/// Counts failed logins by account and address, registrations by address, and new passwords by account.
#[derive(Debug)]
pub(crate) struct LoginThrottle {
    limits: LimitConfig,
    attempts: Mutex<AttemptTables>,
}

/// Makes room in a full map: removes the entries that have no effect any more, or else any entry.
fn bound<K: Copy + Eq + std::hash::Hash>(map: &mut HashMap<K, Attempts>, now: UnixSeconds, window: Seconds) {
    if map.len() < CAPACITY {
        return;
    }
    map.retain(|_, attempts| attempts.since + window > now || attempts.wait_until > now);
    if map.len() >= CAPACITY
        && let Some(key) = map.keys().next().copied()
    {
        map.remove(&key);
    }
}

/// Counts one attempt; `false` if the attempts of this hour are used up.
fn spend<K: Copy + Eq + std::hash::Hash>(
    map: &mut HashMap<K, Attempts>,
    key: K,
    limit: u32,
    now: UnixSeconds,
) -> bool {
    bound(map, now, HOUR);
    let fresh = Attempts { count: 0, since: now, wait_until: UnixSeconds::MIN };
    let attempts = map.entry(key).or_insert(fresh);
    if attempts.since + HOUR <= now {
        *attempts = fresh;
    }
    let free = attempts.count < limit;
    attempts.count = attempts.count.saturating_add(u32::from(free));
    free
}

impl LoginThrottle {
    pub(crate) fn new(limits: LimitConfig) -> Self {
        Self { limits, attempts: Mutex::default() }
    }

    fn attempts(&self) -> std::sync::MutexGuard<'_, AttemptTables> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an address may try the password of an account now.
    pub(crate) fn may_log_in(&self, account: AccountId, client: Option<IpAddr>, now: UnixSeconds) -> bool {
        let Some(client) = client else { return true };
        self.attempts().logins.get(&(account, client)).is_none_or(|attempts| attempts.wait_until <= now)
    }

    /// Records the outcome of a try. Each failure beyond the allowed number doubles the wait, which starts at one second.
    pub(crate) fn tried(&self, account: AccountId, client: Option<IpAddr>, success: bool, now: UnixSeconds) {
        let Some(client) = client.filter(|_| self.limits.login_failures > 0) else { return };
        let mut attempts = self.attempts();
        if success {
            attempts.logins.remove(&(account, client));
            return;
        }
        bound(&mut attempts.logins, now, FAILURE_WINDOW);
        let fresh = Attempts { count: 0, since: now, wait_until: UnixSeconds::MIN };
        let attempts = attempts.logins.entry((account, client)).or_insert(fresh);
        if attempts.since + FAILURE_WINDOW <= now && attempts.wait_until <= now {
            *attempts = fresh;
        }
        attempts.count = attempts.count.saturating_add(1);
        if let Some(beyond) = attempts.count.checked_sub(self.limits.login_failures.saturating_add(1)) {
            attempts.wait_until = now + Seconds(1_i64 << beyond.min(16)).min(LONGEST_WAIT);
        }
    }

    /// Counts a registration; `false` if the address has used up the registrations of this hour.
    pub(crate) fn may_register(&self, client: Option<IpAddr>, now: UnixSeconds) -> bool {
        let Some(client) = client.filter(|_| self.limits.registrations_per_hour > 0) else { return true };
        spend(&mut self.attempts().registrations, client, self.limits.registrations_per_hour, now)
    }

    /// Counts a new password by phone; `false` if the account has used up the new passwords of this hour.
    pub(crate) fn may_reset(&self, account: AccountId, now: UnixSeconds) -> bool {
        spend(&mut self.attempts().resets, account, RESETS_PER_HOUR, now)
    }

    /// Removes the count of a registration that failed.
    pub(crate) fn unregister(&self, client: Option<IpAddr>) {
        let mut attempts = self.attempts();
        if let Some(attempts) = client.and_then(|client| attempts.registrations.get_mut(&client)) {
            attempts.count = attempts.count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    const ANNA: AccountId = AccountId(1);

    #[test]
    fn ten_failures_cause_no_wait_and_later_ones_a_growing_wait() {
        let throttle = LoginThrottle::new(LimitConfig { login_failures: 10, registrations_per_hour: 0 });
        for _ in 0..10 {
            throttle.tried(ANNA, HERE, false, UnixSeconds(1000));
            assert!(throttle.may_log_in(ANNA, HERE, UnixSeconds(1000)));
        }
        throttle.tried(ANNA, HERE, false, UnixSeconds(1000));
        assert!(!throttle.may_log_in(ANNA, HERE, UnixSeconds(1000)));
        assert!(throttle.may_log_in(ANNA, HERE, UnixSeconds(1001)), "the first wait is one second");
        assert!(throttle.may_log_in(AccountId(2), HERE, UnixSeconds(1000)), "other accounts are free");
        assert!(
            throttle.may_log_in(ANNA, Some(IpAddr::V4(Ipv4Addr::BROADCAST)), UnixSeconds(1000)),
            "other addresses are free"
        );
        throttle.tried(ANNA, HERE, false, UnixSeconds(1001));
        assert!(!throttle.may_log_in(ANNA, HERE, UnixSeconds(1002)), "the next wait is two seconds");
        throttle.tried(ANNA, HERE, true, UnixSeconds(1003));
        throttle.tried(ANNA, HERE, false, UnixSeconds(1003));
        assert!(throttle.may_log_in(ANNA, HERE, UnixSeconds(1003)), "a success starts over");
    }

    #[test]
    fn old_failures_are_forgotten() {
        let throttle = LoginThrottle::new(LimitConfig { login_failures: 2, registrations_per_hour: 0 });
        throttle.tried(ANNA, HERE, false, UnixSeconds(1000));
        throttle.tried(ANNA, HERE, false, UnixSeconds(1000) + FAILURE_WINDOW);
        assert!(throttle.may_log_in(ANNA, HERE, UnixSeconds(1000) + FAILURE_WINDOW));
    }

    #[test]
    fn registrations_are_counted_by_the_hour() {
        let throttle = LoginThrottle::new(LimitConfig { login_failures: 0, registrations_per_hour: 2 });
        assert!(throttle.may_register(HERE, UnixSeconds(0)) && throttle.may_register(HERE, UnixSeconds(0)));
        assert!(!throttle.may_register(HERE, UnixSeconds(3_599)));
        throttle.unregister(HERE);
        assert!(throttle.may_register(HERE, UnixSeconds(3_599)));
        assert!(throttle.may_register(HERE, UnixSeconds(3_600)));
    }

    #[test]
    fn new_passwords_are_counted_by_the_hour() {
        let throttle = LoginThrottle::new(LimitConfig { login_failures: 0, registrations_per_hour: 0 });
        assert!((0..10).all(|_| throttle.may_reset(ANNA, UnixSeconds(0))));
        assert!(!throttle.may_reset(ANNA, UnixSeconds(3_599)));
        assert!(throttle.may_reset(AccountId(2), UnixSeconds(0)), "other accounts are free");
        assert!(throttle.may_reset(ANNA, UnixSeconds(3_600)));
    }
}

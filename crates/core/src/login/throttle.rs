//! Guards against guessing and flooding, in memory and bounded.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use crate::{AccountId, LimitConfig, Seconds, UnixSeconds};

/// Failures older than this are forgotten.
const WINDOW: Seconds = Seconds(600);
/// Registrations older than this are forgotten.
const HOUR: Seconds = Seconds(3_600);
/// Passwords an account may get by phone in an hour.
const RESETS: u32 = 10;
/// Longest wait after failures.
const LONGEST_WAIT: Seconds = Seconds(300);
/// Remembered pairs and addresses at most.
const CAPACITY: usize = 100_000;

#[derive(Debug, Clone, Copy)]
struct Attempts {
    count: u32,
    since: UnixSeconds,
    /// Refused before this time.
    wait_until: UnixSeconds,
}

#[derive(Debug, Default)]
struct AttemptTables {
    logins: HashMap<(AccountId, IpAddr), Attempts>,
    registrations: HashMap<IpAddr, Attempts>,
    resets: HashMap<AccountId, Attempts>,
}

/// Counts failed logins and registrations by address, new passwords by account.
#[derive(Debug)]
pub(crate) struct LoginThrottle {
    limits: LimitConfig,
    attempts: Mutex<AttemptTables>,
}

/// Makes room when a map is full: first what is over, then anything.
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

/// Takes one out of the hour's share; `false` if it is used up.
fn spend<K: Copy + Eq + std::hash::Hash>(
    map: &mut HashMap<K, Attempts>,
    key: K,
    share: u32,
    now: UnixSeconds,
) -> bool {
    bound(map, now, HOUR);
    let fresh = Attempts { count: 0, since: now, wait_until: UnixSeconds::MIN };
    let attempts = map.entry(key).or_insert(fresh);
    if attempts.since + HOUR <= now {
        *attempts = fresh;
    }
    let free = attempts.count < share;
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

    /// Whether this address may try this account's password now.
    pub(crate) fn may_log_in(&self, account: AccountId, client: Option<IpAddr>, now: UnixSeconds) -> bool {
        let Some(client) = client else { return true };
        self.attempts().logins.get(&(account, client)).is_none_or(|attempts| attempts.wait_until <= now)
    }

    /// Notes the outcome of a try. Beyond the allowed failures each further one doubles the wait, from one second on.
    pub(crate) fn tried(&self, account: AccountId, client: Option<IpAddr>, success: bool, now: UnixSeconds) {
        let Some(client) = client.filter(|_| self.limits.login_failures > 0) else { return };
        let mut attempts = self.attempts();
        if success {
            attempts.logins.remove(&(account, client));
            return;
        }
        bound(&mut attempts.logins, now, WINDOW);
        let fresh = Attempts { count: 0, since: now, wait_until: UnixSeconds::MIN };
        let attempts = attempts.logins.entry((account, client)).or_insert(fresh);
        if attempts.since + WINDOW <= now && attempts.wait_until <= now {
            *attempts = fresh;
        }
        attempts.count = attempts.count.saturating_add(1);
        if let Some(beyond) = attempts.count.checked_sub(self.limits.login_failures.saturating_add(1)) {
            attempts.wait_until = now + Seconds(1_i64 << beyond.min(16)).min(LONGEST_WAIT);
        }
    }

    /// Counts a registration in; `false` if the address has used up its share.
    pub(crate) fn may_register(&self, client: Option<IpAddr>, now: UnixSeconds) -> bool {
        let Some(client) = client.filter(|_| self.limits.registrations_per_hour > 0) else { return true };
        spend(&mut self.attempts().registrations, client, self.limits.registrations_per_hour, now)
    }

    /// Counts a new password by phone in; `false` if the account has used up its share.
    pub(crate) fn may_reset(&self, account: AccountId, now: UnixSeconds) -> bool {
        spend(&mut self.attempts().resets, account, RESETS, now)
    }

    /// Takes a registration back that did not happen.
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
    fn ten_failures_are_free_then_the_wait_grows() {
        let throttle = LoginThrottle::new(LimitConfig { login_failures: 10, registrations_per_hour: 0 });
        for _ in 0..10 {
            throttle.tried(ANNA, HERE, false, UnixSeconds(1000));
            assert!(throttle.may_log_in(ANNA, HERE, UnixSeconds(1000)));
        }
        throttle.tried(ANNA, HERE, false, UnixSeconds(1000));
        assert!(!throttle.may_log_in(ANNA, HERE, UnixSeconds(1000)));
        assert!(throttle.may_log_in(ANNA, HERE, UnixSeconds(1001)), "the first wait is a second");
        assert!(throttle.may_log_in(AccountId(2), HERE, UnixSeconds(1000)), "other accounts are free");
        assert!(
            throttle.may_log_in(ANNA, Some(IpAddr::V4(Ipv4Addr::BROADCAST)), UnixSeconds(1000)),
            "other addresses are free"
        );
        throttle.tried(ANNA, HERE, false, UnixSeconds(1001));
        assert!(!throttle.may_log_in(ANNA, HERE, UnixSeconds(1002)), "the next is two");
        throttle.tried(ANNA, HERE, true, UnixSeconds(1003));
        throttle.tried(ANNA, HERE, false, UnixSeconds(1003));
        assert!(throttle.may_log_in(ANNA, HERE, UnixSeconds(1003)), "a success starts over");
    }

    #[test]
    fn old_failures_are_forgotten() {
        let throttle = LoginThrottle::new(LimitConfig { login_failures: 2, registrations_per_hour: 0 });
        throttle.tried(ANNA, HERE, false, UnixSeconds(1000));
        throttle.tried(ANNA, HERE, false, UnixSeconds(1000) + WINDOW);
        assert!(throttle.may_log_in(ANNA, HERE, UnixSeconds(1000) + WINDOW));
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

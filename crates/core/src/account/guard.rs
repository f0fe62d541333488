//! Guards against guessing and flooding, in memory and bounded.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use crate::{AccountId, LimitConfig, UnixSeconds};

/// Failures older than this are forgotten.
const WINDOW: i64 = 600;
/// Registrations older than this are forgotten.
const HOUR: i64 = 3_600;
/// Passwords an account may get by phone in an hour.
const RESETS: u32 = 10;
/// Longest wait after failures, in seconds.
const LONGEST_WAIT: i64 = 300;
/// Remembered pairs and addresses at most.
const CAPACITY: usize = 100_000;

#[derive(Debug, Clone, Copy)]
struct Tally {
    count: u32,
    since: UnixSeconds,
    /// Refused before this time.
    wait_until: UnixSeconds,
}

#[derive(Debug, Default)]
struct Tallies {
    logins: HashMap<(AccountId, IpAddr), Tally>,
    registrations: HashMap<IpAddr, Tally>,
    resets: HashMap<AccountId, Tally>,
}

/// Counts failed logins and registrations by address, new passwords by account.
#[derive(Debug)]
pub(crate) struct Guard {
    limits: LimitConfig,
    tallies: Mutex<Tallies>,
}

/// Makes room when a map is full: first what is over, then anything.
fn bound<K: Copy + Eq + std::hash::Hash>(map: &mut HashMap<K, Tally>, now: UnixSeconds, window: i64) {
    if map.len() < CAPACITY {
        return;
    }
    map.retain(|_, tally| tally.since + window > now || tally.wait_until > now);
    if map.len() >= CAPACITY
        && let Some(key) = map.keys().next().copied()
    {
        map.remove(&key);
    }
}

/// Takes one out of the hour's share; `false` if it is used up.
fn spend<K: Copy + Eq + std::hash::Hash>(
    map: &mut HashMap<K, Tally>,
    key: K,
    share: u32,
    now: UnixSeconds,
) -> bool {
    bound(map, now, HOUR);
    let fresh = Tally { count: 0, since: now, wait_until: 0 };
    let tally = map.entry(key).or_insert(fresh);
    if tally.since + HOUR <= now {
        *tally = fresh;
    }
    let free = tally.count < share;
    tally.count = tally.count.saturating_add(u32::from(free));
    free
}

impl Guard {
    pub(crate) fn new(limits: LimitConfig) -> Self {
        Self { limits, tallies: Mutex::default() }
    }

    fn tallies(&self) -> std::sync::MutexGuard<'_, Tallies> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this address may try this account's password now.
    pub(crate) fn may_log_in(&self, account: AccountId, client: Option<IpAddr>, now: UnixSeconds) -> bool {
        let Some(client) = client else { return true };
        self.tallies().logins.get(&(account, client)).is_none_or(|tally| tally.wait_until <= now)
    }

    /// Notes the outcome of a try. Beyond the allowed failures each further one doubles the wait, from one second on.
    pub(crate) fn tried(&self, account: AccountId, client: Option<IpAddr>, success: bool, now: UnixSeconds) {
        let Some(client) = client.filter(|_| self.limits.login_failures > 0) else { return };
        let mut tallies = self.tallies();
        if success {
            tallies.logins.remove(&(account, client));
            return;
        }
        bound(&mut tallies.logins, now, WINDOW);
        let fresh = Tally { count: 0, since: now, wait_until: 0 };
        let tally = tallies.logins.entry((account, client)).or_insert(fresh);
        if tally.since + WINDOW <= now && tally.wait_until <= now {
            *tally = fresh;
        }
        tally.count = tally.count.saturating_add(1);
        if let Some(beyond) = tally.count.checked_sub(self.limits.login_failures.saturating_add(1)) {
            tally.wait_until = now + (1_i64 << beyond.min(16)).min(LONGEST_WAIT);
        }
    }

    /// Counts a registration in; `false` if the address has used up its share.
    pub(crate) fn may_register(&self, client: Option<IpAddr>, now: UnixSeconds) -> bool {
        let Some(client) = client.filter(|_| self.limits.registrations_per_hour > 0) else { return true };
        spend(&mut self.tallies().registrations, client, self.limits.registrations_per_hour, now)
    }

    /// Counts a new password by phone in; `false` if the account has used up its share.
    pub(crate) fn may_reset(&self, account: AccountId, now: UnixSeconds) -> bool {
        spend(&mut self.tallies().resets, account, RESETS, now)
    }

    /// Takes a registration back that did not happen.
    pub(crate) fn unregister(&self, client: Option<IpAddr>) {
        let mut tallies = self.tallies();
        if let Some(tally) = client.and_then(|client| tallies.registrations.get_mut(&client)) {
            tally.count = tally.count.saturating_sub(1);
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
        let guard = Guard::new(LimitConfig { login_failures: 10, registrations_per_hour: 0 });
        for _ in 0..10 {
            guard.tried(ANNA, HERE, false, 1000);
            assert!(guard.may_log_in(ANNA, HERE, 1000));
        }
        guard.tried(ANNA, HERE, false, 1000);
        assert!(!guard.may_log_in(ANNA, HERE, 1000));
        assert!(guard.may_log_in(ANNA, HERE, 1001), "the first wait is a second");
        assert!(guard.may_log_in(AccountId(2), HERE, 1000), "other accounts are free");
        assert!(
            guard.may_log_in(ANNA, Some(IpAddr::V4(Ipv4Addr::BROADCAST)), 1000),
            "other addresses are free"
        );
        guard.tried(ANNA, HERE, false, 1001);
        assert!(!guard.may_log_in(ANNA, HERE, 1002), "the next is two");
        guard.tried(ANNA, HERE, true, 1003);
        guard.tried(ANNA, HERE, false, 1003);
        assert!(guard.may_log_in(ANNA, HERE, 1003), "a success starts over");
    }

    #[test]
    fn old_failures_are_forgotten() {
        let guard = Guard::new(LimitConfig { login_failures: 2, registrations_per_hour: 0 });
        guard.tried(ANNA, HERE, false, 1000);
        guard.tried(ANNA, HERE, false, 1000 + WINDOW);
        assert!(guard.may_log_in(ANNA, HERE, 1000 + WINDOW));
    }

    #[test]
    fn registrations_are_counted_by_the_hour() {
        let guard = Guard::new(LimitConfig { login_failures: 0, registrations_per_hour: 2 });
        assert!(guard.may_register(HERE, 0) && guard.may_register(HERE, 0));
        assert!(!guard.may_register(HERE, 3_599));
        guard.unregister(HERE);
        assert!(guard.may_register(HERE, 3_599));
        assert!(guard.may_register(HERE, 3_600));
    }

    #[test]
    fn new_passwords_are_counted_by_the_hour() {
        let guard = Guard::new(LimitConfig { login_failures: 0, registrations_per_hour: 0 });
        assert!((0..10).all(|_| guard.may_reset(ANNA, 0)));
        assert!(!guard.may_reset(ANNA, 3_599));
        assert!(guard.may_reset(AccountId(2), 0), "other accounts are free");
        assert!(guard.may_reset(ANNA, 3_600));
    }
}

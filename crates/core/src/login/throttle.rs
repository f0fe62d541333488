//! Limits failed logins and new passwords, in memory of bounded size.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use tokio::sync::Notify;

use crate::{AccountId, Error, LimitConfig, Result, Seconds, UnixSeconds, model::client::household};

/// Time after which failed logins are forgotten.
const FAILURE_WINDOW: Seconds = Seconds(600);
/// Time after which new passwords are forgotten.
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
    /// Logins whose password is being checked.
    undecided: u32,
}

impl Attempts {
    fn none(now: UnixSeconds) -> Self {
        Self { count: 0, since: now, wait_until: UnixSeconds::MIN, undecided: 0 }
    }
}

#[derive(Debug, Default)]
struct AttemptTables {
    logins: HashMap<(AccountId, IpAddr), Attempts>,
    resets: HashMap<AccountId, Attempts>,
}

/// Counts failed logins by account and address, and new passwords by account.
#[derive(Debug)]
pub(crate) struct LoginThrottle {
    limits: LimitConfig,
    attempts: Mutex<AttemptTables>,
    /// Told when a password has been checked.
    decided: Notify,
}

/// A login whose password is being checked; counts as undecided until it is dropped.
#[derive(Debug)]
pub(crate) struct LoginTry<'a> {
    throttle: &'a LoginThrottle,
    /// `None`: not limited.
    key: Option<(AccountId, IpAddr)>,
}

impl LoginTry<'_> {
    /// Records the outcome. Each failure beyond the allowed number doubles the wait, which starts at one second.
    pub(crate) fn decide(self, success: bool, now: UnixSeconds) {
        let Some(key) = self.key else { return };
        let mut tables = self.throttle.attempts();
        let Some(attempts) = tables.logins.get_mut(&key) else { return };
        if success || (attempts.since + FAILURE_WINDOW <= now && attempts.wait_until <= now) {
            *attempts = Attempts { undecided: attempts.undecided, ..Attempts::none(now) };
        }
        if !success {
            attempts.count = attempts.count.saturating_add(1);
            let allowed = self.throttle.limits.login_failures;
            if let Some(beyond) = attempts.count.checked_sub(allowed.saturating_add(1)) {
                attempts.wait_until = now + Seconds(1_i64 << beyond.min(16)).min(LONGEST_WAIT);
            }
        }
    }
}

impl Drop for LoginTry<'_> {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let mut tables = self.throttle.attempts();
        if let Some(attempts) = tables.logins.get_mut(&key) {
            attempts.undecided = attempts.undecided.saturating_sub(1);
            if attempts.undecided == 0 && attempts.count == 0 {
                tables.logins.remove(&key);
            }
        }
        drop(tables);
        self.throttle.decided.notify_waiters();
    }
}

/// Makes room in a full map: removes the entries that have no effect any more, or else any entry.
fn bound<K: Copy + Eq + std::hash::Hash>(map: &mut HashMap<K, Attempts>, now: UnixSeconds, window: Seconds) {
    if map.len() < CAPACITY {
        return;
    }
    map.retain(|_, attempts| {
        attempts.since + window > now || attempts.wait_until > now || attempts.undecided > 0
    });
    if map.len() >= CAPACITY
        && let Some((&key, _)) = map.iter().find(|(_, attempts)| attempts.undecided == 0)
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
    let fresh = Attempts::none(now);
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
        Self { limits, attempts: Mutex::default(), decided: Notify::new() }
    }

    fn attempts(&self) -> std::sync::MutexGuard<'_, AttemptTables> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the check of a password. At the same time as many passwords of an account are checked for an address as may
    /// still fail; a login beyond them waits for their outcome, because the right password is never refused before the allowed
    /// number of failures.
    ///
    /// Errors: [`Error::RateLimited`] while the address has to wait.
    pub(crate) async fn begin(
        &self,
        account: AccountId,
        client: Option<IpAddr>,
        now: impl Fn() -> UnixSeconds,
    ) -> Result<LoginTry<'_>> {
        let Some(client) = client.filter(|_| self.limits.login_failures > 0) else {
            return Ok(LoginTry { throttle: self, key: None });
        };
        let key = (account, household(client));
        loop {
            let mut decided = std::pin::pin!(self.decided.notified());
            // Registered before the look, so that no outcome is missed in between.
            decided.as_mut().enable();
            if self.admit(key, now())? {
                return Ok(LoginTry { throttle: self, key: Some(key) });
            }
            decided.await;
        }
    }

    /// Counts a login as undecided; `false` if it has to wait for the outcome of others.
    fn admit(&self, key: (AccountId, IpAddr), now: UnixSeconds) -> Result<bool> {
        let mut tables = self.attempts();
        bound(&mut tables.logins, now, FAILURE_WINDOW);
        let attempts = tables.logins.entry(key).or_insert_with(|| Attempts::none(now));
        if attempts.wait_until > now {
            return Err(Error::RateLimited);
        }
        let is_forgotten = attempts.since + FAILURE_WINDOW <= now;
        let failures = if is_forgotten { 0 } else { attempts.count };
        let free = attempts.undecided < self.limits.login_failures.saturating_sub(failures).max(1);
        attempts.undecided += u32::from(free);
        Ok(free)
    }

    /// Counts a new password by phone; `false` if the account has used up the new passwords of this hour.
    pub(crate) fn may_reset(&self, account: AccountId, now: UnixSeconds) -> bool {
        spend(&mut self.attempts().resets, account, RESETS_PER_HOUR, now)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::Ipv4Addr,
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
    };

    use tokio::task::JoinSet;

    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    const ANNA: AccountId = AccountId(1);

    fn throttle(login_failures: u32) -> LoginThrottle {
        LoginThrottle::new(LimitConfig { login_failures, ..LimitConfig::default() })
    }

    async fn may_log_in(
        throttle: &LoginThrottle,
        account: AccountId,
        client: Option<IpAddr>,
        now: i64,
    ) -> bool {
        throttle.begin(account, client, || UnixSeconds(now)).await.is_ok()
    }

    async fn tried(throttle: &LoginThrottle, success: bool, now: i64) {
        let begun = throttle.begin(ANNA, HERE, || UnixSeconds(now)).await.unwrap();
        begun.decide(success, UnixSeconds(now));
    }

    #[tokio::test]
    async fn ten_failures_cause_no_wait_and_later_ones_a_growing_wait() {
        let throttle = throttle(10);
        for _ in 0..10 {
            tried(&throttle, false, 1000).await;
            assert!(may_log_in(&throttle, ANNA, HERE, 1000).await);
        }
        tried(&throttle, false, 1000).await;
        assert!(!may_log_in(&throttle, ANNA, HERE, 1000).await);
        assert!(may_log_in(&throttle, ANNA, HERE, 1001).await, "the first wait is one second");
        assert!(may_log_in(&throttle, AccountId(2), HERE, 1000).await, "other accounts are free");
        let other = Some(IpAddr::V4(Ipv4Addr::BROADCAST));
        assert!(may_log_in(&throttle, ANNA, other, 1000).await, "other addresses are free");
        tried(&throttle, false, 1001).await;
        assert!(!may_log_in(&throttle, ANNA, HERE, 1002).await, "the next wait is two seconds");
        tried(&throttle, true, 1003).await;
        tried(&throttle, false, 1003).await;
        assert!(may_log_in(&throttle, ANNA, HERE, 1003).await, "a success starts over");
    }

    #[tokio::test]
    async fn old_failures_are_forgotten() {
        let throttle = throttle(2);
        tried(&throttle, false, 1000).await;
        tried(&throttle, false, 1000 + FAILURE_WINDOW.0).await;
        assert!(may_log_in(&throttle, ANNA, HERE, 1000 + FAILURE_WINDOW.0).await);
    }

    #[tokio::test]
    async fn guesses_at_once_are_counted_before_they_are_checked() {
        let (throttle, checked) = (Arc::new(throttle(10)), Arc::new(AtomicU32::new(0)));
        let guesses: JoinSet<Result<()>> = (0..240)
            .map(|_| {
                let (throttle, checked) = (Arc::clone(&throttle), Arc::clone(&checked));
                async move {
                    let begun = throttle.begin(ANNA, HERE, || UnixSeconds(1000)).await?;
                    checked.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await; // The hash.
                    begun.decide(false, UnixSeconds(1000));
                    Ok(())
                }
            })
            .collect();
        let outcomes = guesses.join_all().await;
        assert_eq!(checked.load(Ordering::Relaxed), 11, "the eleventh failure causes the first wait");
        assert_eq!(outcomes.iter().filter(|it| matches!(it, Err(Error::RateLimited))).count(), 229);
    }

    #[tokio::test]
    async fn the_right_password_waits_for_the_outcome_of_ten_others() {
        let throttle = throttle(10);
        let mut others = Vec::new();
        for _ in 0..10 {
            others.push(throttle.begin(ANNA, HERE, || UnixSeconds(1000)).await.unwrap());
        }
        let mut late = std::pin::pin!(throttle.begin(ANNA, HERE, || UnixSeconds(1000)));
        tokio::select! {
            biased;
            _ = &mut late => panic!("ten logins are undecided"),
            () = std::future::ready(()) => {}
        }
        for other in others {
            other.decide(false, UnixSeconds(1000));
        }
        late.await.unwrap().decide(true, UnixSeconds(1000));
        assert!(throttle.attempts().logins.is_empty(), "a success leaves nothing behind");
    }

    #[tokio::test]
    async fn an_ipv6_network_of_a_household_counts_as_one_address() {
        let throttle = throttle(1);
        let from = |text: &str| Some(text.parse().unwrap());
        for last in ["::1", "::2"] {
            let client = from(&format!("2001:db8:1:2{last}"));
            throttle
                .begin(ANNA, client, || UnixSeconds(1000))
                .await
                .unwrap()
                .decide(false, UnixSeconds(1000));
        }
        assert!(!may_log_in(&throttle, ANNA, from("2001:db8:1:2:9::"), 1000).await);
        assert!(may_log_in(&throttle, ANNA, from("2001:db8:1:3::1"), 1000).await);
    }

    #[test]
    fn new_passwords_are_counted_by_the_hour() {
        let throttle = LoginThrottle::new(LimitConfig { login_failures: 0, ..LimitConfig::default() });
        assert!((0..10).all(|_| throttle.may_reset(ANNA, UnixSeconds(0))));
        assert!(!throttle.may_reset(ANNA, UnixSeconds(3_599)));
        assert!(throttle.may_reset(AccountId(2), UnixSeconds(0)), "other accounts are free");
        assert!(throttle.may_reset(ANNA, UnixSeconds(3_600)));
    }
}

//! Limits failed logins and new passwords, in memory of bounded size.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, futures::OwnedNotified};

use super::{
    queue::{Claim, Urgency},
    recent::Recent,
};
use crate::{AccountId, Client, Error, LimitConfig, Result, Seconds, UnixSeconds};

/// Time after which failed logins are forgotten.
const FAILURE_WINDOW: Seconds = Seconds(600);
/// Time after which new passwords are forgotten.
const HOUR: Seconds = Seconds(3_600);
/// New passwords that an account may set by phone in an hour.
const RESETS_PER_HOUR: u32 = 10;
/// Longest wait after failed logins.
const LONGEST_WAIT: Seconds = Seconds(300);
/// Failed logins of an account from all addresses, in failed logins from one address.
const ADDRESSES: u32 = 10;
/// Largest number of entries in each table.
const CAPACITY: usize = 100_000;

/// What failed logins are counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Target {
    /// An account, for one address.
    AccountFrom(AccountId, IpAddr),
    /// An account, for all addresses.
    Account(AccountId),
    /// All accounts, for one address.
    Address(IpAddr),
}

/// The recent logins for a target.
#[derive(Debug)]
struct Attempts {
    failures: u32,
    since: UnixSeconds,
    /// Attempts before this time are refused.
    wait_until: UnixSeconds,
    /// Logins whose password is being checked.
    undecided: u32,
    /// The logins that wait for the outcome of these.
    waiting: Option<Waiters>,
}

/// Logins that wait until this is dropped.
#[derive(Debug, Default)]
struct Waiters(Arc<Notify>);

impl Drop for Waiters {
    fn drop(&mut self) {
        self.0.notify_waiters();
    }
}

impl Attempts {
    const fn none(now: UnixSeconds) -> Self {
        Self { failures: 0, since: now, wait_until: UnixSeconds::MIN, undecided: 0, waiting: None }
    }

    /// Forgets the failures if all of them are too old to count.
    fn refresh(&mut self, now: UnixSeconds) {
        if self.since + FAILURE_WINDOW <= now && self.wait_until <= now {
            (self.failures, self.since) = (0, now);
        }
    }

    /// Counts a failure. Each one beyond the allowed number doubles the wait, which starts at one second.
    fn fail(&mut self, allowed: u32, now: UnixSeconds) {
        self.refresh(now);
        self.failures = self.failures.saturating_add(1);
        if let Some(beyond) = self.failures.checked_sub(allowed.saturating_add(1)) {
            self.wait_until = now + Seconds(1_i64 << beyond.min(16)).min(LONGEST_WAIT);
        }
    }
}

/// A login, and the attempts of its targets that matter to it.
#[derive(Debug, Clone)]
struct Login {
    account: AccountId,
    /// `None`: not limited.
    client: Option<Client>,
    /// Whether the account was last logged in from the client's address.
    is_known: bool,
    /// The targets that count it as undecided, and that may refuse it.
    targets: Vec<Target>,
}

#[derive(Debug)]
struct Tables {
    by_account_and_address: Recent<Target, Attempts>,
    by_account: Recent<Target, Attempts>,
    by_address: Recent<Target, Attempts>,
    /// The addresses from which accounts were last logged in.
    good_addresses: Recent<AccountId, IpAddr>,
    resets: Recent<AccountId, Resets>,
}

/// The new passwords of an account in the current hour.
#[derive(Debug)]
struct Resets {
    count: u32,
    since: UnixSeconds,
}

impl Tables {
    fn new() -> Self {
        Self {
            by_account_and_address: Recent::new(CAPACITY),
            by_account: Recent::new(CAPACITY),
            by_address: Recent::new(CAPACITY),
            good_addresses: Recent::new(CAPACITY),
            resets: Recent::new(CAPACITY),
        }
    }

    /// The table of a target. Targets of one kind cannot push those of another kind out of memory.
    fn of(&mut self, target: Target) -> &mut Recent<Target, Attempts> {
        match target {
            Target::AccountFrom(..) => &mut self.by_account_and_address,
            Target::Account(_) => &mut self.by_account,
            Target::Address(_) => &mut self.by_address,
        }
    }

    fn begin(&mut self, target: Target, now: UnixSeconds) {
        self.of(target).get_or_insert_with(target, || Attempts::none(now)).undecided += 1;
    }

    fn fail(&mut self, target: Target, allowed: u32, now: UnixSeconds) {
        self.of(target).get_or_insert_with(target, || Attempts::none(now)).fail(allowed, now);
    }

    /// Counts a login as decided and lets the logins that wait look again.
    fn end(&mut self, target: Target) {
        let table = self.of(target);
        let Some(attempts) = table.get_mut(target) else { return };
        attempts.undecided = attempts.undecided.saturating_sub(1);
        attempts.waiting = None;
        if attempts.undecided == 0 && attempts.failures == 0 {
            table.remove(target);
        }
    }
}

/// Counts failed logins by account and address, by account and by address, and new passwords by account.
#[derive(Debug)]
pub(crate) struct LoginThrottle {
    limits: LimitConfig,
    tables: Mutex<Tables>,
}

/// A login whose password is being checked; counts as undecided until it is dropped.
#[derive(Debug)]
pub(crate) struct LoginTry<'a> {
    throttle: &'a LoginThrottle,
    login: Login,
}

impl LoginTry<'_> {
    /// Its claim to be hashed. The owner of an account need not take turns with the addresses that guess the password.
    pub(crate) fn claim(&self) -> Claim {
        let Login { account, client, is_known, .. } = self.login;
        let address = client.and_then(Client::share);
        if is_known {
            Claim { urgency: Urgency::KnownLogin, address, account: None }
        } else {
            Claim { urgency: Urgency::Login, address, account: Some(account) }
        }
    }

    /// Records the outcome.
    pub(crate) fn decide(self, success: bool, now: UnixSeconds) {
        let Login { account, client: Some(client), .. } = self.login else { return };
        let mut tables = self.throttle.tables();
        if success {
            // What an address or all addresses have failed is not forgiven: a guesser may own an account, too.
            let target = Target::AccountFrom(account, client.household());
            if let Some(attempts) = tables.of(target).get_mut(target) {
                (attempts.failures, attempts.since, attempts.wait_until) = (0, now, UnixSeconds::MIN);
            }
            tables.good_addresses.insert(account, client.household());
        } else {
            for (target, allowed) in self.throttle.targets(account, client) {
                tables.fail(target, allowed, now);
            }
        }
    }
}

impl Drop for LoginTry<'_> {
    fn drop(&mut self) {
        let mut tables = self.throttle.tables();
        for target in &self.login.targets {
            tables.end(*target);
        }
    }
}

/// Whether a login may be checked now.
enum Admission {
    Admitted(Login),
    /// Not before another login is decided.
    After(OwnedNotified),
}

/// How often a login has asked to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    First,
    Again,
}

impl LoginThrottle {
    pub(crate) fn new(limits: LimitConfig) -> Self {
        Self { limits, tables: Mutex::new(Tables::new()) }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The targets for which a failed login is counted, each with the number of failures that is allowed.
    fn targets(&self, account: AccountId, client: Client) -> impl Iterator<Item = (Target, u32)> {
        let LimitConfig { login_failures, address_login_failures, .. } = self.limits;
        let shared = client.share().map(|address| (Target::Address(address), address_login_failures));
        let own = Target::AccountFrom(account, client.household());
        [(own, login_failures), (Target::Account(account), login_failures.saturating_mul(ADDRESSES))]
            .into_iter()
            .chain(shared)
            .filter(|(_, allowed)| *allowed > 0)
    }

    /// Begins the check of a password. At the same time as many passwords are checked as may still fail; a login beyond them
    /// waits for their outcome, because the right password is never refused before the allowed number of failures.
    ///
    /// The address from which an account was last logged in has the failures of its own for that account: neither those of other
    /// addresses nor those with other accounts keep it out.
    ///
    /// Errors: [`Error::RateLimited`] while the address, or the account, has to wait.
    pub(crate) async fn begin(
        &self,
        account: AccountId,
        client: Option<Client>,
        now: impl Fn() -> UnixSeconds,
    ) -> Result<LoginTry<'_>> {
        let mut asking = Asking::First;
        loop {
            match self.admit(account, client, asking, now())? {
                Admission::Admitted(login) => return Ok(LoginTry { throttle: self, login }),
                Admission::After(decided) => decided.await,
            }
            asking = Asking::Again;
        }
    }

    /// Counts a login as undecided, unless it has to wait for the outcome of others.
    fn admit(
        &self,
        account: AccountId,
        client: Option<Client>,
        asking: Asking,
        now: UnixSeconds,
    ) -> Result<Admission> {
        let mut login = Login { account, client, is_known: false, targets: Vec::new() };
        let Some(client) = client else { return Ok(Admission::Admitted(login)) };
        let mut tables = self.tables();
        login.is_known = tables.good_addresses.get_mut(account).copied() == Some(client.household());
        for (target, allowed) in self.targets(account, client) {
            if login.is_known && !matches!(target, Target::AccountFrom(..)) {
                continue;
            }
            login.targets.push(target);
            let Some(attempts) = tables.of(target).get_mut(target) else { continue };
            attempts.refresh(now);
            let left = allowed.saturating_sub(attempts.failures);
            if attempts.wait_until > now || (left == 0 && asking == Asking::Again) {
                return Err(Error::RateLimited);
            }
            // One login at a time may fail beyond the allowed number.
            if attempts.undecided >= left.max(1) {
                let Waiters(decided) = attempts.waiting.get_or_insert_default();
                // Made under the lock, so that no outcome is missed.
                return Ok(Admission::After(Arc::clone(decided).notified_owned()));
            }
        }
        for target in &login.targets {
            tables.begin(*target, now);
        }
        Ok(Admission::Admitted(login))
    }

    /// Counts a login of an account that does not exist, whose password is not checked, for the client's address.
    ///
    /// Errors: [`Error::RateLimited`] while the address has to wait.
    pub(crate) fn fail_unknown(&self, client: Option<Client>, now: UnixSeconds) -> Result<()> {
        let allowed = self.limits.address_login_failures;
        let Some(address) = client.and_then(Client::share).filter(|_| allowed > 0) else { return Ok(()) };
        let (target, mut tables) = (Target::Address(address), self.tables());
        if tables.of(target).get_mut(target).is_some_and(|attempts| attempts.wait_until > now) {
            return Err(Error::RateLimited);
        }
        tables.fail(target, allowed, now);
        Ok(())
    }

    /// Counts a new password by phone; `false` if the account has used up the new passwords of this hour.
    pub(crate) fn may_reset(&self, account: AccountId, now: UnixSeconds) -> bool {
        let mut tables = self.tables();
        let resets = tables.resets.get_or_insert_with(account, || Resets { count: 0, since: now });
        if resets.since + HOUR <= now {
            *resets = Resets { count: 0, since: now };
        }
        let is_allowed = resets.count < RESETS_PER_HOUR;
        resets.count += u32::from(is_allowed);
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::Ipv4Addr,
        sync::atomic::{AtomicU32, Ordering},
    };

    use tokio::task::JoinSet;

    use super::*;

    const ANNA: AccountId = AccountId(1);
    const NOW: i64 = 1_000;

    fn throttle(login_failures: u32, address_login_failures: u32) -> LoginThrottle {
        LoginThrottle::new(LimitConfig { login_failures, address_login_failures, ..LimitConfig::default() })
    }

    fn at(address: &str) -> Client {
        Client { address: address.parse().unwrap(), is_exempt: false }
    }

    /// A client with an address of its own.
    fn client(number: u32) -> Client {
        Client { address: Ipv4Addr::from_bits(number).into(), is_exempt: false }
    }

    const HERE: Client = Client { address: IpAddr::V4(Ipv4Addr::LOCALHOST), is_exempt: false };

    impl LoginThrottle {
        /// Tries a password; whether it was checked.
        async fn tried(&self, account: AccountId, client: Client, success: bool, now: i64) -> bool {
            match self.begin(account, Some(client), || UnixSeconds(now)).await {
                Ok(begun) => {
                    begun.decide(success, UnixSeconds(now));
                    true
                }
                Err(error) => {
                    assert!(matches!(error, Error::RateLimited), "{error}");
                    false
                }
            }
        }

        async fn fails(&self, account: AccountId, client: Client, now: i64) -> bool {
            self.tried(account, client, false, now).await
        }

        async fn may_log_in(&self, account: AccountId, client: Client, now: i64) -> bool {
            self.begin(account, Some(client), || UnixSeconds(now)).await.is_ok()
        }
    }

    #[tokio::test]
    async fn ten_failures_cause_no_wait_and_later_ones_a_growing_wait() {
        let throttle = throttle(10, 0);
        for _ in 0..10 {
            assert!(throttle.fails(ANNA, HERE, NOW).await);
            assert!(throttle.may_log_in(ANNA, HERE, NOW).await);
        }
        assert!(throttle.fails(ANNA, HERE, NOW).await);
        assert!(!throttle.may_log_in(ANNA, HERE, NOW).await);
        assert!(throttle.may_log_in(ANNA, HERE, NOW + 1).await, "the first wait is one second");
        assert!(throttle.may_log_in(AccountId(2), HERE, NOW).await, "other accounts are free");
        assert!(throttle.may_log_in(ANNA, client(7), NOW).await, "other addresses are free");
        assert!(throttle.fails(ANNA, HERE, NOW + 1).await);
        assert!(!throttle.may_log_in(ANNA, HERE, NOW + 2).await, "the next wait is two seconds");
        assert!(throttle.tried(ANNA, HERE, true, NOW + 3).await);
        assert!(throttle.fails(ANNA, HERE, NOW + 3).await);
        assert!(throttle.may_log_in(ANNA, HERE, NOW + 3).await, "a success starts over");
    }

    #[tokio::test]
    async fn old_failures_are_forgotten() {
        let throttle = throttle(2, 0);
        assert!(throttle.fails(ANNA, HERE, NOW).await);
        assert!(throttle.fails(ANNA, HERE, NOW + FAILURE_WINDOW.0).await);
        assert!(throttle.fails(ANNA, HERE, NOW + FAILURE_WINDOW.0).await);
        assert!(throttle.may_log_in(ANNA, HERE, NOW + FAILURE_WINDOW.0).await);
    }

    #[tokio::test]
    async fn an_address_fails_a_limited_number_of_times_with_all_accounts_together() {
        let throttle = throttle(10, 3);
        for account in 1..=2 {
            assert!(throttle.fails(AccountId(account), at("2001:db8::1"), NOW).await);
        }
        // An unknown user is a guess, too; a success with an account of one's own takes nothing back.
        throttle.fail_unknown(Some(at("2001:db8::2")), UnixSeconds(NOW)).unwrap();
        assert!(throttle.tried(AccountId(9), at("2001:db8::1"), true, NOW).await);
        assert!(throttle.fails(AccountId(3), at("2001:db8::3"), NOW).await);
        assert!(!throttle.may_log_in(AccountId(4), at("2001:db8::4"), NOW).await);
        assert!(throttle.fail_unknown(Some(at("2001:db8::5")), UnixSeconds(NOW)).is_err());
        assert!(
            throttle.may_log_in(AccountId(4), at("2001:db8:0:1::4"), NOW).await,
            "other addresses are free"
        );
        assert!(throttle.may_log_in(AccountId(9), at("2001:db8::1"), NOW).await, "its last good address");
        assert!(throttle.may_log_in(AccountId(4), at("2001:db8::4"), NOW + 1).await);
        let exempt = Client { is_exempt: true, ..at("2001:db8::1") };
        for account in 10..20 {
            assert!(
                throttle.fails(AccountId(account), exempt, NOW).await,
                "many users may share an exempt address"
            );
        }
    }

    #[tokio::test]
    async fn an_account_fails_a_limited_number_of_times_from_all_addresses_together() {
        let throttle = throttle(2, 0);
        assert!(throttle.tried(ANNA, HERE, true, NOW).await);
        for number in 0..20 {
            assert!(throttle.fails(ANNA, client(number), NOW).await, "{number}");
        }
        assert!(throttle.fails(ANNA, client(20), NOW).await);
        assert!(!throttle.may_log_in(ANNA, client(21), NOW).await);
        assert!(throttle.may_log_in(AccountId(2), client(21), NOW).await, "other accounts are free");
        // The owner has tries of its own.
        for _ in 0..2 {
            assert!(throttle.fails(ANNA, HERE, NOW).await);
        }
        assert!(throttle.tried(ANNA, HERE, true, NOW).await);
        assert!(
            !throttle.may_log_in(ANNA, client(21), NOW).await,
            "a login of the owner forgives no guesses"
        );
        assert!(throttle.may_log_in(ANNA, client(21), NOW + 600).await);
    }

    /// Guesses a password at once and returns how many guesses were checked.
    async fn checked_of(guesses: impl Iterator<Item = Client>, throttle: LoginThrottle) -> u32 {
        let (throttle, checked) = (Arc::new(throttle), Arc::new(AtomicU32::new(0)));
        let guesses: JoinSet<Result<()>> = guesses
            .map(|client| {
                let (throttle, checked) = (Arc::clone(&throttle), Arc::clone(&checked));
                async move {
                    let begun = throttle.begin(ANNA, Some(client), || UnixSeconds(NOW)).await?;
                    checked.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await; // The hash.
                    begun.decide(false, UnixSeconds(NOW));
                    Ok(())
                }
            })
            .collect();
        let outcomes = guesses.join_all().await;
        let refused = outcomes.iter().filter(|it| matches!(it, Err(Error::RateLimited))).count();
        let checked = checked.load(Ordering::Relaxed);
        assert_eq!(refused, outcomes.len() - usize::try_from(checked).unwrap());
        checked
    }

    #[tokio::test]
    async fn of_guesses_at_once_as_many_are_checked_as_may_fail() {
        assert_eq!(checked_of((0..240).map(|_| HERE), throttle(10, 0)).await, 10, "of one address");
        assert_eq!(checked_of((0..240).map(client), throttle(2, 0)).await, 20, "of many addresses");
        assert_eq!(
            checked_of((0..240).map(|_| HERE), throttle(0, 50)).await,
            50,
            "of one address with all accounts"
        );
        assert_eq!(checked_of((0..240).map(|_| HERE), throttle(0, 0)).await, 240, "without a limit");
    }

    #[tokio::test]
    async fn the_right_password_waits_for_the_outcome_of_ten_others() {
        for (failed, is_checked) in [(9, true), (10, false)] {
            let throttle = throttle(10, 0);
            let mut others = Vec::new();
            for _ in 0..10 {
                others.push(throttle.begin(ANNA, Some(HERE), || UnixSeconds(NOW)).await.unwrap());
            }
            let mut late = std::pin::pin!(throttle.tried(ANNA, HERE, true, NOW));
            tokio::select! {
                biased;
                _ = &mut late => panic!("ten logins are undecided"),
                () = std::future::ready(()) => {}
            }
            for (number, other) in others.into_iter().enumerate() {
                // A login that is not decided, because its client has gone, is none.
                if number < failed {
                    other.decide(false, UnixSeconds(NOW));
                }
            }
            assert_eq!(late.await, is_checked, "{failed} failed");
        }
    }

    #[tokio::test]
    async fn a_success_leaves_no_attempts_behind() {
        let throttle = throttle(10, 100);
        assert!(throttle.tried(ANNA, HERE, true, NOW).await);
        let mut tables = throttle.tables();
        for (target, _) in throttle.targets(ANNA, HERE) {
            assert!(tables.of(target).get_mut(target).is_none(), "{target:?}");
        }
    }

    #[tokio::test]
    async fn a_login_that_waits_is_not_forgotten_with_the_attempts_that_it_waits_for() {
        let throttle = throttle(1, 0);
        let _undecided = throttle.begin(ANNA, Some(HERE), || UnixSeconds(NOW)).await.unwrap();
        let waiting = match throttle.admit(ANNA, Some(HERE), Asking::First, UnixSeconds(NOW)).unwrap() {
            Admission::After(decided) => decided,
            Admission::Admitted(_) => panic!("one login is undecided"),
        };
        throttle.tables().by_account_and_address = Recent::new(2);
        waiting.await;
    }

    #[tokio::test]
    async fn the_last_good_address_of_an_account_is_hashed_first() {
        let throttle = throttle(10, 100);
        let urgency = async |client| {
            let begun = throttle.begin(ANNA, Some(client), || UnixSeconds(NOW)).await.unwrap();
            begun.claim().urgency
        };
        assert!(throttle.tried(ANNA, client(1), true, NOW).await);
        assert!(throttle.tried(ANNA, client(2), true, NOW).await);
        assert!(throttle.fails(ANNA, client(3), NOW).await);
        assert_eq!(urgency(client(1)).await, Urgency::Login);
        assert_eq!(urgency(client(2)).await, Urgency::KnownLogin);
        assert_eq!(urgency(client(3)).await, Urgency::Login);
    }

    #[tokio::test]
    async fn an_ipv6_network_of_a_household_counts_as_one_address() {
        let throttle = throttle(1, 0);
        for last in ["::1", "::2"] {
            assert!(throttle.fails(ANNA, at(&format!("2001:db8:1:2{last}")), NOW).await);
        }
        assert!(!throttle.may_log_in(ANNA, at("2001:db8:1:2:9::"), NOW).await);
        assert!(throttle.may_log_in(ANNA, at("2001:db8:1:3::1"), NOW).await);
    }

    #[test]
    fn new_passwords_are_counted_by_the_hour() {
        let throttle = throttle(0, 0);
        assert!((0..10).all(|_| throttle.may_reset(ANNA, UnixSeconds(0))));
        assert!(!throttle.may_reset(ANNA, UnixSeconds(3_599)));
        assert!(throttle.may_reset(AccountId(2), UnixSeconds(0)), "other accounts are free");
        assert!(throttle.may_reset(ANNA, UnixSeconds(3_600)));
    }
}

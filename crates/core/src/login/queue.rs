//! The queue of passwords that wait to be hashed, in which addresses and accounts take turns.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{AccountId, Client, Error, Result};

/// An address may hold one place of so many.
const SHARE: usize = 4;

/// One job of so many is a registration or a new password, if one waits: logins may come for ever.
const NEW_PASSWORDS: u64 = 8;

/// How soon a password is hashed, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// A login from the address from which the account was last logged in: before the other logins of its turn.
    KnownLogin,
    /// A login from any other address.
    Login,
    /// A registration or a new password: behind all logins.
    NewPassword,
}

/// A caller's claim to a place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) urgency: Urgency,
    /// The address that takes turns with others; `None`: a caller without limits.
    pub(crate) address: Option<IpAddr>,
    /// The account that takes turns with others, because many addresses may guess its password.
    pub(crate) account: Option<AccountId>,
}

impl Claim {
    /// The claim of a client, or of the operator, that stores a password.
    pub(crate) fn new_password(client: Option<Client>) -> Self {
        Self { urgency: Urgency::NewPassword, address: client.and_then(Client::share), account: None }
    }

    /// Whose turns the claim uses.
    fn owners(self) -> impl Iterator<Item = Owner> {
        let address = self.address.map(|address| match self.urgency {
            Urgency::NewPassword => Owner::NewPasswords(address),
            Urgency::KnownLogin | Urgency::Login => Owner::Logins(address),
        });
        address.into_iter().chain(self.account.map(Owner::Account))
    }
}

/// Everything that takes turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Owner {
    /// The logins from an address.
    Logins(IpAddr),
    /// The registrations and new passwords from an address.
    NewPasswords(IpAddr),
    /// The logins of an account.
    Account(AccountId),
}

/// The waiting jobs of an owner.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    jobs: usize,
    /// The turn of the owner's next job.
    next_turn: u64,
}

/// The place of a job; the job with the lowest one is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    is_new_password: bool,
    turn: u64,
    urgency: Urgency,
    /// Order of arrival.
    number: u64,
}

/// A queue of bounded length between callers and threads. In each turn every address and every account has one job; the jobs that
/// an address adds get later turns. A full queue gives up the job that would come last.
pub(crate) struct FairQueue<J> {
    capacity: usize,
    state: Mutex<State<J>>,
    changed: Condvar,
}

struct State<J> {
    jobs: BTreeMap<Place, (Claim, J)>,
    waiting: HashMap<Owner, Waiting>,
    /// The turn of the jobs that are being taken.
    turn: u64,
    /// Jobs that have arrived.
    arrived: u64,
    /// Jobs that were taken.
    taken: u64,
    is_closed: bool,
}

impl<J> FairQueue<J> {
    /// A queue of so many jobs.
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State {
            jobs: BTreeMap::new(),
            waiting: HashMap::new(),
            turn: 0,
            arrived: 0,
            taken: 0,
            is_closed: false,
        };
        Self { capacity: capacity.max(1), state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Adds a job. If the queue or the share of the address is full, one of its jobs is dropped: the one that would come last.
    ///
    /// Errors: [`Error::Busy`] if that is this job; [`Error::Unavailable`] once the queue is closed.
    pub(crate) fn push(&self, claim: Claim, job: J) -> Result<()> {
        let mut state = self.state();
        if state.is_closed {
            return Err(Error::Unavailable);
        }
        let place = state.place(claim);
        let most = (self.capacity / SHARE).max(1);
        let last = match claim.address {
            Some(address) if state.jobs_of(address) >= most => state.last_of(address),
            _ if state.jobs.len() >= self.capacity => state.jobs.keys().next_back().copied(),
            _ => None,
        };
        let dropped = match last {
            Some(last) if last < place => return Err(Error::Busy),
            Some(last) => state.remove(last),
            None => None,
        };
        state.insert(place, claim, job);
        drop(state);
        // A job that is dropped tells its caller, so the lock is given back first.
        drop(dropped);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for the next job; `None` once the queue is closed. Calls `idle` if no job comes within `patience`.
    pub(crate) fn next(&self, patience: Duration, idle: impl FnOnce()) -> Option<J> {
        let nothing = |state: &mut State<J>| state.jobs.is_empty() && !state.is_closed;
        let waited = self.changed.wait_timeout_while(self.state(), patience, nothing);
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            drop(state);
            idle();
            let waited = self.changed.wait_while(self.state(), nothing);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_closed { None } else { state.take() }
    }

    /// Drops the jobs that wait and ends the wait of all threads.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let jobs = std::mem::take(&mut state.jobs);
        drop(state);
        drop(jobs);
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J> State<J> {
    /// The place of a new job.
    fn place(&mut self, claim: Claim) -> Place {
        let turns = claim.owners().filter_map(|owner| self.waiting.get(&owner)).map(|it| it.next_turn);
        // The turn that is being taken admits no newcomers, or it would not end while they keep coming.
        let turn = turns.max().unwrap_or(0).max(self.turn + 1);
        self.arrived += 1;
        Place {
            is_new_password: claim.urgency == Urgency::NewPassword,
            turn,
            urgency: claim.urgency,
            number: self.arrived,
        }
    }

    fn insert(&mut self, place: Place, claim: Claim, job: J) {
        for owner in claim.owners() {
            let waiting = self.waiting.entry(owner).or_insert(Waiting { jobs: 0, next_turn: 0 });
            waiting.jobs += 1;
            // Not by the place of this job: that may be due to the other owner alone.
            waiting.next_turn = waiting.next_turn.max(self.turn + 1) + 1;
        }
        self.jobs.insert(place, (claim, job));
    }

    fn remove(&mut self, place: Place) -> Option<J> {
        let (claim, job) = self.jobs.remove(&place)?;
        for owner in claim.owners() {
            if let Some(waiting) = self.waiting.get_mut(&owner) {
                waiting.jobs = waiting.jobs.saturating_sub(1);
                if waiting.jobs == 0 {
                    self.waiting.remove(&owner);
                }
            }
        }
        Some(job)
    }

    fn take(&mut self) -> Option<J> {
        self.taken += 1;
        if self.taken.is_multiple_of(NEW_PASSWORDS)
            && let Some(place) = self.first_new_password()
        {
            return self.remove(place);
        }
        let place = *self.jobs.keys().next()?;
        self.turn = self.turn.max(place.turn);
        self.remove(place)
    }

    fn first_new_password(&self) -> Option<Place> {
        let least = Place { is_new_password: true, turn: 0, urgency: Urgency::KnownLogin, number: 0 };
        self.jobs.range(least..).next().map(|(place, _)| *place)
    }

    fn jobs_of(&self, address: IpAddr) -> usize {
        let jobs = |owner| self.waiting.get(&owner).map_or(0, |waiting| waiting.jobs);
        jobs(Owner::Logins(address)) + jobs(Owner::NewPasswords(address))
    }

    /// The place of the job of an address that would come last.
    fn last_of(&self, address: IpAddr) -> Option<Place> {
        let of_address = |(_, (claim, _)): &(&Place, &(Claim, J))| claim.address == Some(address);
        self.jobs.iter().rev().find(of_address).map(|(place, _)| *place)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn login(from: u32, account: i64) -> Claim {
        Claim {
            urgency: Urgency::Login,
            address: Some(Ipv4Addr::from_bits(from).into()),
            account: Some(AccountId(account)),
        }
    }

    fn registration(from: u32) -> Claim {
        Claim {
            urgency: Urgency::NewPassword,
            address: Some(Ipv4Addr::from_bits(from).into()),
            account: None,
        }
    }

    fn push(queue: &FairQueue<&'static str>, claim: Claim, job: &'static str) -> bool {
        match queue.push(claim, job) {
            Ok(()) => true,
            Err(error) => {
                assert!(matches!(error, Error::Busy), "{error}");
                false
            }
        }
    }

    /// The jobs in the order in which a thread takes them.
    fn taken<J>(queue: &FairQueue<J>) -> Vec<J> {
        std::iter::from_fn(|| queue.state().take()).collect()
    }

    #[test]
    fn a_registration_is_taken_while_logins_keep_coming() {
        let queue = FairQueue::new(64);
        assert!(push(&queue, registration(9), "new"));
        for _ in 1..NEW_PASSWORDS {
            assert!(push(&queue, login(1, 1), "login") && push(&queue, login(2, 2), "login"));
            assert_eq!(queue.state().take(), Some("login"));
        }
        assert_eq!(queue.state().take(), Some("new"));
    }

    #[test]
    fn a_guess_at_an_account_does_not_delay_its_owner_by_the_turns_of_the_guesser() {
        let queue = FairQueue::new(64);
        for account in 1..10 {
            assert!(push(&queue, login(1, account), "other"));
        }
        assert!(push(&queue, login(1, 77), "guess") && push(&queue, login(2, 77), "owner"));
        let order = taken(&queue);
        assert!(order.iter().position(|job| *job == "owner") < order.iter().position(|job| *job == "guess"));
    }

    #[test]
    fn addresses_take_turns() {
        let queue = FairQueue::new(64);
        for (claim, job) in
            [(login(1, 1), "a1"), (login(1, 2), "a2"), (login(1, 3), "a3"), (login(2, 4), "b1")]
        {
            assert!(push(&queue, claim, job));
        }
        assert_eq!(queue.state().take(), Some("a1"));
        assert!(push(&queue, login(3, 5), "c1") && push(&queue, login(2, 6), "b2"));
        assert_eq!(taken(&queue), ["b1", "a2", "c1", "b2", "a3"]);
        assert!(queue.state().waiting.is_empty());
    }

    #[test]
    fn an_account_that_many_addresses_guess_does_not_delay_others() {
        let queue = FairQueue::new(256);
        for from in 0..200 {
            assert!(push(&queue, login(from, i64::from(from % 8)), "guess"));
        }
        assert!(push(&queue, login(1_000, 1_000), "anna"));
        let place = taken(&queue).iter().position(|job| *job == "anna").unwrap();
        assert!(place <= 8, "a guess of each account at most comes first, not {place}");
    }

    #[test]
    fn the_last_good_address_of_an_account_does_not_wait_for_guesses() {
        let queue = FairQueue::new(256);
        for from in 0..20 {
            assert!(push(&queue, login(from, 1), "guess"));
        }
        let known =
            Claim { urgency: Urgency::KnownLogin, address: Some(Ipv4Addr::BROADCAST.into()), account: None };
        assert!(push(&queue, known, "owner"));
        assert_eq!(queue.state().take(), Some("owner"));
    }

    #[test]
    fn registrations_wait_for_logins_and_give_way_to_them() {
        let queue = FairQueue::new(16);
        for from in 0..16 {
            assert!(push(&queue, registration(from), "register"));
        }
        assert!(!push(&queue, registration(99), "too many"));
        assert!(push(&queue, login(100, 1), "login"));
        assert_eq!(queue.state().take(), Some("login"));
        assert_eq!(taken(&queue).len(), 15);
    }

    #[test]
    fn an_address_holds_a_quarter_of_the_queue() {
        let queue = FairQueue::new(16);
        assert_eq!((0..16).filter(|account| push(&queue, login(1, *account), "one")).count(), 4);
        assert!((0..4).all(|_| push(&queue, registration(2), "register")));
        assert!(!push(&queue, registration(2), "too many"));
        assert!(push(&queue, login(2, 50), "login"), "it takes the place of a registration of its address");
        let free = Claim { urgency: Urgency::Login, address: None, account: None };
        assert!((0..8).all(|_| push(&queue, free, "free")), "callers without limits have no share");
        assert_eq!(taken(&queue).len(), 16);
    }

    #[test]
    fn a_full_queue_gives_up_the_job_that_would_come_last() {
        let queue = FairQueue::new(16);
        for from in 0..4 {
            assert!((0..4).all(|account| push(&queue, login(from, account + 10 * i64::from(from)), "flood")));
        }
        assert!(push(&queue, login(9, 99), "anna"));
        let jobs = taken(&queue);
        assert_eq!(jobs.len(), 16);
        assert!(jobs.iter().take(5).any(|job| *job == "anna"), "{jobs:?}");
    }

    #[test]
    fn a_job_that_waits_is_not_overtaken_for_ever() {
        let queue = FairQueue::new(64);
        for _ in 0..4 {
            assert!(push(&queue, login(1, 1), "late"));
        }
        let mut late = 0;
        for newcomer in 2..20 {
            assert!(push(&queue, login(newcomer, i64::from(newcomer)), "new"));
            late += usize::from(queue.state().take() == Some("late"));
        }
        assert!(late >= 3, "{late} of 4");
    }

    #[test]
    fn a_closed_queue_ends_the_wait_of_its_threads() {
        let queue = FairQueue::new(16);
        assert!(push(&queue, login(1, 1), "job"));
        assert_eq!(queue.next(Duration::ZERO, || {}), Some("job"));
        queue.close();
        assert_eq!(queue.next(Duration::ZERO, || {}), None);
        assert!(matches!(queue.push(login(1, 1), "late"), Err(Error::Unavailable)));
    }
}

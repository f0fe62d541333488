//! A budget that all requests share, such as memory: one address holds a quarter of it at most.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit},
    time::timeout,
};

/// An address may hold one part of so many.
const PARTS: usize = 4;
/// How long a request waits until others give units back.
const PATIENCE: Duration = Duration::from_millis(100);

/// The units that all requests hold together.
#[derive(Debug)]
pub(crate) struct Budget {
    units: Semaphore,
    /// Units that one address may hold.
    share: usize,
    shares: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
}

/// Not enough units became free in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl Budget {
    pub(crate) fn new(units: usize) -> Self {
        Self { units: Semaphore::new(units), share: (units / PARTS).max(1), shares: Mutex::default() }
    }

    /// Begins to hold units on behalf of an address; `None`: without a share.
    pub(crate) fn hold(&self, address: Option<IpAddr>) -> Holding<'_> {
        let share = address.map(|address| Share { budget: self, address, units: None });
        Holding { budget: self, units: None, share }
    }

    fn shares(&self) -> MutexGuard<'_, HashMap<IpAddr, Arc<Semaphore>>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request holds of a budget, until it is dropped.
#[derive(Debug)]
pub(crate) struct Holding<'a> {
    budget: &'a Budget,
    units: Option<SemaphorePermit<'a>>,
    share: Option<Share<'a>>,
}

impl Holding<'_> {
    /// Takes more units until so many are held.
    ///
    /// Errors: [`Exhausted`] if others hold too much of the budget, or of the share of the address, for 100 ms.
    pub(crate) async fn grow_to(&mut self, wanted: usize) -> Result<(), Exhausted> {
        let held = self.units.as_ref().map_or(0, SemaphorePermit::num_permits);
        let missing = u32::try_from(wanted.saturating_sub(held)).map_err(|_| Exhausted)?;
        if missing == 0 {
            return Ok(());
        }
        let taken = async {
            if let Some(share) = &mut self.share {
                share.grow_by(missing).await?;
            }
            let more = self.budget.units.acquire_many(missing).await.map_err(|_| Exhausted)?;
            match &mut self.units {
                Some(units) => units.merge(more),
                units @ None => *units = Some(more),
            }
            Ok(())
        };
        timeout(PATIENCE, taken).await.unwrap_or(Err(Exhausted))
    }
}

/// The part of an address's share that a request holds.
#[derive(Debug)]
struct Share<'a> {
    budget: &'a Budget,
    address: IpAddr,
    units: Option<OwnedSemaphorePermit>,
}

impl Share<'_> {
    async fn grow_by(&mut self, missing: u32) -> Result<(), Exhausted> {
        let make = || Arc::new(Semaphore::new(self.budget.share));
        let share = Arc::clone(self.budget.shares().entry(self.address).or_insert_with(make));
        let more = share.acquire_many_owned(missing).await.map_err(|_| Exhausted)?;
        match &mut self.units {
            Some(units) => units.merge(more),
            units @ None => *units = Some(more),
        }
        Ok(())
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut shares = self.budget.shares();
        // Given back under the lock: of two requests that end at once, the second removes the entry.
        self.units = None;
        if shares.get(&self.address).is_some_and(|share| Arc::strong_count(share) == 1) {
            shares.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::time::Instant;

    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    const ELSEWHERE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::BROADCAST));

    #[tokio::test(start_paused = true)]
    async fn an_address_holds_a_quarter_of_the_budget() {
        let budget = Budget::new(16);
        let (mut first, mut second) = (budget.hold(HERE), budget.hold(HERE));
        assert_eq!(first.grow_to(3).await, Ok(()));
        assert_eq!(first.grow_to(3).await, Ok(()), "nothing more is needed");
        let start = Instant::now();
        assert_eq!(second.grow_to(2).await, Err(Exhausted));
        assert_eq!(start.elapsed(), PATIENCE);
        let mut others = budget.hold(ELSEWHERE);
        assert_eq!(others.grow_to(4).await, Ok(()));
        let mut exempt = budget.hold(None);
        assert_eq!(exempt.grow_to(9).await, Ok(()));
        assert_eq!(exempt.grow_to(10).await, Err(Exhausted), "all is held");
        drop(first);
        assert_eq!(second.grow_to(2).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_for_units_that_are_given_back_soon() {
        let budget = Budget::new(4);
        let mut first = budget.hold(HERE);
        assert_eq!(first.grow_to(1).await, Ok(()));
        let mut second = budget.hold(HERE);
        let (taken, ()) = tokio::join!(second.grow_to(1), async {
            tokio::task::yield_now().await;
            drop(first);
        });
        assert_eq!(taken, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_that_hold_nothing_leave_nothing_behind() {
        let budget = Budget::new(16);
        for address in 0..100 {
            let mut holding = budget.hold(Some(Ipv4Addr::from_bits(address).into()));
            assert_eq!(holding.grow_to(5).await, Err(Exhausted));
            assert_eq!(holding.grow_to(4).await, Ok(()));
        }
        assert!(budget.shares().is_empty());
        assert_eq!(budget.units.available_permits(), 16);
    }
}

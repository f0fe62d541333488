//! The memory of replies that wait to be sent, in all and for one address.
//!
//! Limits on requests do not bound it: a short request may have a long reply, and its client need not read that reply.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use metrics::counter;
use relive_core::Client;
use tokio::time::Instant;

/// A reply up to this size is never refused.
pub(crate) const SMALL_REPLY_BYTES: usize = 64 * 1024;
/// The part of the memory that one address may hold is one in so many.
const SHARES: usize = 4;
/// How long after a refusal memory counts as short.
const SHORT_AFTER_REFUSAL: Duration = Duration::from_secs(10);

/// The budget of all replies that wait to be sent.
#[derive(Debug)]
pub(crate) struct UnsentBudget {
    /// In bytes.
    capacity: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    total: usize,
    by_household: HashMap<IpAddr, usize>,
    refused_at: Option<Instant>,
}

impl UnsentBudget {
    /// A budget of so many MiB; 0 = no limit.
    pub(crate) fn new(mebibytes: u32) -> Arc<Self> {
        let capacity = match mebibytes {
            0 => usize::MAX,
            mebibytes => (mebibytes as usize).saturating_mul(1024 * 1024),
        };
        Arc::new(Self { capacity, held: Mutex::default() })
    }

    /// Counts the bytes of a reply until the permit is dropped. `None` if they do not fit, neither into the budget nor into the
    /// share of the client's address; small replies are always counted.
    pub(crate) fn reserve(self: &Arc<Self>, client: Client, bytes: usize) -> Option<UnsentPermit> {
        let household = client.share();
        let mut held = self.held();
        let total = held.total.saturating_add(bytes);
        let share = household.map(|household| {
            held.by_household.get(&household).copied().unwrap_or_default().saturating_add(bytes)
        });
        let fits = total <= self.capacity && share.is_none_or(|share| share <= self.capacity / SHARES);
        if !fits && bytes > SMALL_REPLY_BYTES {
            // An address that has used up its own share does not make memory short for others.
            if total > self.capacity {
                held.refused_at = Some(Instant::now());
            }
            counter!("relive_limited_total", "limit" => "unsent_replies").increment(1);
            return None;
        }
        held.total = total;
        if let Some((household, share)) = household.zip(share) {
            held.by_household.insert(household, share);
        }
        drop(held);
        Some(UnsentPermit { budget: Arc::clone(self), household, bytes })
    }

    /// Bytes of replies that wait to be sent.
    pub(crate) fn bytes(&self) -> usize {
        self.held().total
    }

    /// Whether a reply was refused a short time ago.
    fn is_short(&self) -> bool {
        self.held().refused_at.is_some_and(|at| at.elapsed() < SHORT_AFTER_REFUSAL)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of a reply that are counted until the permit is dropped.
#[derive(Debug)]
pub(crate) struct UnsentPermit {
    budget: Arc<UnsentBudget>,
    household: Option<IpAddr>,
    bytes: usize,
}

impl UnsentPermit {
    /// The counted bytes.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether other replies were refused a short time ago for want of memory.
    pub(crate) fn is_wanted(&self) -> bool {
        self.budget.is_short()
    }
}

impl Drop for UnsentPermit {
    fn drop(&mut self) {
        let mut held = self.budget.held();
        held.total = held.total.saturating_sub(self.bytes);
        if let Some(household) = self.household
            && let Some(share) = held.by_household.get_mut(&household)
        {
            *share = share.saturating_sub(self.bytes);
            if *share == 0 {
                held.by_household.remove(&household);
            }
        }
    }
}

/// The body of a reply.
#[derive(Debug, Default)]
pub(crate) struct ReplyBody {
    pub(crate) bytes: Bytes,
    /// Present if the reply may wait longer than a moment: if it is large, or one of several on its connection.
    pub(crate) permit: Option<UnsentPermit>,
}

impl<T: Into<Bytes>> From<T> for ReplyBody {
    fn from(bytes: T) -> Self {
        Self { bytes: bytes.into(), permit: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    fn client(address: &str) -> Client {
        Client { address: address.parse().unwrap(), is_exempt: false }
    }

    #[test]
    fn an_address_holds_at_most_a_quarter_and_all_hold_at_most_the_budget() {
        let budget = UnsentBudget::new(8);
        let held: Vec<_> = (0..2).map(|_| budget.reserve(client("192.0.2.1"), MIB).unwrap()).collect();
        assert!(budget.reserve(client("::ffff:192.0.2.1"), MIB).is_none());
        let network: Vec<_> =
            ["2001:db8::1", "2001:db8::2"].map(|at| budget.reserve(client(at), MIB).unwrap()).into();
        assert!(budget.reserve(client("2001:db8::3"), MIB).is_none(), "a network of 64 bits is one address");
        let others: Vec<_> =
            (3..7).map(|at| budget.reserve(client(&format!("192.0.2.{at}")), MIB).unwrap()).collect();
        assert!(budget.reserve(client("192.0.2.9"), MIB).is_none(), "the budget is used up");
        drop(held);
        assert!(budget.reserve(client("192.0.2.9"), MIB).is_some());
        drop((network, others));
        assert_eq!(budget.bytes(), 0);
        assert!(budget.held().by_household.is_empty());
    }

    #[test]
    fn a_small_reply_is_never_refused_and_an_exempt_client_has_no_share() {
        let budget = UnsentBudget::new(1);
        let exempt = Client { is_exempt: true, ..client("192.0.2.1") };
        let whole = budget.reserve(exempt, MIB).unwrap();
        let small: Vec<_> =
            (0..100).map(|_| budget.reserve(client("192.0.2.2"), SMALL_REPLY_BYTES).unwrap()).collect();
        assert_eq!(budget.bytes(), MIB + 100 * SMALL_REPLY_BYTES);
        assert!(budget.reserve(exempt, SMALL_REPLY_BYTES + 1).is_none());
        drop((whole, small));
        assert!(UnsentBudget::new(0).reserve(client("192.0.2.1"), 1 << 40).is_some(), "0 = no limit");
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_wanted_for_ten_seconds_after_a_refusal() {
        let budget = UnsentBudget::new(1);
        let exempt = Client { is_exempt: true, ..client("127.0.0.1") };
        let held = budget.reserve(client("192.0.2.1"), MIB / 4).unwrap();
        assert!(budget.reserve(client("192.0.2.1"), MIB / 4).is_none());
        assert!(!held.is_wanted(), "the share of one address is its own affair");
        let _rest = budget.reserve(exempt, MIB / 2).unwrap();
        assert!(budget.reserve(exempt, MIB / 2).is_none());
        assert!(held.is_wanted());
        tokio::time::advance(SHORT_AFTER_REFUSAL).await;
        assert!(!held.is_wanted());
    }
}

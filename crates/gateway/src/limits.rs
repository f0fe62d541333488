//! Caps on open connections, in total and per client address.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ipnet::IpNet;
use relive_core::household;

use crate::{client_address::TrustedProxies, connection::Activity};

/// Connections that may be closing at a time to make room for others.
const CLOSING_AT_ONCE: u32 = 32;
/// Connections looked at in the search for an idle one.
const LOOKED_AT: usize = 64;

/// How many connections may be open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionCaps {
    pub(crate) total: u32,
    /// From one address; 0 = no cap.
    pub(crate) per_address: u32,
}

/// Counts open connections. When all are taken, a new one takes the place of an idle one of the address that has the most. A
/// refused connection is closed at once, before a byte of it is read.
#[derive(Debug)]
pub(crate) struct ConnectionLimits {
    caps: ConnectionCaps,
    /// Proxies have neither a cap nor a share of their own: all clients behind a proxy share its address.
    proxies: TrustedProxies,
    /// Networks whose connections are not closed for others.
    exempt: Vec<IpNet>,
    open: Mutex<OpenConnections>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    /// Connections that are open, those that are closing included.
    total: u32,
    /// Connections that were told to close, to make room.
    closing: u32,
    by_address: HashMap<IpAddr, Household>,
    /// The number of connections of each address that has to make room.
    ranking: BTreeSet<(usize, IpAddr)>,
    /// Connections opened so far.
    opened: u64,
}

/// The connections of one address.
#[derive(Debug, Default)]
struct Household {
    /// In the order of their opening.
    connections: BTreeMap<u64, Arc<Activity>>,
    /// The last connection looked at in the search for an idle one; the next search begins behind it.
    searched: u64,
}

/// The cap that a refused connection would exceed; a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Total,
    Address,
}

impl Refused {
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Address => "address",
        }
    }
}

impl ConnectionLimits {
    pub(crate) fn new(caps: ConnectionCaps, proxies: TrustedProxies, exempt: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self { caps, proxies, exempt, open: Mutex::default() })
    }

    /// Counts a connection as open until the permit is dropped, unless it would exceed a cap. May close an idle connection, of
    /// an address that has more of them.
    pub(crate) fn admit(
        self: &Arc<Self>,
        peer: IpAddr,
        activity: &Arc<Activity>,
    ) -> Result<ConnectionPermit, Refused> {
        let peer = peer.to_canonical();
        let address = (!self.proxies.trusts(peer)).then(|| household(peer));
        let mut open = self.open();
        let own = address.map_or(0, |address| open.connections_of(address));
        if self.caps.per_address > 0 && own >= usize::try_from(self.caps.per_address).unwrap_or(usize::MAX) {
            return Err(Refused::Address);
        }
        let ranked = address.filter(|address| !self.exempt.iter().any(|network| network.contains(address)));
        if open.total.saturating_sub(open.closing) >= self.caps.total && !open.make_room(ranked) {
            return Err(Refused::Total);
        }
        open.total += 1;
        let place =
            address.map(|address| Place { address, is_ranked: ranked.is_some(), number: open.opened + 1 });
        if let Some(place) = place {
            open.insert(place, activity);
        }
        Ok(ConnectionPermit { limits: Arc::clone(self), place })
    }

    /// Connections open now.
    pub(crate) fn open_connections(&self) -> u32 {
        self.open().total
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenConnections {
    fn connections_of(&self, address: IpAddr) -> usize {
        self.by_address.get(&address).map_or(0, |household| household.connections.len())
    }

    fn insert(&mut self, place: Place, activity: &Arc<Activity>) {
        self.opened += 1;
        let household = self.by_address.entry(place.address).or_default();
        household.connections.insert(place.number, Arc::clone(activity));
        let count = household.connections.len();
        if place.is_ranked {
            self.ranking.remove(&(count - 1, place.address));
            self.ranking.insert((count, place.address));
        }
    }

    /// Forgets a connection; `None` if it is not there, because it was told to close.
    fn remove(&mut self, place: Place) -> Option<Arc<Activity>> {
        let household = self.by_address.get_mut(&place.address)?;
        let activity = household.connections.remove(&place.number)?;
        let count = household.connections.len();
        if count == 0 {
            self.by_address.remove(&place.address);
        }
        if place.is_ranked {
            self.ranking.remove(&(count + 1, place.address));
            if count > 0 {
                self.ranking.insert((count, place.address));
            }
        }
        Some(activity)
    }

    /// Tells an idle connection to close, of the address with the most connections that has one. The address that a new
    /// connection is for counts with it: it takes nothing from addresses that have fewer.
    fn make_room(&mut self, newcomer: Option<IpAddr>) -> bool {
        if self.closing >= CLOSING_AT_ONCE {
            return false;
        }
        let own = newcomer.map_or(0, |address| self.connections_of(address));
        let larger =
            self.ranking.iter().rev().take_while(|(count, _)| *count > own).map(|(_, address)| *address);
        let addresses: Vec<IpAddr> = larger.chain(newcomer).take(LOOKED_AT).collect();
        let mut left = LOOKED_AT;
        for address in addresses {
            let Some(household) = self.by_address.get_mut(&address) else { continue };
            if let Some(number) = household.find_idle(&mut left) {
                let idle = self.remove(Place { address, is_ranked: true, number });
                self.closing += 1;
                if let Some(idle) = idle {
                    idle.close();
                }
                return true;
            }
        }
        false
    }
}

impl Household {
    /// The oldest connection between two requests, or else one whose request has not arrived, among those not looked at
    /// recently. `left` is the number of connections that may be looked at.
    fn find_idle(&mut self, left: &mut usize) -> Option<u64> {
        let mut unborn = None;
        let behind = self.connections.range((Bound::Excluded(self.searched), Bound::Unbounded));
        for (number, activity) in behind.chain(self.connections.range(..=self.searched)).take(*left) {
            *left -= 1;
            self.searched = *number;
            if activity.is_between_requests() {
                return Some(*number);
            }
            if !activity.is_answering() {
                unborn = unborn.or(Some(*number));
            }
        }
        unborn
    }
}

/// Where a connection is counted.
#[derive(Debug, Clone, Copy)]
struct Place {
    address: IpAddr,
    /// Whether the connections of the address make room for others.
    is_ranked: bool,
    /// The number of the connection in the order of opening.
    number: u64,
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    limits: Arc<ConnectionLimits>,
    place: Option<Place>,
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.limits.open();
        open.total = open.total.saturating_sub(1);
        if let Some(place) = self.place
            && open.remove(place).is_none()
        {
            open.closing = open.closing.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn limits(total: u32, per_address: u32, proxies: TrustedProxies) -> Arc<ConnectionLimits> {
        ConnectionLimits::new(
            ConnectionCaps { total, per_address },
            proxies,
            vec!["127.0.0.0/8".parse().unwrap()],
        )
    }

    /// Opens a connection that answers a request.
    fn busy(limits: &Arc<ConnectionLimits>, address: &str) -> Result<ConnectionPermit, Refused> {
        let activity = Arc::new(Activity::new());
        activity.arrived(http::Version::HTTP_11);
        activity.begin();
        limits.admit(ip(address), &activity)
    }

    /// Opens a connection that has answered a request.
    fn idle(limits: &Arc<ConnectionLimits>, address: &str) -> (ConnectionPermit, Arc<Activity>) {
        let activity = Arc::new(Activity::new());
        activity.arrived(http::Version::HTTP_11);
        activity.begin();
        activity.end();
        (limits.admit(ip(address), &activity).unwrap(), activity)
    }

    #[test]
    fn a_connection_over_the_total_is_refused_until_another_one_closes() {
        let limits = limits(2, 0, TrustedProxies::default());
        let first = busy(&limits, "192.0.2.1").unwrap();
        let _second = busy(&limits, "192.0.2.1").unwrap();
        assert_eq!(busy(&limits, "192.0.2.2").unwrap_err(), Refused::Total);
        drop(first);
        assert!(busy(&limits, "192.0.2.2").is_ok());
    }

    #[test]
    fn an_idle_connection_of_the_address_with_the_most_makes_room() {
        let limits = limits(6, 0, TrustedProxies::default());
        let many: Vec<_> = (0..3).map(|_| idle(&limits, "2001:db8::1")).collect();
        let few: Vec<_> = (0..2).map(|_| idle(&limits, "192.0.2.2")).collect();
        let operator = idle(&limits, "127.0.0.1");
        let newcomer = idle(&limits, "192.0.2.3");
        let closing = |connections: &[(ConnectionPermit, Arc<Activity>)]| {
            connections.iter().map(|(_, activity)| activity.is_closing()).collect::<Vec<_>>()
        };
        assert_eq!(closing(&many), [true, false, false], "the oldest");
        // The next address has two, as the others have now, so its own oldest one makes room for a third.
        let third = idle(&limits, "192.0.2.2");
        assert_eq!((closing(&many), closing(&few)), (vec![true, false, false], vec![true, false]));
        // What an exempt address opens may take the place of any other, and is not closed itself.
        let second = idle(&limits, "127.0.0.1");
        assert_eq!(closing(&[operator, newcomer, third, second]), [false; 4]);
        drop((many, few));
    }

    #[test]
    fn the_connections_that_are_closing_are_bounded() {
        let most = CLOSING_AT_ONCE + 10;
        let limits = limits(most, 0, TrustedProxies::default());
        let many: Vec<_> = (0..most).map(|_| idle(&limits, "192.0.2.1")).collect();
        let admitted: Vec<_> =
            (0..most).map_while(|number| busy(&limits, &format!("192.0.2.{}", number + 2)).ok()).collect();
        assert_eq!(admitted.len(), usize::try_from(CLOSING_AT_ONCE).unwrap());
        drop(many);
        assert!(busy(&limits, "192.0.2.1").is_ok());
        drop(admitted);
        assert_eq!(limits.open_connections(), 0);
        let open = limits.open();
        assert!(open.by_address.is_empty() && open.ranking.is_empty() && open.closing == 0, "{open:?}");
    }

    #[test]
    fn an_idle_connection_is_found_among_many_that_answer() {
        let most = 10 * u32::try_from(LOOKED_AT).unwrap();
        let limits = limits(most, 0, TrustedProxies::default());
        let _answering: Vec<_> = (1..most).map(|_| busy(&limits, "192.0.2.1").unwrap()).collect();
        let idle = idle(&limits, "192.0.2.1");
        let tries = (0..most).take_while(|_| busy(&limits, "192.0.2.2").is_err()).count();
        assert!((1..=10).contains(&tries), "{tries}");
        assert!(idle.1.is_closing());
    }

    #[test]
    fn a_connection_between_requests_is_closed_before_one_whose_request_arrives() {
        let limits = limits(2, 0, TrustedProxies::default());
        let silent = Arc::new(Activity::new());
        let _silent = limits.admit(ip("192.0.2.1"), &silent).unwrap();
        let between = idle(&limits, "192.0.2.1");
        let _first = busy(&limits, "192.0.2.2").unwrap();
        assert!(between.1.is_closing() && !silent.is_closing());
        drop(between);
        let _second = busy(&limits, "192.0.2.3").unwrap();
        assert!(silent.is_closing());
    }

    #[test]
    fn an_address_has_a_cap_and_a_trusted_proxy_has_none() {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let limits = limits(100, 1, proxies);
        let _first = busy(&limits, "2001:db8::1").unwrap();
        assert_eq!(busy(&limits, "2001:db8::2").unwrap_err(), Refused::Address);
        let _mapped = busy(&limits, "::ffff:192.0.2.1").unwrap();
        assert_eq!(busy(&limits, "192.0.2.1").unwrap_err(), Refused::Address);
        let _proxied: Vec<_> = (0..5).map(|_| busy(&limits, "10.0.0.1").unwrap()).collect();
        assert_eq!(limits.open_connections(), 7);
    }

    #[test]
    fn closed_connections_leave_no_entry() {
        let limits = limits(100, 1, TrustedProxies::default());
        drop(busy(&limits, "192.0.2.1").unwrap());
        assert!(limits.open().by_address.is_empty());
        assert_eq!(limits.open_connections(), 0);
    }
}

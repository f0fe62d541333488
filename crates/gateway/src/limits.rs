//! How many connections may be open, in all and from one address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::client_address::TrustedProxies;

/// Counts open connections. A refused one is closed at once, before a byte of it is read.
#[derive(Debug)]
pub(crate) struct ConnectionLimits {
    total: u32,
    per_address: u32,
    /// Behind a proxy every client has the proxy's address.
    exempt: TrustedProxies,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: u32,
    by_address: HashMap<IpAddr, u32>,
}

/// Why a connection is refused; a metric label.
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
    /// `per_address` 0 = no cap.
    pub(crate) fn new(total: u32, per_address: u32, exempt: TrustedProxies) -> Arc<Self> {
        Arc::new(Self { total, per_address, exempt, open: Mutex::default() })
    }

    /// Counts a connection in until the permit is dropped.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<ConnectionPermit, Refused> {
        let peer = peer.to_canonical();
        let address = (self.per_address > 0 && !self.exempt.trusts(peer)).then(|| household(peer));
        let mut open = self.open();
        if open.total >= self.total {
            return Err(Refused::Total);
        }
        if let Some(address) = address {
            let count = open.by_address.entry(address).or_default();
            if *count >= self.per_address {
                return Err(Refused::Address);
            }
            *count += 1;
        }
        open.total += 1;
        Ok(ConnectionPermit { limits: Arc::clone(self), address })
    }

    /// Connections open now.
    pub(crate) fn open_connections(&self) -> u32 {
        self.open().total
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    limits: Arc<ConnectionLimits>,
    address: Option<IpAddr>,
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.limits.open();
        open.total = open.total.saturating_sub(1);
        if let Some(address) = self.address
            && let Some(count) = open.by_address.get_mut(&address)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.by_address.remove(&address);
            }
        }
    }
}

/// What counts as one address: an IPv6 subscriber owns a whole /64.
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_total_is_a_hard_limit_and_a_closed_connection_makes_room() {
        let limits = ConnectionLimits::new(2, 0, TrustedProxies::default());
        let first = limits.admit(ip("192.0.2.1")).unwrap();
        let _second = limits.admit(ip("192.0.2.1")).unwrap();
        assert_eq!(limits.admit(ip("192.0.2.2")).unwrap_err(), Refused::Total);
        drop(first);
        assert!(limits.admit(ip("192.0.2.2")).is_ok());
    }

    #[test]
    fn an_address_is_limited_a_proxy_is_not() {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let limits = ConnectionLimits::new(100, 1, proxies);
        let _first = limits.admit(ip("2001:db8::1")).unwrap();
        assert_eq!(limits.admit(ip("2001:db8::2")).unwrap_err(), Refused::Address);
        let _mapped = limits.admit(ip("::ffff:192.0.2.1")).unwrap();
        assert_eq!(limits.admit(ip("192.0.2.1")).unwrap_err(), Refused::Address);
        let _proxied: Vec<_> = (0..5).map(|_| limits.admit(ip("10.0.0.1")).unwrap()).collect();
        assert_eq!(limits.open_connections(), 7);
    }

    #[test]
    fn nothing_is_remembered_of_closed_connections() {
        let limits = ConnectionLimits::new(100, 1, TrustedProxies::default());
        drop(limits.admit(ip("192.0.2.1")).unwrap());
        assert!(limits.open().by_address.is_empty());
        assert_eq!(limits.open_connections(), 0);
    }
}

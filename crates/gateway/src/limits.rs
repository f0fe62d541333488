//! Caps on open connections, in total and per client address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::client_address::TrustedProxies;

/// How many connections may be open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionCaps {
    pub(crate) total: u32,
    /// From one address; 0 = no cap.
    pub(crate) per_address: u32,
}

/// Counts open connections. A refused connection is closed at once, before a byte of it is read.
#[derive(Debug)]
pub(crate) struct ConnectionLimits {
    caps: ConnectionCaps,
    /// Proxies have no cap of their own: all clients behind a proxy share its address.
    exempt: TrustedProxies,
    open: Mutex<OpenConnections>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    total: u32,
    by_address: HashMap<IpAddr, u32>,
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
    pub(crate) fn new(caps: ConnectionCaps, exempt: TrustedProxies) -> Arc<Self> {
        Arc::new(Self { caps, exempt, open: Mutex::default() })
    }

    /// Counts a connection as open until the permit is dropped, unless it would exceed a cap.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<ConnectionPermit, Refused> {
        let peer = peer.to_canonical();
        let address = (self.caps.per_address > 0 && !self.exempt.trusts(peer)).then(|| counted_as(peer));
        let mut open = self.open();
        if open.total >= self.caps.total {
            return Err(Refused::Total);
        }
        if let Some(address) = address {
            let count = open.by_address.entry(address).or_default();
            if *count >= self.caps.per_address {
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

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
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

/// The address under which a client's connections are counted: an IPv6 subscriber owns a whole /64.
fn counted_as(address: IpAddr) -> IpAddr {
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

    fn limits(total: u32, per_address: u32, exempt: TrustedProxies) -> Arc<ConnectionLimits> {
        ConnectionLimits::new(ConnectionCaps { total, per_address }, exempt)
    }

    #[test]
    fn a_connection_over_the_total_is_refused_until_another_one_closes() {
        let limits = limits(2, 0, TrustedProxies::default());
        let first = limits.admit(ip("192.0.2.1")).unwrap();
        let _second = limits.admit(ip("192.0.2.1")).unwrap();
        assert_eq!(limits.admit(ip("192.0.2.2")).unwrap_err(), Refused::Total);
        drop(first);
        assert!(limits.admit(ip("192.0.2.2")).is_ok());
    }

    #[test]
    fn an_address_has_a_cap_and_a_trusted_proxy_has_none() {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let limits = limits(100, 1, proxies);
        let _first = limits.admit(ip("2001:db8::1")).unwrap();
        assert_eq!(limits.admit(ip("2001:db8::2")).unwrap_err(), Refused::Address);
        let _mapped = limits.admit(ip("::ffff:192.0.2.1")).unwrap();
        assert_eq!(limits.admit(ip("192.0.2.1")).unwrap_err(), Refused::Address);
        let _proxied: Vec<_> = (0..5).map(|_| limits.admit(ip("10.0.0.1")).unwrap()).collect();
        assert_eq!(limits.open_connections(), 7);
    }

    #[test]
    fn closed_connections_leave_no_entry() {
        let limits = limits(100, 1, TrustedProxies::default());
        drop(limits.admit(ip("192.0.2.1")).unwrap());
        assert!(limits.open().by_address.is_empty());
        assert_eq!(limits.open_connections(), 0);
    }
}

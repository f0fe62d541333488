//! The client's address: the peer's own, or the one that trusted proxies report.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Networks whose `X-Forwarded-For` is trusted.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    pub(crate) fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client behind a chain of trusted proxies: the rightmost address that is not trusted. The client may have
    /// forged all addresses to the left of its own.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if self.0.is_empty() {
            return client;
        }
        let mut hops = headers
            .get_all(X_FORWARDED_FOR)
            .iter()
            .rev()
            .flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        while self.trusts(client) {
            let Some(hop) = hops.next().and_then(parse) else {
                break;
            };
            client = hop;
        }
        client
    }
}

/// Where requests come from, and which addresses have no budgets.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    proxies: TrustedProxies,
    exempt: Vec<IpNet>,
    /// When the last warning about an unknown proxy was logged.
    warned_at: Mutex<Option<Instant>>,
}

/// Shortest time between two warnings about an unknown proxy.
const WARNING_PAUSE: Duration = Duration::from_secs(10);

impl Clients {
    pub(crate) fn new(proxies: TrustedProxies, exempt: Vec<IpNet>) -> Self {
        Self { proxies, exempt, warned_at: Mutex::default() }
    }

    /// The client of a request, and whether it has no budgets: the operator's own machines, and all clients behind a proxy that
    /// nobody has named in `http.trusted_proxies`, because they share its address.
    pub(crate) fn of(&self, peer: IpAddr, headers: &HeaderMap) -> (IpAddr, bool) {
        let client = self.proxies.client(peer, headers);
        let is_unknown_proxy = is_local(peer.to_canonical())
            && !self.proxies.trusts(peer.to_canonical())
            && headers.contains_key(X_FORWARDED_FOR);
        if is_unknown_proxy && self.may_warn() {
            tracing::warn!(
                %peer,
                "a proxy is not named in http.trusted_proxies: its clients share its address, and the limits do not apply to them"
            );
        }
        (client, is_unknown_proxy || self.exempt.iter().any(|network| network.contains(&client)))
    }

    fn may_warn(&self) -> bool {
        let mut warned_at = self.warned_at.lock().unwrap_or_else(PoisonError::into_inner);
        let may = warned_at.is_none_or(|at| at.elapsed() >= WARNING_PAUSE);
        if may {
            *warned_at = Some(Instant::now());
        }
        may
    }
}

/// Whether an address can only belong to a machine of the operator's network.
fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// Parses an address as proxies write it, with or without a port.
fn parse(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    hop.parse()
        .ok()
        .or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .or_else(bracketed)
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(trusted: &[&str], peer: &str, forwarded: &[&'static str]) -> String {
        let proxies = TrustedProxies::new(trusted.iter().map(|network| network.parse().unwrap()).collect());
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_static(value));
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn exempt_addresses_and_clients_of_unknown_proxies_have_no_budgets() {
        let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
        let proxies = TrustedProxies::new(networks(&["10.0.0.1/32"]));
        let clients = Clients::new(proxies, networks(&["127.0.0.0/8", "::1/128"]));
        let mut forwarded = HeaderMap::new();
        forwarded.insert(X_FORWARDED_FOR, HeaderValue::from_static("198.51.100.1"));
        for (peer, headers, exempt) in [
            ("127.0.0.1", HeaderMap::new(), true),
            ("::1", HeaderMap::new(), true),
            ("10.0.0.2", HeaderMap::new(), false),
            ("10.0.0.2", forwarded.clone(), true),
            ("10.0.0.1", forwarded.clone(), false),
            ("::ffff:10.0.0.1", forwarded.clone(), false),
            ("fd00::2", forwarded.clone(), true),
            ("203.0.113.9", forwarded, false),
        ] {
            assert_eq!(clients.of(peer.parse().unwrap(), &headers).1, exempt, "{peer} {headers:?}");
        }
    }

    #[test]
    fn an_untrusted_peer_cannot_choose_its_address() {
        assert_eq!(client(&[], "203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client(&["10.0.0.0/8"], "203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
    }

    #[test]
    fn the_chain_is_read_from_the_right_up_to_the_first_untrusted_address() {
        let trusted = ["10.0.0.0/8", "2001:db8::/32"];
        assert_eq!(client(&trusted, "10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client(&trusted, "10.0.0.1", &["1.1.1.1, 198.51.100.1 , 10.2.3.4"]), "198.51.100.1");
        assert_eq!(
            client(&trusted, "10.0.0.1", &["1.1.1.1, 198.51.100.1", "[2001:db8::7]:443"]),
            "198.51.100.1"
        );
        assert_eq!(client(&trusted, "10.0.0.1", &["198.51.100.1:5060"]), "198.51.100.1");
        assert_eq!(client(&trusted, "10.0.0.1", &["10.9.9.9"]), "10.9.9.9");
    }

    #[test]
    fn a_malformed_address_ends_the_chain() {
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &[""]), "10.0.0.1");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn ipv4_mapped_addresses_become_ipv4_addresses() {
        assert_eq!(client(&[], "::ffff:203.0.113.9", &[]), "203.0.113.9");
        assert_eq!(client(&["10.0.0.0/8"], "::ffff:10.0.0.1", &["::ffff:198.51.100.1"]), "198.51.100.1");
    }
}

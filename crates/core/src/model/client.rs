//! The client of a request.

use std::net::{IpAddr, Ipv6Addr};

/// The client on whose behalf a [`Core`](crate::Core) acts, see [`Core::for_client`](crate::Core::for_client).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The address from which the request came.
    pub address: IpAddr,
    /// Whether the address has no budgets: the operator's own machines, and proxies that hide their clients.
    pub is_exempt: bool,
}

impl Client {
    /// The address that is counted for the client.
    pub(crate) fn household(self) -> IpAddr {
        household(self.address)
    }
}

/// The address by which requests are counted: a household gets an IPv6 network of 64 bits.
pub(crate) fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

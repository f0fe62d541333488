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
    /// The address by which the client is counted: an IPv6 address stands for its network of 64 bits, which one subscriber owns.
    pub fn household(self) -> IpAddr {
        household(self.address)
    }

    /// The address that holds what the client takes of things that are shared by address; `None` if the client may take all.
    pub fn share(self) -> Option<IpAddr> {
        (!self.is_exempt).then(|| self.household())
    }

    /// The place of the client as it is stored with the live of a guest.
    pub(crate) fn origin(self) -> String {
        let exempt = if self.is_exempt { EXEMPT } else { "" };
        format!("{exempt}{}", self.household())
    }

    /// Whether a stored place belongs to an exempt client.
    pub(crate) fn is_exempt_origin(origin: &str) -> bool {
        origin.starts_with(EXEMPT)
    }
}

/// The beginning of the places of exempt clients.
const EXEMPT: &str = "exempt ";

/// The address by which clients are counted: a household gets an IPv6 network of 64 bits.
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

//! The proxies whose word about a client's address is believed.

use crate::limits::TRUSTED_PROXIES_MAX;
use std::net::IpAddr;

/// The header in which trusted proxies name the client. One only: whoever sets one passes the other on as the client wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Networks of trusted proxies. `Default` trusts nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<Network>,
    header: ProxyHeader,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

impl TrustedProxies {
    /// Networks as text (`10.0.0.0/8`, `::1`); `Err` with what is none, or with the first one that is too many.
    ///
    /// # Errors
    /// The text that is no network.
    pub fn parse<'a>(networks: impl IntoIterator<Item = &'a str>, header: ProxyHeader) -> Result<Self, String> {
        let mut parsed = Vec::new();
        for text in networks {
            match Network::parse(text).filter(|_| parsed.len() < TRUSTED_PROXIES_MAX) {
                Some(network) => parsed.push(network),
                None => return Err(text.to_owned()),
            }
        }
        Ok(Self { networks: parsed, header })
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    pub(super) const fn header(&self) -> ProxyHeader {
        self.header
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match prefix {
            Some(prefix) if !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
                prefix.parse().ok()?
            }
            Some(_) => return None,
            None => bits_max,
        };
        (prefix_bits <= bits_max).then_some(Self { address, prefix_bits })
    }

    fn contains(self, address: IpAddr) -> bool {
        let rest = |bits: u8| 128 - u32::from(bits);
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differs = own.to_bits() ^ other.to_bits();
                differs.checked_shr(32 - u32::from(self.prefix_bits)).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differs = own.to_bits() ^ other.to_bits();
                differs.checked_shr(rest(self.prefix_bits)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ProxyHeader, TrustedProxies};

    fn holds(network: &str, address: &str) -> bool {
        let trusted = TrustedProxies::parse([network], ProxyHeader::default()).unwrap();
        trusted.contains(address.parse().unwrap())
    }

    #[test]
    fn networks_end_where_their_prefix_ends() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.128/25", "192.0.2.255", "192.0.2.127"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
            ("::1", "::1", "::2"),
        ] {
            assert!(holds(network, inside) && !holds(network, outside), "{network}");
        }
        assert!(holds("0.0.0.0/0", "203.0.113.9") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("::/0", "2001:db8::1") && !holds("::/0", "203.0.113.9"));
    }

    #[test]
    fn what_is_no_network_is_named() {
        for text in ["", "proxy", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0/8", "10.0.0.0/8/8"] {
            assert_eq!(TrustedProxies::parse(["::1", text], ProxyHeader::default()), Err(text.to_owned()));
        }
        let many = vec!["10.0.0.1"; 1000];
        assert!(TrustedProxies::parse(many, ProxyHeader::default()).is_err());
    }
}

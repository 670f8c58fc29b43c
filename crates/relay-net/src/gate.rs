//! Who is let in: whose request or connection it is, and whether that address has not asked too often.
//!
//! Invariants:
//! 1. An address that a client claims is believed only when the socket's peer is a trusted proxy, and then only as far from
//!    the right of the list as trusted proxies reach.
//! 2. Addresses are kept in memory only, as long as they matter for a rate; they are never logged and never counted by name.

mod client;
mod forwarded;
mod headers;
mod open;
mod origins;
pub(crate) mod proxy_protocol;
mod trusted;

pub(crate) use client::{Client, Peer};
pub(crate) use headers::{write as write_headers, write_lines};
pub(crate) use open::OpenSeat;
pub use origins::AllowedOrigins;
pub(crate) use relay_core::foreign::AddressKey;
pub use trusted::{ProxyHeader, TrustedProxies};

use crate::http::route::RouteKind;
use crate::limits::ADDRESSES_MAX;
use crate::stats::Counters;
use http::HeaderMap;
use open::OpenConnections;
use proxy_protocol::Source;
use relay_core::endpoint::Moment;
use relay_core::gcra::{Rate, Table, Verdict};
use std::hash::RandomState;
use std::net::IpAddr;
use std::sync::Arc;

/// Rates and counts of one client address (of IPv6, of its /64); 0 is no limit. `Default` limits nothing and trusts nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateConfig {
    /// Requests in a minute that the core passes on to the control plane, probes excepted.
    pub requests_per_minute: u32,
    /// Requests in a minute on the routes the core serves itself, liveness excepted; a WebSocket is one.
    pub native_requests_per_minute: u32,
    /// New connections in a minute.
    pub connections_per_minute: u32,
    /// Connections open at a time; those of trusted proxies are counted by the clients of their WebSockets.
    pub connections_max: u32,
    /// Peers whose word about the client's address is believed.
    pub trusted_proxies: TrustedProxies,
    /// Their connections begin with a header of the PROXY protocol.
    pub proxy_protocol: bool,
    /// Requests are refused, probes excepted, unless their client spoke TLS to the relay or to a trusted proxy that says so.
    pub require_https: bool,
    /// Pages of which origins may read answers.
    pub origins: AllowedOrigins,
}

type Addresses = Table<AddressKey, RandomState>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Gate {
    requests: Option<Addresses>,
    native_requests: Option<Addresses>,
    connections: Option<Addresses>,
    open: Arc<OpenConnections>,
    trusted_proxies: TrustedProxies,
    proxy_protocol: bool,
    require_https: bool,
    pub(crate) origins: AllowedOrigins,
}

/// Why a connection is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    TooFast(Verdict),
    TooMany,
}

fn addresses(per_minute: u32) -> Option<Addresses> {
    Rate::per_minute(per_minute).map(|rate| Table::new(rate, ADDRESSES_MAX, RandomState::new()))
}

impl Gate {
    pub(crate) fn new(config: GateConfig) -> Self {
        Self {
            requests: addresses(config.requests_per_minute),
            native_requests: addresses(config.native_requests_per_minute),
            connections: addresses(config.connections_per_minute),
            open: OpenConnections::new(config.connections_max),
            trusted_proxies: config.trusted_proxies,
            proxy_protocol: config.proxy_protocol,
            require_https: config.require_https,
            origins: config.origins,
        }
    }

    /// Who is at the other end of a socket.
    pub(crate) fn peer(&self, address: IpAddr) -> Peer {
        let address = address.to_canonical();
        Peer { address, is_trusted: self.trusted_proxies.contains(address) }
    }

    /// Whether a connection must begin with a header that says whose it is. Nobody else's is looked at.
    pub(crate) const fn needs_proxy_header(&self, peer: Peer) -> bool {
        self.proxy_protocol && peer.is_trusted
    }

    /// Who is at the other end according to such a header. What a proxy says for itself is not believed about clients.
    pub(crate) fn proxied_peer(&self, proxy: Peer, source: Source) -> Peer {
        match source {
            Source::Client(address) => self.peer(address),
            Source::Proxy => Peer { is_trusted: false, ..proxy },
        }
    }

    /// Whose request it is; `over_tls` is how the peer brought it.
    pub(crate) fn client(&self, peer: Peer, headers: &HeaderMap, over_tls: bool) -> Client {
        let address = if peer.is_trusted {
            forwarded::client_address(&self.trusted_proxies, peer.address, headers)
        } else {
            peer.address
        };
        Client { peer, address, scheme: forwarded::scheme(&self.trusted_proxies, peer, headers, over_tls) }
    }

    /// Whether a client's request must come over HTTPS and did not. Probes come from beside the proxies, not through them.
    pub(crate) fn needs_https(&self, kind: Option<RouteKind>, client: &Client) -> bool {
        let is_probe = matches!(kind, Some(RouteKind::Liveness | RouteKind::Probe));
        self.require_https && !is_probe && !client.is_https()
    }

    /// Whether it takes the headers of this peer's requests to know that.
    pub(crate) const fn judges_schemes_of(&self, peer: Peer, over_tls: bool) -> bool {
        self.require_https && (peer.is_trusted || !over_tls)
    }

    /// The address of a client whose request has this list of addresses and no other.
    pub(crate) fn client_of_list(&self, peer: Peer, list: &[u8]) -> IpAddr {
        forwarded::rightmost_untrusted(&self.trusted_proxies, peer.address, std::iter::once(list))
    }

    /// Which header trusted proxies write the client's address into.
    pub(crate) const fn proxy_header(&self) -> ProxyHeader {
        self.trusted_proxies.header()
    }

    /// A new connection; proxies bring the connections of many, and are not counted.
    pub(crate) fn connect(&self, peer: Peer, now: Moment, counters: &Counters) -> Result<Option<OpenSeat>, Refused> {
        if peer.is_trusted {
            return Ok(None);
        }
        let key = AddressKey::of(peer.address);
        let verdict = self.connections.as_ref().map(|table| table.admit(key, now));
        if let Some(verdict) = verdict.filter(|verdict| !verdict.is_admitted()) {
            counters.connections_limited_total.add(1);
            return Err(Refused::TooFast(verdict));
        }
        self.take_seat(key, counters)
    }

    /// A WebSocket that a trusted proxy brings; a peer that is none has its seat since it connected.
    pub(crate) fn upgrade(&self, client: &Client, counters: &Counters) -> Result<Option<OpenSeat>, Refused> {
        if client.peer.is_trusted { self.take_seat(AddressKey::of(client.address), counters) } else { Ok(None) }
    }

    fn take_seat(&self, key: AddressKey, counters: &Counters) -> Result<Option<OpenSeat>, Refused> {
        OpenConnections::take(&self.open, key).map_err(|open::Full| {
            counters.address_connections_refused_total.add(1);
            Refused::TooMany
        })
    }

    /// A request for what is served at a path: none where its kind has no limit.
    pub(crate) fn request(
        &self,
        kind: Option<RouteKind>,
        client: AddressKey,
        now: Moment,
        counters: &Counters,
    ) -> Option<Verdict> {
        let (table, limited) = match kind {
            Some(RouteKind::Liveness | RouteKind::Probe) => return None,
            // A foreign protocol counts its own requests, and says so in its own words.
            Some(_) => (&self.native_requests, &counters.native_requests_limited_total),
            None => (&self.requests, &counters.requests_limited_total),
        };
        let verdict = table.as_ref()?.admit(client, now);
        limited.add(u64::from(!verdict.is_admitted()));
        Some(verdict)
    }

    /// Looks at addresses that found no room in the tables and were judged by another one's rate.
    pub(crate) fn crowded(&self) -> u64 {
        let tables = [&self.requests, &self.native_requests, &self.connections];
        tables.into_iter().flatten().map(Table::crowded).sum()
    }
}

#[cfg(test)]
mod tests;

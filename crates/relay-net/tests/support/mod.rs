//! What the tests of the transport share: endpoints with simple behaviour, a server on loopback, a byte-level client.
#![allow(dead_code, unreachable_pub, reason = "every test binary uses its own part of this module")]

pub mod client;
pub mod endpoints;
pub mod foreign;
pub mod fountain;
pub mod hub;
pub mod tls;

use endpoints::{Behaviour, Factory};
use relay_net::{Clock, Endpoints, GateConfig, NetLimits, NetStats, Route, RouteKind, Server, ServerConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where the tests put the native protocol; not the product's default, because paths come from the caller.
pub const NATIVE: &str = "/test/native";
pub const LIVE: &str = "/test/live";
pub const READY: &str = "/test/ready";

pub struct Relay {
    pub server: Server,
    pub factory: Arc<Factory>,
    /// In front of a server with TLS.
    bridge: Option<SocketAddr>,
}

/// Set to 1, every test of the transport runs over TLS.
const OVER_TLS: &str = "RELAY_TEST_OVER_TLS";

pub fn config(limits: NetLimits) -> ServerConfig {
    ServerConfig {
        bind: ([127, 0, 0, 1], 0).into(),
        routes: vec![
            Route { path: NATIVE.to_owned(), kind: RouteKind::Native },
            Route { path: LIVE.to_owned(), kind: RouteKind::Liveness },
            Route { path: READY.to_owned(), kind: RouteKind::Probe },
        ],
        control_plane: None,
        liveness: None,
        gate: GateConfig::default(),
        tls: None,
        limits,
    }
}

pub async fn relay(behaviour: Behaviour, limits: NetLimits) -> Relay {
    relay_with(behaviour, config(limits)).await
}

pub async fn relay_with(behaviour: Behaviour, config: ServerConfig) -> Relay {
    if config.tls.is_none() && is_over_tls() {
        return relay_over_tls(behaviour, config).await;
    }
    relay_in_clear(behaviour, config)
}

/// Whether this run is the one over TLS; what a client costs in the same process is not told apart there.
pub fn is_over_tls() -> bool {
    std::env::var(OVER_TLS).is_ok_and(|value| value == "1")
}

/// A relay with TLS and an authority of its own, behind a bridge.
pub async fn relay_over_tls(behaviour: Behaviour, mut config: ServerConfig) -> Relay {
    let authority = tls::Authority::new();
    config.tls = Some(tls::tls_config(authority.issue(-1, 30).certificate()));
    let mut relay = relay_in_clear(behaviour, config);
    relay.bridge = Some(tls::bridge(relay.server.local_addr(), authority.client_13()));
    relay
}

/// A relay behind no bridge, whatever the run: for what is said before TLS begins.
pub fn relay_in_clear(behaviour: Behaviour, config: ServerConfig) -> Relay {
    let factory = Factory::new(behaviour);
    let endpoints =
        Endpoints { native: factory.clone(), http: factory.clone(), blobs: None, foreign: foreign::foreign() };
    let server = Server::bind(config).unwrap().serve(endpoints, Clock::start());
    Relay { server, factory, bridge: None }
}

impl Relay {
    /// Where a client without TLS reaches it.
    pub fn address(&self) -> SocketAddr {
        self.bridge.unwrap_or_else(|| self.server.local_addr())
    }

    pub async fn client(&self) -> client::Client {
        client::Client::open(self.address(), NATIVE).await
    }

    /// Waits until `check` holds for the stats, and returns them.
    pub async fn until(&self, what: &str, check: impl Fn(&NetStats) -> bool) -> NetStats {
        let start = Instant::now();
        loop {
            let stats = self.server.stats();
            if check(&stats) {
                return stats;
            }
            assert!(start.elapsed() < Duration::from_secs(8), "never happened: {what}; {stats:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

//! What the tests of the transport share: endpoints with simple behaviour, a server on loopback, a byte-level client.
#![allow(dead_code, unreachable_pub, reason = "every test binary uses its own part of this module")]

pub mod client;
pub mod endpoints;
pub mod foreign;
pub mod fountain;
pub mod hub;

use endpoints::{Behaviour, Factory};
use relay_net::{Clock, Endpoints, GateConfig, NetLimits, NetStats, Route, RouteKind, Server, ServerConfig};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where the tests put the native protocol; not the product's default, because paths come from the caller.
pub const NATIVE: &str = "/test/native";
pub const LIVE: &str = "/test/live";

pub struct Relay {
    pub server: Server,
    pub factory: Arc<Factory>,
}

pub fn config(limits: NetLimits) -> ServerConfig {
    ServerConfig {
        bind: ([127, 0, 0, 1], 0).into(),
        routes: vec![
            Route { path: NATIVE.to_owned(), kind: RouteKind::Native },
            Route { path: LIVE.to_owned(), kind: RouteKind::Liveness },
        ],
        control_plane: None,
        liveness: None,
        gate: GateConfig::default(),
        limits,
    }
}

pub async fn relay(behaviour: Behaviour, limits: NetLimits) -> Relay {
    relay_with(behaviour, config(limits)).await
}

pub async fn relay_with(behaviour: Behaviour, config: ServerConfig) -> Relay {
    let factory = Factory::new(behaviour);
    let endpoints =
        Endpoints { native: factory.clone(), http: factory.clone(), blobs: None, foreign: foreign::foreign() };
    let server = Server::bind(config).unwrap().serve(endpoints, Clock::start());
    Relay { server, factory }
}

impl Relay {
    pub async fn client(&self) -> client::Client {
        client::Client::open(self.server.local_addr(), NATIVE).await
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

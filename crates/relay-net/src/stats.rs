//! What the transport counts. Connections tally locally and add once per turn, so counting costs no shared cache line per
//! message.

use crate::partial::PartialBudget;
use crate::request_class::RequestClass;
use crate::websocket::Violation;
use relay_core::measure::{Outcome, RequestFigures, RequestMeter};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $(pub(crate) $name: Counter,)+ }

        /// A snapshot of the transport's counters (`_total`, since the start) and gauges.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct NetStats {
            $($(#[doc = $doc])+ pub $name: u64,)+
            /// Connections open now, HTTP and WebSocket together.
            pub connections_open: u64,
            /// Looks at the rate of an address that found no room of its own and shared the lowest one.
            pub addresses_crowded_total: u64,
            /// WebSockets open now.
            pub websockets_open: u64,
            /// Bytes held for messages that have not arrived completely.
            pub partial_bytes: u64,
            /// Broken WebSocket rules, all kinds together.
            pub protocol_errors_total: u64,
            /// Broken WebSocket rules by kind, in the order of [`Violation::ALL`].
            pub protocol_errors_by_kind: Vec<(Violation, u64)>,
        }

        impl Counters {
            fn copy_to(&self, stats: &mut NetStats) {
                $(stats.$name = self.$name.get();)+
            }
        }
    };
}

counters! {
    /// Connections accepted.
    accepted_total,
    /// Connections refused because too many were open.
    refused_total,
    /// Connections refused because their address opened too many in a minute.
    connections_limited_total,
    /// Connections and WebSockets refused because their address had too many open.
    address_connections_refused_total,
    /// Connections over a limit that were closed without an answer, because too many others were being told.
    refusals_untold_total,
    /// Connections of trusted proxies that did not begin with a PROXY header, where one is needed.
    proxy_headers_missing_total,
    /// Requests for the control plane refused because their address sent too many in a minute.
    requests_limited_total,
    /// Requests for what the core serves itself refused for the same reason.
    native_requests_limited_total,
    /// Failed accepts (out of file descriptors, say).
    accept_errors_total,
    /// TLS handshakes done.
    tls_handshakes_total,
    /// TLS handshakes that failed: no common version or cipher, broken messages, or plain HTTP.
    tls_handshake_failures_total,
    /// TLS handshakes that were not done in time.
    tls_handshake_timeouts_total,
    /// TLS handshakes by which a certificate authority checked a domain.
    tls_challenges_total,
    /// Requests the relay itself answered with an error, malformed ones included.
    http_errors_total,
    /// HTTP connections cut because the peer did not read its answer.
    http_stalls_total,
    /// Requests answered by the liveness route.
    liveness_total,
    /// Requests of the native protocol over HTTP.
    frame_requests_total,
    /// Requests for blobs.
    blob_requests_total,
    /// Uploads of blobs cut because they brought nothing, or too little, for too long.
    blob_uploads_cut_total,
    /// Requests of foreign protocols.
    foreign_requests_total,
    /// Requests passed on to the control plane.
    proxied_total,
    /// Requests the control plane could not be asked or did not answer in time.
    proxy_errors_total,
    /// WebSocket handshakes done.
    upgraded_total,
    /// WebSocket handshakes refused.
    upgrades_refused_total,
    /// Bytes received on WebSockets.
    bytes_in_total,
    /// Bytes sent on WebSockets.
    bytes_out_total,
    /// WebSocket messages received.
    messages_in_total,
    /// WebSocket messages sent.
    messages_out_total,
    /// Sends on WebSockets; `messages_out_total / writes_total` tells how well messages coalesce.
    writes_total,
    /// Pings sent.
    pings_total,
    /// Times a connection had output waiting while its write queue was full.
    slow_consumers_total,
    /// WebSockets cut because a write made no progress.
    write_stalls_total,
    /// WebSockets closed because the peer was silent for two heartbeats.
    heartbeat_timeouts_total,
    /// WebSockets closed because no first message came.
    handshake_timeouts_total,
    /// WebSockets closed because no message travelled.
    idle_timeouts_total,
    /// WebSockets closed because a message arrived too slowly.
    message_timeouts_total,
    /// WebSockets closed because the budget of partial bytes was used up.
    partial_refused_total,
    /// WebSockets closed by their peer.
    peer_closes_total,
    /// WebSockets closed by their endpoint.
    endpoint_closes_total,
    /// WebSockets lost without a close handshake.
    resets_total,
    /// Panics of endpoints, each of which closed its own connection.
    endpoint_panics_total,
    /// WebSockets told that the relay drains.
    drained_total,
    /// Connections aborted at the end of a drain.
    aborted_total,
}

/// A counter that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, amount: u64) {
        if amount > 0 {
            self.0.fetch_add(amount, Ordering::Relaxed);
        }
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A value that goes up and down; raised by a guard that lowers it exactly once.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Everything counted in one server.
#[derive(Debug)]
pub(crate) struct Stats {
    pub(crate) counters: Counters,
    pub(crate) websockets: Gauge,
    pub(crate) partial: Arc<PartialBudget>,
    violations: Vec<(Violation, Counter)>,
    /// In the order of [`RequestClass::ALL`].
    requests: [RequestMeter; RequestClass::ALL.len()],
}

impl Stats {
    pub(crate) fn new(partial_bytes_max: usize) -> Arc<Self> {
        Arc::new(Self {
            counters: Counters::default(),
            websockets: Gauge::default(),
            partial: PartialBudget::new(partial_bytes_max),
            violations: Violation::ALL.iter().map(|kind| (*kind, Counter::default())).collect(),
            requests: Default::default(),
        })
    }

    pub(crate) fn violation(&self, violation: Violation) {
        if let Some((_, counter)) = self.violations.iter().find(|(kind, _)| *kind == violation) {
            counter.add(1);
        }
    }

    /// Counts an answer, and how long it took until it could be sent.
    pub(crate) fn answered(&self, class: Option<RequestClass>, outcome: Outcome, took: Duration) {
        if let Some(meter) = class.and_then(|class| self.requests.get(class as usize)) {
            meter.record(outcome, took, 1);
        }
    }

    /// The requests by kind.
    pub(crate) fn requests(&self) -> Vec<(RequestClass, RequestFigures)> {
        RequestClass::ALL.into_iter().zip(self.requests.iter().map(RequestMeter::read)).collect()
    }

    pub(crate) fn snapshot(&self, connections_open: usize, addresses_crowded_total: u64) -> NetStats {
        let by_kind: Vec<_> = self.violations.iter().map(|(kind, counter)| (*kind, counter.get())).collect();
        let mut stats = NetStats {
            connections_open: connections_open as u64,
            addresses_crowded_total,
            websockets_open: self.websockets.get(),
            partial_bytes: self.partial.held_bytes() as u64,
            protocol_errors_total: by_kind.iter().map(|(_, count)| count).sum(),
            protocol_errors_by_kind: by_kind,
            ..NetStats::default()
        };
        self.counters.copy_to(&mut stats);
        stats
    }
}

/// Counts one open WebSocket until it is dropped.
#[derive(Debug)]
pub(crate) struct WebSocketGuard(Arc<Stats>);

impl WebSocketGuard {
    pub(crate) fn new(stats: Arc<Stats>) -> Self {
        stats.counters.upgraded_total.add(1);
        stats.websockets.0.fetch_add(1, Ordering::Relaxed);
        Self(stats)
    }
}

impl Drop for WebSocketGuard {
    fn drop(&mut self) {
        self.0.websockets.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What one connection counted since it last reported.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) messages_in: u64,
    pub(crate) messages_out: u64,
    pub(crate) writes: u64,
}

impl Tally {
    /// Takes over what another one counted.
    pub(crate) fn add(&mut self, other: &mut Self) {
        let other = std::mem::take(other);
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.messages_in += other.messages_in;
        self.messages_out += other.messages_out;
        self.writes += other.writes;
    }

    pub(crate) fn report(&mut self, counters: &Counters) {
        let tally = std::mem::take(self);
        counters.bytes_in_total.add(tally.bytes_in);
        counters.bytes_out_total.add(tally.bytes_out);
        counters.messages_in_total.add(tally.messages_in);
        counters.messages_out_total.add(tally.messages_out);
        counters.writes_total.add(tally.writes);
    }
}

//! The native protocol behind its route: the store, the rules, and the endpoints they give to connections.

use crate::config::RelayConfig;
use crate::events::EventQueue;
use crate::failure::Failure;
use bytes::Bytes;
use relay_core::endpoint::{Close, Endpoint, EndpointFactory, Moment, Opened, Outbox};
use relay_net::Clock;
use std::sync::Arc;

/// What has to be opened before, and closed after, the listener.
pub(crate) struct Native {
    endpoints: Arc<dyn EndpointFactory>,
}

impl Native {
    /// Opens the store and the rules over it.
    pub(crate) fn open(_config: &RelayConfig, _clock: Clock, _events: &Arc<EventQueue>) -> Result<Self, Failure> {
        Ok(Self { endpoints: Arc::new(Unavailable) })
    }

    /// What serves the connections of the native route.
    pub(crate) fn endpoints(&self) -> Arc<dyn EndpointFactory> {
        Arc::clone(&self.endpoints)
    }

    /// The relay's public key, base64url.
    pub(crate) fn log_id(&self) -> String {
        String::new()
    }

    /// Makes everything durable and lets the data directory go. No connection is open any more.
    pub(crate) fn close(&self) {}
}

/// Asks clients to come back later.
struct Unavailable;

impl EndpointFactory for Unavailable {
    fn open(&self, _opened: Opened, _now: Moment) -> Box<dyn Endpoint> {
        Box::new(Unavailable)
    }

    fn message_bytes_max(&self) -> usize {
        1024
    }
}

impl Endpoint for Unavailable {
    fn on_message(&mut self, _message: Bytes, now: Moment, out: &mut dyn Outbox) {
        self.poll(now, out);
    }

    fn poll(&mut self, _now: Moment, out: &mut dyn Outbox) {
        out.close(Close { code: 1013, reason: "try again later" });
    }

    fn next_deadline(&self) -> Option<Moment> {
        None
    }

    fn on_drain(&mut self, now: Moment, out: &mut dyn Outbox) {
        self.poll(now, out);
    }

    fn on_closed(&mut self) {}
}

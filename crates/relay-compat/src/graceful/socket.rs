//! `/ws`: JSON messages that say when there is something to pull, and that both sides are there.

use super::notify::{Listener, Listeners};
use bytes::Bytes;
use relay_core::documents::Tenant;
use relay_core::endpoint::{Close, Endpoint, EndpointFactory, Moment, Opened, Outbound, Outbox, SharedFrame};
use relay_core::environment::WallClock;
use relay_core::foreign::Seat;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Largest message of a client, in bytes: it only says ping and pong.
const MESSAGE_BYTES_MAX: usize = 16 * 1024;
const SILENT: Close = Close { code: 1001, reason: "timeout" };
const GOING: Close = Close { code: 1012, reason: "restart" };

/// Periods of a socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Periods {
    pub(super) ping: Duration,
    pub(super) silence_max: Duration,
}

/// Makes the endpoint of one device.
pub(super) struct SocketFactory {
    pub(super) tenant: Tenant,
    pub(super) device_id: String,
    pub(super) seat: Arc<Seat>,
    pub(super) listeners: Arc<Listeners>,
    pub(super) clock: Arc<dyn WallClock>,
    pub(super) periods: Periods,
}

impl EndpointFactory for SocketFactory {
    fn open(&self, opened: Opened, now: Moment) -> Box<dyn Endpoint> {
        let listener = Arc::new(Listener::new(self.device_id.clone(), opened.waker));
        let sessions = self.listeners.add(self.tenant, Arc::clone(&listener));
        Box::new(Socket {
            tenant: self.tenant,
            listener,
            _seat: Arc::clone(&self.seat),
            listeners: Arc::clone(&self.listeners),
            clock: Arc::clone(&self.clock),
            periods: self.periods,
            greeting: Some(sessions),
            ping_at: Moment(now.0 + self.periods.ping),
            heard_at: now,
        })
    }
    fn message_bytes_max(&self) -> usize {
        MESSAGE_BYTES_MAX
    }
    fn takes_text(&self) -> bool {
        true
    }
    fn may_stay_silent(&self) -> bool {
        true
    }
}

struct Socket {
    tenant: Tenant,
    listener: Arc<Listener>,
    /// Free again with the socket.
    _seat: Arc<Seat>,
    listeners: Arc<Listeners>,
    clock: Arc<dyn WallClock>,
    periods: Periods,
    /// Sockets of the tenant, until that is said.
    greeting: Option<usize>,
    ping_at: Moment,
    heard_at: Moment,
}

impl Socket {
    fn say(&self, kind: &str, data: Option<Value>, out: &mut dyn Outbox) {
        let mut message = json!({"type": kind, "timestamp": self.clock.now_ms()});
        if let (Some(message), Some(data)) = (message.as_object_mut(), data) {
            message.insert("data".to_owned(), data);
        }
        out.push(Outbound::Shared(SharedFrame::text(message.to_string().as_bytes())));
    }

    fn silent_at(&self) -> Moment {
        Moment(self.heard_at.0 + self.periods.silence_max)
    }
}

impl Endpoint for Socket {
    fn on_message(&mut self, message: Bytes, now: Moment, out: &mut dyn Outbox) {
        self.on_text(message, now, out);
    }

    fn on_text(&mut self, message: Bytes, now: Moment, out: &mut dyn Outbox) {
        self.heard_at = now;
        let said = serde_json::from_slice::<Value>(&message).unwrap_or_default();
        if said.get("type").and_then(Value::as_str) == Some("ping") {
            self.say("pong", None, out);
        }
    }

    fn poll(&mut self, now: Moment, out: &mut dyn Outbox) {
        if let Some(sessions) = self.greeting.take() {
            let data = json!({
                "message": "Connected to sync relay",
                "device_id": self.listener.device_id,
                "session_count": sessions,
            });
            self.say("subscribe", Some(data), out);
        }
        if now >= self.silent_at() {
            return out.close(SILENT);
        }
        if now >= self.ping_at {
            self.ping_at = Moment(now.0 + self.periods.ping);
            self.say("ping", None, out);
        }
        for source in self.listener.take() {
            self.say("sync_available", Some(json!({"source_device": &*source})), out);
        }
    }

    fn next_deadline(&self) -> Option<Moment> {
        Some(self.ping_at.min(self.silent_at()))
    }

    fn on_drain(&mut self, _: Moment, out: &mut dyn Outbox) {
        out.close(GOING);
    }

    fn on_closed(&mut self) {
        self.listeners.remove(self.tenant, &self.listener);
    }
}

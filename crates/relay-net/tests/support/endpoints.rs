//! Endpoints with simple behaviour.

use super::fountain::{Fountain, Spring};
use super::hub::Hub;
use bytes::Bytes;
use relay_core::endpoint::{Close, Endpoint, EndpointFactory, Moment, Opened, Outbound, Outbox};
use relay_core::http::{Authorised, ExchangeOptions, HttpSessions, Judged};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// What an [`Echo`] takes after "!small".
pub const SMALL_BYTES_MAX: usize = 100;

#[derive(Clone)]
pub enum Behaviour {
    /// Echoes, and obeys the commands of [`Echo::obey`].
    Echo,
    /// Follows a hub with a cursor.
    Subscriber(Arc<Hub>),
    /// Is fed by a fountain.
    Fed(Arc<Fountain>),
    /// Panics when it is opened.
    Unopenable,
}

pub struct Factory {
    behaviour: Behaviour,
    pub seen: Arc<Seen>,
}

/// How often the transport called what.
#[derive(Default)]
pub struct Seen {
    pub opened: AtomicU64,
    pub closed: AtomicU64,
    pub drained: AtomicU64,
    pub messages: AtomicU64,
}

impl Seen {
    pub fn closed(&self) -> u64 {
        self.closed.load(Ordering::SeqCst)
    }

    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::SeqCst)
    }

    pub fn drained(&self) -> u64 {
        self.drained.load(Ordering::SeqCst)
    }

    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::SeqCst)
    }
}

impl Factory {
    pub fn new(behaviour: Behaviour) -> Arc<Self> {
        Arc::new(Self { behaviour, seen: Arc::default() })
    }
}

/// Every token holds.
impl HttpSessions for Factory {
    fn open_handshake(&self, opened: Opened, now: Moment) -> Box<dyn Endpoint> {
        self.open(opened, now)
    }

    fn open_exchange(&self, _: &[u8], _: ExchangeOptions, _: Opened, _: Moment) -> Box<dyn Endpoint> {
        Box::new(Exchange)
    }

    fn authorise(&self, _: &[u8], _: Moment, judged: Judged) {
        judged(Err(relay_proto::ErrorCode::SessionExpired));
    }

    fn authorise_again(&self, who: Authorised, judged: Judged) {
        judged(Ok(who));
    }
}

impl EndpointFactory for Factory {
    fn open(&self, opened: Opened, _now: Moment) -> Box<dyn Endpoint> {
        self.seen.opened.fetch_add(1, Ordering::SeqCst);
        match &self.behaviour {
            Behaviour::Echo => Box::new(Echo { seen: self.seen.clone(), ..Echo::default() }),
            Behaviour::Subscriber(hub) => Box::new(hub.subscribe(opened, self.seen.clone())),
            Behaviour::Fed(fountain) => Box::new(Spring(Arc::clone(fountain))),
            Behaviour::Unopenable => panic!("this endpoint cannot be opened"),
        }
    }

    fn message_bytes_max(&self) -> usize {
        MESSAGE_BYTES_MAX
    }
}

/// Echoes at once, and ends with its input.
struct Exchange;

impl Endpoint for Exchange {
    fn on_message(&mut self, message: Bytes, _: Moment, out: &mut dyn Outbox) {
        out.push(Outbound::Own(message));
    }

    fn on_input_end(&mut self, _: Moment, out: &mut dyn Outbox) {
        out.close(Close { code: 1000, reason: "done" });
    }

    fn poll(&mut self, _: Moment, _: &mut dyn Outbox) {}

    fn is_idle(&self) -> bool {
        true
    }

    fn next_deadline(&self) -> Option<Moment> {
        None
    }

    fn on_drain(&mut self, _: Moment, _: &mut dyn Outbox) {}

    fn message_bytes_max(&self) -> usize {
        MESSAGE_BYTES_MAX
    }

    fn on_closed(&mut self) {}
}

#[derive(Default)]
struct Echo {
    seen: Arc<Seen>,
    flooding: bool,
    paused: bool,
    quiet: bool,
    panic_at_deadline: bool,
    due: Option<Moment>,
    small: bool,
}

impl Echo {
    fn obey(&mut self, message: &Bytes, now: Moment, out: &mut dyn Outbox) -> bool {
        let soon = Some(Moment(now.0 + Duration::from_millis(150)));
        match message.as_ref() {
            b"!panic" => panic!("this endpoint was told to panic"),
            b"!panic-deadline" => self.panic_at_deadline = true,
            b"!close" => out.close(Close { code: 4400, reason: "asked" }),
            b"!later" => self.due = soon,
            b"!small" => self.small = true,
            b"!flood" => {
                self.flooding = true;
                self.poll(now, out);
            }
            b"!pause" | b"!pause-quietly" => {
                out.pause_reading(true);
                self.paused = true;
                self.quiet = message.ends_with(b"quietly");
                self.due = soon;
            }
            _ => return false,
        }
        true
    }
}

impl Endpoint for Echo {
    fn on_message(&mut self, message: Bytes, now: Moment, out: &mut dyn Outbox) {
        self.seen.messages.fetch_add(1, Ordering::SeqCst);
        assert!(!self.paused, "a message was delivered while reading was paused");
        if !self.obey(&message, now, out) {
            out.push(Outbound::Own(message));
        }
    }

    fn poll(&mut self, now: Moment, out: &mut dyn Outbox) {
        while self.flooding && out.room_bytes() > 0 {
            out.push(Outbound::Own(Bytes::from_static(&[0xf1; 1024])));
        }
        if self.due.is_some_and(|due| now >= due) {
            self.due = None;
            if std::mem::take(&mut self.paused) {
                out.pause_reading(false);
            }
            if !std::mem::take(&mut self.quiet) {
                out.push(Outbound::Own(Bytes::from_static(b"later")));
            }
        }
    }

    fn next_deadline(&self) -> Option<Moment> {
        assert!(!self.panic_at_deadline, "this endpoint was told to panic");
        self.due
    }

    fn on_drain(&mut self, _now: Moment, out: &mut dyn Outbox) {
        self.seen.drained.fetch_add(1, Ordering::SeqCst);
        out.push(Outbound::Own(Bytes::from_static(b"goaway")));
    }

    fn message_bytes_max(&self) -> usize {
        if self.small { SMALL_BYTES_MAX } else { usize::MAX }
    }

    fn on_closed(&mut self) {
        self.seen.closed.fetch_add(1, Ordering::SeqCst);
    }
}

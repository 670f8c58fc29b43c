//! Endpoints without sockets: a transport that hands messages over and takes what has room.
#![allow(dead_code, unreachable_pub, reason = "every test binary uses its own part of this module")]

use bytes::Bytes;
use http::{Request, Response};
use relay_core::endpoint::{Close, Endpoint, EndpointFactory, Moment, Opened, Outbound, Outbox};
use relay_core::environment::{Entropy, WallClock};
use relay_core::foreign::{ForeignService, SocketRequest};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A wall clock that stands still until it is moved.
#[derive(Default)]
pub struct StillClock(pub AtomicU64);

impl WallClock for StillClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub struct Counting(pub AtomicU64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes()[0]);
    }
}

#[derive(Default)]
pub struct Out {
    pub room: usize,
    pub sent: Vec<(bool, Bytes)>,
    pub closed: Option<Close>,
    pub is_paused: bool,
}

impl Outbox for Out {
    fn room_bytes(&self) -> usize {
        self.room
    }
    fn push(&mut self, message: Outbound) {
        let (is_text, bytes) = match message {
            Outbound::Own(bytes) => (false, bytes),
            Outbound::Shared(frame) => (frame.bytes[0] == 0x81, frame.frame()),
        };
        self.room = self.room.saturating_sub(bytes.len());
        self.sent.push((is_text, bytes));
    }
    fn close(&mut self, close: Close) {
        self.closed.get_or_insert(close);
    }
    fn pause_reading(&mut self, paused: bool) {
        self.is_paused = paused;
    }
}

pub struct Socket {
    endpoint: Box<dyn Endpoint>,
    pub out: Out,
    woken: Arc<AtomicBool>,
}

pub fn at(ms: u64) -> Moment {
    Moment(Duration::from_millis(ms))
}

impl Socket {
    /// Opens a WebSocket at a target of a service.
    pub fn open(
        service: &dyn ForeignService,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, Box<Response<Bytes>>> {
        let mut head = Request::get(target);
        for (name, value) in headers {
            head = head.header(*name, *value);
        }
        let request = SocketRequest { head: head.body(()).unwrap(), client: [127, 0, 0, 1].into(), is_upgrade: true };
        Ok(Self::of(&*service.open_socket(request, at(0))?))
    }

    /// An endpoint that a factory opens.
    pub fn of(factory: &dyn EndpointFactory) -> Self {
        let woken = Arc::new(AtomicBool::new(true));
        let waking = Arc::clone(&woken);
        let waker = Arc::new(move || waking.store(true, Ordering::SeqCst));
        let endpoint = factory.open(Opened { connection_id: 1, waker }, at(0));
        Self { endpoint, out: Out { room: usize::MAX, ..Out::default() }, woken }
    }

    pub fn text(&mut self, text: &str, now: Moment) {
        self.endpoint.on_text(Bytes::copy_from_slice(text.as_bytes()), now, &mut self.out);
    }

    pub fn binary(&mut self, bytes: &[u8], now: Moment) {
        self.endpoint.on_message(Bytes::copy_from_slice(bytes), now, &mut self.out);
    }

    /// Polls when the endpoint asked for it, or its deadline passed, as a transport does; `true` if it did.
    pub fn turn(&mut self, now: Moment) -> bool {
        let is_due = self.endpoint.next_deadline().is_some_and(|deadline| now >= deadline);
        if self.out.room == 0 || !(self.woken.swap(false, Ordering::SeqCst) || is_due) {
            return false;
        }
        self.endpoint.poll(now, &mut self.out);
        true
    }

    /// Makes room, which is a reason to poll.
    pub fn make_room(&mut self, bytes: usize) {
        self.out.room = bytes;
        self.woken.store(true, Ordering::SeqCst);
    }

    /// What was sent since the last look, as text.
    pub fn texts(&mut self) -> Vec<String> {
        let sent = std::mem::take(&mut self.out.sent);
        sent.into_iter().map(|(_, bytes)| String::from_utf8(bytes.to_vec()).unwrap()).collect()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.endpoint.on_closed();
    }
}

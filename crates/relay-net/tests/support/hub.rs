//! A log of shared frames that subscribers follow with a cursor: the shape of the product's fan-out.

use super::endpoints::Seen;
use bytes::{BufMut, Bytes, BytesMut};
use relay_core::endpoint::{Endpoint, Moment, Opened, Outbound, Outbox, SharedFrame, Waker};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

#[derive(Default)]
pub struct Hub {
    log: Mutex<Vec<SharedFrame>>,
    wakers: Mutex<Vec<Waker>>,
}

pub fn shared(payload: &[u8]) -> SharedFrame {
    let mut bytes = BytesMut::new();
    bytes.put_u8(0x82);
    let header_bytes = match payload.len() {
        0..=125 => {
            bytes.put_u8(u8::try_from(payload.len()).unwrap());
            2
        }
        126..=65_535 => {
            bytes.put_u8(126);
            bytes.put_u16(u16::try_from(payload.len()).unwrap());
            4
        }
        _ => {
            bytes.put_u8(127);
            bytes.put_u64(payload.len() as u64);
            10
        }
    };
    bytes.put_slice(payload);
    SharedFrame { bytes: bytes.freeze(), header_bytes }
}

impl Hub {
    /// Appends without waking anyone.
    pub fn append(&self, payload: &[u8]) {
        self.log.lock().unwrap().push(shared(payload));
    }

    pub fn wake(&self) {
        for waker in self.wakers.lock().unwrap().iter() {
            waker();
        }
    }

    pub fn subscribe(self: &Arc<Self>, opened: Opened, seen: Arc<Seen>) -> Subscriber {
        self.wakers.lock().unwrap().push(opened.waker);
        Subscriber { hub: self.clone(), cursor: 0, seen }
    }
}

pub struct Subscriber {
    hub: Arc<Hub>,
    cursor: usize,
    seen: Arc<Seen>,
}

impl Endpoint for Subscriber {
    fn on_message(&mut self, _message: Bytes, _now: Moment, _out: &mut dyn Outbox) {}

    fn poll(&mut self, _now: Moment, out: &mut dyn Outbox) {
        let log = self.hub.log.lock().unwrap();
        while let Some(frame) = log.get(self.cursor) {
            if out.room_bytes() == 0 {
                return;
            }
            out.push(Outbound::Shared(frame.clone()));
            self.cursor += 1;
        }
    }

    fn next_deadline(&self) -> Option<Moment> {
        None
    }

    fn on_drain(&mut self, _now: Moment, _out: &mut dyn Outbox) {
        self.seen.drained.fetch_add(1, Ordering::SeqCst);
    }

    fn on_closed(&mut self) {
        self.seen.closed.fetch_add(1, Ordering::SeqCst);
    }
}

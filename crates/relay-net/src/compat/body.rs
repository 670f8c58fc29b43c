//! The whole body of a request: bounded in bytes, as they come and not as they were declared, and in time.

use crate::clock::after_ms;
use crate::connection::Shared;
use crate::partial::PartialLease;
use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Incoming};
use relay_core::endpoint::Moment;
use relay_core::foreign::RequestRefusal;
use std::future::poll_fn;
use std::pin::Pin;
use tokio::time::timeout_at;

/// What is read and thrown away of a body that is too large, so that the client gets to read the answer.
const DISCARD_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// First room for a body; it grows with what arrives, whatever the request declares.
const FIRST_BYTES: usize = 1024;

/// A body on its way in.
pub(super) struct Collector<'a> {
    body: Incoming,
    shared: &'a Shared,
    since: Moment,
    received_bytes: u64,
}

impl<'a> Collector<'a> {
    pub(super) fn new(body: Incoming, shared: &'a Shared) -> Self {
        Self { body, shared, since: shared.clock.now(), received_bytes: 0 }
    }

    /// All of it; what it holds is on `lease` for as long as that lives.
    pub(super) async fn collect(mut self, bytes_max: usize, lease: &mut PartialLease) -> Result<Bytes, RequestRefusal> {
        let declared = self.body.size_hint().exact();
        if let Some(bytes) = declared.filter(|bytes| *bytes > bytes_max as u64) {
            self.discard().await;
            return Err(RequestRefusal::BodyTooLarge { bytes, bytes_max: bytes_max as u64 });
        }
        let mut collected = BytesMut::new();
        while let Some(piece) = self.next().await? {
            if collected.len().saturating_add(piece.len()) > bytes_max {
                drop(collected);
                self.discard().await;
                return Err(RequestRefusal::BodyTooLarge { bytes: self.received_bytes, bytes_max: bytes_max as u64 });
            }
            if collected.is_empty() && self.body.is_end_stream() {
                return self.held(piece.len(), lease).map(|()| piece);
            }
            let wanted = collected.len() + piece.len();
            if wanted > collected.capacity() {
                let room = wanted.max(collected.capacity() * 2).max(FIRST_BYTES).min(bytes_max);
                self.held(room, lease)?;
                collected.reserve(room - collected.len());
            }
            collected.extend_from_slice(&piece);
        }
        Ok(collected.freeze())
    }

    fn held(&self, bytes: usize, lease: &mut PartialLease) -> Result<(), RequestRefusal> {
        if lease.set(bytes) {
            return Ok(());
        }
        self.shared.stats.counters.partial_refused_total.add(1);
        Err(RequestRefusal::Overloaded)
    }

    /// The next piece. Trailers could smuggle headers in, so the body ends before them.
    async fn next(&mut self) -> Result<Option<Bytes>, RequestRefusal> {
        let limits = &self.shared.limits;
        let earned_ms = self.received_bytes.saturating_mul(1000) / limits.message_rate_bytes_min.max(1);
        let until = after_ms(self.since, limits.message_grace_ms.saturating_add(earned_ms));
        let until = self.shared.clock.instant(until);
        let frame = timeout_at(until, poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx))).await;
        let Ok(frame) = frame else {
            self.shared.stats.counters.message_timeouts_total.add(1);
            return Err(RequestRefusal::BodyTooSlow);
        };
        let Some(frame) = frame else { return Ok(None) };
        let Ok(data) = frame.map_err(|_| RequestRefusal::BodyBroken)?.into_data() else { return Ok(None) };
        self.received_bytes += data.len() as u64;
        Ok(Some(data))
    }

    async fn discard(&mut self) {
        while self.received_bytes < DISCARD_BYTES_MAX && matches!(self.next().await, Ok(Some(_))) {}
    }
}

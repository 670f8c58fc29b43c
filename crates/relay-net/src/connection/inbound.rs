//! What a connection has received and not handed over: the decoder's partial message, bytes kept back while the endpoint
//! has no room, and the clock that judges how fast a message arrives.

use crate::clock::{Stamp, after_ms};
use crate::limits::NetLimits;
use crate::partial::PartialLease;
use crate::websocket::Decoder;
use relay_core::endpoint::Moment;

/// The receiving half of one connection.
#[derive(Debug)]
pub(super) struct Inbound {
    pub(super) decoder: Decoder,
    kept: Vec<u8>,
    kept_from: usize,
    lease: PartialLease,
    open_message: Option<OpenMessage>,
}

#[derive(Clone, Copy, Debug)]
struct OpenMessage {
    since: Stamp,
    bytes: u64,
}

impl Inbound {
    pub(super) fn new(first_bytes: &[u8], lease: PartialLease) -> Self {
        Self { decoder: Decoder::new(), kept: first_bytes.to_vec(), kept_from: 0, lease, open_message: None }
    }

    pub(super) fn has_kept(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Takes the bytes kept back and where the unread part of them starts.
    pub(super) fn take_kept(&mut self) -> (Vec<u8>, usize) {
        (std::mem::take(&mut self.kept), std::mem::take(&mut self.kept_from))
    }

    /// Gives back what [`Self::take_kept`] took, read up to `from`.
    pub(super) fn keep_again(&mut self, kept: Vec<u8>, from: usize) {
        if from < kept.len() {
            self.kept = kept;
            self.kept_from = from;
        }
    }

    /// Keeps bytes that were read from the socket and cannot be handed over yet.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.kept = bytes.to_vec();
            self.kept_from = 0;
        }
    }

    /// A message ended; the next one gets its own time.
    pub(super) fn message_ended(&mut self) {
        self.open_message = None;
    }

    /// Accounts for a batch of `bytes` read; `false` if the process-wide budget is used up.
    pub(super) fn settle(&mut self, bytes: usize, now: Moment) -> bool {
        if self.decoder.is_mid_message() {
            let open = self.open_message.get_or_insert(OpenMessage { since: now.into(), bytes: 0 });
            open.bytes = open.bytes.saturating_add(bytes as u64);
        } else {
            self.open_message = None;
        }
        self.lease.set(self.decoder.held_bytes() + self.kept.capacity())
    }

    /// Time during which we do not read is not the peer's.
    pub(super) fn hold(&mut self, now: Moment) {
        if let Some(open) = &mut self.open_message {
            *open = OpenMessage { since: now.into(), bytes: 0 };
        }
    }

    /// When the open message is too slow, unless more of it arrives.
    pub(super) fn message_deadline(&self, limits: &NetLimits) -> Option<Moment> {
        let open = self.open_message?;
        let earned_ms = open.bytes.saturating_mul(1000) / limits.message_rate_bytes_min.max(1);
        Some(after_ms(open.since.moment(), limits.message_grace_ms.saturating_add(earned_ms)))
    }

    /// Forgets everything; nothing more will be handed over.
    pub(super) fn release(&mut self) {
        self.decoder = Decoder::new();
        self.take_kept();
        self.open_message = None;
        self.lease.set(0);
    }
}

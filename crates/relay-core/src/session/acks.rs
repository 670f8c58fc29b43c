//! Acks: verified here, kept by the store, forwarded to the space's other sessions.

use super::after_ms;
use super::handle::Answer;
use super::io::Io;
use super::open::OpenSession;
use super::roster::Membership;
use crate::endpoint::{Moment, SharedFrame};
use crate::hub::AckNews;
use crate::store::{SignedAck, StoreError};
use relay_proto::ErrorCode;
use relay_proto::frame::{Ack, AckNotice};
use relay_proto::ids::Signature;
use relay_proto::limits::ACK_INTERVAL_MS;
use std::sync::Arc;

/// How often a session's acks are taken, and the newest of those that came too early.
#[derive(Debug)]
pub(super) struct AckPace {
    /// When the next ack is due if they come once a second.
    due_at: Moment,
    held: Option<Box<Ack>>,
}

impl AckPace {
    pub(super) const fn new(now: Moment) -> Self {
        Self { due_at: now, held: None }
    }

    /// When a held ack is to be taken.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.held.as_ref().map(|_| self.due_at)
    }
}

impl OpenSession {
    pub(super) fn on_ack(&mut self, ack: Ack, io: &mut Io<'_>) {
        // One a second on average; the second one of a pair may come early, because the network does not keep distances.
        let too_early = self.ack_pace.due_at > after_ms(io.now, ACK_INTERVAL_MS);
        // The newest says all that the ones before it said. It is not dropped: the device may have nothing more to say for long.
        if self.ack_pace.held.take().is_some() {
            io.shared.counters.acks_dropped_total.one();
        }
        if too_early {
            self.ack_pace.held = Some(Box::new(ack));
        } else {
            self.take_ack(ack, io);
        }
    }

    /// Takes an ack that came too early once it is due, or nothing more will come.
    pub(super) fn take_due_ack(&mut self, io: &mut Io<'_>) {
        let ends = self.exchange.as_ref().is_some_and(|exchange| exchange.input_ended);
        if ends || io.now >= self.ack_pace.due_at {
            self.take_held_ack(io);
        }
    }

    pub(super) fn take_held_ack(&mut self, io: &mut Io<'_>) {
        if let Some(ack) = self.ack_pace.held.take() {
            self.take_ack(*ack, io);
        }
    }

    fn take_ack(&mut self, ack: Ack, io: &mut Io<'_>) {
        self.ack_pace.due_at = after_ms(self.ack_pace.due_at.max(io.now), ACK_INTERVAL_MS);
        let is_root = self.membership == Membership::Root;
        if is_root || !ack.verify(&self.device, &self.space, &io.shared.signer.log_id()) {
            io.error(ErrorCode::AckInvalid, ack.size);
            return;
        }
        let signed = SignedAck {
            device: self.device,
            log_epoch: ack.log_epoch,
            size: ack.size,
            head: ack.head,
            signature: ack.signature.0,
        };
        let news = AckNews { session: io.handle.id, position: (ack.log_epoch, ack.size), frame: notice(&signed) };
        let (device, channel, handle) = (self.device, Arc::clone(&self.channel), Arc::clone(io.handle));
        let counters = Arc::clone(&io.shared.counters);
        let waits = self.exchange.as_mut().map(|exchange| exchange.acks += 1).is_some();
        let done = move |result: Result<(), StoreError>| {
            if result.is_ok() {
                counters.acks_total.one();
                channel.ack(device, news);
            }
            // Only a session that ends by itself has to hear of success.
            if waits || result.is_err() {
                handle.post(Answer::AckPut { size: ack.size, result });
            }
        };
        io.shared.store.put_ack(self.space, signed, Box::new(done));
    }

    pub(super) fn on_ack_put(&mut self, size: u64, result: Result<(), StoreError>, io: &mut Io<'_>) {
        if let Some(exchange) = &mut self.exchange {
            exchange.acks = exchange.acks.saturating_sub(1);
        }
        if let Err(error) = result {
            io.store_error(&error, size);
        }
    }

    /// Sends the acks of other devices that came since the last look; returns whether there were any.
    pub(super) fn forward_acks(&mut self, io: &mut Io<'_>) -> bool {
        let (seen, frames) = self.channel.acks_after(self.acks_seen, io.handle);
        self.acks_seen = seen;
        let any = !frames.is_empty();
        for frame in frames {
            io.send_shared(frame);
        }
        any
    }
}

/// The notice of an ack the store keeps.
pub(super) fn notice(ack: &SignedAck) -> SharedFrame {
    let SignedAck { device, log_epoch, size, head, signature } = *ack;
    SharedFrame::of(&AckNotice { device, ack: Ack { log_epoch, size, head, signature: Signature(signature) } })
}

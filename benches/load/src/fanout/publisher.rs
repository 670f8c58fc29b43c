//! A group: the connection that sends, and how far its messages got.

use crate::clock::Clock;
use crate::failure::Failure;
use crate::payload::{Payload, Stamp};
use crate::peer::Peer;
use crate::speech::Speech;

/// One sender and the account of its receivers.
pub(crate) struct Group {
    pub(crate) peer: Peer,
    speech: Speech,
    sent: u64,
    /// Messages accounted for, over all receivers that read.
    pub(crate) arrived: u64,
    /// Receivers that read.
    pub(crate) receivers: u64,
    /// Something happened in this turn.
    pub(crate) touched: bool,
}

impl Group {
    pub(crate) fn new(peer: Peer, speech: Speech, receivers: u64) -> Self {
        Self { peer, speech, sent: 0, arrived: 0, receivers, touched: false }
    }

    /// Messages sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether every message is accounted for everywhere.
    pub(crate) fn is_settled(&self) -> bool {
        self.everywhere() >= self.sent
    }

    /// Messages that are accounted for everywhere, at least.
    fn everywhere(&self) -> u64 {
        self.arrived / self.receivers.max(1)
    }

    /// Queues messages until so many are on their way.
    pub(crate) fn refill(&mut self, in_flight: u64, payload: &mut Payload, clock: Clock) -> Result<(), Failure> {
        let until = self.everywhere().saturating_add(in_flight);
        while self.sent < until && self.peer.has_room() {
            self.send(clock.now_ns(), payload)?;
        }
        Ok(())
    }

    /// Queues one message with this time in its stamp.
    pub(crate) fn send(&mut self, stamp_ns: u64, payload: &mut Payload) -> Result<(), Failure> {
        let message = payload.stamped(Stamp { number: self.sent, word: stamp_ns });
        self.speech.queue(&mut self.peer, self.sent, message)?;
        self.sent = self.sent.saturating_add(1);
        Ok(())
    }
}

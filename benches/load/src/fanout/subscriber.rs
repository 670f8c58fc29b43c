//! One subscriber's account: the next message it must get, and the next seq where there is a log.

use crate::failure::Failure;
use crate::foreign::gun;
use crate::histogram::Histogram;
use crate::payload::{Payload, Stamp};
use crate::relay::{EntriesHead, Heard, frame_number, hear, refusal, walk_entries};
use bytes::Bytes;
use relay_proto::frame::{Entries, Frame};
use relay_proto::{LogId, SpaceId};

/// Every how many frames one is kept and verified after the run.
const SAMPLE_EVERY: u64 = 997;
/// Most frames kept.
const SAMPLES_MAX: usize = 128;

/// What all subscribers together got.
pub(crate) struct Delivered {
    /// Whether the measured window is open.
    pub(crate) counting: bool,
    /// Deliveries in the window.
    pub(crate) measured: u64,
    /// Messages accounted for, lost ones included: what the publisher's pace follows.
    pub(crate) total: u64,
    /// WebSocket messages they came in.
    pub(crate) messages: u64,
    /// From the stamp to the read.
    pub(crate) latency: Histogram,
}

impl Delivered {
    pub(crate) fn new() -> Self {
        Self { counting: false, measured: 0, total: 0, messages: 0, latency: Histogram::new() }
    }
}

/// Where a subscriber stands beside its stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// One message is one payload.
    Plain,
    /// Messages with some payloads, or none.
    Graph,
    /// Frames that are never stored.
    Ephemeral,
    /// Entries with seqs.
    Log {
        /// The seq that must come next.
        next_seq: u64,
    },
}

/// A subscriber's account.
pub(crate) struct Subscriber {
    place: Place,
    next_number: u64,
    lost: u64,
    /// Of those lost, how many the relay told of.
    told: u64,
    duplicates: u64,
}

impl Subscriber {
    pub(crate) fn new(place: Place) -> Self {
        Self { place, next_number: 0, lost: 0, told: 0, duplicates: 0 }
    }

    /// Takes one WebSocket message.
    pub(crate) fn take(
        &mut self,
        message: &[u8],
        now_ns: u64,
        payload: &Payload,
        delivered: &mut Delivered,
        samples: Option<&mut Samples>,
    ) -> Result<(), Failure> {
        let next_seq = match self.place {
            Place::Log { next_seq } => next_seq,
            Place::Ephemeral => return self.take_ephemeral(message, now_ns, payload, delivered),
            Place::Graph => {
                delivered.messages = delivered.messages.saturating_add(1);
                gun::payloads(message, payload).for_each(|stamp| self.count_stamp(stamp, now_ns, delivered));
                return Ok(());
            }
            Place::Plain => {
                delivered.messages = delivered.messages.saturating_add(1);
                return self.count(message, now_ns, payload, delivered);
            }
        };
        if frame_number(message) != Entries::TYPE.number() {
            return refusal(message);
        }
        let EntriesHead { first_seq, count } =
            walk_entries(message, |sealed| self.count(sealed, now_ns, payload, delivered))?;
        if first_seq != next_seq {
            return Err(Failure::new(format!("a subscription jumped from seq {next_seq} to {first_seq}")));
        }
        self.place = Place::Log { next_seq: next_seq.saturating_add(count) };
        if count > 0 {
            delivered.messages = delivered.messages.saturating_add(1);
        }
        if let Some(samples) = samples {
            samples.offer(message);
        }
        Ok(())
    }

    fn take_ephemeral(
        &mut self,
        message: &[u8],
        now_ns: u64,
        payload: &Payload,
        delivered: &mut Delivered,
    ) -> Result<(), Failure> {
        match hear(message)? {
            Heard::Sealed(sealed) => {
                delivered.messages = delivered.messages.saturating_add(1);
                self.count(sealed, now_ns, payload, delivered)
            }
            Heard::Missed(count) => {
                self.told = self.told.saturating_add(count);
                let unseen = self.told.saturating_sub(self.lost);
                self.lost = self.lost.saturating_add(unseen);
                self.next_number = self.next_number.saturating_add(unseen);
                delivered.total = delivered.total.saturating_add(unseen);
                Ok(())
            }
            Heard::Other => refusal(message),
        }
    }

    fn count(
        &mut self,
        bytes: &[u8],
        now_ns: u64,
        payload: &Payload,
        delivered: &mut Delivered,
    ) -> Result<(), Failure> {
        let Some(stamp) = payload.stamp_of(bytes) else {
            return Err(Failure::new("a subscriber got a message that nobody sent"));
        };
        self.count_stamp(stamp, now_ns, delivered);
        Ok(())
    }

    fn count_stamp(&mut self, Stamp { number, word: sent_ns }: Stamp, now_ns: u64, delivered: &mut Delivered) {
        if number < self.next_number {
            self.duplicates = self.duplicates.saturating_add(1);
            return;
        }
        let skipped = number.saturating_sub(self.next_number);
        self.lost = self.lost.saturating_add(skipped);
        self.next_number = number.saturating_add(1);
        delivered.total = delivered.total.saturating_add(skipped).saturating_add(1);
        if delivered.counting {
            delivered.measured = delivered.measured.saturating_add(1);
            delivered.latency.add(now_ns.saturating_sub(sent_ns));
        }
    }

    /// Messages that never came, of so many sent.
    pub(crate) fn lost_of(&self, sent: u64) -> u64 {
        self.lost.saturating_add(sent.saturating_sub(self.next_number))
    }

    /// Messages that came again, or after a later one.
    pub(crate) fn duplicates(&self) -> u64 {
        self.duplicates
    }
}

/// Entries frames kept for verification.
pub(crate) struct Samples {
    space: SpaceId,
    log_id: LogId,
    seen: u64,
    frames: Vec<Bytes>,
}

impl Samples {
    pub(crate) fn new(space: SpaceId, log_id: LogId) -> Self {
        Self { space, log_id, seen: 0, frames: Vec::new() }
    }

    fn offer(&mut self, frame: &[u8]) {
        if self.seen.is_multiple_of(SAMPLE_EVERY) && self.frames.len() < SAMPLES_MAX {
            self.frames.push(Bytes::copy_from_slice(frame));
        }
        self.seen = self.seen.saturating_add(1);
    }

    /// Decodes every frame in full and verifies its attestation; their number comes back.
    pub(crate) fn verify(&self) -> Result<usize, Failure> {
        for frame in &self.frames {
            let entries = Entries::decode(frame)?;
            let last = entries.first_seq.saturating_add(u64::try_from(entries.items.len()).unwrap_or(u64::MAX));
            let covered = entries.attestation.claim.size.saturating_add(1) >= last;
            if !covered || !entries.attestation.verify(&self.space, &self.log_id) {
                return Err(Failure::new(format!("the attestation of seq {} does not hold", entries.first_seq)));
            }
        }
        Ok(self.frames.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_and_repeats_are_counted() {
        let mut payload = Payload::new(64).unwrap();
        let messages: Vec<Vec<u8>> =
            (0..5).map(|number| payload.stamped(Stamp { number, word: 1000 }).to_vec()).collect();
        let mut delivered = Delivered::new();
        delivered.counting = true;
        let mut subscriber = Subscriber::new(Place::Plain);
        for number in [0, 1, 1, 4, 2] {
            subscriber.take(&messages[number], 3000, &payload, &mut delivered, None).unwrap();
        }
        assert_eq!((delivered.measured, delivered.total), (3, 5));
        assert_eq!((subscriber.lost_of(5), subscriber.lost_of(7), subscriber.duplicates()), (2, 4, 2));
        assert!(subscriber.take(b"foreign", 1, &payload, &mut delivered, None).is_err());
    }
}

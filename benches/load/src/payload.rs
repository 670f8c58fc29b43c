//! What is sent: random bytes that start with a stamp, so that what arrives tells when it left and whether it is the next.

use crate::failure::Failure;

/// Length of a stamp: mark, number, time.
pub(crate) const STAMP_BYTES: usize = 24;

/// What a message says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// From 0, without gaps per sender.
    pub(crate) number: u64,
    /// Whatever the mode needs: a time, or the sender.
    pub(crate) word: u64,
}

/// Makes the messages of one run and knows them again.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    mark: [u8; 8],
    bytes: Vec<u8>,
    mixed: bool,
}

/// A mix of sizes in bytes, each with its share in a thousand messages; 61 KB on average.
const MIX: [(u64, usize); 5] = [(700, 1024), (200, 16 * 1024), (80, 128 * 1024), (17, 1024 * 1024), (3, MIX_BYTES_MAX)];
const MIX_BYTES_MAX: usize = 10_000_000;
/// Spreads the sizes over the messages of a connection, and differently over connections; odd, and coprime to 1,000.
const MIX_STRIDE: u64 = 617;

impl Payload {
    /// Random bytes of this length; the same for every message but for the stamp.
    pub(crate) fn new(length: usize) -> Result<Self, Failure> {
        let mut bytes = vec![0; length.max(STAMP_BYTES)];
        getrandom::fill(&mut bytes)?;
        let mut mark = [0; 8];
        getrandom::fill(&mut mark)?;
        Ok(Self { mark, bytes, mixed: false })
    }

    /// Messages from 1 KiB to 10 MB, the same ones for the same stamps.
    pub(crate) fn mixed() -> Result<Self, Failure> {
        Ok(Self { mixed: true, ..Self::new(MIX_BYTES_MAX)? })
    }

    /// Length of the message with this stamp.
    fn length_of(&self, stamp: Stamp) -> usize {
        if !self.mixed {
            return self.bytes.len();
        }
        let mut place = stamp.number.wrapping_add(stamp.word).wrapping_mul(MIX_STRIDE) % 1000;
        for (share, length) in MIX {
            if place < share {
                return length;
            }
            place = place.saturating_sub(share);
        }
        MIX_BYTES_MAX
    }

    /// The message with this stamp.
    pub(crate) fn stamped(&mut self, stamp: Stamp) -> &[u8] {
        if let Some(at) = self.bytes.first_chunk_mut::<STAMP_BYTES>() {
            let parts = self.mark.into_iter().chain(stamp.number.to_be_bytes()).chain(stamp.word.to_be_bytes());
            for (to, from) in at.iter_mut().zip(parts) {
                *to = from;
            }
        }
        let length = self.length_of(stamp);
        self.bytes.get(..length).unwrap_or_default()
    }

    /// The stamp of a message of this run.
    pub(crate) fn stamp_of(&self, message: &[u8]) -> Option<Stamp> {
        let (mark, rest) = message.split_first_chunk::<8>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (word, _) = rest.split_first_chunk::<8>()?;
        let stamp = Stamp { number: u64::from_be_bytes(*number), word: u64::from_be_bytes(*word) };
        (*mark == self.mark && message.len() == self.length_of(stamp)).then_some(stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_come_back_from_own_messages_only() {
        let mut payload = Payload::new(100).unwrap();
        let stamp = Stamp { number: 5, word: 1 << 40 };
        let message = payload.stamped(stamp).to_vec();
        assert_eq!(message.len(), 100);
        assert_eq!(payload.stamp_of(&message), Some(stamp));
        assert_eq!(payload.stamp_of(&message[..99]), None);
        assert_eq!(Payload::new(100).unwrap().stamp_of(&message), None);
    }

    #[test]
    fn a_mix_has_all_sizes_in_their_shares() {
        let payload = Payload::mixed().unwrap();
        let lengths: Vec<usize> = (0..1000).map(|number| payload.length_of(Stamp { number, word: 3 })).collect();
        for (share, length) in MIX {
            assert_eq!(lengths.iter().filter(|other| **other == length).count() as u64, share, "{length}");
        }
        assert!(lengths.iter().sum::<usize>() / 1000 > 60_000);
    }
}

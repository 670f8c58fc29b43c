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
}

impl Payload {
    /// Random bytes of this length; the same for every message but for the stamp.
    pub(crate) fn new(length: usize) -> Result<Self, Failure> {
        let mut bytes = vec![0; length.max(STAMP_BYTES)];
        getrandom::fill(&mut bytes)?;
        let mut mark = [0; 8];
        getrandom::fill(&mut mark)?;
        Ok(Self { mark, bytes })
    }

    /// The message with this stamp.
    pub(crate) fn stamped(&mut self, stamp: Stamp) -> &[u8] {
        if let Some(at) = self.bytes.first_chunk_mut::<STAMP_BYTES>() {
            let parts = self.mark.into_iter().chain(stamp.number.to_be_bytes()).chain(stamp.word.to_be_bytes());
            for (to, from) in at.iter_mut().zip(parts) {
                *to = from;
            }
        }
        &self.bytes
    }

    /// The stamp of a message of this run.
    pub(crate) fn stamp_of(&self, message: &[u8]) -> Option<Stamp> {
        let (mark, rest) = message.split_first_chunk::<8>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (word, _) = rest.split_first_chunk::<8>()?;
        if *mark != self.mark || message.len() != self.bytes.len() {
            return None;
        }
        Some(Stamp { number: u64::from_be_bytes(*number), word: u64::from_be_bytes(*word) })
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
}

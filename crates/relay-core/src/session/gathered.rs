//! The pushes of one read in one piece of memory, decoded when the read is over: one allocation for all of them, instead of
//! one for each that is given back on another thread.

use crate::limits::PUSH_JOINED_BYTES_MAX;
use bytes::Bytes;

/// Pushes of one read from which those of the next one are gathered.
const GATHERED_PUSHES_MIN: usize = 2;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// While a read is under way.
    messages: Option<Box<Messages>>,
    /// Pushes of the read under way, and their bytes.
    pushes: usize,
    bytes: usize,
    /// The bytes that the read before brought; the next one will bring about as many. 0: it brought single pushes.
    bytes_before: usize,
}

#[derive(Debug)]
struct Messages {
    bytes: Vec<u8>,
    lengths: Vec<usize>,
}

impl Gathered {
    /// Copies a push where the read before brought several; otherwise it is to be kept by itself.
    pub(super) fn take(&mut self, message: &[u8]) -> bool {
        if self.bytes_before == 0 {
            return false;
        }
        let room = self.bytes_before.min(PUSH_JOINED_BYTES_MAX).max(message.len());
        let messages = self
            .messages
            .get_or_insert_with(|| Box::new(Messages { bytes: Vec::with_capacity(room), lengths: Vec::new() }));
        messages.bytes.extend_from_slice(message);
        messages.lengths.push(message.len());
        true
    }

    /// Counts a push that came, gathered or not.
    pub(super) const fn note(&mut self, bytes: usize) {
        self.pushes += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// The read is over.
    pub(super) const fn read_ended(&mut self) {
        self.bytes_before = if self.pushes < GATHERED_PUSHES_MIN { 0 } else { self.bytes };
        (self.pushes, self.bytes) = (0, 0);
    }

    /// How many are gathered, and their bytes.
    pub(super) fn held(&self) -> (usize, usize) {
        self.messages.as_ref().map_or((0, 0), |messages| (messages.lengths.len(), messages.bytes.len()))
    }

    /// Hands them over, as slices of one piece.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Bytes> + use<> {
        let (mut bytes, lengths) = self.messages.take().map_or_else(Default::default, |messages| {
            let Messages { mut bytes, lengths } = *messages;
            if bytes.len() < bytes.capacity() / 2 {
                bytes.shrink_to_fit();
            }
            (Bytes::from(bytes), lengths)
        });
        lengths.into_iter().map(move |length| bytes.split_to(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(gathered: &mut Gathered, messages: &[&[u8]]) -> usize {
        let taken = messages.iter().filter(|message| {
            gathered.note(message.len());
            gathered.take(message)
        });
        let taken = taken.count();
        gathered.read_ended();
        taken
    }

    #[test]
    fn pushes_are_gathered_while_reads_bring_several() {
        let mut gathered = Gathered::default();
        assert_eq!(read(&mut gathered, &[b"one", b"two"]), 0, "it shows with the next read");
        assert_eq!(read(&mut gathered, &[b"three", b"four", b"five"]), 3);
        assert_eq!(gathered.held(), (3, 13));
        let messages: Vec<Bytes> = gathered.drain().collect();
        assert_eq!(messages, [&b"three"[..], b"four", b"five"]);
        assert_eq!(messages[0].as_ptr().wrapping_add(5), messages[1].as_ptr(), "one piece");
        assert_eq!(gathered.held(), (0, 0));
        assert_eq!(read(&mut gathered, &[b"six"]), 1);
        assert_eq!(gathered.drain().count(), 1);
        assert_eq!(read(&mut gathered, &[b"seven"]), 0, "one alone is kept by itself");
        assert_eq!(gathered.drain().count(), 0);
    }

    #[test]
    fn a_read_much_smaller_than_the_one_before_keeps_no_more_than_it_brought() {
        let mut gathered = Gathered::default();
        let large = vec![1; 10_000];
        read(&mut gathered, &[&large, &large]);
        read(&mut gathered, &[b"small"]);
        let message = gathered.drain().next().unwrap();
        assert!(message.try_into_mut().unwrap().capacity() < 10_000);
    }
}

//! The encoded frames that some subscriber still lacks, in one contiguous piece of memory.
//!
//! Invariant: every cursor handed in is at least the last `forget` and at most the head.

/// Bytes that may wait for the slowest subscriber; beyond it publishers are not read.
pub(crate) const TAIL_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Forgotten bytes that are worth one move of the rest.
const COMPACT_BYTES: usize = 4 * 1024 * 1024;

/// Frames by position; positions count all bytes ever appended.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    bytes: Vec<u8>,
    base: u64,
    low: u64,
}

impl Tail {
    /// Position after the newest byte.
    pub(crate) fn head(&self) -> u64 {
        self.base.saturating_add(to_u64(self.bytes.len()))
    }

    /// Everything after a cursor.
    pub(crate) fn after(&self, cursor: u64) -> &[u8] {
        let from = usize::try_from(cursor.saturating_sub(self.base)).unwrap_or(usize::MAX);
        self.bytes.get(from..).unwrap_or_default()
    }

    /// Whether a frame of this length may be appended.
    pub(crate) fn has_room(&self, frame_bytes: usize) -> bool {
        let held = self.head().saturating_sub(self.low);
        held.saturating_add(to_u64(frame_bytes)) <= to_u64(TAIL_BYTES_MAX)
    }

    /// Where the next frame is to be encoded.
    pub(crate) fn end(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Lets go of what lies below the slowest cursor. With everyone at the head the same, cached, memory is used again.
    pub(crate) fn forget(&mut self, low: u64) {
        self.low = low;
        if low == self.head() {
            self.base = low;
            self.bytes.clear();
            return;
        }
        let gone = usize::try_from(low.saturating_sub(self.base)).unwrap_or(0);
        if gone >= COMPACT_BYTES {
            self.bytes.drain(..gone.min(self.bytes.len()));
            self.base = low;
        }
    }
}

fn to_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_see_what_they_lack_across_forgetting() {
        let mut tail = Tail::default();
        tail.end().extend_from_slice(b"one");
        let cursor = tail.head();
        tail.end().extend_from_slice(b"two");
        assert_eq!(tail.after(0), b"onetwo");
        assert_eq!(tail.after(cursor), b"two");
        tail.forget(cursor);
        assert_eq!(tail.after(cursor), b"two");
        tail.forget(tail.head());
        assert_eq!(tail.after(tail.head()), b"");
        tail.end().extend_from_slice(b"three");
        assert_eq!(tail.after(6), b"three");
    }

    #[test]
    fn a_slow_cursor_takes_the_room_and_gives_it_back() {
        let mut tail = Tail::default();
        tail.end().resize(TAIL_BYTES_MAX, 7);
        assert!(!tail.has_room(1));
        let low = to_u64(TAIL_BYTES_MAX) - 1;
        tail.forget(low);
        assert!(tail.has_room(1));
        assert_eq!(tail.after(low), [7]);
    }
}

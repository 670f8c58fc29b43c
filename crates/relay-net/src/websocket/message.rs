//! Assembly of one message from frames; holds memory only while a message is incomplete.

use bytes::Bytes;

/// First allocation for a message whose end has not arrived; it doubles from here up to the declared length, so that a
/// peer which declares much and sends little costs little.
const FIRST_BYTES: usize = 1024;

/// The bytes of a message that has begun and not ended.
#[derive(Debug, Default)]
pub struct Assembly {
    buffer: Vec<u8>,
    /// Frames of this message so far; zero when no message is open.
    pub fragments: u32,
}

impl Assembly {
    /// Whether a fragmented message is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.fragments > 0
    }

    /// Payload bytes gathered so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether nothing was gathered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    /// Adds a piece of a frame of which `missing` more bytes are declared.
    pub fn append(&mut self, piece: &[u8], missing: u64) {
        let needed = self.buffer.len() + piece.len();
        if needed > self.buffer.capacity() {
            let declared = needed.saturating_add(usize::try_from(missing).unwrap_or(usize::MAX));
            let target = needed.max(self.buffer.capacity() * 2).max(FIRST_BYTES).min(declared);
            self.buffer.reserve_exact(target - self.buffer.len());
        }
        self.buffer.extend_from_slice(piece);
    }

    /// Ends the message and hands over its memory.
    pub fn take(&mut self) -> Bytes {
        self.fragments = 0;
        Bytes::from(std::mem::take(&mut self.buffer))
    }
}

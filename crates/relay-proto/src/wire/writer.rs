//! Writing: infallible; keeping the limits of `limits` is the caller's duty, and a peer refuses what breaks them.

use bytes::Bytes;

/// A growing big-endian buffer.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty writer.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// An empty writer with room for `capacity_bytes`.
    #[must_use]
    pub fn with_capacity(capacity_bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity_bytes) }
    }

    /// A writer that goes on behind what a buffer holds.
    #[must_use]
    pub const fn after(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// Bytes written so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends raw bytes.
    pub fn raw(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.bytes.extend_from_slice(bytes.as_ref());
        self
    }

    /// Appends a `u8`.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes.push(value);
        self
    }

    /// Appends a `u16`.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(value.to_be_bytes())
    }

    /// Appends a `u32`.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(value.to_be_bytes())
    }

    /// Appends a `u64`.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(value.to_be_bytes())
    }

    /// Appends a count as `u8`.
    pub fn count_u8(&mut self, count: usize) -> &mut Self {
        debug_assert!(count <= usize::from(u8::MAX), "count does not fit u8");
        self.u8(u8::try_from(count).unwrap_or(u8::MAX))
    }

    /// Appends a count as `u16`.
    pub fn count_u16(&mut self, count: usize) -> &mut Self {
        debug_assert!(count <= usize::from(u16::MAX), "count does not fit u16");
        self.u16(u16::try_from(count).unwrap_or(u16::MAX))
    }

    /// Appends a count as `u32`.
    pub fn count_u32(&mut self, count: usize) -> &mut Self {
        debug_assert!(u32::try_from(count).is_ok(), "count does not fit u32");
        self.u32(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Appends `bytes<u16>`.
    pub fn bytes_u16(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.count_u16(bytes.as_ref().len()).raw(bytes)
    }

    /// Appends `bytes<u32>`.
    pub fn bytes_u32(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.count_u32(bytes.as_ref().len()).raw(bytes)
    }

    /// Appends raw items one after the other, without a count.
    pub fn raw_each<T: AsRef<[u8]>>(&mut self, items: impl IntoIterator<Item = T>) -> &mut Self {
        for item in items {
            self.raw(item);
        }
        self
    }

    /// Overwrites bytes that were written before; nothing happens when they do not fit.
    pub fn patch(&mut self, at: usize, bytes: &[u8]) {
        if let Some(target) = self.bytes.get_mut(at..at.saturating_add(bytes.len())) {
            target.copy_from_slice(bytes);
        }
    }

    /// What was written.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets what was written and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Finishes with the buffer itself.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        self.bytes
    }

    /// Finishes.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        Bytes::from(self.bytes)
    }
}

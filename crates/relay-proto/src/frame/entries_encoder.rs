//! Encodes an Entries frame once, in one buffer, with room for the WebSocket header in front.

use super::log_items::{KIND_OWN, KIND_SEALED};
use super::{Frame, FrameType};
use crate::attestation::Attestation;
use crate::ids::{DeviceKey, EntryId, PushSeq, Seq};
use crate::wire::{WS_HEADER_BYTES_MAX, Writer, ws_binary_header};
use bytes::Bytes;

/// Where the flags byte lies: after the header room, the type and the request.
const FLAGS_AT: usize = WS_HEADER_BYTES_MAX + 1 + 4;
/// Where the item count lies: after the flags and first_seq.
const COUNT_AT: usize = FLAGS_AT + 1 + 8;
/// What an attestation takes at most, in bytes.
const ATTESTATION_BYTES_MAX: usize = 8 + 8 + 32 + 8 + 8 + 32 + 16 + 4 + 4 + 1 + 17 * 32 + 64;

/// A frame with its unmasked WebSocket header in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedFrame {
    /// WebSocket header followed by the frame.
    pub bytes: Bytes,
    /// Length of the header: 2, 4 or 10.
    pub header_bytes: u8,
}

impl EncodedFrame {
    /// Encodes any frame with its WebSocket header.
    #[must_use]
    pub fn of(frame: &impl Frame) -> Self {
        let mut w = Writer::with_capacity(WS_HEADER_BYTES_MAX + 256);
        w.raw([0; WS_HEADER_BYTES_MAX]).u8(frame_number(frame));
        frame.write(&mut w);
        Self::with_header(w)
    }

    /// The frame without the header.
    #[must_use]
    pub fn frame(&self) -> Bytes {
        self.bytes.slice(usize::from(self.header_bytes)..)
    }

    /// Puts the header right before the frame that follows [`WS_HEADER_BYTES_MAX`] bytes of room.
    fn with_header(mut w: Writer) -> Self {
        let (header, header_bytes) = ws_binary_header(w.len().saturating_sub(WS_HEADER_BYTES_MAX));
        let start = WS_HEADER_BYTES_MAX.saturating_sub(header_bytes);
        w.patch(start, header.get(..header_bytes).unwrap_or_default());
        Self { bytes: w.into_bytes().slice(start..), header_bytes: u8::try_from(header_bytes).unwrap_or_default() }
    }
}

const fn frame_number<F: Frame>(_frame: &F) -> u8 {
    F::TYPE.number()
}

/// Builds one Entries frame without an intermediate list.
#[derive(Debug)]
pub struct EntriesEncoder {
    w: Writer,
    count: u16,
}

impl EntriesEncoder {
    /// Starts a frame that answers `request` (0: the subscription), with room for `items_bytes` of items.
    #[must_use]
    pub fn new(request: u32, first_seq: Seq, items_bytes: usize) -> Self {
        let head = COUNT_AT + 2;
        let capacity = items_bytes.saturating_add(head + ATTESTATION_BYTES_MAX);
        let mut w = Writer::with_capacity(capacity);
        w.raw([0; WS_HEADER_BYTES_MAX]).u8(FrameType::Entries.number());
        w.u32(request).u8(0).u64(first_seq).u16(0);
        Self { w, count: 0 }
    }

    /// Appends an entry with its sealed bytes; `false` when the frame holds as many items as it can count.
    #[must_use]
    pub fn sealed(&mut self, device: &DeviceKey, push_seq: PushSeq, key_epoch: u32, sealed: &[u8]) -> bool {
        if !self.begin_item(device, push_seq, key_epoch) {
            return false;
        }
        self.w.u8(KIND_SEALED).bytes_u32(sealed);
        true
    }

    /// Appends an entry of the session's own device by its id; `false` when the frame is full.
    #[must_use]
    pub fn own(&mut self, device: &DeviceKey, push_seq: PushSeq, key_epoch: u32, entry: &EntryId) -> bool {
        if !self.begin_item(device, push_seq, key_epoch) {
            return false;
        }
        self.w.u8(KIND_OWN).raw(entry);
        true
    }

    fn begin_item(&mut self, device: &DeviceKey, push_seq: PushSeq, key_epoch: u32) -> bool {
        let Some(count) = self.count.checked_add(1) else {
            return false;
        };
        self.count = count;
        self.w.raw(device).u64(push_seq).u32(key_epoch);
        true
    }

    /// Number of items so far.
    #[must_use]
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// Finishes the frame.
    #[must_use]
    pub fn finish(self, more: bool, attestation: &Attestation) -> EncodedFrame {
        self.finish_encoded(more, &attestation.encode())
    }

    /// Finishes the frame with an attestation that is encoded already.
    #[must_use]
    pub fn finish_encoded(mut self, more: bool, attestation: &[u8]) -> EncodedFrame {
        self.w.raw(attestation);
        self.w.patch(FLAGS_AT, &[u8::from(more)]);
        self.w.patch(COUNT_AT, &self.count.to_be_bytes());
        EncodedFrame::with_header(self.w)
    }
}

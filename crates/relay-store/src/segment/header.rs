//! The segment header: magic | format u32 | segment u64 | store_id | log_id | crc u32 | zeros up to 4,096 bytes.

use relay_proto::ids::LogId;
use relay_proto::wire::{Reader, Writer};

/// Length of the header, in bytes: where the first group starts.
pub const HEADER_BYTES: usize = 4096;
/// Format of segments that groups are committed to.
pub const FORMAT: u32 = 1;
/// Format of segments that others were compacted into.
pub const FORMAT_COMPACTED: u32 = 2;
/// Length of a store id, in bytes.
pub const STORE_ID_BYTES: usize = 16;
const MAGIC: [u8; 8] = *b"SRSEGMT1";
const FIELD_BYTES: usize = 8 + 4 + 8 + STORE_ID_BYTES + 32;

/// Names one data directory; random, and never told to clients.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StoreId(pub [u8; STORE_ID_BYTES]);

impl std::fmt::Debug for StoreId {
    /// Prints nothing of it: bytes a client pushes must never look like a group header.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreId(…)")
    }
}

/// What a segment's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The format of what follows.
    pub format: u32,
    /// The segment's number, from 1.
    pub segment: u64,
    /// The data directory it belongs to.
    pub store_id: StoreId,
    /// The ordering authority.
    pub log_id: LogId,
}

impl SegmentHeader {
    /// The header's bytes, zeros included.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(HEADER_BYTES);
        w.raw(MAGIC).u32(self.format).u64(self.segment).raw(self.store_id.0).raw(self.log_id);
        let crc = crc32c::crc32c(w.as_slice());
        w.u32(crc);
        let mut bytes = w.into_bytes().to_vec();
        bytes.resize(HEADER_BYTES, 0);
        bytes
    }

    /// Reads a header; `None` when it is not whole.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let fields = bytes.get(..FIELD_BYTES)?;
        let mut r = Reader::borrowed(bytes);
        let magic: [u8; 8] = r.array().ok()?;
        let header = Self {
            format: r.u32().ok()?,
            segment: r.bits().ok()?,
            store_id: StoreId(r.array().ok()?),
            log_id: r.id().ok()?,
        };
        let crc = r.u32().ok()?;
        (magic == MAGIC && crc == crc32c::crc32c(fields)).then_some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_every_flipped_bit_is_noticed() {
        let header = SegmentHeader { format: FORMAT, segment: 3, store_id: StoreId([9; 16]), log_id: LogId([7; 32]) };
        let bytes = header.encode();
        assert_eq!(bytes.len(), HEADER_BYTES);
        assert_eq!(SegmentHeader::decode(&bytes), Some(header));
        for bit in 0..(FIELD_BYTES + 4) * 8 {
            let mut broken = bytes.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SegmentHeader::decode(&broken), None, "bit {bit}");
        }
        assert_eq!(SegmentHeader::decode(&bytes[..50]), None);
    }
}

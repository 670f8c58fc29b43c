//! Entries frames read in place: a fan-out sees millions of entries, and only a sample of the frames is verified.

use crate::failure::Failure;
use relay_proto::frame::{Entries, Frame};
use relay_proto::wire::Reader;

/// Kind of an item that carries its sealed bytes.
const KIND_SEALED: u8 = 0;
/// Length of a device key, in bytes.
const DEVICE_BYTES: usize = 32;

/// Where a frame's items stand in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntriesHead {
    /// seq of the first item.
    pub(crate) first_seq: u64,
    /// Number of items.
    pub(crate) count: u64,
}

/// Hands out the sealed bytes of every item.
pub(crate) fn walk_entries(
    frame: &[u8],
    mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<EntriesHead, Failure> {
    let mut r = Reader::borrowed(frame);
    if r.u8()? != Entries::TYPE.number() {
        return Err(Failure::new("no Entries frame"));
    }
    let (_request, _flags) = (r.u32()?, r.u8()?);
    let first_seq = r.u64()?;
    let count = u64::from(r.u16()?);
    for _ in 0..count {
        r.take(DEVICE_BYTES)?;
        let (_push_seq, _key_epoch) = (r.u64()?, r.u32()?);
        if r.u8()? != KIND_SEALED {
            return Err(Failure::new("an entry came without its bytes"));
        }
        let length = usize::try_from(r.u32()?).unwrap_or(usize::MAX);
        each(r.take(length)?)?;
    }
    Ok(EntriesHead { first_seq, count })
}

#[cfg(test)]
mod tests {
    use super::*;
    use relay_proto::attestation::{Attestation, HeadClaim};
    use relay_proto::frame::{Item, ItemBody};
    use relay_proto::{DeviceKey, EntryId, Hash, SealedBytes, Signature};

    fn frame(bodies: Vec<ItemBody>) -> Vec<u8> {
        let claim = HeadClaim { log_epoch: 1, size: 9, head: Hash::ZERO, floor: 1, time_ms: 1, pushes: Hash::ZERO };
        let attestation = Attestation {
            claim,
            salt: [0; 16],
            leaf_index: 0,
            leaf_count: 1,
            path: Vec::new(),
            signature: Signature::ZERO,
        };
        let item = |body| Item { device: DeviceKey([1; 32]), push_seq: 1, key_epoch: 1, body };
        let items = bodies.into_iter().map(item).collect();
        Entries { request: 0, more: false, first_seq: 8, items, attestation }.encode().to_vec()
    }

    #[test]
    fn every_item_is_seen_in_order() {
        let sealed = |bytes: &'static [u8]| ItemBody::Sealed(SealedBytes(bytes.into()));
        let mut seen = Vec::new();
        let head = walk_entries(&frame(vec![sealed(b"one"), sealed(b"three")]), |bytes| {
            seen.push(bytes.to_vec());
            Ok(())
        });
        assert_eq!(head.unwrap(), EntriesHead { first_seq: 8, count: 2 });
        assert_eq!(seen, [b"one".to_vec(), b"three".to_vec()]);
    }

    #[test]
    fn cut_frames_and_missing_bytes_are_refused() {
        let whole = frame(vec![ItemBody::Sealed(SealedBytes(b"one".as_slice().into()))]);
        let items_end = whole.len() - 1 - 64 - 16 - 8 - 8 * 4 - 64;
        assert!(walk_entries(&whole[..items_end - 1], |_| Ok(())).is_err());
        assert!(walk_entries(&frame(vec![ItemBody::Own(EntryId::ZERO)]), |_| Ok(())).is_err());
        assert!(walk_entries(&[0x11], |_| Ok(())).is_err());
    }
}

//! Entries as they are read back.

use super::log::read_flag;
use super::{Frame, FrameType};
use crate::attestation::Attestation;
use crate::hash::entry_id;
use crate::ids::{DeviceKey, EntryId, Hash, PushSeq, SealedBytes, Seq};
use crate::merkle::entry_leaf;
use crate::wire::{DecodeError, Reader, Writer};

/// Kind of an item: the sealed bytes follow.
pub(super) const KIND_SEALED: u8 = 0;
/// Kind of an item: only the entry id of an own entry follows.
pub(super) const KIND_OWN: u8 = 1;
/// The shortest item: its clear fields, its kind, and a length field.
const ITEM_BYTES_MIN: usize = 32 + 8 + 4 + 1 + 4;

/// What an item carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemBody {
    /// The sealed bytes.
    Sealed(SealedBytes),
    /// An entry of the session's own device, by id.
    Own(EntryId),
}

/// One entry of the log, with every field the relay sees in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Who pushed it.
    pub device: DeviceKey,
    /// The device's number for it.
    pub push_seq: PushSeq,
    /// Generation of the content keys it was sealed under.
    pub key_epoch: u32,
    /// Its bytes or its id.
    pub body: ItemBody,
}

impl Item {
    /// The entry's id.
    #[must_use]
    pub fn entry_id(&self) -> EntryId {
        match &self.body {
            ItemBody::Sealed(sealed) => entry_id(&sealed.0),
            ItemBody::Own(id) => *id,
        }
    }

    /// The entry's leaf in the log.
    #[must_use]
    pub fn leaf(&self) -> Hash {
        entry_leaf(&self.device, self.push_seq, self.key_epoch, &self.entry_id())
    }

    fn write(&self, w: &mut Writer) {
        w.raw(self.device).u64(self.push_seq).u32(self.key_epoch);
        match &self.body {
            ItemBody::Sealed(sealed) => w.u8(KIND_SEALED).bytes_u32(sealed),
            ItemBody::Own(id) => w.u8(KIND_OWN).raw(id),
        };
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            device: r.id()?,
            push_seq: r.u64()?,
            key_epoch: r.u32()?,
            body: match r.u8()? {
                KIND_SEALED => ItemBody::Sealed(SealedBytes(r.bytes_u32(usize::MAX)?)),
                KIND_OWN => ItemBody::Own(r.id()?),
                _ => return Err(DecodeError::UnknownValue),
            },
        })
    }
}

/// Entries with consecutive seqs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries {
    /// The pull it answers; 0: the subscription.
    pub request: u32,
    /// More entries are held already.
    pub more: bool,
    /// seq of the first item.
    pub first_seq: Seq,
    /// The entries.
    pub items: Vec<Item>,
    /// A signed head at or above the last item.
    pub attestation: Attestation,
}

impl Frame for Entries {
    const TYPE: FrameType = FrameType::Entries;

    fn write(&self, w: &mut Writer) {
        w.u32(self.request).u8(u8::from(self.more)).u64(self.first_seq).count_u16(self.items.len());
        for item in &self.items {
            item.write(w);
        }
        self.attestation.write(w);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let request = r.u32()?;
        let more = read_flag(r)?;
        let first_seq = r.u64()?;
        let count = usize::from(r.u16()?);
        let items = r.list(count, usize::from(u16::MAX), ITEM_BYTES_MIN, Item::read)?;
        Ok(Self { request, more, first_seq, items, attestation: Attestation::read(r)? })
    }
}

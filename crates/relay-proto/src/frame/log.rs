//! The frames of the log: push, receipt, pull, subscribe, acks, expired cursors, leaves.

use super::{Frame, FrameType};
use crate::attestation::{Attestation, ReceiptProof};
use crate::ids::{DeviceKey, Hash, PushSeq, SealedBytes, Seq, Signature};
use crate::limits::LEAVES_PAGE_MAX;
use crate::wire::{DecodeError, Reader, U64_MAX, Writer, to_usize};
use bytes::Bytes;

/// What a receipt takes at most besides its attestation and the hashes of its path: type, fields, index, leaves, count.
const RECEIPT_FIELD_BYTES_MAX: usize = 1 + 8 + 2 + 1 + 8 + 4 + 4 + 1;

/// The least an entry in a push takes: its length field.
const PUSH_ENTRY_BYTES_MIN: usize = 4;

/// Entries to be stored together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// push_seq of the first entry, from 1; the others follow without gaps.
    pub push_seq_first: PushSeq,
    /// Generation of the content keys the entries were sealed under.
    pub key_epoch: u32,
    /// At least one entry. The session's limits of count and size are checked by whoever holds them, so that their
    /// errors can name the push.
    pub entries: Vec<SealedBytes>,
}

impl Frame for Push {
    const TYPE: FrameType = FrameType::Push;

    fn write(&self, w: &mut Writer) {
        w.u64(self.push_seq_first).u32(self.key_epoch).count_u16(self.entries.len());
        for entry in &self.entries {
            w.bytes_u32(entry);
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let push_seq_first = at_least_one(r.u64()?)?;
        let key_epoch = r.u32()?;
        let count = r.u16()?;
        // The last push_seq must be a number too.
        let last = u64::from(count).checked_sub(1).and_then(|more| push_seq_first.checked_add(more));
        if last.is_none_or(|last| last > U64_MAX) {
            return Err(DecodeError::OutOfRange);
        }
        let entries = r.list(usize::from(count), usize::from(u16::MAX), PUSH_ENTRY_BYTES_MIN, read_entry)?;
        Ok(Self { push_seq_first, key_epoch, entries })
    }
}

fn read_entry(r: &mut Reader<'_>) -> Result<SealedBytes, DecodeError> {
    let sealed = r.bytes_u32(usize::MAX)?;
    if sealed.is_empty() { Err(DecodeError::OutOfRange) } else { Ok(SealedBytes(sealed)) }
}

fn at_least_one<T: PartialEq + From<u8>>(value: T) -> Result<T, DecodeError> {
    if value == T::from(0) { Err(DecodeError::OutOfRange) } else { Ok(value) }
}

/// What happened to a run of entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptStatus {
    /// Stored by this push.
    Stored(ReceiptProof),
    /// Held already.
    Duplicate,
    /// Held once, forgotten since.
    DuplicateForgotten,
}

/// Entries and everything before them are on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// push_seq of the first entry of the run.
    pub push_seq_first: PushSeq,
    /// Number of entries.
    pub count: u16,
    /// What happened, with the proof for entries stored now.
    pub status: ReceiptStatus,
    /// seq of the first entry; 0 for forgotten ones.
    pub seq_first: Seq,
    /// The signed head.
    pub attestation: Attestation,
}

/// A receipt around an attestation that is encoded already, as one is for all pushes of a group.
#[derive(Clone, Debug)]
pub struct EncodedReceipt<'a> {
    /// See [`Receipt::push_seq_first`].
    pub push_seq_first: PushSeq,
    /// See [`Receipt::count`].
    pub count: u16,
    /// See [`Receipt::status`].
    pub status: ReceiptStatus,
    /// See [`Receipt::seq_first`].
    pub seq_first: Seq,
    /// The encoded attestation.
    pub attestation: &'a [u8],
}

impl EncodedReceipt<'_> {
    /// The whole frame: the bytes of the [`Receipt`] with this attestation.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let path = if let ReceiptStatus::Stored(proof) = &self.status { proof.path.len() } else { 0 };
        let mut w = Writer::with_capacity(RECEIPT_FIELD_BYTES_MAX + self.attestation.len() + path * Hash::BYTES);
        w.u8(FrameType::Receipt.number());
        write_receipt((self.push_seq_first, self.count), &self.status, self.seq_first, &mut w, |w| {
            w.raw(self.attestation);
        });
        w.into_bytes()
    }
}

fn write_receipt(
    (push_seq_first, count): (PushSeq, u16),
    status: &ReceiptStatus,
    seq_first: Seq,
    w: &mut Writer,
    attestation: impl FnOnce(&mut Writer),
) {
    let number = match status {
        ReceiptStatus::Stored(_) => 0,
        ReceiptStatus::Duplicate => 1,
        ReceiptStatus::DuplicateForgotten => 2,
    };
    w.u64(push_seq_first).u16(count).u8(number).u64(seq_first);
    attestation(w);
    if let ReceiptStatus::Stored(proof) = status {
        proof.write(w);
    }
}

impl Frame for Receipt {
    const TYPE: FrameType = FrameType::Receipt;
    /// Fixed fields, and paths of about 16 hashes.
    const USUAL_BYTES: usize = 768;

    fn write(&self, w: &mut Writer) {
        write_receipt((self.push_seq_first, self.count), &self.status, self.seq_first, w, |w| {
            self.attestation.write(w)
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let push_seq_first = r.u64()?;
        let count = r.u16()?;
        let status = r.u8()?;
        let seq_first = r.u64()?;
        let attestation = Attestation::read(r)?;
        let status = match status {
            0 => ReceiptStatus::Stored(ReceiptProof::read(r)?),
            1 => ReceiptStatus::Duplicate,
            2 => ReceiptStatus::DuplicateForgotten,
            _ => return Err(DecodeError::UnknownValue),
        };
        Ok(Self { push_seq_first, count, status, seq_first, attestation })
    }
}

/// Read after a cursor, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pull {
    /// Chosen by the client, from 1; comes back in the answer.
    pub request: u32,
    /// The cursor's log epoch.
    pub log_epoch: u64,
    /// The cursor's seq.
    pub after: Seq,
    /// Most entries wanted, from 1.
    pub entries_max: u32,
    /// About how many bytes are wanted at most.
    pub bytes_max: u32,
}

impl Frame for Pull {
    const TYPE: FrameType = FrameType::Pull;

    fn write(&self, w: &mut Writer) {
        w.u32(self.request).u64(self.log_epoch).u64(self.after).u32(self.entries_max).u32(self.bytes_max);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            request: at_least_one(r.u32()?)?,
            log_epoch: r.u64()?,
            after: r.u64()?,
            entries_max: at_least_one(r.u32()?)?,
            bytes_max: r.u32()?,
        })
    }
}

/// Read after a cursor and stay live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// The cursor's log epoch.
    pub log_epoch: u64,
    /// The cursor's seq.
    pub after: Seq,
    /// Send only the ids of this device's own entries.
    pub omit_own: bool,
}

impl Frame for Subscribe {
    const TYPE: FrameType = FrameType::Subscribe;

    fn write(&self, w: &mut Writer) {
        w.u64(self.log_epoch).u64(self.after).u8(u8::from(self.omit_own));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { log_epoch: r.u64()?, after: r.u64()?, omit_own: read_flag(r)? })
    }
}

/// A flags byte of which only bit 0 is known.
pub(super) fn read_flag(r: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::UnknownFlags),
    }
}

/// "I hold everything up to here", signed by the session's device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The log epoch.
    pub log_epoch: u64,
    /// Everything up to this seq is held.
    pub size: Seq,
    /// The Merkle root at that size.
    pub head: Hash,
    /// The device's signature; see [`crate::ack`].
    pub signature: Signature,
}

impl Frame for Ack {
    const TYPE: FrameType = FrameType::Ack;

    fn write(&self, w: &mut Writer) {
        w.u64(self.log_epoch).u64(self.size).raw(self.head).raw(self.signature);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { log_epoch: r.u64()?, size: r.u64()?, head: r.id()?, signature: r.id()? })
    }
}

/// Another device's ack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckNotice {
    /// Whose.
    pub device: DeviceKey,
    /// The ack as it was sent.
    pub ack: Ack,
}

impl Frame for AckNotice {
    const TYPE: FrameType = FrameType::AckNotice;

    fn write(&self, w: &mut Writer) {
        w.raw(self.device);
        self.ack.write(w);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { device: r.id()?, ack: Ack::read(r)? })
    }
}

/// The cursor is below the floor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorExpired {
    /// The pull it answers; 0: the subscription.
    pub request: u32,
    /// The signed floor.
    pub attestation: Attestation,
}

impl Frame for CursorExpired {
    const TYPE: FrameType = FrameType::CursorExpired;

    fn write(&self, w: &mut Writer) {
        w.u32(self.request);
        self.attestation.write(w);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { request: r.u32()?, attestation: Attestation::read(r)? })
    }
}

/// Asks for leaf hashes, forgotten entries included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullLeaves {
    /// Chosen by the client; comes back in the answer.
    pub request: u32,
    /// First seq.
    pub first_seq: Seq,
    /// Number of leaves, 1 to [`LEAVES_PAGE_MAX`].
    pub count: u32,
}

impl Frame for PullLeaves {
    const TYPE: FrameType = FrameType::PullLeaves;

    fn write(&self, w: &mut Writer) {
        w.u32(self.request).u64(self.first_seq).u32(self.count);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let frame = Self { request: r.u32()?, first_seq: r.u64()?, count: at_least_one(r.u32()?)? };
        if to_usize(frame.count) > LEAVES_PAGE_MAX {
            return Err(DecodeError::OutOfRange);
        }
        Ok(frame)
    }
}

/// Leaf hashes; fewer than asked for, or none, when they are not held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaves {
    /// The request it answers.
    pub request: u32,
    /// seq of the first leaf.
    pub first_seq: Seq,
    /// Leaf hashes of consecutive seqs.
    pub leaves: Vec<Hash>,
}

impl Frame for Leaves {
    const TYPE: FrameType = FrameType::Leaves;

    fn write(&self, w: &mut Writer) {
        w.u32(self.request).u64(self.first_seq).count_u32(self.leaves.len()).raw_each(&self.leaves);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let request = r.u32()?;
        let first_seq = r.u64()?;
        let count = to_usize(r.u32()?);
        let leaves = r.list(count, LEAVES_PAGE_MAX, Hash::BYTES, Reader::id)?;
        Ok(Self { request, first_seq, leaves })
    }
}

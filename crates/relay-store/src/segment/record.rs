//! Records: body_len u32 | crc u32 over type … end of body | type u8 | seven zeros | body, padded with zeros to 8 bytes.

use super::state::StateRecord;
use super::{ALIGNMENT_BYTES, aligned};
use bytes::Bytes;
use relay_proto::frame::Frame;
use relay_proto::ids::{DeviceKey, EntryId, SpaceId};
use relay_proto::limits::{CHAIN_STATEMENTS_MAX, KEYRING_BYTES_MAX};
use relay_proto::log_reset::LogReset;
use relay_proto::wire::{Reader, Writer};
use std::ops::Range;

/// Length of a record's header, in bytes.
pub const RECORD_HEADER_BYTES: usize = 16;
/// Length of an entry's fields before its sealed bytes.
pub const ENTRY_FIELD_BYTES: usize = 32 + 8 + 32 + 8 + 4 + 32;
const CRC_START: usize = 8;

/// The types of records. A number is never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordKind {
    /// One entry.
    Entry = 1,
    /// A space's roster chain and keyring.
    Roster = 2,
    /// A raised floor.
    Trim = 3,
    /// A new log epoch of a space.
    LogReset = 4,
    /// An entry whose sealed bytes were overwritten.
    Erased = 5,
    /// One space's state; in compacted segments only.
    State = 6,
    /// A clean end.
    Closed = 7,
    /// What a compacted segment stands for; its last record.
    Compacted = 8,
    /// A record of a space that was erased: nothing but its length.
    Blank = 9,
}

impl RecordKind {
    /// The kind of a type number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Entry),
            2 => Some(Self::Roster),
            3 => Some(Self::Trim),
            4 => Some(Self::LogReset),
            5 => Some(Self::Erased),
            6 => Some(Self::State),
            7 => Some(Self::Closed),
            8 => Some(Self::Compacted),
            9 => Some(Self::Blank),
            _ => None,
        }
    }
}

/// Everything of an entry record but its sealed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryFields {
    /// The space.
    pub space: SpaceId,
    /// Its place.
    pub seq: u64,
    /// Its author.
    pub device: DeviceKey,
    /// Its author's count.
    pub push_seq: u64,
    /// Its key epoch.
    pub key_epoch: u32,
    /// H(sealed).
    pub id: EntryId,
}

impl EntryFields {
    /// Appends the fields.
    pub fn write(&self, w: &mut Writer) {
        w.raw(self.space).u64(self.seq).raw(self.device).u64(self.push_seq).u32(self.key_epoch).raw(self.id);
    }

    /// Of nothing: what a row has whose entry was erased with its space.
    pub const NONE: Self =
        Self { space: SpaceId::ZERO, seq: 0, device: DeviceKey::ZERO, push_seq: 0, key_epoch: 0, id: EntryId::ZERO };

    pub(crate) fn read(r: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            space: r.id().ok()?,
            seq: r.u64().ok()?,
            device: r.id().ok()?,
            push_seq: r.u64().ok()?,
            key_epoch: r.u32().ok()?,
            id: r.id().ok()?,
        })
    }
}

/// A decoded record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An entry with its sealed bytes.
    Entry(EntryFields, Bytes),
    /// A space's roster, complete: chain from the newest root-signed statement on, and keyring.
    Roster {
        /// The space.
        space: SpaceId,
        /// Version of the newest statement.
        version: u64,
        /// The statements, in order.
        chain: Vec<Bytes>,
        /// The newest keyring.
        keyring: Bytes,
    },
    /// A raised floor.
    Trim {
        /// The space.
        space: SpaceId,
        /// Lowest seq still held.
        floor: u64,
    },
    /// A new log epoch of a space.
    LogReset(LogReset),
    /// One space's state.
    State(Box<StateRecord>),
    /// A clean end.
    Closed,
    /// What a compacted segment stands for.
    Compacted(Compacted),
    /// An entry whose sealed bytes were overwritten.
    Erased(EntryFields),
    /// What is left of a record of an erased space.
    Blank,
}

/// What a compacted segment stands for: the groups of the segments it was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The first group.
    pub first_group: u64,
    /// The last group.
    pub last_group: u64,
    /// Number of records before this one.
    pub records: u64,
    /// Commit time of the last group, Unix ms.
    pub time_ms: u64,
    /// Log epoch of the last group.
    pub log_epoch: u64,
    /// The newest group that was durable when the states were taken: a log that ends before it has lost something.
    pub durable_group: u64,
}

impl Compacted {
    /// Appends the body.
    pub fn write(&self, w: &mut Writer) {
        w.u64(self.first_group).u64(self.last_group).u64(self.records).u64(self.time_ms);
        w.u64(self.log_epoch).u64(self.durable_group);
    }

    fn read(r: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            first_group: r.bits().ok()?,
            last_group: r.bits().ok()?,
            records: r.bits().ok()?,
            time_ms: r.bits().ok()?,
            log_epoch: r.bits().ok()?,
            durable_group: r.bits().ok()?,
        })
    }
}

impl Record {
    /// Decodes a body; `None` when it breaks the grammar.
    #[must_use]
    pub fn decode(kind: RecordKind, body: &Bytes) -> Option<Self> {
        let mut r = Reader::new(body);
        let record = match kind {
            RecordKind::Entry => {
                let fields = EntryFields::read(&mut r)?;
                let rest = r.remaining();
                Self::Entry(fields, r.bytes(rest).ok()?)
            }
            RecordKind::Roster => Self::read_roster(&mut r)?,
            RecordKind::Trim => Self::Trim { space: r.id().ok()?, floor: r.u64().ok()? },
            RecordKind::LogReset => Self::LogReset(<LogReset as Frame>::read(&mut r).ok()?),
            RecordKind::State => Self::State(Box::new(StateRecord::read(&mut r)?)),
            RecordKind::Closed => Self::Closed,
            RecordKind::Compacted => Self::Compacted(Compacted::read(&mut r)?),
            RecordKind::Erased => {
                let fields = EntryFields::read(&mut r)?;
                only_zeros(&mut r)?;
                Self::Erased(fields)
            }
            RecordKind::Blank => {
                only_zeros(&mut r)?;
                Self::Blank
            }
        };
        r.finish().ok()?;
        Some(record)
    }

    fn read_roster(r: &mut Reader<'_>) -> Option<Self> {
        let space = r.id().ok()?;
        let version = r.u64().ok()?;
        let count = usize::from(r.u16().ok()?);
        let chain = r.list(count, CHAIN_STATEMENTS_MAX, 4, |r| r.bytes_u32(usize::MAX)).ok()?;
        let keyring = r.bytes_u32(KEYRING_BYTES_MAX).ok()?;
        Some(Self::Roster { space, version, chain, keyring })
    }

    /// Appends the body of a roster record.
    pub fn write_roster(w: &mut Writer, space: SpaceId, version: u64, chain: &[Bytes], keyring: &Bytes) {
        w.raw(space).u64(version).count_u16(chain.len());
        for statement in chain {
            w.bytes_u32(statement);
        }
        w.bytes_u32(keyring);
    }
}

fn only_zeros(r: &mut Reader<'_>) -> Option<()> {
    let rest = r.remaining();
    let rest = r.bytes(rest).ok()?;
    rest.iter().all(|byte| *byte == 0).then_some(())
}

/// Appends one record to a body of records; `write` appends its body. Returns the offset of the record and its body's length.
pub fn append(w: &mut Writer, kind: RecordKind, write: impl FnOnce(&mut Writer)) -> (usize, u32) {
    let start = w.len();
    w.u64(0).u8(kind as u8).raw([0; 7]);
    write(w);
    let body_len = u32::try_from(w.len() - start - RECORD_HEADER_BYTES).unwrap_or(u32::MAX);
    let crc = crc32c::crc32c(w.as_slice().get(start + CRC_START..).unwrap_or_default());
    w.patch(start, &body_len.to_be_bytes());
    w.patch(start + 4, &crc.to_be_bytes());
    let written = w.len() - start;
    let padding = aligned(written) - written;
    w.raw([0; ALIGNMENT_BYTES].get(..padding).unwrap_or_default());
    (start, body_len)
}

/// Length of a record on disk, in bytes.
#[must_use]
pub const fn record_bytes(body_len: usize) -> usize {
    aligned(RECORD_HEADER_BYTES.saturating_add(body_len))
}

/// Takes the record at the start of `bytes`: its type, its body, and its length on disk; `None` when it is not whole.
/// A type this program does not know is for the caller to judge.
#[must_use]
pub fn take(bytes: &Bytes) -> Option<(u8, Bytes, usize)> {
    whole(bytes).map(|(kind, body, total)| (kind, bytes.slice(body), total))
}

/// The same as [`take`], with the place of the body.
#[must_use]
pub fn whole(bytes: &[u8]) -> Option<(u8, Range<usize>, usize)> {
    let mut r = Reader::borrowed(bytes);
    let body_len = usize::try_from(r.u32().ok()?).ok()?;
    let crc = r.u32().ok()?;
    let kind = r.u8().ok()?;
    let total = record_bytes(body_len);
    let end = RECORD_HEADER_BYTES.checked_add(body_len)?;
    if bytes.len() < total || crc != crc32c::crc32c(bytes.get(CRC_START..end)?) {
        return None;
    }
    let padding_is_zero = bytes.get(end..total)?.iter().all(|byte| *byte == 0);
    padding_is_zero.then_some((kind, RECORD_HEADER_BYTES..end, total))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn fields(seq: u64) -> EntryFields {
        EntryFields {
            space: SpaceId([1; 32]),
            seq,
            device: DeviceKey([2; 32]),
            push_seq: seq + 5,
            key_epoch: 1,
            id: EntryId([3; 32]),
        }
    }

    #[test]
    fn every_kind_round_trips() {
        let sealed = Bytes::from_static(b"sealed bytes");
        let chain = vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")];
        let keyring = Bytes::from_static(b"ring");
        let mut w = Writer::new();
        append(&mut w, RecordKind::Entry, |w| {
            fields(4).write(w);
            w.raw(&sealed);
        });
        append(&mut w, RecordKind::Roster, |w| Record::write_roster(w, SpaceId([1; 32]), 2, &chain, &keyring));
        append(&mut w, RecordKind::Trim, |w| {
            w.raw([1; 32]).u64(9);
        });
        append(&mut w, RecordKind::Closed, |_| {});
        let mut rest = w.into_bytes();
        let mut records = Vec::new();
        while !rest.is_empty() {
            let (kind, body, total) = take(&rest).unwrap();
            records.push(Record::decode(RecordKind::from_number(kind).unwrap(), &body).unwrap());
            rest = rest.slice(total..);
        }
        let space = SpaceId([1; 32]);
        assert_eq!(
            records,
            [
                Record::Entry(fields(4), sealed),
                Record::Roster { space, version: 2, chain, keyring },
                Record::Trim { space, floor: 9 },
                Record::Closed
            ]
        );
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let mut w = Writer::new();
        append(&mut w, RecordKind::Entry, |w| {
            fields(4).write(w);
            w.raw(b"sealed");
        });
        let bytes = w.into_bytes();
        for bit in 0..bytes.len() * 8 {
            let mut broken = bytes.to_vec();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(take(&Bytes::from(broken)).is_none(), "bit {bit}");
        }
        for cut in 0..bytes.len() {
            assert!(take(&bytes.slice(..cut)).is_none(), "cut {cut}");
        }
    }
}

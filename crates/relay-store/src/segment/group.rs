//! Commit groups: magic u32 | group u64 | log_epoch u64 | time u64 | records u32 | body_bytes u32 | crc u32, then the
//! records back to back. The crc covers the store id, which clients never learn, and the fields before it.

use super::header::StoreId;
use super::record::{self, Compacted, EntryFields, Record, RecordKind};
use super::state::StateRecord;
use super::{blocks, length_of, offset_of};
use crate::vfs::BLOCK_BYTES;
use bytes::Bytes;
use relay_proto::frame::Frame;
use relay_proto::ids::SpaceId;
use relay_proto::log_reset::LogReset;
use relay_proto::wire::{Reader, Writer};

/// Length of a group's header, in bytes.
pub const GROUP_HEADER_BYTES: usize = 40;
const MAGIC: u32 = 0x5352_4730;
const FIELD_BYTES: usize = GROUP_HEADER_BYTES - 4;

/// What a group's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupHeader {
    /// The group's number, from 1 without gaps.
    pub group: u64,
    /// The log epoch it was committed in.
    pub log_epoch: u64,
    /// Its commit time, Unix ms.
    pub time_ms: u64,
    /// Number of records.
    pub records: u32,
    /// Length of the records, in bytes.
    pub body_bytes: u32,
}

impl GroupHeader {
    fn encode(&self, store_id: &StoreId) -> [u8; GROUP_HEADER_BYTES] {
        let mut w = Writer::with_capacity(GROUP_HEADER_BYTES);
        w.u32(MAGIC).u64(self.group).u64(self.log_epoch).u64(self.time_ms).u32(self.records).u32(self.body_bytes);
        let crc = header_crc(store_id, w.as_slice());
        w.u32(crc);
        let mut bytes = [0; GROUP_HEADER_BYTES];
        bytes.copy_from_slice(w.as_slice());
        bytes
    }

    /// Reads a header; `None` when it is not whole or not of this store.
    #[must_use]
    pub fn decode(bytes: &[u8], store_id: &StoreId) -> Option<Self> {
        let fields = bytes.get(..FIELD_BYTES)?;
        let mut r = Reader::borrowed(bytes);
        if r.u32().ok()? != MAGIC {
            return None;
        }
        let header = Self {
            group: r.bits().ok()?,
            log_epoch: r.bits().ok()?,
            time_ms: r.bits().ok()?,
            records: r.u32().ok()?,
            body_bytes: r.u32().ok()?,
        };
        (r.u32().ok()? == header_crc(store_id, fields)).then_some(header)
    }

    /// Length of the whole group, in bytes.
    #[must_use]
    pub fn group_bytes(&self) -> u64 {
        offset_of(GROUP_HEADER_BYTES) + u64::from(self.body_bytes)
    }
}

fn header_crc(store_id: &StoreId, fields: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&store_id.0), fields)
}

/// A group that is being built in memory, in a buffer from which it can be written as whole blocks.
#[derive(Debug)]
pub struct GroupBuilder {
    w: Writer,
    /// Where the blocks start in the buffer, and how many bytes of the group before come first.
    pad: usize,
    tail: usize,
    records: u32,
}

/// A finished group.
#[derive(Debug)]
pub struct Group {
    buffer: Vec<u8>,
    pad: usize,
    tail: usize,
    len: usize,
}

impl Group {
    /// The group's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        let start = self.pad + self.tail;
        self.buffer.get(start..start + self.len).unwrap_or_default()
    }

    /// How many bytes before the group its blocks hold.
    #[must_use]
    pub const fn tail_bytes(&self) -> usize {
        self.tail
    }

    /// The group as whole blocks: what is before it in its first block, the group, zeros.
    #[must_use]
    pub fn blocks(&self) -> &[u8] {
        self.buffer.get(self.pad..).unwrap_or_default()
    }

    /// Gives the memory back.
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}

impl GroupBuilder {
    /// An empty group with room for `capacity_bytes`.
    #[must_use]
    pub fn with_capacity(capacity_bytes: usize) -> Self {
        Self::reusing(Vec::new(), &[], capacity_bytes)
    }

    /// The same in a used buffer, behind `tail`: what the block in which the group will start holds already.
    #[must_use]
    pub fn reusing(buffer: Vec<u8>, tail: &[u8], capacity_bytes: usize) -> Self {
        let room = capacity_bytes.saturating_add(GROUP_HEADER_BYTES + BLOCK_BYTES).saturating_add(tail.len());
        let (buffer, pad) = blocks::begin(buffer, room);
        let mut w = Writer::after(buffer);
        w.raw(tail).raw([0; GROUP_HEADER_BYTES]);
        Self { w, pad, tail: tail.len(), records: 0 }
    }

    /// Number of records so far.
    #[must_use]
    pub const fn records(&self) -> u32 {
        self.records
    }

    fn add(&mut self, kind: RecordKind, write: impl FnOnce(&mut Writer)) -> (u64, u32) {
        self.records += 1;
        let (at, body_len) = record::append(&mut self.w, kind, write);
        (offset_of(at - self.pad - self.tail), body_len)
    }

    /// Adds an entry; returns where its record starts in the group, and its body's length.
    pub fn entry(&mut self, fields: &EntryFields, sealed: &[u8]) -> (u64, u32) {
        self.add(RecordKind::Entry, |w| {
            fields.write(w);
            w.raw(sealed);
        })
    }

    /// Adds a space's roster; returns its place like the others.
    pub fn roster(&mut self, space: SpaceId, version: u64, chain: &[Bytes], keyring: &Bytes) -> (u64, u32) {
        self.add(RecordKind::Roster, |w| Record::write_roster(w, space, version, chain, keyring))
    }

    /// Adds a raised floor.
    pub fn trim(&mut self, space: SpaceId, floor: u64) -> (u64, u32) {
        self.add(RecordKind::Trim, |w| {
            w.raw(space).u64(floor);
        })
    }

    /// Adds a new log epoch of a space.
    pub fn log_reset(&mut self, reset: &LogReset) -> (u64, u32) {
        self.add(RecordKind::LogReset, |w| Frame::write(reset, w))
    }

    /// Adds a space's state; returns where its record starts in the group, and its body's length.
    pub fn state(&mut self, state: &StateRecord) -> (u64, u32) {
        self.add(RecordKind::State, |w| state.write(w))
    }

    /// Adds what a compacted segment stands for; returns where its record starts in the group, and its body's length.
    pub fn compacted(&mut self, compacted: &Compacted) -> (u64, u32) {
        self.add(RecordKind::Compacted, |w| compacted.write(w))
    }

    /// Adds a whole record as it is, its header and padding included; returns where it starts in the group.
    pub fn verbatim(&mut self, record: &[u8]) -> u64 {
        self.records += 1;
        let at = offset_of(self.len());
        self.w.raw(record);
        at
    }

    /// Bytes so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.w.len() - self.pad - self.tail
    }

    /// Whether there are no records yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Adds the mark of a clean end.
    pub fn closed(&mut self) -> (u64, u32) {
        self.add(RecordKind::Closed, |_| {})
    }

    /// The finished group; `None` when its body is longer than its header can say.
    #[must_use]
    pub fn finish(mut self, group: u64, log_epoch: u64, time_ms: u64, store_id: &StoreId) -> Option<Group> {
        let start = self.pad + self.tail;
        let len = self.w.len() - start;
        let body_bytes = u32::try_from(len - GROUP_HEADER_BYTES).ok()?;
        let header = GroupHeader { group, log_epoch, time_ms, records: self.records, body_bytes };
        self.w.patch(start, &header.encode(store_id));
        let mut buffer = self.w.into_vec();
        blocks::complete(&mut buffer, self.pad);
        Some(Group { buffer, pad: self.pad, tail: self.tail, len })
    }
}

/// Why a body is not the one its header announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// Bytes do not match.
    Broken,
    /// A whole record has a type this program does not know.
    UnknownKind(u8),
}

/// A record with its place in its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedRecord {
    /// Where its header starts, counted from the group's start, in bytes.
    pub offset: u64,
    /// Length of its body, in bytes.
    pub body_len: u32,
    /// The record.
    pub record: Record,
}

/// Decodes the body of a group.
///
/// # Errors
/// [`BodyFault`] when anything does not match.
pub fn decode_body(header: &GroupHeader, body: &Bytes) -> Result<Vec<PlacedRecord>, BodyFault> {
    if body.len() != length_of(u64::from(header.body_bytes)) {
        return Err(BodyFault::Broken);
    }
    let mut records = Vec::new();
    let mut at = 0;
    while at < body.len() {
        let (number, content, total) = record::take(&body.slice(at..)).ok_or(BodyFault::Broken)?;
        let kind = RecordKind::from_number(number).ok_or(BodyFault::UnknownKind(number))?;
        let record = Record::decode(kind, &content).ok_or(BodyFault::Broken)?;
        let body_len = u32::try_from(content.len()).map_err(|_| BodyFault::Broken)?;
        records.push(PlacedRecord { offset: offset_of(GROUP_HEADER_BYTES + at), body_len, record });
        at += total;
    }
    let count_holds = u32::try_from(records.len()) == Ok(header.records);
    count_holds.then_some(records).ok_or(BodyFault::Broken)
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::fields;
    use super::*;

    const STORE: StoreId = StoreId([5; 16]);

    fn group() -> Bytes {
        let mut builder = GroupBuilder::with_capacity(0);
        builder.entry(&fields(1), b"abc");
        builder.trim(SpaceId([1; 32]), 1);
        builder.closed();
        Bytes::copy_from_slice(builder.finish(7, 1, 1000, &STORE).unwrap().bytes())
    }

    fn decode(bytes: &Bytes) -> Option<Vec<PlacedRecord>> {
        let header = GroupHeader::decode(bytes, &STORE)?;
        decode_body(&header, &bytes.slice(GROUP_HEADER_BYTES..)).ok()
    }

    #[test]
    fn round_trip() {
        let bytes = group();
        assert_eq!(bytes.len() % 8, 0);
        let records = decode(&bytes).unwrap();
        assert_eq!(records.len(), 3);
        assert_eq!(records[0].record, Record::Entry(fields(1), Bytes::from_static(b"abc")));
        assert_eq!(records[0].offset, 40);
        assert_eq!(GroupHeader::decode(&bytes, &STORE).unwrap().group_bytes(), bytes.len() as u64);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = group();
        for bit in 0..bytes.len() * 8 {
            let mut broken = bytes.to_vec();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&Bytes::from(broken)).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn a_header_of_another_store_is_none() {
        assert_eq!(GroupHeader::decode(&group(), &StoreId([6; 16])), None);
    }
}

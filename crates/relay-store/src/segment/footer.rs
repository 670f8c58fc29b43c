//! The footer of a sealed segment: where its entries are, so that nothing has to be scanned. Derived: an absent or
//! broken footer is rebuilt from the groups.
//!
//! rows sorted by (space, seq) | facts in log order | trailer. A fact is a record that is no entry: recovery needs it.

mod writing;

pub use writing::FooterWriter;

use super::offset_of;
use super::record::EntryFields;
use relay_proto::ids::Hash;
use relay_proto::merkle::entry_leaf;
use relay_proto::wire::{Reader, Writer};

/// Length of a row, in bytes.
pub const ROW_BYTES: usize = ROW_FIELD_BYTES + 4;
const ROW_FIELD_BYTES: usize = 32 + 8 + 8 + 4 + 32 + 8 + 32 + 4;
/// Length of a fact, in bytes.
pub const FACT_BYTES: usize = 8 + 4 + 8;
/// Length of the trailer, in bytes.
pub const TRAILER_BYTES: usize = 8 + 7 * 8 + 4 + 4;
const MAGIC: [u8; 8] = *b"SRFOOT01";

/// Where an entry is, and everything of it but its sealed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The entry.
    pub fields: EntryFields,
    /// Where its record starts in the segment, in bytes.
    pub offset: u64,
    /// Length of its record's body, in bytes.
    pub body_len: u32,
}

impl Row {
    /// Its leaf in the log.
    #[must_use]
    pub fn leaf(&self) -> Hash {
        entry_leaf(&self.fields.device, self.fields.push_seq, self.fields.key_epoch, &self.fields.id)
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(ROW_BYTES);
        self.write(&mut w);
        w.into_vec()
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        let fields = &self.fields;
        let start = w.len();
        w.raw(fields.space).u64(fields.seq).u64(self.offset).u32(self.body_len);
        w.raw(fields.device).u64(fields.push_seq).raw(fields.id).u32(fields.key_epoch);
        let crc = crc32c::crc32c(w.as_slice().get(start..).unwrap_or_default());
        w.u32(crc);
    }

    /// Reads one row; `None` when it is not whole. Each has its own checksum, because rows are read one by one later.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader::borrowed(bytes);
        let (space, seq, offset, body_len) = (r.id().ok()?, r.u64().ok()?, r.bits().ok()?, r.u32().ok()?);
        let (device, push_seq, id, key_epoch) = (r.id().ok()?, r.u64().ok()?, r.id().ok()?, r.u32().ok()?);
        if r.u32().ok()? != crc32c::crc32c(bytes.get(..ROW_FIELD_BYTES)?) {
            return None;
        }
        Some(Self { fields: EntryFields { space, seq, device, push_seq, key_epoch, id }, offset, body_len })
    }
}

/// A record that is no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Where it starts in the segment, in bytes.
    pub offset: u64,
    /// Length of its body, in bytes.
    pub body_len: u32,
    /// Log epoch of its group.
    pub log_epoch: u64,
}

impl Fact {
    pub(super) fn write(&self, w: &mut Writer) {
        w.u64(self.offset).u32(self.body_len).u64(self.log_epoch);
    }
}

/// What a segment holds, in the order of its footer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footer {
    /// The entries, sorted by (space, seq).
    pub rows: Vec<Row>,
    /// The other records, in log order.
    pub facts: Vec<Fact>,
    /// The summary.
    pub trailer: Trailer,
}

/// The end of a sealed segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trailer {
    /// Number of rows.
    pub rows: u64,
    /// Number of facts.
    pub facts: u64,
    /// Where the rows start, in bytes; the groups end there.
    pub rows_offset: u64,
    /// First group of the segment.
    pub first_group: u64,
    /// Last group of the segment.
    pub last_group: u64,
    /// Commit time of the last group, Unix ms.
    pub time_ms_max: u64,
    /// Log epoch of the last group.
    pub log_epoch: u64,
    /// CRC-32C of rows and facts.
    pub rows_crc: u32,
}

impl Footer {
    /// The footer's bytes; fills in what the trailer derives from rows and facts.
    #[must_use]
    pub fn encode(&mut self) -> Vec<u8> {
        self.rows.sort_unstable_by_key(|row| (row.fields.space, row.fields.seq));
        let bytes = self.rows.len() * ROW_BYTES + self.facts.len() * FACT_BYTES + TRAILER_BYTES;
        let mut w = Writer::with_capacity(bytes);
        for row in &self.rows {
            row.write(&mut w);
        }
        self.facts.iter().for_each(|fact| fact.write(&mut w));
        let trailer = &mut self.trailer;
        trailer.rows = offset_of(self.rows.len());
        trailer.facts = offset_of(self.facts.len());
        trailer.rows_crc = crc32c::crc32c(w.as_slice());
        w.raw(trailer.encode());
        w.into_bytes().to_vec()
    }

    /// CRC-32C of rows and facts in the order they are in.
    #[must_use]
    pub fn checksum(&self) -> u32 {
        let mut w = Writer::with_capacity(self.rows.len() * ROW_BYTES + self.facts.len() * FACT_BYTES);
        self.rows.iter().for_each(|row| row.write(&mut w));
        self.facts.iter().for_each(|fact| fact.write(&mut w));
        crc32c::crc32c(w.as_slice())
    }

    /// Reads rows and facts from the bytes between the groups and the trailer; `None` when they are not whole.
    #[must_use]
    pub fn decode(bytes: &[u8], trailer: Trailer) -> Option<Self> {
        let row_bytes = usize::try_from(trailer.rows).ok()?.checked_mul(ROW_BYTES)?;
        let (rows, facts) = bytes.split_at_checked(row_bytes)?;
        if trailer.rows_crc != crc32c::crc32c(bytes) {
            return None;
        }
        let rows = rows.chunks_exact(ROW_BYTES).map(Row::decode).collect::<Option<Vec<_>>>()?;
        let facts = facts.chunks_exact(FACT_BYTES).map(decode_fact).collect::<Option<Vec<_>>>()?;
        (offset_of(facts.len()) == trailer.facts).then_some(Self { rows, facts, trailer })
    }
}

fn decode_fact(bytes: &[u8]) -> Option<Fact> {
    let mut r = Reader::borrowed(bytes);
    Some(Fact { offset: r.bits().ok()?, body_len: r.u32().ok()?, log_epoch: r.bits().ok()? })
}

impl Trailer {
    /// The trailer's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(TRAILER_BYTES);
        w.raw(MAGIC).u64(self.rows).u64(self.facts).u64(self.rows_offset).u64(self.first_group).u64(self.last_group);
        w.u64(self.time_ms_max).u64(self.log_epoch).u32(self.rows_crc);
        let crc = crc32c::crc32c(w.as_slice());
        w.u32(crc);
        w.into_bytes().to_vec()
    }

    /// The same, by its length.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; TRAILER_BYTES] {
        let mut bytes = [0; TRAILER_BYTES];
        bytes.copy_from_slice(&self.encode());
        bytes
    }

    /// Reads a trailer; `None` when it is not whole.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (fields, crc) = bytes.split_last_chunk::<4>()?;
        let mut r = Reader::borrowed(fields);
        let magic: [u8; 8] = r.array().ok()?;
        let trailer = Self {
            rows: r.bits().ok()?,
            facts: r.bits().ok()?,
            rows_offset: r.bits().ok()?,
            first_group: r.bits().ok()?,
            last_group: r.bits().ok()?,
            time_ms_max: r.bits().ok()?,
            log_epoch: r.bits().ok()?,
            rows_crc: r.u32().ok()?,
        };
        (magic == MAGIC && u32::from_be_bytes(*crc) == crc32c::crc32c(fields)).then_some(trailer)
    }

    /// Length of rows and facts, in bytes; `None` when it cannot be.
    #[must_use]
    pub fn rows_bytes(&self) -> Option<u64> {
        let rows = self.rows.checked_mul(offset_of(ROW_BYTES))?;
        rows.checked_add(self.facts.checked_mul(offset_of(FACT_BYTES))?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::fields;
    use super::*;

    #[test]
    fn round_trip_sorts_and_notices_every_flipped_bit() {
        let row = |seq| Row { fields: fields(seq), offset: 4096 + seq, body_len: 7 };
        let trailer = Trailer {
            rows_offset: 8192,
            first_group: 1,
            last_group: 9,
            time_ms_max: 5,
            log_epoch: 1,
            ..Trailer::default()
        };
        let facts = vec![Fact { offset: 4136, body_len: 3, log_epoch: 1 }];
        let mut footer = Footer { rows: vec![row(2), row(1)], facts, trailer };
        let bytes = footer.encode();
        assert_eq!(footer.rows[0], row(1));
        let (body, end) = bytes.split_at(bytes.len() - TRAILER_BYTES);
        let decoded = Trailer::decode(end).unwrap();
        assert_eq!(decoded.rows_bytes(), Some(body.len() as u64));
        assert_eq!(Footer::decode(body, decoded), Some(footer));
        for bit in 0..bytes.len() * 8 {
            let mut broken = bytes.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            let (body, end) = broken.split_at(bytes.len() - TRAILER_BYTES);
            assert_eq!(Trailer::decode(end).and_then(|trailer| Footer::decode(body, trailer)), None, "bit {bit}");
        }
    }
}

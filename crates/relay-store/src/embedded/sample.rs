//! One stored record as it lies in its segment, cut into its fields: for an operator who wants to see what a relay holds.

use super::EmbeddedStore;
use super::inspect::OVERVIEWS_MAX;
use crate::cold::Found;
use crate::segment::length_of;
use crate::segment::reader;
use crate::segment::record::{ENTRY_FIELD_BYTES, RECORD_HEADER_BYTES, record_bytes};
use crate::space::Space;
use bytes::Bytes;
use relay_core::store::StoreError;
use relay_proto::ids::{DeviceKey, SpaceId};
use std::cmp::Reverse;

/// Sealed bytes of a sample; the rest is counted only.
const SAMPLE_SEALED_BYTES_MAX: usize = 2048;
/// Spaces in memory that are looked at to find the one that was written to last.
const CANDIDATES_MAX: usize = 4096;

/// The fields of an entry record in their order, with their lengths in bytes; the sealed bytes are the rest.
const FIELDS: [(&str, usize); 10] = [
    ("body_len", 4),
    ("crc", 4),
    ("type", 1),
    ("zeros", 7),
    ("space", 32),
    ("seq", 8),
    ("device", 32),
    ("push_seq", 8),
    ("key_epoch", 4),
    ("entry_id", 32),
];
const _: () = assert!(RECORD_HEADER_BYTES + ENTRY_FIELD_BYTES == 132);

/// The newest entry of a space as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleRecord {
    /// The space.
    pub space: SpaceId,
    /// Its author.
    pub device: DeviceKey,
    /// Number of the segment it is in.
    pub segment: u64,
    /// Where it starts there, in bytes.
    pub offset: u64,
    /// Its length, in bytes.
    pub record_bytes: u64,
    /// Every field, in order.
    pub fields: Vec<SampleField>,
}

/// One field of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleField {
    /// As docs/storage.md names it.
    pub name: &'static str,
    /// Its length in the record.
    pub length: u64,
    /// Its bytes, of long ones the first.
    pub bytes: Bytes,
}

impl EmbeddedStore {
    /// The newest entry of a space, or of the space that was written to last as far as memory tells; `None` when there is none.
    ///
    /// # Errors
    /// [`StoreError::UnknownSpace`], [`StoreError::Damaged`] or [`StoreError::Closed`].
    pub fn sample(&self, space: Option<SpaceId>) -> Result<Option<SampleRecord>, StoreError> {
        self.shared.readable()?;
        if let Some(space) = space {
            let known = self.borrow(space)?.ok_or(StoreError::UnknownSpace)?;
            return self.newest_record(&known);
        }
        for space in self.candidates() {
            if let Some(known) = self.borrow(space)?
                && let Some(record) = self.newest_record(&known)?
            {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// Spaces in memory, the one written to last first, then the first others.
    fn candidates(&self) -> Vec<SpaceId> {
        let spaces = &self.shared.spaces;
        let mut written: Vec<(u64, SpaceId)> = Vec::new();
        for space in spaces.residents().into_iter().rev().take(CANDIDATES_MAX) {
            if let Found::Resident(known) = spaces.find(space)
                && let Some((_, time_ms)) = known.peek().ages.last()
            {
                written.push((*time_ms, space));
            }
        }
        written.sort_unstable_by_key(|candidate| Reverse(*candidate));
        let found = written.into_iter().map(|(_, space)| space).take(OVERVIEWS_MAX);
        found.chain(spaces.page(None, OVERVIEWS_MAX)).collect()
    }

    fn newest_record(&self, known: &Space) -> Result<Option<SampleRecord>, StoreError> {
        let plan = {
            let state = known.peek();
            if state.shown.size < state.shown.floor {
                return Ok(None);
            }
            state.index.plan(state.shown.size, 1)
        };
        let unreadable = |place| self.shared.unreadable(known, place);
        let Some(place) = plan.read().map_err(unreadable)?.pop() else { return Ok(None) };
        let row = place.row;
        let length = record_bytes(length_of(u64::from(row.body_len)));
        let damaged = || unreadable(crate::damaged_read::Unreadable::entry(&place.file, row.offset));
        let mut buffer = Vec::new();
        place.file.file.append_exact_at(&mut buffer, length, row.offset).map_err(|_| damaged())?;
        let sealed = reader::sealed_in(&row, &buffer).ok_or_else(damaged)?;
        let record = Bytes::from(buffer);
        let mut fields = Vec::with_capacity(FIELDS.len() + 1);
        let mut at = 0;
        for (name, length) in FIELDS {
            fields.push(field(name, &record, at..at + length, length));
            at += length;
        }
        let shown = sealed.start..sealed.end.min(sealed.start + SAMPLE_SEALED_BYTES_MAX);
        fields.push(field("sealed", &record, shown, sealed.len()));
        Ok(Some(SampleRecord {
            space: row.fields.space,
            device: row.fields.device,
            segment: place.file.segment,
            offset: row.offset,
            record_bytes: u64::try_from(length).unwrap_or(u64::MAX),
            fields,
        }))
    }
}

fn field(name: &'static str, record: &Bytes, range: std::ops::Range<usize>, length: usize) -> SampleField {
    let end = range.end.min(record.len());
    let bytes = record.slice(range.start.min(end)..end);
    SampleField { name, length: u64::try_from(length).unwrap_or(u64::MAX), bytes }
}

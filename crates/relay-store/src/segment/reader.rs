//! Reading segment files: the group scan that recovery rests on, footers, and single records.

use super::footer::{Fact, Footer, Row, TRAILER_BYTES, Trailer};
use super::group::{self, BodyFault, GROUP_HEADER_BYTES, GroupHeader, PlacedRecord};
use super::header::{HEADER_BYTES, StoreId};
use super::record::{self, ENTRY_FIELD_BYTES, EntryFields, Record, RecordKind};
use super::{ALIGNMENT_BYTES, length_of, offset_of};
use crate::vfs::VfsFile;
use bytes::Bytes;
use relay_proto::wire::Reader;
use std::io;
use std::ops::Range;

/// Bytes read at once while looking for anything behind the last valid group.
const SCAN_BYTES: usize = 1024 * 1024;

/// A valid group.
#[derive(Clone, Debug)]
pub struct ScannedGroup {
    /// Where it starts in the segment, in bytes.
    pub offset: u64,
    /// Its header.
    pub header: GroupHeader,
    /// Its records; their offsets count from the group's start.
    pub records: Vec<PlacedRecord>,
}

impl ScannedGroup {
    /// Adds what this group holds to a footer.
    pub fn add_to(&self, footer: &mut Footer) {
        for placed in &self.records {
            let offset = self.offset + placed.offset;
            match &placed.record {
                Record::Entry(fields, _) | Record::Erased(fields) => {
                    footer.rows.push(Row { fields: *fields, offset, body_len: placed.body_len });
                }
                _ => footer.facts.push(Fact { offset, body_len: placed.body_len, log_epoch: self.header.log_epoch }),
            }
        }
        let trailer = &mut footer.trailer;
        if trailer.first_group == 0 {
            trailer.first_group = self.header.group;
        }
        trailer.last_group = self.header.group;
        trailer.time_ms_max = self.header.time_ms;
        trailer.log_epoch = self.header.log_epoch;
        trailer.rows_offset = self.offset + self.header.group_bytes();
    }
}

/// What is at a place where a group may start.
#[derive(Clone, Debug)]
pub enum GroupAt {
    /// A valid group.
    Valid(ScannedGroup),
    /// No valid group.
    Broken,
    /// A whole group with a record type this program does not know.
    UnknownKind {
        /// Its number.
        group: u64,
        /// The type.
        kind: u8,
    },
}

/// Reads the group at `offset` of a file of `len` bytes.
///
/// # Errors
/// What the file system says.
pub fn group_at(file: &dyn VfsFile, offset: u64, len: u64, store_id: &StoreId) -> io::Result<GroupAt> {
    let body_offset = offset + offset_of(GROUP_HEADER_BYTES);
    if body_offset > len {
        return Ok(GroupAt::Broken);
    }
    let mut head = [0; GROUP_HEADER_BYTES];
    file.read_exact_at(&mut head, offset)?;
    let Some(header) = GroupHeader::decode(&head, store_id) else {
        return Ok(GroupAt::Broken);
    };
    if offset + header.group_bytes() > len {
        return Ok(GroupAt::Broken);
    }
    let mut body = vec![0; length_of(u64::from(header.body_bytes))];
    file.read_exact_at(&mut body, body_offset)?;
    Ok(match group::decode_body(&header, &Bytes::from(body)) {
        Ok(records) => GroupAt::Valid(ScannedGroup { offset, header, records }),
        Err(BodyFault::Broken) => GroupAt::Broken,
        Err(BodyFault::UnknownKind(kind)) => GroupAt::UnknownKind { group: header.group, kind },
    })
}

/// The number of the group that holds the byte at `offset`, by the headers of the groups before it; `None` when one of
/// them cannot be read.
#[must_use]
pub fn group_around(file: &dyn VfsFile, offset: u64, store_id: &StoreId) -> Option<u64> {
    let mut at = offset_of(HEADER_BYTES);
    while at <= offset {
        let mut head = [0; GROUP_HEADER_BYTES];
        file.read_exact_at(&mut head, at).ok()?;
        let header = GroupHeader::decode(&head, store_id)?;
        at += header.group_bytes();
        if offset < at {
            return Some(header.group);
        }
    }
    None
}

/// What is behind the last valid group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing but zeros.
    Zeros,
    /// Bytes, but no group header of a later group.
    Torn,
    /// A header of a later group.
    LaterGroup {
        /// Where it is, in bytes.
        offset: u64,
        /// Its number.
        group: u64,
    },
}

/// Looks through everything from `offset` to the end for headers of groups above `above`.
///
/// # Errors
/// What the file system says.
pub fn rest_from(file: &dyn VfsFile, offset: u64, len: u64, above: u64, store_id: &StoreId) -> io::Result<Rest> {
    let mut rest = Rest::Zeros;
    let mut at = offset;
    let mut buffer = vec![0; SCAN_BYTES + GROUP_HEADER_BYTES];
    while at < len {
        let wanted = length_of(len - at).min(buffer.len());
        let Some(window) = buffer.get_mut(..wanted) else { break };
        file.read_exact_at(window, at)?;
        let step = window.len().min(SCAN_BYTES);
        if window.iter().all(|byte| *byte == 0) {
            at += offset_of(step);
            continue;
        }
        rest = Rest::Torn;
        for start in (0..step).step_by(ALIGNMENT_BYTES) {
            let header = window.get(start..).and_then(|bytes| GroupHeader::decode(bytes, store_id));
            if let Some(header) = header.filter(|header| header.group > above) {
                return Ok(Rest::LaterGroup { offset: at + offset_of(start), group: header.group });
            }
        }
        at += offset_of(step);
    }
    Ok(rest)
}

/// Where the last byte that is not zero ends between `offset` and `len`; `offset` when there is none.
///
/// # Errors
/// What the file system says.
pub fn end_of_bytes(file: &dyn VfsFile, offset: u64, len: u64) -> io::Result<u64> {
    let mut end = offset;
    let mut at = offset;
    let mut buffer = vec![0; SCAN_BYTES];
    while at < len {
        let wanted = length_of(len - at).min(buffer.len());
        let Some(window) = buffer.get_mut(..wanted) else { break };
        file.read_exact_at(window, at)?;
        if let Some(last) = window.iter().rposition(|byte| *byte != 0) {
            end = at + offset_of(last + 1);
        }
        at += offset_of(wanted);
    }
    Ok(end)
}

/// Reads the trailer of a footer, without its rows; `None` when there is no whole one.
///
/// # Errors
/// What the file system says.
pub fn trailer(file: &dyn VfsFile) -> io::Result<Option<Trailer>> {
    let Some(offset) = file.len()?.checked_sub(offset_of(TRAILER_BYTES)) else { return Ok(None) };
    let mut bytes = [0; TRAILER_BYTES];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(Trailer::decode(&bytes))
}

/// Reads a footer; `None` when there is no whole one.
///
/// # Errors
/// What the file system says.
pub fn footer(file: &dyn VfsFile) -> io::Result<Option<Footer>> {
    let len = file.len()?;
    let Some(trailer_offset) = len.checked_sub(offset_of(TRAILER_BYTES)) else {
        return Ok(None);
    };
    let mut bytes = [0; TRAILER_BYTES];
    file.read_exact_at(&mut bytes, trailer_offset)?;
    let Some(trailer) = Trailer::decode(&bytes) else {
        return Ok(None);
    };
    let fits = |bytes: &u64| trailer.rows_offset.checked_add(*bytes) == Some(trailer_offset);
    let Some(rows_bytes) = trailer.rows_bytes().filter(fits) else {
        return Ok(None);
    };
    let mut rows = vec![0; length_of(rows_bytes)];
    file.read_exact_at(&mut rows, trailer.rows_offset)?;
    Ok(Footer::decode(&rows, trailer).filter(|_| trailer.rows_offset >= offset_of(HEADER_BYTES)))
}

/// Reads one record of a known place; `None` when its bytes do not match their checksum.
///
/// # Errors
/// What the file system says; a file that ends too early is a broken record.
pub fn record_at(file: &dyn VfsFile, offset: u64, body_len: u32) -> io::Result<Option<Record>> {
    let total = record::record_bytes(length_of(u64::from(body_len)));
    // Checked before anything is allocated: the length may come from damaged bytes.
    if offset.checked_add(offset_of(total)).is_none_or(|end| file.len().map_or(true, |len| end > len)) {
        return Ok(None);
    }
    let mut bytes = vec![0; total];
    match file.read_exact_at(&mut bytes, offset) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    Ok(take_record(&Bytes::from(bytes), body_len))
}

fn take_record(bytes: &Bytes, body_len: u32) -> Option<Record> {
    let (number, body, _) = record::take(bytes)?;
    let same_length = u32::try_from(body.len()) == Ok(body_len);
    RecordKind::from_number(number).filter(|_| same_length).and_then(|kind| Record::decode(kind, &body))
}

/// Where the sealed bytes of the entry a row names are in its record; `None` when the record is not whole, or not this very
/// entry.
#[must_use]
pub fn sealed_in(row: &Row, record: &[u8]) -> Option<Range<usize>> {
    let (number, body, _) = record::whole(record)?;
    let is_entry = number == RecordKind::Entry as u8 && u32::try_from(body.len()) == Ok(row.body_len);
    let fields = EntryFields::read(&mut Reader::borrowed(record.get(body.clone())?)).filter(|_| is_entry)?;
    (fields == row.fields).then_some(body.start + ENTRY_FIELD_BYTES..body.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::sim::SimVfs;
    use crate::vfs::{OpenMode, Vfs};
    use std::path::Path;

    #[test]
    fn bytes_end_behind_the_last_that_is_not_zero_in_whatever_piece_it_is_read() {
        let file = SimVfs::new().open(Path::new("/f"), OpenMode::Create).unwrap();
        let piece = offset_of(SCAN_BYTES);
        let len = 3 * piece + 100;
        file.set_len(len).unwrap();
        file.write_all_at(&[1; 10], 0).unwrap();
        assert_eq!(end_of_bytes(&*file, 10, len).unwrap(), 10, "what is before does not count");
        for at in [10, 9 + piece, 10 + piece, 2 * piece, len - 1] {
            file.write_all_at(&[1], at).unwrap();
            assert_eq!(end_of_bytes(&*file, 10, len).unwrap(), at + 1);
        }
    }
}

//! Which bytes of a segment are a space's: found by the footer where there is a whole one, else group by group.

use super::redo::{Patch, Redo};
use crate::segment::footer::{Fact, Footer, ROW_BYTES, Row, Trailer};
use crate::segment::header::{HEADER_BYTES, StoreId};
use crate::segment::reader::{self, GroupAt};
use crate::segment::record::{EntryFields, RECORD_HEADER_BYTES, RecordKind};
use crate::segment::{offset_of, path};
use crate::vfs::{OpenMode, SharedFile, Vfs};
use relay_proto::ids::SpaceId;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// How much of a space goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Everything.
    All,
    /// The sealed bytes of the entries below this floor.
    Below(u64),
}

/// What goes.
pub(crate) type Targets = BTreeMap<SpaceId, Extent>;

/// What overwriting did to a segment that has a footer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scrubbed {
    pub(crate) trailer: Trailer,
    /// Rows that name nothing any more.
    pub(crate) blank_rows: u64,
}

/// Overwrites what goes of one segment to which nothing is appended any more. `None` when its footer is as it was.
pub(crate) fn segment(
    vfs: &dyn Vfs,
    data_dir: &Path,
    store_id: &StoreId,
    number: u64,
    targets: &Targets,
) -> io::Result<Option<Scrubbed>> {
    let file = vfs.open(&path(data_dir, number), OpenMode::Read)?;
    let (mut footer, is_whole) = match reader::footer(&*file)? {
        Some(footer) => (footer, true),
        None => (scanned(&file, store_id)?, false),
    };
    let mut patches = Vec::new();
    for fact in &footer.facts {
        if speaks_of(&file, fact)?.is_some_and(|space| targets.get(&space) == Some(&Extent::All)) {
            patches.push(Patch::Blank { offset: fact.offset, body_len: fact.body_len });
        }
    }
    let mut blank = Vec::new();
    for (index, row) in footer.rows.iter().enumerate() {
        let Row { fields, offset, body_len } = *row;
        match targets.get(&fields.space) {
            Some(Extent::All) => {
                patches.push(Patch::Blank { offset, body_len });
                blank.push(index);
            }
            Some(Extent::Below(floor)) if fields.seq < *floor && holds_bytes(&file, row)? => {
                patches.push(Patch::Erased { offset, body_len, fields });
            }
            _ => {}
        }
    }
    if patches.is_empty() {
        return Ok(None);
    }
    patches.sort_unstable_by_key(|patch| match patch {
        Patch::Blank { offset, .. } | Patch::Erased { offset, .. } => *offset,
        Patch::Row { at, .. } | Patch::Trailer { at, .. } => *at,
    });
    let scrubbed = (is_whole && !blank.is_empty()).then(|| blank_rows(&mut footer, &blank, &mut patches));
    Redo { segment: number, patches }.perform(vfs, data_dir, store_id)?;
    Ok(scrubbed)
}

/// Adds the rows to the patches, and the trailer that fits them: the rows of other spaces stay where they are.
fn blank_rows(footer: &mut Footer, blank: &[usize], patches: &mut Vec<Patch>) -> Scrubbed {
    for index in blank {
        let Some(row) = footer.rows.get_mut(*index) else { continue };
        let at = footer.trailer.rows_offset + offset_of(index * ROW_BYTES);
        patches.push(Patch::Row { at, offset: row.offset, body_len: row.body_len });
        row.fields = EntryFields::NONE;
    }
    footer.trailer.rows_crc = footer.checksum();
    let at = footer.trailer.rows_offset + footer.trailer.rows_bytes().unwrap_or(0);
    patches.push(Patch::Trailer { at, bytes: footer.trailer.to_bytes() });
    Scrubbed { trailer: footer.trailer, blank_rows: offset_of(blank.len()) }
}

/// The groups of a segment up to the first that is not whole; what comes behind that is a torn tail, which recovery cuts.
fn scanned(file: &SharedFile, store_id: &StoreId) -> io::Result<Footer> {
    let len = file.len()?;
    let mut footer = Footer::default();
    let mut at = offset_of(HEADER_BYTES);
    while let GroupAt::Valid(group) = reader::group_at(&**file, at, len, store_id)? {
        group.add_to(&mut footer);
        at += group.header.group_bytes();
    }
    Ok(footer)
}

/// The space of a record that is no entry. Read without its checksum: a damaged record of the space goes too.
fn speaks_of(file: &SharedFile, fact: &Fact) -> io::Result<Option<SpaceId>> {
    let mut head = [0; RECORD_HEADER_BYTES + 32];
    match file.read_exact_at(&mut head, fact.offset) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let (header, space) = head.split_at(RECORD_HEADER_BYTES);
    let kind = header.get(8).and_then(|kind| RecordKind::from_number(*kind));
    let has_space = kind.is_some_and(|kind| {
        matches!(kind, RecordKind::Roster | RecordKind::Trim | RecordKind::LogReset | RecordKind::State)
    });
    Ok(space.try_into().ok().filter(|_| has_space).map(SpaceId))
}

/// Whether an entry still has its sealed bytes, by the type of its record.
fn holds_bytes(file: &SharedFile, row: &Row) -> io::Result<bool> {
    let mut kind = [0; 1];
    file.read_exact_at(&mut kind, row.offset + 8)?;
    Ok(kind != [RecordKind::Erased as u8])
}

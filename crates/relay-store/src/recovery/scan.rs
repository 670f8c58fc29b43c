//! One segment: whose it is and what it holds.

use super::{LogPlace, RecoveryError, open_segment};
use crate::damage::{Damage, DamageKind};
use crate::data_dir::DirError;
use crate::segment::footer::Footer;
use crate::segment::header::{FORMAT, FORMAT_COMPACTED, HEADER_BYTES, SegmentHeader};
use crate::segment::reader::{self, GroupAt, Rest};
use crate::segment::record::Record;
use crate::segment::{offset_of, path};
use crate::vfs::SharedFile;
use std::path::{Path, PathBuf};

/// A segment that was looked at.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) segment: u64,
    pub(super) file: SharedFile,
    pub(super) path: PathBuf,
    /// Whether others were compacted into it.
    pub(super) compacted: bool,
    /// How many of its rows are forgotten, when a checkpoint has them.
    pub(super) named: Option<u64>,
    pub(super) contents: Contents,
}

impl Scanned {
    /// The group that follows, when this segment's were to start with `expected`.
    pub(super) const fn next_group(&self, expected: u64) -> u64 {
        match &self.contents {
            Contents::Empty => expected,
            Contents::Sealed(footer) => footer.trailer.last_group + 1,
            Contents::Groups(groups) => groups.next_group,
        }
    }
}

/// What a segment holds.
#[derive(Debug)]
pub(super) enum Contents {
    /// No group: it was made ahead, or making it was interrupted.
    Empty,
    /// A whole footer.
    Sealed(Footer),
    /// Groups without a whole footer.
    Groups(Groups),
}

/// The result of reading a segment group by group.
#[derive(Debug)]
pub(super) struct Groups {
    /// Where everything is; `rows_offset` is where the last valid group ends.
    pub(super) footer: Footer,
    pub(super) tail: Tail,
    /// The number the group behind the last valid one has.
    pub(super) next_group: u64,
    pub(super) last_group_offset: u64,
    /// Length of the file, in bytes.
    pub(super) len: u64,
}

/// What is behind the last valid group.
pub(super) type Tail = Rest;

/// Looks at one segment, whose first group should be `expected`.
pub(super) fn segment(place: &LogPlace<'_>, number: u64, expected: u64) -> Result<Scanned, RecoveryError> {
    let path = path(place.data_dir, number);
    let file = open_segment(place, &path)?;
    let io = DirError::io;
    let len = file.len().map_err(io("read", &path))?;
    let damage = |kind| RecoveryError::Damage(Damage { file: path.clone(), offset: 0, group: None, kind });
    let mut head = vec![0; HEADER_BYTES];
    let header = match file.read_exact_at(&mut head, 0) {
        Ok(()) => SegmentHeader::decode(&head),
        Err(_) if len < offset_of(HEADER_BYTES) => None,
        Err(error) => return Err(io("read", &path)(error).into()),
    };
    let Some(header) = header else {
        let from = offset_of(HEADER_BYTES).min(len);
        let rest = reader::rest_from(&*file, from, len, 0, &place.owner.store_id).map_err(io("read", &path))?;
        if matches!(rest, Rest::LaterGroup { .. }) {
            return Err(damage(DamageKind::BrokenHeader));
        }
        return Ok(Scanned { segment: number, file, path, compacted: false, named: None, contents: Contents::Empty });
    };
    if let Some(kind) = stranger(&header, number, place) {
        return Err(damage(kind));
    }
    let compacted = header.format == FORMAT_COMPACTED;
    if let Ok(at) = place.named.binary_search_by_key(&number, |named| named.segment)
        && let Some(named) = place.named.get(at)
        && reader::trailer(&*file).map_err(io("read", &path))? == Some(named.trailer)
    {
        let contents = Contents::Sealed(Footer { trailer: named.trailer, ..Footer::default() });
        return Ok(Scanned { segment: number, file, path, compacted, named: Some(named.dead_rows), contents });
    }
    let footer = reader::footer(&*file).map_err(io("read", &path))?;
    let contents = match footer {
        Some(footer) => Contents::Sealed(footer),
        None if compacted => blocks(place, &file, &path, expected)?,
        None => groups(place, &file, &path, expected)?,
    };
    Ok(Scanned { segment: number, file, path, compacted, named: None, contents })
}

fn stranger(header: &SegmentHeader, number: u64, place: &LogPlace<'_>) -> Option<DamageKind> {
    if header.format != FORMAT && header.format != FORMAT_COMPACTED {
        return Some(DamageKind::UnknownFormat { format: header.format });
    }
    if header.store_id != place.owner.store_id {
        return Some(DamageKind::WrongStore);
    }
    if header.log_id != place.owner.log_id {
        return Some(DamageKind::WrongLog);
    }
    (header.segment != number).then_some(DamageKind::WrongNumber)
}

/// Reads a compacted segment whose footer is not whole, block by block: its last record says what it stands for.
fn blocks(place: &LogPlace<'_>, file: &SharedFile, path: &Path, expected: u64) -> Result<Contents, RecoveryError> {
    let read = || DirError::io("read", path);
    let len = file.len().map_err(read())?;
    let mut footer = Footer::default();
    let mut at = offset_of(HEADER_BYTES);
    let mut last = None;
    while let GroupAt::Valid(block) = reader::group_at(&**file, at, len, &place.owner.store_id).map_err(read())? {
        block.add_to(&mut footer);
        last = block.records.last().map(|placed| placed.record.clone());
        at += block.header.group_bytes();
    }
    let records = offset_of(footer.rows.len() + footer.facts.len());
    match last {
        Some(Record::Compacted(compacted)) if compacted.records + 1 == records => {
            let trailer = &mut footer.trailer;
            (trailer.first_group, trailer.last_group) = (compacted.first_group, compacted.last_group);
            (trailer.time_ms_max, trailer.log_epoch) = (compacted.time_ms, compacted.log_epoch);
            let next_group = compacted.last_group + 1;
            let tail = Tail::Torn;
            Ok(Contents::Groups(Groups { footer, tail, next_group, last_group_offset: at, len }))
        }
        _ => {
            let kind = DamageKind::BrokenGroup;
            Err(Damage { file: path.to_owned(), offset: at, group: Some(expected), kind }.into())
        }
    }
}

fn groups(place: &LogPlace<'_>, file: &SharedFile, path: &Path, expected: u64) -> Result<Contents, RecoveryError> {
    let read = || DirError::io("read", path);
    let damage =
        |offset, group, kind| RecoveryError::Damage(Damage { file: path.to_owned(), offset, group: Some(group), kind });
    let store_id = &place.owner.store_id;
    let len = file.len().map_err(read())?;
    let mut footer = Footer::default();
    let mut at = offset_of(HEADER_BYTES);
    let mut next_group = 0;
    let mut last_group_offset = at;
    loop {
        match reader::group_at(&**file, at, len, store_id).map_err(read())? {
            GroupAt::Broken => break,
            GroupAt::UnknownKind { group, kind } => {
                return Err(damage(at, group, DamageKind::UnknownRecord { kind }));
            }
            GroupAt::Valid(group) => {
                if next_group != 0 && group.header.group != next_group {
                    return Err(damage(at, group.header.group, DamageKind::GroupGap { expected: next_group }));
                }
                group.add_to(&mut footer);
                last_group_offset = at;
                next_group = group.header.group + 1;
                at += group.header.group_bytes();
            }
        }
    }
    // A torn group may have a whole header of its own: only a greater number shows that something followed it.
    let broken_group = if next_group == 0 { expected } else { next_group };
    let tail = reader::rest_from(&**file, at, len, broken_group, store_id).map_err(read())?;
    if next_group == 0 {
        // Not one valid group: made ahead, or its very first group is torn, or that group is damaged and others follow.
        return match tail {
            Rest::LaterGroup { .. } => Err(damage(at, expected, DamageKind::BrokenGroup)),
            Rest::Zeros | Rest::Torn => Ok(Contents::Empty),
        };
    }
    Ok(Contents::Groups(Groups { footer, tail, next_group, last_group_offset, len }))
}

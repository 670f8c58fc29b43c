//! Reading the journal at a start: every group beyond what the tables hold, in order. A torn tail is left out; anything else
//! that is not as it was written is damage, and nothing is changed.

use super::DocumentsOpenError;
use super::codec::{FILE_HEADER_BYTES, FileHeader, FileStart, GROUP_MAGIC, Salt, Written, decode_group};
use super::journal::{file_name, number_of};
use crate::damage::{Damage, DamageKind};
use crate::data_dir::DirError;
use crate::vfs::{OpenMode, Vfs};
use bytes::Bytes;
use std::path::{Path, PathBuf};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    /// Numbers of the files, ascending.
    pub(super) files: Vec<u64>,
    /// The newest group, in the journal or in the tables.
    pub(super) last_group: u64,
    /// Bytes of the files.
    pub(super) bytes: u64,
}

/// The files, ascending.
fn numbers(vfs: &dyn Vfs, dir: &Path) -> Result<Vec<u64>, DirError> {
    let names = vfs.read_dir(dir).map_err(DirError::io("list", dir))?;
    let mut numbers: Vec<_> = names.iter().filter_map(|entry| number_of(&entry.name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn damage(file: PathBuf, offset: usize, group: u64, kind: DamageKind) -> DocumentsOpenError {
    Damage { file, offset: offset as u64, group: Some(group), kind }.into()
}

/// Reads all groups above `moved_group` and hands their changes over, in order.
pub(super) fn replay(
    vfs: &dyn Vfs,
    dir: &Path,
    moved_group: u64,
    mut apply: impl FnMut(Vec<Written>) -> Result<(), DocumentsOpenError>,
) -> Result<Replayed, DocumentsOpenError> {
    let files = numbers(vfs, dir)?;
    let mut found = Replayed { last_group: moved_group, ..Replayed::default() };
    // What a file may begin with at the latest: files that were moved may be missing, in front and between.
    let mut next_group = moved_group + 1;
    for number in &files {
        let path = dir.join(file_name(*number));
        let file = vfs.open(&path, OpenMode::Read).map_err(DirError::io("open", &path))?;
        let len = file.len().map_err(DirError::io("read", &path))?;
        let mut bytes = Vec::new();
        file.append_exact_at(&mut bytes, usize::try_from(len).unwrap_or(usize::MAX), 0)
            .map_err(DirError::io("read", &path))?;
        found.bytes += len;
        let bytes = Bytes::from(bytes);
        let header = match FileHeader::decode(&bytes) {
            FileStart::Good(header) => header,
            // A file that was being made when the process ended: its header was durable before its first group.
            FileStart::Broken if !looks_used(&bytes) => continue,
            FileStart::Broken => return Err(damage(path, 0, 0, DamageKind::BrokenHeader)),
            FileStart::UnknownFormat(format) => return Err(damage(path, 0, 0, DamageKind::UnknownFormat { format })),
        };
        if header.number != *number {
            return Err(damage(path, 0, 0, DamageKind::WrongNumber));
        }
        if header.first_group > next_group {
            return Err(damage(path, 0, next_group, DamageKind::GroupGap { expected: next_group }));
        }
        let mut group = header.first_group;
        let mut at = FILE_HEADER_BYTES;
        while let Some((found_group, changes, length)) = decode_group(&bytes.slice(at.min(bytes.len())..), &header.salt)
        {
            if found_group != group {
                return Err(damage(path, at, group, DamageKind::GroupGap { expected: group }));
            }
            // A number that an earlier file had already, too: its write failed there, and nobody was told that it was durable.
            if group > moved_group && group >= next_group {
                apply(changes)?;
            }
            (at, group) = (at + length, group + 1);
        }
        if holds_group(&bytes, at, group, &header.salt) {
            return Err(damage(path, at, group, DamageKind::BrokenGroup));
        }
        next_group = next_group.max(group);
    }
    found.last_group = next_group - 1;
    found.files = files;
    Ok(found)
}

/// Whether a whole and valid group of at least this number begins anywhere from `from` on: what comes behind it was durable.
fn holds_group(bytes: &Bytes, from: usize, group_min: u64, salt: &Salt) -> bool {
    let Some(rest) = bytes.get(from..) else { return false };
    rest.windows(GROUP_MAGIC.len())
        .enumerate()
        .filter(|(_, window)| *window == GROUP_MAGIC)
        .any(|(at, _)| decode_group(&bytes.slice(from + at..), salt).is_some_and(|(group, ..)| group >= group_min))
}

/// Whether something stands where the first group would.
fn looks_used(bytes: &[u8]) -> bool {
    bytes.get(FILE_HEADER_BYTES..).is_some_and(|rest| rest.starts_with(&GROUP_MAGIC))
}

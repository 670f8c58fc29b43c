//! Making segment files and appending groups to the open one.

use super::header::{FORMAT, HEADER_BYTES, SegmentHeader, StoreId};
use super::{LOG_DIR, length_of, offset_of, path};
use crate::vfs::{OpenMode, SharedFile, Vfs};
use bytes::Bytes;
use relay_proto::ids::LogId;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of zeros written at once.
const ZEROS_BYTES: usize = 1024 * 1024;

/// Who a segment belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// The data directory.
    pub store_id: StoreId,
    /// The ordering authority.
    pub log_id: LogId,
}

/// A segment that groups are appended to.
#[derive(Clone, Debug)]
pub struct SegmentWriter {
    /// Its number.
    pub segment: u64,
    /// Its file.
    pub file: SharedFile,
    /// Where it is.
    pub path: PathBuf,
    /// Where the next group goes, in bytes.
    pub end: u64,
    /// Its length, in bytes.
    pub len: u64,
}

impl SegmentWriter {
    /// Makes a segment of zeros with its header, durable, its name included. An existing file is emptied first.
    ///
    /// # Errors
    /// What the file system says.
    pub fn create(vfs: &dyn Vfs, data_dir: &Path, segment: u64, len: u64, owner: &Owner) -> io::Result<Self> {
        let path = path(data_dir, segment);
        let file = vfs.open(&path, OpenMode::Create)?;
        let len = len.max(offset_of(HEADER_BYTES));
        write_zeros(&file, 0, len)?;
        let header = SegmentHeader { format: FORMAT, segment, store_id: owner.store_id, log_id: owner.log_id };
        file.write_all_at(&header.encode(), 0)?;
        file.sync_data()?;
        vfs.sync_dir(&data_dir.join(LOG_DIR))?;
        Ok(Self { segment, file, path, end: offset_of(HEADER_BYTES), len })
    }

    /// Whether a group of `bytes` fits.
    #[must_use]
    pub const fn fits(&self, bytes: u64) -> bool {
        self.end.saturating_add(bytes) <= self.len
    }

    /// Writes a group at the end; returns where. It is durable only after a sync of the file.
    ///
    /// # Errors
    /// What the file system says.
    pub fn append(&mut self, group: &Bytes) -> io::Result<u64> {
        let at = self.end;
        self.file.write_all_at(group, at)?;
        self.end += offset_of(group.len());
        Ok(at)
    }
}

/// Overwrites a range with zeros.
///
/// # Errors
/// What the file system says.
pub fn write_zeros(file: &SharedFile, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; ZEROS_BYTES.min(length_of(to.saturating_sub(from)))];
    let mut at = from;
    while at < to {
        let chunk = zeros.get(..length_of(to - at).min(zeros.len())).unwrap_or(&zeros);
        file.write_all_at(chunk, at)?;
        at += offset_of(chunk.len());
    }
    Ok(())
}

/// Puts an encoded footer behind the groups of a segment that gets no more of them, and cuts the file there.
///
/// # Errors
/// What the file system says. A footer that is not whole is rebuilt at the next start.
#[track_caller]
pub fn write_footer(file: &SharedFile, groups_end: u64, footer: &[u8]) -> io::Result<()> {
    file.set_len(groups_end)?;
    file.write_all_at(footer, groups_end)?;
    file.sync_data()
}

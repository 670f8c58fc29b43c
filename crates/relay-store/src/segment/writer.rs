//! Making segment files and appending groups to the open one.

use super::blocks;
use super::footer::FooterWriter;
use super::group::Group;
use super::header::{FORMAT, HEADER_BYTES, SegmentHeader, StoreId};
use super::{LOG_DIR, length_of, offset_of, path};
use crate::vfs::{BLOCK_BYTES, OpenMode, SharedFile, Vfs};
use relay_proto::ids::LogId;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of zeros written at once.
const ZEROS_BYTES: usize = 256 * 1024;

/// Who a segment belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// The data directory.
    pub store_id: StoreId,
    /// The ordering authority.
    pub log_id: LogId,
}

/// A segment that groups are appended to.
///
/// Groups are written as whole blocks past the system's cache where the file system can: a sync then waits for no page that
/// the kernel still has to find, and writing needs no memory but the group's own. The block a group starts in is written
/// again with what it held before.
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
    /// Where its last group ends at the latest, in bytes.
    pub len: u64,
    /// The same file, for whole blocks.
    blocks: SharedFile,
    /// What the block holds in which the next group starts.
    tail: Vec<u8>,
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
        let file_len = whole_blocks(len);
        let blocks = match fill(vfs.open(&path, OpenMode::Blocks)?, file_len) {
            // It opens for direct writes and does not take ours.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => fill(file.clone(), file_len)?,
            filled => filled?,
        };
        let header = SegmentHeader { format: FORMAT, segment, store_id: owner.store_id, log_id: owner.log_id };
        blocks::write(&blocks, &header.encode(), 0)?;
        blocks.sync_data()?;
        vfs.sync_dir(&data_dir.join(LOG_DIR))?;
        Ok(Self { segment, file, path, end: offset_of(HEADER_BYTES), len, blocks, tail: Vec::new() })
    }

    /// Goes on in a segment whose last group ends at `end`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn resume(vfs: &dyn Vfs, segment: u64, file: SharedFile, path: PathBuf, end: u64) -> io::Result<Self> {
        // A group's last block may not be longer than the file: an older program made segments of any length.
        let len = blocks::block_start(file.len()?);
        let start = blocks::block_start(end);
        let mut tail = vec![0; length_of(end - start)];
        file.read_exact_at(&mut tail, start)?;
        let blocks = vfs.open(&path, OpenMode::Blocks)?;
        // Whether it takes direct writes shows before a group depends on it.
        let blocks = if blocks::are_taken(&blocks) { blocks } else { file.clone() };
        Ok(Self { segment, file, path, end, len, blocks, tail })
    }

    /// Whether a group of `bytes` fits.
    #[must_use]
    pub const fn fits(&self, bytes: u64) -> bool {
        self.end.saturating_add(bytes) <= self.len
    }

    /// Length of its file, in bytes.
    #[must_use]
    pub const fn file_bytes(&self) -> u64 {
        whole_blocks(self.len)
    }

    /// What the block holds in which the next group starts; a group built behind it is written without a copy.
    #[must_use]
    pub fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// Writes a group at the end; returns where. It is durable only after [`Self::sync`].
    ///
    /// # Errors
    /// What the file system says.
    pub fn append(&mut self, group: &Group) -> io::Result<u64> {
        let at = self.end;
        if group.tail_bytes() == self.tail.len() {
            self.write(group.blocks(), at, group.bytes().len())?;
        } else {
            let (mut copy, pad) = blocks::begin(Vec::new(), self.tail.len() + group.bytes().len() + BLOCK_BYTES);
            copy.extend_from_slice(&self.tail);
            copy.extend_from_slice(group.bytes());
            blocks::complete(&mut copy, pad);
            self.write(copy.get(pad..).unwrap_or_default(), at, group.bytes().len())?;
        }
        Ok(at)
    }

    fn write(&mut self, blocks: &[u8], at: u64, group_bytes: usize) -> io::Result<()> {
        blocks::write(&self.blocks, blocks, blocks::block_start(at))?;
        let end = self.tail.len() + group_bytes;
        self.end += offset_of(group_bytes);
        self.tail.clear();
        self.tail.extend_from_slice(blocks.get(end - end % BLOCK_BYTES..end).unwrap_or_default());
        Ok(())
    }

    /// Makes what was appended durable.
    ///
    /// # Errors
    /// What the file system says. The call is never repeated and then believed.
    #[track_caller]
    pub fn sync(&self) -> io::Result<()> {
        self.blocks.sync_data()
    }

    /// Starts the footer behind the last group, when no more groups come.
    #[must_use]
    pub fn footer(&self) -> FooterWriter {
        FooterWriter::new(self.file.clone(), self.blocks.clone(), &self.tail, self.end)
    }
}

/// `bytes` rounded up to whole blocks.
const fn whole_blocks(bytes: u64) -> u64 {
    bytes.next_multiple_of(BLOCK_BYTES as u64)
}

/// Fills a file with zeros up to `len`, which is whole blocks.
fn fill(file: SharedFile, len: u64) -> io::Result<SharedFile> {
    let (mut zeros, pad) = blocks::begin(Vec::new(), ZEROS_BYTES);
    zeros.resize(pad + ZEROS_BYTES, 0);
    let zeros = zeros.get(pad..).unwrap_or_default();
    let mut at = 0;
    while at < len {
        let chunk = zeros.get(..length_of(len - at).min(ZEROS_BYTES)).unwrap_or(zeros);
        blocks::write(&file, chunk, at)?;
        at += offset_of(chunk.len());
    }
    Ok(file)
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

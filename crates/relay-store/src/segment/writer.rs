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

/// Zeros, aligned as direct writes want them.
#[repr(align(4096))]
struct Zeros([u8; ZEROS_BYTES]);

static ZEROS: Zeros = Zeros([0; ZEROS_BYTES]);

/// Bytes of zeros written behind a small group that reaches room which was only allocated: the groups after it then change
/// nothing but bytes, and their syncs wait for no metadata.
const ZEROS_AHEAD_BYTES: u64 = 512 * 1024;
/// Blocks of a group, in bytes, from which it pays to write it straight into allocated room: zeros would cost more.
const LARGE_GROUP_BYTES: usize = 128 * 1024;

/// Room a segment is given at a time, in bytes: a whole one's would lie idle on the disk, twice with the one made ahead. Each step
/// is a change of the file's metadata, which one sync then waits for.
pub const ROOM_STEP_BYTES: u64 = 8 * 1024 * 1024;

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
    /// Up to where the file was written, with groups or zeros; from there on it is room that was only allocated, in bytes.
    written: u64,
    /// Up to where the disk has room for the file; behind that it is as long as it will be, and has nothing.
    room: u64,
}

impl SegmentWriter {
    /// Makes a segment with its header and room for its first groups, durable, its name included. An existing file is emptied first.
    ///
    /// # Errors
    /// What the file system says.
    pub fn create(vfs: &dyn Vfs, data_dir: &Path, segment: u64, len: u64, owner: &Owner) -> io::Result<Self> {
        let path = path(data_dir, segment);
        let file = vfs.open(&path, OpenMode::Create)?;
        let len = len.max(offset_of(HEADER_BYTES));
        let file_len = whole_blocks(len);
        let room = ROOM_STEP_BYTES.min(file_len);
        let is_allocated = allocate(&file, room)?;
        if is_allocated && room < file_len {
            file.set_len(file_len)?;
        }
        let header = SegmentHeader { format: FORMAT, segment, store_id: owner.store_id, log_id: owner.log_id }.encode();
        let begin = |blocks: SharedFile| {
            if !is_allocated {
                write_zeros(&blocks, 0, file_len)?;
            }
            blocks::write(&blocks, &header, 0).map(|()| blocks)
        };
        let blocks = match begin(vfs.open(&path, OpenMode::Blocks)?) {
            // It opens for direct writes and does not take ours.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => begin(file.clone())?,
            begun => begun?,
        };
        blocks.sync_data()?;
        sync_names(vfs, data_dir)?;
        let end = offset_of(HEADER_BYTES);
        let (written, room) = if is_allocated { (end, room) } else { (file_len, file_len) };
        Ok(Self { segment, file, path, end, len, blocks, tail: Vec::new(), written, room })
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
        // What was written behind its last group before is not known, and neither is what room there is.
        let room = whole_blocks(end);
        Ok(Self { segment, file, path, end, len, blocks, tail, written: room, room })
    }

    /// Whether a group of `bytes` fits.
    #[must_use]
    pub const fn fits(&self, bytes: u64) -> bool {
        self.end.saturating_add(bytes) <= self.len
    }

    /// Length of its file, in bytes.
    const fn file_bytes(&self) -> u64 {
        whole_blocks(self.len)
    }

    /// What its file takes of the disk, in bytes.
    #[must_use]
    pub const fn room_bytes(&self) -> u64 {
        self.room
    }

    /// Makes sure that the disk has room for a group of `bytes`, which fits, and if not for `step` more; no group is touched.
    ///
    /// # Errors
    /// What the file system says.
    pub fn keep_room(&mut self, bytes: u64, step: u64) -> io::Result<()> {
        let needed = whole_blocks(self.end.saturating_add(bytes));
        if needed > self.room {
            let room = needed.saturating_add(step).min(self.file_bytes());
            // Where nothing can be allocated the file was filled with zeros when it was made.
            self.room = if allocate(&self.file, room)? { room } else { self.file_bytes() };
        }
        Ok(())
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
        let start = blocks::block_start(at);
        blocks::write(&self.blocks, blocks, start)?;
        self.write_ahead(start + offset_of(blocks.len()), blocks.len())?;
        let end = self.tail.len() + group_bytes;
        self.end += offset_of(group_bytes);
        self.tail.clear();
        self.tail.extend_from_slice(blocks.get(end - end % BLOCK_BYTES..end).unwrap_or_default());
        Ok(())
    }

    /// After a group up to `end`: zeros behind a small one that reached allocated room.
    fn write_ahead(&mut self, end: u64, group_bytes: usize) -> io::Result<()> {
        if end <= self.written {
            return Ok(());
        }
        self.written = end;
        if group_bytes < LARGE_GROUP_BYTES && end < self.room {
            let to = end.saturating_add(ZEROS_AHEAD_BYTES).min(self.room);
            write_zeros(&self.blocks, end, to)?;
            self.written = to;
        }
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

/// Makes the names of the segments durable, and that others are gone.
///
/// # Errors
/// What the file system says.
pub(crate) fn sync_names(vfs: &dyn Vfs, data_dir: &Path) -> io::Result<()> {
    vfs.sync_dir(&data_dir.join(LOG_DIR))
}

/// `bytes` rounded up to whole blocks.
pub(crate) const fn whole_blocks(bytes: u64) -> u64 {
    bytes.next_multiple_of(BLOCK_BYTES as u64)
}

/// Keeps room for the first `len` bytes of a file, and extends it to them; `false` where the file system cannot.
pub(crate) fn allocate(file: &SharedFile, len: u64) -> io::Result<bool> {
    match file.allocate(len) {
        Ok(()) => Ok(true),
        // Some say so in their own words; if it was something else, writing zeros meets it again.
        Err(error) if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Overwrites a range with zeros.
///
/// # Errors
/// What the file system says.
pub fn write_zeros(file: &SharedFile, from: u64, to: u64) -> io::Result<()> {
    let zeros = &ZEROS.0;
    let mut at = from;
    while at < to {
        let chunk = zeros.get(..length_of(to - at).min(ZEROS_BYTES)).unwrap_or(zeros);
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

#[cfg(test)]
mod tests {
    use super::super::group::GroupBuilder;
    use super::super::record::tests::fields;
    use super::*;
    use crate::vfs::sim::SimVfs;

    const SEGMENT_BYTES: u64 = 4 * 1024 * 1024;
    const GROUP_BYTES: usize = 400_000;
    const OWNER: Owner = Owner { store_id: StoreId([5; 16]), log_id: LogId([6; 32]) };

    fn segment(vfs: &SimVfs) -> SegmentWriter {
        vfs.create_dir(Path::new("/d/log")).unwrap();
        SegmentWriter::create(vfs, Path::new("/d"), 1, SEGMENT_BYTES, &OWNER).unwrap()
    }

    fn append(writer: &mut SegmentWriter, sealed: usize) {
        let mut builder = GroupBuilder::reusing(Vec::new(), writer.tail(), sealed + 1024);
        builder.entry(&fields(1), &vec![7; sealed]);
        writer.append(&builder.finish(1, 1, 1, &OWNER.store_id).unwrap()).unwrap();
        writer.sync().unwrap();
    }

    /// How many writes these groups make into a fresh segment, and how far it was written behind the last of them.
    fn writes(groups: impl IntoIterator<Item = usize>) -> (usize, u64) {
        let vfs = SimVfs::new();
        let mut writer = segment(&vfs);
        vfs.start_journal();
        groups.into_iter().for_each(|sealed| append(&mut writer, sealed));
        let written = writer.written - whole_blocks(writer.end);
        (vfs.end_journal().describe().iter().filter(|op| op.starts_with("write")).count(), written)
    }

    #[test]
    fn small_groups_write_zeros_ahead_once_and_large_ones_never() {
        let chunks = usize::try_from(ZEROS_AHEAD_BYTES).unwrap() / ZEROS_BYTES;
        // The first of them fills the first block.
        let left = ZEROS_AHEAD_BYTES - offset_of(BLOCK_BYTES);
        assert_eq!(writes([100; 20]), (20 + chunks, left));
        assert_eq!(writes([LARGE_GROUP_BYTES; 5]), (5, 0));
    }

    #[test]
    fn zeros_never_reach_a_group_nor_the_end_of_the_file() {
        let vfs = SimVfs::new();
        let mut writer = segment(&vfs);
        let mut sizes = [100, 60_000, LARGE_GROUP_BYTES, 3000, 90_000].into_iter().cycle();
        let mut ends = vec![writer.end];
        while let Some(sealed) = sizes.next().filter(|sealed| writer.fits(offset_of(sealed + 1024))) {
            append(&mut writer, sealed);
            ends.push(writer.end);
        }
        assert!(ends.len() > 50);
        let bytes = vfs.contents().remove(&path(Path::new("/d"), 1)).unwrap();
        assert_eq!(offset_of(bytes.len()), SEGMENT_BYTES);
        for (start, end) in ends.iter().zip(ends.iter().skip(1)) {
            let group = bytes::Bytes::copy_from_slice(&bytes[length_of(*start)..length_of(*end)]);
            let header = super::super::group::GroupHeader::decode(&group, &OWNER.store_id).unwrap();
            let body = group.slice(super::super::group::GROUP_HEADER_BYTES..);
            assert_eq!(super::super::group::decode_body(&header, &body).unwrap().len(), 1);
        }
        assert!(bytes[length_of(writer.end)..].iter().all(|byte| *byte == 0));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_segment_takes_room_of_the_disk_as_it_is_reached() {
        use std::os::unix::fs::MetadataExt;
        const LEN: u64 = 5 * ROOM_STEP_BYTES / 2;
        let dir = tempfile::tempdir().unwrap();
        let vfs = crate::vfs::RealVfs;
        vfs.create_dir(&dir.path().join(LOG_DIR)).unwrap();
        let mut writer = SegmentWriter::create(&vfs, dir.path(), 1, LEN, &OWNER).unwrap();
        let kept = || std::fs::metadata(path(dir.path(), 1)).map(|file| (file.len(), file.blocks() * 512)).unwrap();
        if writer.room_bytes() == LEN {
            assert!(kept().1 >= LEN, "a file system that allocates nothing has the file filled with zeros");
            return;
        }
        // It may be a little more than the file: what the file system keeps to find it.
        let most = |end| end + ROOM_STEP_BYTES + 2 * offset_of(GROUP_BYTES);
        let mut sizes = [100, 60_000, GROUP_BYTES].into_iter().cycle();
        let mut steps = 0;
        while let Some(sealed) = sizes.next().filter(|sealed| writer.fits(offset_of(sealed + 1024))) {
            let before = writer.room_bytes();
            writer.keep_room(offset_of(sealed + 1024), ROOM_STEP_BYTES).unwrap();
            steps += u32::from(writer.room_bytes() != before);
            append(&mut writer, sealed);
            let (len, on_disk) = kept();
            assert_eq!(len, LEN);
            assert!(on_disk >= writer.end && on_disk <= most(writer.end), "{on_disk} bytes for {}", writer.end);
            assert!(writer.written <= writer.room && writer.end <= writer.room);
        }
        assert_eq!(steps, 2, "of two and a half steps the first one came with the file");
    }
}

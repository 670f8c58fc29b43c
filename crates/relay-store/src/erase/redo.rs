//! The redo file of one segment: every byte that will be overwritten in it, durable before the first of them is touched.
//!
//! What a crash tears of the overwriting is written again at the next start before anything reads the segment, so a record
//! that is half overwritten is never met.
//!
//! magic | store_id [16] | segment u64 | patches u32 | patch … | crc u32 of all before it

use super::ERASED_DIR;
use crate::data_dir::DirError;
use crate::segment::footer::{ROW_BYTES, Row, TRAILER_BYTES};
use crate::segment::header::{HEADER_BYTES, STORE_ID_BYTES, SegmentHeader, StoreId};
use crate::segment::record::{self, EntryFields, RECORD_HEADER_BYTES, RecordKind, record_bytes};
use crate::segment::{length_of, offset_of, path};
use crate::vfs::{BLOCK_BYTES, OpenMode, Vfs};
use relay_proto::wire::{Reader, Writer};
use std::io;
use std::path::{Path, PathBuf};

const MAGIC: [u8; 8] = *b"SRREDO01";
const SUFFIX: &str = ".redo";
/// Adjacent bytes that are written at once.
const GATHERED_BYTES: usize = 1024 * 1024;
/// Shortest run of zeros that is given back to the file system, in bytes.
const HOLE_BYTES_MIN: u64 = 16 * 1024;
/// Largest redo file that is read, in bytes: a full segment of the smallest records takes less.
const REDO_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// One place that is overwritten, with what is there afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patch {
    /// A record of which nothing stays.
    Blank { offset: u64, body_len: u32 },
    /// An entry of which the fields stay.
    Erased { offset: u64, body_len: u32, fields: EntryFields },
    /// A row of a footer that names nothing any more.
    Row { at: u64, offset: u64, body_len: u32 },
    /// The trailer over such rows.
    Trailer { at: u64, bytes: [u8; TRAILER_BYTES] },
}

impl Patch {
    fn at(&self) -> u64 {
        match self {
            Self::Blank { offset, .. } | Self::Erased { offset, .. } => *offset,
            Self::Row { at, .. } | Self::Trailer { at, .. } => *at,
        }
    }

    /// The bytes that will be there.
    fn append_to(&self, w: &mut Writer) {
        let zeros = |w: &mut Writer, body_len: u32, before: usize| {
            w.raw(vec![0; length_of(u64::from(body_len)).saturating_sub(before)]);
        };
        match self {
            Self::Blank { body_len, .. } => {
                record::append(w, RecordKind::Blank, |w| zeros(w, *body_len, 0));
            }
            Self::Erased { body_len, fields, .. } => {
                record::append(w, RecordKind::Erased, |w| {
                    fields.write(w);
                    zeros(w, *body_len, record::ENTRY_FIELD_BYTES);
                });
            }
            Self::Row { offset, body_len, .. } => {
                w.raw(Row { fields: EntryFields::NONE, offset: *offset, body_len: *body_len }.encode());
            }
            Self::Trailer { bytes, .. } => {
                w.raw(bytes);
            }
        }
    }

    /// The zeros that it leaves.
    fn hole(&self) -> Option<(u64, u64)> {
        let (from, body_len) = match self {
            Self::Blank { offset, body_len } => (offset + offset_of(RECORD_HEADER_BYTES), *body_len),
            Self::Erased { offset, body_len, .. } => {
                (offset + offset_of(RECORD_HEADER_BYTES + record::ENTRY_FIELD_BYTES), *body_len)
            }
            Self::Row { .. } | Self::Trailer { .. } => return None,
        };
        let end = self.at() + offset_of(record_bytes(length_of(u64::from(body_len))));
        let block = BLOCK_BYTES as u64;
        let (from, end) = (from.next_multiple_of(block), end - end % block);
        let bytes = end.saturating_sub(from);
        (bytes >= HOLE_BYTES_MIN).then_some((from, bytes))
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Self::Blank { offset, body_len } => {
                w.u8(1).u64(*offset).u32(*body_len);
            }
            Self::Erased { offset, body_len, fields } => {
                w.u8(2).u64(*offset).u32(*body_len);
                fields.write(w);
            }
            Self::Row { at, offset, body_len } => {
                w.u8(3).u64(*at).u64(*offset).u32(*body_len);
            }
            Self::Trailer { at, bytes } => {
                w.u8(4).u64(*at).raw(bytes);
            }
        }
    }

    fn read(r: &mut Reader<'_>) -> Option<Self> {
        Some(match r.u8().ok()? {
            1 => Self::Blank { offset: r.bits().ok()?, body_len: r.u32().ok()? },
            2 => Self::Erased { offset: r.bits().ok()?, body_len: r.u32().ok()?, fields: EntryFields::read(r)? },
            3 => Self::Row { at: r.bits().ok()?, offset: r.bits().ok()?, body_len: r.u32().ok()? },
            4 => Self::Trailer { at: r.bits().ok()?, bytes: r.array().ok()? },
            _ => return None,
        })
    }
}

/// Everything that is overwritten in one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redo {
    pub(crate) segment: u64,
    pub(crate) patches: Vec<Patch>,
}

fn redo_path(data_dir: &Path, segment: u64) -> PathBuf {
    data_dir.join(ERASED_DIR).join(format!("{segment:020}{SUFFIX}"))
}

impl Redo {
    fn encode(&self, store_id: &StoreId) -> Vec<u8> {
        let mut w = Writer::with_capacity(64 + self.patches.len() * ROW_BYTES);
        w.raw(MAGIC).raw(store_id.0).u64(self.segment).count_u32(self.patches.len());
        self.patches.iter().for_each(|patch| patch.write(&mut w));
        let crc = crc32c::crc32c(w.as_slice());
        w.u32(crc);
        w.into_bytes().to_vec()
    }

    fn decode(bytes: &[u8], store_id: &StoreId) -> Option<Self> {
        let (fields, crc) = bytes.split_last_chunk::<4>()?;
        let mut r = Reader::borrowed(fields);
        let (magic, owner): ([u8; 8], [u8; STORE_ID_BYTES]) = (r.array().ok()?, r.array().ok()?);
        if magic != MAGIC || owner != store_id.0 || u32::from_be_bytes(*crc) != crc32c::crc32c(fields) {
            return None;
        }
        let (segment, count) = (r.bits().ok()?, r.u32().ok()?);
        let patches = (0..count).map(|_| Patch::read(&mut r)).collect::<Option<Vec<_>>>()?;
        r.finish().ok().map(|()| Self { segment, patches })
    }

    /// Overwrites a segment, durably: all of it, or after a crash at any moment all of it at the next start.
    pub(crate) fn perform(&self, vfs: &dyn Vfs, data_dir: &Path, store_id: &StoreId) -> io::Result<()> {
        let (dir, path) = (data_dir.join(ERASED_DIR), redo_path(data_dir, self.segment));
        vfs.create_dir(&dir)?;
        vfs.sync_dir(data_dir)?;
        let file = vfs.open(&path, OpenMode::Create)?;
        let written = file.write_all_at(&self.encode(store_id), 0).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Nothing was touched; a file that is not whole is worth nothing.
            let _stays = vfs.remove(&path);
            return Err(error);
        }
        vfs.sync_dir(&dir)?;
        // From here on an error is never one of room: only the next start, by this file, may go on.
        let applied = self.apply(vfs, data_dir).and_then(|()| vfs.remove(&path)).and_then(|()| vfs.sync_dir(&dir));
        applied.map_err(io::Error::other)
    }

    /// Overwrites what is to be overwritten, and makes it durable. Again: the same.
    fn apply(&self, vfs: &dyn Vfs, data_dir: &Path) -> io::Result<()> {
        let file = vfs.open(&path(data_dir, self.segment), OpenMode::ReadWrite)?;
        let mut gathered = Writer::new();
        let mut start = 0;
        for patch in &self.patches {
            if patch.at() != start + offset_of(gathered.len()) || gathered.len() >= GATHERED_BYTES {
                file.write_all_at(gathered.as_slice(), start)?;
                gathered.clear();
                start = patch.at();
            }
            patch.append_to(&mut gathered);
        }
        file.write_all_at(gathered.as_slice(), start)?;
        file.sync_data()?;
        // The zeros are durable; giving their blocks back is a courtesy that not every file system knows.
        self.patches.iter().filter_map(Patch::hole).for_each(|(from, bytes)| file.punch_hole(from, bytes));
        Ok(())
    }
}

/// Whether a segment is there and is the one meant: a compaction may not have taken its place. Any other answer than that it is not
/// there may pass, and what is half overwritten then has to be met with its redo file.
fn is_there(vfs: &dyn Vfs, path: &Path, segment: u64, store_id: &StoreId) -> io::Result<bool> {
    let file = match vfs.open(path, OpenMode::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    let mut head = vec![0; HEADER_BYTES];
    match file.read_exact_at(&mut head, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        read => read?,
    }
    let header = SegmentHeader::decode(&head);
    Ok(header.is_some_and(|header| header.segment == segment && header.store_id == *store_id))
}

/// Finishes what a crash interrupted, before anything reads the log. Returns whether there was anything.
pub(crate) fn finish(vfs: &dyn Vfs, data_dir: &Path, store_id: &StoreId) -> Result<bool, DirError> {
    let dir = data_dir.join(ERASED_DIR);
    let mut any = false;
    for name in super::names(vfs, &dir)?.iter().filter(|name| name.ends_with(SUFFIX)) {
        let file = dir.join(name);
        let io = |action| DirError::io(action, &file);
        let bytes = crate::vfs::read_small(vfs, &file, REDO_BYTES_MAX).map_err(io("read"))?;
        if let Some(redo) = Redo::decode(&bytes, store_id) {
            let segment = path(data_dir, redo.segment);
            let is_there = is_there(vfs, &segment, redo.segment, store_id);
            if is_there.map_err(DirError::io("read", &segment))? {
                // After a kill it may be readable from memory only, and must outlive the segment's bytes.
                let again = vfs.open(&file, OpenMode::ReadWrite).map_err(io("open"))?;
                again.write_all_at(&bytes, 0).and_then(|()| again.sync_data()).map_err(io("write"))?;
                vfs.sync_dir(&dir).map_err(io("sync"))?;
                redo.apply(vfs, data_dir).map_err(io("apply"))?;
                any = true;
            }
        }
        vfs.remove(&file).map_err(io("remove"))?;
        vfs.sync_dir(&dir).map_err(io("sync"))?;
    }
    Ok(any)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::record::tests::fields;

    #[test]
    fn it_comes_back_from_its_bytes_and_every_flipped_bit_and_cut_is_noticed() {
        let store = StoreId([5; 16]);
        let patches = vec![
            Patch::Blank { offset: 4136, body_len: 40 },
            Patch::Erased { offset: 4200, body_len: 200, fields: fields(3) },
            Patch::Row { at: 9000, offset: 4136, body_len: 40 },
            Patch::Trailer { at: 9132, bytes: [7; TRAILER_BYTES] },
        ];
        let redo = Redo { segment: 3, patches };
        let bytes = redo.encode(&store);
        assert_eq!(Redo::decode(&bytes, &store), Some(redo));
        assert_eq!(Redo::decode(&bytes, &StoreId([6; 16])), None);
        for bit in 0..bytes.len() * 8 {
            let mut broken = bytes.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Redo::decode(&broken, &store), None, "bit {bit}");
        }
        for cut in 0..bytes.len() {
            assert_eq!(Redo::decode(&bytes[..cut], &store), None, "cut {cut}");
        }
    }

    #[test]
    fn what_is_overwritten_keeps_its_length_and_says_what_it_was() {
        for body_len in [116, 117, 200, 5000] {
            let mut w = Writer::new();
            Patch::Erased { offset: 0, body_len, fields: fields(3) }.append_to(&mut w);
            let bytes = w.into_bytes();
            assert_eq!(bytes.len(), record_bytes(body_len as usize));
            let (kind, body, _) = record::take(&bytes).unwrap();
            let record = record::Record::decode(RecordKind::from_number(kind).unwrap(), &body);
            assert_eq!(record, Some(record::Record::Erased(fields(3))));
        }
        for body_len in [0, 1, 40, 5000] {
            let mut w = Writer::new();
            Patch::Blank { offset: 0, body_len }.append_to(&mut w);
            let bytes = w.into_bytes();
            assert_eq!(bytes.len(), record_bytes(body_len as usize));
            let (kind, body, _) = record::take(&bytes).unwrap();
            assert_eq!(
                record::Record::decode(RecordKind::from_number(kind).unwrap(), &body),
                Some(record::Record::Blank)
            );
        }
    }

    #[test]
    fn only_whole_blocks_inside_the_zeros_become_holes() {
        let hole = |offset, body_len| Patch::Blank { offset, body_len }.hole();
        assert_eq!(hole(4136, 1000), None);
        assert_eq!(hole(4096, 20_480), Some((8192, 16_384)));
        assert_eq!(hole(4100, 40_000), Some((8192, 32_768)));
    }
}

//! Leaf files: the leaves of entries whose rows reclaim dropped, kept so that consistency can still be proved.
//!
//! leaves | runs sorted by (space, seq) | trailer. A run's checksum covers its own fields and its leaves, so a run is
//! checked when it is read and nothing else has to be. A file is made whole under another name and then renamed.

use crate::data_dir::DirError;
use crate::segment::header::{STORE_ID_BYTES, StoreId};
use crate::segment::{length_of, offset_of};
use crate::vfs::{OpenMode, SharedFile, Vfs};
use relay_proto::ids::{Hash, SpaceId};
use relay_proto::wire::{Reader, Writer};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Name of the directory of leaf files.
pub(crate) const LEAVES_DIR: &str = "leaves";
/// How long leaves are kept after their entries went, in milliseconds.
pub(crate) const LEAVES_KEPT_MS: u64 = 180 * 24 * 3_600_000;
/// Leaf files; the oldest goes first.
pub(crate) const LEAF_FILES_MAX: usize = 4096;
const MAGIC: [u8; 8] = *b"SRLEAF01";
const RUN_BYTES: usize = 32 + 8 + 8 + 8 + 4;
const TRAILER_BYTES: usize = 8 + STORE_ID_BYTES + 8 + 8 + 4;
const HASH_BYTES: usize = 32;
const SUFFIX: &str = ".leaf";
const NEW_SUFFIX: &str = ".leaf.new";
/// Bytes of leaves written at once.
const BUFFER_BYTES: usize = 1024 * 1024;

/// Leaves of consecutive entries of one space.
#[derive(Clone, Copy, Debug)]
struct Run {
    space: SpaceId,
    seq_first: u64,
    count: u64,
    offset: u64,
    crc: u32,
}

impl Run {
    fn write(&self, w: &mut Writer) {
        w.raw(self.space).u64(self.seq_first).u64(self.count).u64(self.offset).u32(self.crc);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader::borrowed(bytes);
        let (space, seq_first, count) = (r.id().ok()?, r.bits().ok()?, r.bits().ok()?);
        Some(Self { space, seq_first, count, offset: r.bits().ok()?, crc: r.u32().ok()? })
    }

    fn checksum(&self, leaves: &[u8]) -> u32 {
        let mut w = Writer::with_capacity(RUN_BYTES);
        w.raw(self.space).u64(self.seq_first).u64(self.count);
        crc32c::crc32c_append(crc32c::crc32c(w.as_slice()), leaves)
    }
}

/// One file.
#[derive(Debug)]
struct LeafFile {
    number: u64,
    path: PathBuf,
    file: SharedFile,
    time_ms: u64,
    runs: u64,
    runs_offset: u64,
}

impl LeafFile {
    /// Opens a file; `None` when it is not whole or not of this store.
    fn open(vfs: &dyn Vfs, path: PathBuf, number: u64, store_id: &StoreId) -> io::Result<Option<Self>> {
        let file = vfs.open(&path, OpenMode::Read)?;
        let Some(trailer_at) = file.len()?.checked_sub(offset_of(TRAILER_BYTES)) else { return Ok(None) };
        let mut bytes = [0; TRAILER_BYTES];
        file.read_exact_at(&mut bytes, trailer_at)?;
        let Some((time_ms, runs)) = read_trailer(&bytes, store_id) else { return Ok(None) };
        let runs_offset = runs.checked_mul(offset_of(RUN_BYTES)).and_then(|bytes| trailer_at.checked_sub(bytes));
        Ok(runs_offset.map(|runs_offset| Self { number, path, file, time_ms, runs, runs_offset }))
    }

    fn run(&self, index: u64) -> Option<Run> {
        let mut bytes = [0; RUN_BYTES];
        let at = self.runs_offset + index * offset_of(RUN_BYTES);
        self.file.read_exact_at(&mut bytes, at).ok()?;
        Run::read(&bytes)
    }

    /// Fills in what this file has of the seqs from `first_seq` on; `None` when something in it is damaged.
    fn fill(&self, space: SpaceId, first_seq: u64, known: &mut [Option<Hash>]) -> Option<()> {
        let (mut low, mut high) = (0, self.runs);
        while low < high {
            let middle = low + (high - low) / 2;
            let run = self.run(middle)?;
            if (run.space, run.seq_first.saturating_add(run.count)) <= (space, first_seq) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let end = first_seq.saturating_add(offset_of(known.len()));
        while low < self.runs {
            let run = self.run(low)?;
            if run.space != space || run.seq_first >= end {
                break;
            }
            self.fill_run(&run, first_seq, known)?;
            low += 1;
        }
        Some(())
    }

    fn fill_run(&self, run: &Run, first_seq: u64, known: &mut [Option<Hash>]) -> Option<()> {
        let bytes = run.count.checked_mul(offset_of(HASH_BYTES))?;
        if run.offset.checked_add(bytes)? > self.runs_offset {
            return None;
        }
        let mut leaves = vec![0; length_of(bytes)];
        self.file.read_exact_at(&mut leaves, run.offset).ok()?;
        if run.checksum(&leaves) != run.crc {
            return None;
        }
        for (seq, leaf) in (run.seq_first..).zip(leaves.chunks_exact(HASH_BYTES)) {
            let place = seq.checked_sub(first_seq).and_then(|at| known.get_mut(length_of(at)));
            if let (Some(place), Ok(leaf)) = (place.filter(|place| place.is_none()), leaf.try_into()) {
                *place = Some(Hash(leaf));
            }
        }
        Some(())
    }
}

fn read_trailer(bytes: &[u8; TRAILER_BYTES], store_id: &StoreId) -> Option<(u64, u64)> {
    let (fields, crc) = bytes.split_last_chunk::<4>()?;
    let mut r = Reader::borrowed(fields);
    let (magic, owner): ([u8; 8], [u8; STORE_ID_BYTES]) = (r.array().ok()?, r.array().ok()?);
    let (time_ms, runs) = (r.bits().ok()?, r.bits().ok()?);
    let is_whole = magic == MAGIC && owner == store_id.0 && u32::from_be_bytes(*crc) == crc32c::crc32c(fields);
    is_whole.then_some((time_ms, runs))
}

fn number_of(name: &str) -> Option<u64> {
    name.strip_suffix(SUFFIX)?.parse().ok()
}

/// All leaf files, oldest first.
#[derive(Debug, Default)]
pub(crate) struct LeafFiles(Mutex<Vec<Arc<LeafFile>>>);

impl LeafFiles {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<LeafFile>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds what is on disk, and removes what was never finished. A file that is not whole is left alone and not used: then
    /// fewer leaves are known.
    pub(crate) fn load(vfs: &dyn Vfs, data_dir: &Path, store_id: &StoreId) -> Result<Self, DirError> {
        let dir = data_dir.join(LEAVES_DIR);
        let mut files = Vec::new();
        for entry in vfs.read_dir(&dir).map_err(DirError::io("list", &dir))? {
            let path = dir.join(&entry.name);
            if entry.name.ends_with(NEW_SUFFIX) {
                vfs.remove(&path).map_err(DirError::io("remove", &path))?;
            } else if let Some(number) = number_of(&entry.name) {
                let file = LeafFile::open(vfs, path.clone(), number, store_id).map_err(DirError::io("read", &path))?;
                files.extend(file.map(Arc::new));
            }
        }
        files.sort_by_key(|file: &Arc<LeafFile>| file.number);
        Ok(Self(Mutex::new(files)))
    }

    /// Fills in the leaves that are missing from `first_seq` on. Returns whether everything that was looked at was whole. The newest
    /// file says most: an older one may be of an import that was undone, or of an erased space of the same id.
    pub(crate) fn fill(&self, space: SpaceId, first_seq: u64, known: &mut [Option<Hash>]) -> bool {
        let files = self.lock().clone();
        let mut whole = true;
        for file in files.iter().rev() {
            whole &= file.fill(space, first_seq, known).is_some();
        }
        whole
    }

    /// Removes files that are older than `LEAVES_KEPT_MS` by a time that may be believed, and the oldest above `LEAF_FILES_MAX`.
    pub(crate) fn expire(&self, vfs: &dyn Vfs, now_ms: u64) {
        let mut files = self.lock();
        let surplus = files.len().saturating_sub(LEAF_FILES_MAX);
        let mut index = 0;
        files.retain(|file| {
            index += 1;
            let gone = index <= surplus || file.time_ms.saturating_add(LEAVES_KEPT_MS) < now_ms;
            // One that stays is found again at the next start.
            !(gone && vfs.remove(&file.path).is_ok())
        });
    }

    fn next_number(&self) -> u64 {
        self.lock().last().map_or(1, |newest| newest.number + 1)
    }

    fn add(&self, file: LeafFile) {
        self.lock().push(Arc::new(file));
    }
}

/// A leaf file in the making.
pub(crate) struct LeafWriter {
    file: SharedFile,
    dir: PathBuf,
    new: PathBuf,
    number: u64,
    buffer: Vec<u8>,
    written: u64,
    runs: Vec<Run>,
}

impl LeafWriter {
    pub(crate) fn create(vfs: &dyn Vfs, data_dir: &Path, files: &LeafFiles) -> io::Result<Self> {
        let (dir, number) = (data_dir.join(LEAVES_DIR), files.next_number());
        let new = dir.join(format!("{number:020}{NEW_SUFFIX}"));
        let file = vfs.open(&new, OpenMode::Create)?;
        Ok(Self { file, dir, new, number, buffer: Vec::new(), written: 0, runs: Vec::new() })
    }

    /// Adds the leaves of consecutive entries of a space.
    pub(crate) fn run(&mut self, space: SpaceId, seq_first: u64, leaves: &[Hash]) -> io::Result<()> {
        let start = self.buffer.len();
        let offset = self.written + offset_of(start);
        leaves.iter().for_each(|leaf| self.buffer.extend_from_slice(&leaf.0));
        let mut run = Run { space, seq_first, count: offset_of(leaves.len()), offset, crc: 0 };
        run.crc = run.checksum(self.buffer.get(start..).unwrap_or_default());
        self.runs.push(run);
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.buffer, self.written)?;
        self.written += offset_of(self.buffer.len());
        self.buffer.clear();
        Ok(())
    }

    /// Makes the file durable under its name; returns the bytes written.
    pub(crate) fn finish(
        mut self,
        vfs: &dyn Vfs,
        files: &LeafFiles,
        store_id: &StoreId,
        now_ms: u64,
    ) -> io::Result<u64> {
        self.flush()?;
        self.runs.sort_unstable_by_key(|run| (run.space, run.seq_first));
        let runs_offset = self.written;
        let mut w = Writer::with_capacity(self.runs.len() * RUN_BYTES + TRAILER_BYTES);
        self.runs.iter().for_each(|run| run.write(&mut w));
        let start = w.len();
        let runs = offset_of(self.runs.len());
        w.raw(MAGIC).raw(store_id.0).u64(now_ms).u64(runs);
        let crc = crc32c::crc32c(w.as_slice().get(start..).unwrap_or_default());
        w.u32(crc);
        self.file.write_all_at(w.as_slice(), runs_offset)?;
        self.file.sync_data()?;
        let path = self.dir.join(format!("{:020}{SUFFIX}", self.number));
        vfs.rename(&self.new, &path)?;
        vfs.sync_dir(&self.dir)?;
        let (number, file) = (self.number, self.file);
        files.add(LeafFile { number, path, file, time_ms: now_ms, runs, runs_offset });
        Ok(runs_offset + offset_of(w.len()))
    }
}

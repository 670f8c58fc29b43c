//! A short word about each of some spaces, in one file: records of one length, each with its own checksum, written over in place.
//!
//! Invariants:
//! 1. What `put` answered as durable is found by the next `open`; a record that a crash cut was never answered, and counts for nothing.
//! 2. The file names no space that is gone: its record is overwritten with zeros, and the place is used again.

use crate::data_dir::DirError;
use crate::vfs::{self, OpenMode, SharedFile, Vfs};
use crate::workers::Workers;
use relay_core::store::{Completion, StoreError};
use relay_proto::ids::SpaceId;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const MAGIC_BYTES: usize = 8;
const SPACE_BYTES: usize = 32;
const CRC_BYTES: usize = 4;
/// Records read at once when the file is opened.
const READ_RECORDS: u64 = 4096;
/// Foundings that wait for their record; beyond it they are refused as `overloaded`.
const WAITING_MAX: usize = 1024;

/// What a book is called and how it begins.
#[derive(Clone, Copy)]
pub(crate) struct BookKind {
    /// The directory of it in the data directory, if it has one.
    pub(crate) folder: Option<&'static str>,
    /// Its file in there.
    pub(crate) file: &'static str,
    /// The first bytes of the file.
    pub(crate) magic: [u8; MAGIC_BYTES],
    /// The thread that writes it.
    pub(crate) thread: &'static str,
    /// What it is, in words.
    pub(crate) what: &'static str,
}

impl BookKind {
    fn dir(&self, data_dir: &Path) -> PathBuf {
        self.folder.map_or_else(|| data_dir.to_owned(), |folder| data_dir.join(folder))
    }
}

/// See the module. A word has `N` bytes and is never all zeros.
pub(crate) struct SpaceBook<const N: usize> {
    held: Arc<Mutex<Held<N>>>,
    worker: Workers,
}

struct Held<const N: usize> {
    kind: BookKind,
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    /// `None` until the first record is written.
    file: Option<SharedFile>,
    places: HashMap<SpaceId, (u64, [u8; N])>,
    /// Places of records that say nothing any more.
    free: Vec<u64>,
    end: u64,
    /// Nothing is written any more.
    is_closed: bool,
}

const fn record_bytes(word_bytes: usize) -> usize {
    SPACE_BYTES + word_bytes + CRC_BYTES
}

fn record(space: SpaceId, word: &[u8]) -> Vec<u8> {
    let crc = crc32c::crc32c_append(crc32c::crc32c(&space.0), word).to_be_bytes();
    [&space.0[..], word, &crc].concat()
}

fn read_record<const N: usize>(bytes: &[u8]) -> Option<(SpaceId, [u8; N])> {
    let (space, rest) = bytes.split_first_chunk::<SPACE_BYTES>()?;
    let (word, _) = rest.split_first_chunk::<N>()?;
    let read = (SpaceId(*space), *word);
    (record(read.0, word) == bytes && read.1 != [0; N]).then_some(read)
}

impl<const N: usize> SpaceBook<N> {
    /// Whether a data directory has one.
    pub(crate) fn exists(kind: BookKind, vfs: &dyn Vfs, data_dir: &Path) -> Result<bool, DirError> {
        let has = |dir: &Path, name: &str| -> Result<bool, DirError> {
            let names = vfs.read_dir(dir).map_err(DirError::io("list", dir))?;
            Ok(names.iter().any(|entry| entry.name == name))
        };
        match kind.folder {
            Some(folder) if !has(data_dir, folder)? => Ok(false),
            _ => has(&kind.dir(data_dir), kind.file),
        }
    }

    /// Opens the book of a data directory that this process holds; it is made with the first record.
    pub(crate) fn open(kind: BookKind, vfs: Arc<dyn Vfs>, data_dir: &Path) -> Result<Self, DirError> {
        let dir = kind.dir(data_dir);
        let path = dir.join(kind.file);
        let mut held =
            Held { kind, file: None, dir, places: HashMap::new(), free: Vec::new(), end: 0, is_closed: false, vfs };
        if Self::exists(kind, &*held.vfs, data_dir)? {
            held.read(&path).map_err(DirError::io("read", &path))?;
        }
        let worker = Workers::start(kind.thread, 1, WAITING_MAX).map_err(DirError::io("start a thread for", &path))?;
        Ok(Self { held: Arc::new(Mutex::new(held)), worker })
    }

    fn lock(held: &Mutex<Held<N>>) -> MutexGuard<'_, Held<N>> {
        held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits, then lets the file go.
    pub(crate) fn close(&self) {
        self.worker.stop();
        let mut held = Self::lock(&self.held);
        held.is_closed = true;
        held.file = None;
    }

    /// Everything that is kept.
    pub(crate) fn load(&self) -> Vec<(SpaceId, [u8; N])> {
        Self::lock(&self.held).places.iter().map(|(space, (_, word))| (*space, *word)).collect()
    }

    /// *Durable.* Keeps the word about a space.
    pub(crate) fn put(&self, space: SpaceId, word: [u8; N], done: Completion<()>) {
        let held = Arc::clone(&self.held);
        self.worker.submit(Box::new(move |may_run| {
            let put = |()| Self::lock(&held).put(space, word).map_err(|error| store_error(&error));
            done(may_run.and_then(put));
        }));
    }

    /// Forgets a space, soon.
    pub(crate) fn forget(&self, space: SpaceId) {
        let held = Arc::clone(&self.held);
        self.worker.submit(Box::new(move |may_run| {
            // What stays on the disk names a space that is gone: it holds nothing, and its next founding overwrites it.
            let _left = may_run.map(|()| Self::lock(&held).forget(space));
        }));
    }
}

const fn offset_of(place: u64, word_bytes: usize) -> u64 {
    MAGIC_BYTES as u64 + place * record_bytes(word_bytes) as u64
}

impl<const N: usize> Held<N> {
    fn read(&mut self, path: &Path) -> io::Result<()> {
        let file = self.vfs.open(path, OpenMode::ReadWrite)?;
        // What a kill left readable from memory only is made durable before it is believed.
        file.sync_data()?;
        let mut magic = [0; MAGIC_BYTES];
        if file.len()? < offset_of(0, N) {
            return Ok(());
        }
        file.read_exact_at(&mut magic, 0)?;
        if magic != self.kind.magic {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is not {}", self.kind.what)));
        }
        let places = (file.len()? - offset_of(0, N)) / record_bytes(N) as u64;
        let mut next = 0;
        while next < places {
            let count = READ_RECORDS.min(places - next);
            let mut bytes = vec![0; usize::try_from(count).unwrap_or(0) * record_bytes(N)];
            file.read_exact_at(&mut bytes, offset_of(next, N))?;
            bytes.chunks_exact(record_bytes(N)).zip(next..).for_each(|(record, place)| self.found(record, place));
            next += count;
        }
        self.end = places;
        self.file = Some(file);
        Ok(())
    }

    fn found(&mut self, record: &[u8], place: u64) {
        match read_record::<N>(record) {
            Some((space, word)) => {
                if let Some((before, _)) = self.places.insert(space, (place, word)) {
                    self.free.push(before);
                }
            }
            None => self.free.push(place),
        }
    }

    fn file(&mut self) -> io::Result<SharedFile> {
        if let Some(file) = &self.file {
            return Ok(Arc::clone(file));
        }
        // Made anew it would be empty: that is for one that was never there.
        if self.is_closed || !self.places.is_empty() {
            return Err(io::Error::other(format!("{} is closed", self.kind.what)));
        }
        if let Some(data_dir) = self.dir.parent().filter(|_| self.kind.folder.is_some()) {
            self.vfs.create_dir(&self.dir)?;
            self.vfs.sync_dir(data_dir)?;
        }
        let file = self.vfs.open(&self.dir.join(self.kind.file), OpenMode::CreatePrivate)?;
        file.write_all_at(&self.kind.magic, 0)?;
        file.sync_data()?;
        self.vfs.sync_dir(&self.dir)?;
        self.file = Some(Arc::clone(&file));
        Ok(file)
    }

    fn put(&mut self, space: SpaceId, word: [u8; N]) -> io::Result<()> {
        let file = self.file()?;
        let known = self.places.get(&space).map(|(place, _)| *place);
        let place = known.or_else(|| self.free.last().copied()).unwrap_or(self.end);
        file.write_all_at(&record(space, &word), offset_of(place, N))?;
        file.sync_data()?;
        if known.is_none() && self.free.pop().is_none() {
            self.end += 1;
        }
        self.places.insert(space, (place, word));
        Ok(())
    }

    fn forget(&mut self, space: SpaceId) -> io::Result<()> {
        let Some((place, _)) = self.places.get(&space).copied() else { return Ok(()) };
        let file = self.file()?;
        self.places.remove(&space);
        file.write_all_at(&vec![0; record_bytes(N)], offset_of(place, N))?;
        file.sync_data()?;
        self.free.push(place);
        Ok(())
    }
}

fn store_error(error: &io::Error) -> StoreError {
    // Whoever would found a space may come again: no entry was promised, so nothing else has to stop.
    if vfs::is_full(error) { StoreError::DiskFull } else { StoreError::Overloaded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::sim::{Fault, SimVfs};
    use std::sync::mpsc::channel;

    type Book = SpaceBook<16>;

    const DIR: &str = "/d";
    const KIND: BookKind = BookKind {
        folder: Some("folder"),
        file: "words",
        magic: *b"SRTESTED",
        thread: "words",
        what: "a list of words",
    };

    fn disk() -> Arc<SimVfs> {
        let vfs = SimVfs::new();
        vfs.create_dir(Path::new(DIR)).unwrap();
        (&vfs as &dyn Vfs).sync_dir(Path::new("/")).unwrap();
        Arc::new(vfs)
    }

    fn open(vfs: &Arc<SimVfs>) -> Book {
        Book::open(KIND, Arc::clone(vfs) as Arc<dyn Vfs>, Path::new(DIR)).unwrap()
    }

    fn put(book: &Book, space: u8, tenant: u8) -> Result<(), StoreError> {
        let (send, receive) = channel();
        book.put(SpaceId([space; 32]), [tenant; 16], Box::new(move |result| send.send(result).unwrap()));
        receive.recv().unwrap()
    }

    fn held(book: &Book) -> Vec<(u8, u8)> {
        let mut held: Vec<_> = book.load().iter().map(|(space, tenant)| (space.0[0], tenant[0])).collect();
        held.sort_unstable();
        held
    }

    fn bytes(vfs: &SimVfs) -> Vec<u8> {
        vfs.contents()[&KIND.dir(Path::new(DIR)).join(KIND.file)].clone()
    }

    #[test]
    fn what_was_put_survives_a_power_cut_and_what_is_gone_leaves_no_name() {
        let vfs = disk();
        let book = open(&vfs);
        assert!(!Book::exists(KIND, &*vfs, Path::new(DIR)).unwrap(), "made with the first record");
        for (space, tenant) in [(1, 7), (2, 7), (3, 8), (1, 9)] {
            put(&book, space, tenant).unwrap();
        }
        vfs.power_cut(1);
        let book = open(&vfs);
        assert_eq!(held(&book), [(1, 9), (2, 7), (3, 8)]);
        book.forget(SpaceId([2; 32]));
        book.close();
        assert!(!bytes(&vfs).windows(8).any(|part| part == [2; 8]));
        let length = bytes(&vfs).len();
        let book = open(&vfs);
        assert_eq!(held(&book), [(1, 9), (3, 8)]);
        put(&book, 4, 7).unwrap();
        assert_eq!(bytes(&vfs).len(), length, "its place is used again");
        assert_eq!(held(&open(&vfs)), [(1, 9), (3, 8), (4, 7)]);
    }

    #[test]
    fn what_is_not_whole_counts_for_nothing_and_the_rest_does() {
        let vfs = disk();
        let book = open(&vfs);
        for space in 1..=3 {
            put(&book, space, 7).unwrap();
        }
        book.close();
        let path = KIND.dir(Path::new(DIR)).join(KIND.file);
        vfs.edit(&path, |bytes| {
            bytes[MAGIC_BYTES + record_bytes(16) + 3] ^= 1;
            bytes.truncate(bytes.len() - 1);
        })
        .unwrap();
        let book = open(&vfs);
        assert_eq!(held(&book), [(1, 7)]);
        put(&book, 5, 7).unwrap();
        put(&book, 6, 7).unwrap();
        assert_eq!(held(&open(&vfs)), [(1, 7), (5, 7), (6, 7)]);
        vfs.edit(&path, |bytes| bytes[0] ^= 1).unwrap();
        assert!(Book::open(KIND, vfs as Arc<dyn Vfs>, Path::new(DIR)).is_err());
    }

    #[test]
    fn what_comes_after_the_end_changes_nothing() {
        let vfs = disk();
        let book = open(&vfs);
        put(&book, 1, 7).unwrap();
        put(&book, 2, 8).unwrap();
        book.close();
        let before = bytes(&vfs);
        book.forget(SpaceId([1; 32]));
        assert_eq!(put(&book, 3, 7), Err(StoreError::Closed));
        assert!(Book::lock(&book.held).forget(SpaceId([1; 32])).is_err(), "also what was under way");
        assert_eq!(bytes(&vfs), before);
        assert_eq!(held(&open(&vfs)), [(1, 7), (2, 8)]);
    }

    #[test]
    fn a_disk_without_room_is_said_and_nothing_is_believed() {
        let vfs = disk();
        let book = open(&vfs);
        put(&book, 1, 7).unwrap();
        vfs.inject(KIND.file, Fault::Full);
        assert_eq!(put(&book, 2, 7), Err(StoreError::DiskFull));
        assert_eq!(held(&book), [(1, 7)]);
        vfs.heal();
        put(&book, 2, 7).unwrap();
        assert_eq!(held(&open(&vfs)), [(1, 7), (2, 7)]);
    }
}

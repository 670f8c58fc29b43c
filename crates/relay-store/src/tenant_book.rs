//! `tenants`: which space is on whose account. Records of one length, each with its own checksum, written over in place.
//!
//! Invariants:
//! 1. What `put` answered as durable is found by the next `open`; a record that a crash cut was never answered, and counts for nothing.
//! 2. The file names no space that is gone: its record is overwritten with zeros, and the place is used again.

use crate::data_dir::{DirError, TENANTS_FILE};
use crate::vfs::{self, OpenMode, SharedFile, Vfs};
use crate::workers::Workers;
use relay_core::store::{Completion, StoreError};
use relay_core::tenants::{TENANT_ID_BYTES, TenantId, TenantRecords};
use relay_proto::ids::SpaceId;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const MAGIC: [u8; 8] = *b"SRTENANT";
const SPACE_BYTES: usize = 32;
const FIELD_BYTES: usize = SPACE_BYTES + TENANT_ID_BYTES;
const RECORD_BYTES: usize = FIELD_BYTES + 4;
/// Records read at once when the file is opened.
const READ_RECORDS: u64 = 4096;
/// Foundings that wait for their record; beyond it they are refused as `overloaded`.
const WAITING_MAX: usize = 1024;

/// See the module.
pub struct TenantBook {
    held: Arc<Mutex<Held>>,
    worker: Workers,
}

struct Held {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    /// `None` until the first record is written.
    file: Option<SharedFile>,
    places: HashMap<SpaceId, (u64, TenantId)>,
    /// Places of records that say nothing any more.
    free: Vec<u64>,
    end: u64,
    /// Nothing is written any more.
    is_closed: bool,
}

fn record(space: SpaceId, tenant: TenantId) -> [u8; RECORD_BYTES] {
    let mut record = [0; RECORD_BYTES];
    let crc = crc32c::crc32c_append(crc32c::crc32c(&space.0), &tenant.0).to_be_bytes();
    let bytes = space.0.iter().chain(&tenant.0).chain(&crc);
    record.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    record
}

fn read_record(bytes: &[u8]) -> Option<(SpaceId, TenantId)> {
    let (space, rest) = bytes.split_first_chunk::<SPACE_BYTES>()?;
    let (tenant, _) = rest.split_first_chunk::<TENANT_ID_BYTES>()?;
    let read = (SpaceId(*space), TenantId(*tenant));
    (record(read.0, read.1) == bytes && *tenant != [0; TENANT_ID_BYTES]).then_some(read)
}

const fn offset_of(place: u64) -> u64 {
    MAGIC.len() as u64 + place * RECORD_BYTES as u64
}

impl TenantBook {
    /// Whether a data directory has one.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn exists(vfs: &dyn Vfs, data_dir: &Path) -> Result<bool, DirError> {
        let names = vfs.read_dir(data_dir).map_err(DirError::io("list", data_dir))?;
        Ok(names.iter().any(|entry| entry.name == TENANTS_FILE))
    }

    /// Opens the book of a data directory that this process holds; it is made with the first record.
    ///
    /// # Errors
    /// When the file cannot be read or a thread cannot be started.
    pub fn open(vfs: Arc<dyn Vfs>, data_dir: &Path) -> Result<Self, DirError> {
        let path = data_dir.join(TENANTS_FILE);
        let mut held = Held {
            file: None,
            dir: data_dir.to_owned(),
            places: HashMap::new(),
            free: Vec::new(),
            end: 0,
            is_closed: false,
            vfs,
        };
        if Self::exists(&*held.vfs, data_dir)? {
            held.read(&path).map_err(DirError::io("read", &path))?;
        }
        let worker =
            Workers::start("relay-tenants", 1, WAITING_MAX).map_err(DirError::io("start a thread for", &path))?;
        Ok(Self { held: Arc::new(Mutex::new(held)), worker })
    }

    fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
        held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits, then lets the file go.
    pub fn close(&self) {
        self.worker.stop();
        let mut held = Self::lock(&self.held);
        held.is_closed = true;
        held.file = None;
    }
}

impl Held {
    fn read(&mut self, path: &Path) -> io::Result<()> {
        let file = self.vfs.open(path, OpenMode::ReadWrite)?;
        // What a kill left readable from memory only is made durable before it is believed.
        file.sync_data()?;
        let mut magic = [0; MAGIC.len()];
        if file.len()? < offset_of(0) {
            return Ok(());
        }
        file.read_exact_at(&mut magic, 0)?;
        if magic != MAGIC {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a list of tenants"));
        }
        let places = (file.len()? - offset_of(0)) / RECORD_BYTES as u64;
        let mut next = 0;
        while next < places {
            let count = READ_RECORDS.min(places - next);
            let mut bytes = vec![0; usize::try_from(count).unwrap_or(0) * RECORD_BYTES];
            file.read_exact_at(&mut bytes, offset_of(next))?;
            bytes.chunks_exact(RECORD_BYTES).zip(next..).for_each(|(record, place)| self.found(record, place));
            next += count;
        }
        self.end = places;
        self.file = Some(file);
        Ok(())
    }

    fn found(&mut self, record: &[u8], place: u64) {
        match read_record(record) {
            Some((space, tenant)) => {
                if let Some((before, _)) = self.places.insert(space, (place, tenant)) {
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
            return Err(io::Error::other("the list of tenants is closed"));
        }
        let file = self.vfs.open(&self.dir.join(TENANTS_FILE), OpenMode::CreatePrivate)?;
        file.write_all_at(&MAGIC, 0)?;
        file.sync_data()?;
        self.vfs.sync_dir(&self.dir)?;
        self.file = Some(Arc::clone(&file));
        Ok(file)
    }

    fn put(&mut self, space: SpaceId, tenant: TenantId) -> io::Result<()> {
        let file = self.file()?;
        let known = self.places.get(&space).map(|(place, _)| *place);
        let place = known.or_else(|| self.free.last().copied()).unwrap_or(self.end);
        file.write_all_at(&record(space, tenant), offset_of(place))?;
        file.sync_data()?;
        if known.is_none() && self.free.pop().is_none() {
            self.end += 1;
        }
        self.places.insert(space, (place, tenant));
        Ok(())
    }

    fn forget(&mut self, space: SpaceId) -> io::Result<()> {
        let Some((place, _)) = self.places.get(&space).copied() else { return Ok(()) };
        let file = self.file()?;
        self.places.remove(&space);
        file.write_all_at(&[0; RECORD_BYTES], offset_of(place))?;
        file.sync_data()?;
        self.free.push(place);
        Ok(())
    }
}

fn store_error(error: &io::Error) -> StoreError {
    // Whoever would found a space may come again: no entry was promised, so nothing else has to stop.
    if vfs::is_full(error) { StoreError::DiskFull } else { StoreError::Overloaded }
}

impl TenantRecords for TenantBook {
    fn load(&self) -> Vec<(SpaceId, TenantId)> {
        Self::lock(&self.held).places.iter().map(|(space, (_, tenant))| (*space, *tenant)).collect()
    }

    fn put(&self, space: SpaceId, tenant: TenantId, done: Completion<()>) {
        let held = Arc::clone(&self.held);
        self.worker.submit(Box::new(move |may_run| {
            let put = |()| Self::lock(&held).put(space, tenant).map_err(|error| store_error(&error));
            done(may_run.and_then(put));
        }));
    }

    fn forget(&self, space: SpaceId) {
        let held = Arc::clone(&self.held);
        self.worker.submit(Box::new(move |may_run| {
            // What stays on the disk names a space that is gone: it holds nothing, and its next founding overwrites it.
            let _left = may_run.map(|()| Self::lock(&held).forget(space));
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::sim::{Fault, SimVfs};
    use std::sync::mpsc::channel;

    const DIR: &str = "/d";

    fn disk() -> Arc<SimVfs> {
        let vfs = SimVfs::new();
        vfs.create_dir(Path::new(DIR)).unwrap();
        (&vfs as &dyn Vfs).sync_dir(Path::new("/")).unwrap();
        Arc::new(vfs)
    }

    fn open(vfs: &Arc<SimVfs>) -> TenantBook {
        TenantBook::open(Arc::clone(vfs) as Arc<dyn Vfs>, Path::new(DIR)).unwrap()
    }

    fn put(book: &TenantBook, space: u8, tenant: u8) -> Result<(), StoreError> {
        let (send, receive) = channel();
        book.put(SpaceId([space; 32]), TenantId([tenant; 16]), Box::new(move |result| send.send(result).unwrap()));
        receive.recv().unwrap()
    }

    fn held(book: &TenantBook) -> Vec<(u8, u8)> {
        let mut held: Vec<_> = book.load().iter().map(|(space, tenant)| (space.0[0], tenant.0[0])).collect();
        held.sort_unstable();
        held
    }

    fn bytes(vfs: &SimVfs) -> Vec<u8> {
        vfs.contents()[&Path::new(DIR).join(TENANTS_FILE)].clone()
    }

    #[test]
    fn what_was_put_survives_a_power_cut_and_what_is_gone_leaves_no_name() {
        let vfs = disk();
        let book = open(&vfs);
        assert!(!TenantBook::exists(&*vfs, Path::new(DIR)).unwrap(), "made with the first record");
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
        let path = Path::new(DIR).join(TENANTS_FILE);
        vfs.edit(&path, |bytes| {
            bytes[8 + RECORD_BYTES + 3] ^= 1;
            bytes.truncate(bytes.len() - 1);
        })
        .unwrap();
        let book = open(&vfs);
        assert_eq!(held(&book), [(1, 7)]);
        put(&book, 5, 7).unwrap();
        put(&book, 6, 7).unwrap();
        assert_eq!(held(&open(&vfs)), [(1, 7), (5, 7), (6, 7)]);
        vfs.edit(&path, |bytes| bytes[0] ^= 1).unwrap();
        assert!(TenantBook::open(vfs as Arc<dyn Vfs>, Path::new(DIR)).is_err());
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
        assert!(TenantBook::lock(&book.held).forget(SpaceId([1; 32])).is_err(), "also what was under way");
        assert_eq!(bytes(&vfs), before);
        assert_eq!(held(&open(&vfs)), [(1, 7), (2, 8)]);
    }

    #[test]
    fn a_disk_without_room_is_said_and_nothing_is_believed() {
        let vfs = disk();
        let book = open(&vfs);
        put(&book, 1, 7).unwrap();
        vfs.inject(TENANTS_FILE, Fault::Full);
        assert_eq!(put(&book, 2, 7), Err(StoreError::DiskFull));
        assert_eq!(held(&book), [(1, 7)]);
        vfs.heal();
        put(&book, 2, 7).unwrap();
        assert_eq!(held(&open(&vfs)), [(1, 7), (2, 7)]);
    }
}

//! A simulated disk with bytes that cannot be read; it counts the reads.

use relay_store::vfs::sim::SimVfs;
use relay_store::vfs::{DirName, OpenMode, SharedFile, Vfs, VfsFile, VfsLock};
use std::io;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// See the module.
#[derive(Clone, Debug)]
pub struct BadSectorVfs {
    inner: SimVfs,
    bad: Arc<Mutex<Option<(PathBuf, u64)>>>,
    reads: Arc<AtomicU64>,
}

#[derive(Debug)]
struct BadSectorFile {
    inner: SharedFile,
    path: PathBuf,
    vfs: BadSectorVfs,
}

impl BadSectorVfs {
    pub fn new(inner: SimVfs) -> Self {
        Self { inner, bad: Arc::default(), reads: Arc::default() }
    }

    /// The byte at `offset` of this file cannot be read from now on.
    pub fn break_at(&self, path: PathBuf, offset: u64) {
        *self.bad.lock().unwrap() = Some((path, offset));
    }

    /// The bytes of a file.
    pub fn contents(&self, path: &Path) -> Vec<u8> {
        self.inner.contents()[path].to_vec()
    }

    /// Reads of files so far.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }
}

impl VfsFile for BadSectorFile {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.vfs.reads.fetch_add(1, Ordering::SeqCst);
        let bad = self.vfs.bad.lock().unwrap().clone();
        let read = offset..offset + buffer.len() as u64;
        if bad.is_some_and(|(path, at)| path == self.path && read.contains(&at)) {
            return Err(io::Error::other("the sector cannot be read"));
        }
        self.inner.read_exact_at(buffer, offset)
    }
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.inner.write_all_at(bytes, offset)
    }
    fn sync_data_from(&self, place: &'static Location<'static>) -> io::Result<()> {
        self.inner.sync_data_from(place)
    }
    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.inner.set_len(bytes)
    }
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
}

impl Vfs for BadSectorVfs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<SharedFile> {
        let inner = self.inner.open(path, mode)?;
        Ok(Arc::new(BadSectorFile { inner, path: path.to_owned(), vfs: self.clone() }))
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir(path)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirName>> {
        self.inner.read_dir(path)
    }
    fn sync_dir_from(&self, path: &Path, place: &'static Location<'static>) -> io::Result<()> {
        self.inner.sync_dir_from(path, place)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }
    fn lock(&self, path: &Path, owner: &str) -> io::Result<Option<Box<dyn VfsLock>>> {
        self.inner.lock(path, owner)
    }
}

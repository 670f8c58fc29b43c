//! A simulated disk of a certain size.

use relay_store::vfs::sim::SimVfs;
use relay_store::vfs::{DirName, OpenMode, SharedFile, Vfs, VfsFile, VfsLock};
use std::io;
use std::panic::Location;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Debug)]
pub struct CapacityVfs {
    pub inner: SimVfs,
    bytes_max: Arc<AtomicU64>,
}

#[derive(Debug)]
struct CapacityFile {
    inner: SharedFile,
    vfs: CapacityVfs,
}

impl CapacityVfs {
    pub fn new(inner: SimVfs) -> Self {
        Self { inner, bytes_max: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    pub fn used(&self) -> u64 {
        self.inner.contents().values().map(|bytes| bytes.len() as u64).sum()
    }

    /// From now on there is room for so many more bytes.
    pub fn leave(&self, bytes: u64) {
        self.bytes_max.store(self.used().saturating_add(bytes), Ordering::SeqCst);
    }

    fn grow(&self, bytes: u64) -> io::Result<()> {
        let max = self.bytes_max.load(Ordering::SeqCst);
        if max != u64::MAX && bytes > 0 && self.used().saturating_add(bytes) > max {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn wrap(&self, inner: SharedFile) -> SharedFile {
        Arc::new(CapacityFile { inner, vfs: self.clone() })
    }
}

impl VfsFile for CapacityFile {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.inner.read_exact_at(buffer, offset)
    }
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.vfs.grow((offset + bytes.len() as u64).saturating_sub(self.inner.len()?))?;
        self.inner.write_all_at(bytes, offset)
    }
    fn sync_data_from(&self, place: &'static Location<'static>) -> io::Result<()> {
        self.inner.sync_data_from(place)
    }
    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.vfs.grow(bytes.saturating_sub(self.inner.len()?))?;
        self.inner.set_len(bytes)
    }
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
}

impl Vfs for CapacityVfs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<SharedFile> {
        self.inner.open(path, mode).map(|file| self.wrap(file))
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
    fn free_bytes(&self, _dir: &Path) -> io::Result<Option<u64>> {
        let max = self.bytes_max.load(Ordering::SeqCst);
        Ok(Some(max.saturating_sub(self.used())))
    }
    fn lock(&self, path: &Path, owner: &str) -> io::Result<Option<Box<dyn VfsLock>>> {
        self.inner.lock(path, owner)
    }
}

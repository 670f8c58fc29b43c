//! A simulated disk with a warden, who is asked before something is read or grows.

use relay_store::vfs::sim::SimVfs;
use relay_store::vfs::{DirName, OpenMode, SharedFile, Vfs, VfsFile, VfsLock};
use std::fmt::Debug;
use std::io;
use std::ops::Range;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Who is asked.
pub trait Warden: Debug + Send + Sync + 'static {
    /// Before these bytes of a file are read.
    fn may_read(&self, _path: &Path, _bytes: Range<u64>) -> io::Result<()> {
        Ok(())
    }
    /// Before a file grows by so many bytes.
    fn may_grow(&self, _disk: &SimVfs, _bytes: u64) -> io::Result<()> {
        Ok(())
    }
    /// Before a file is removed.
    fn may_remove(&self, _disk: &SimVfs, _path: &Path) -> io::Result<()> {
        Ok(())
    }
    /// What is left; `None`: nobody knows.
    fn free_bytes(&self, _disk: &SimVfs) -> Option<u64> {
        None
    }
}

/// See the module.
#[derive(Debug)]
pub struct WatchedVfs<W> {
    pub inner: SimVfs,
    pub warden: Arc<W>,
}

impl<W> Clone for WatchedVfs<W> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), warden: Arc::clone(&self.warden) }
    }
}

#[derive(Debug)]
struct WatchedFile<W> {
    inner: SharedFile,
    path: PathBuf,
    vfs: WatchedVfs<W>,
}

impl<W: Default> WatchedVfs<W> {
    pub fn new(inner: SimVfs) -> Self {
        Self { inner, warden: Arc::default() }
    }
}

impl<W: Warden> WatchedFile<W> {
    fn grow_to(&self, bytes: u64) -> io::Result<()> {
        let grown = bytes.saturating_sub(self.inner.len()?);
        if grown > 0 { self.vfs.warden.may_grow(&self.vfs.inner, grown) } else { Ok(()) }
    }
}

impl<W: Warden> VfsFile for WatchedFile<W> {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.vfs.warden.may_read(&self.path, offset..offset + buffer.len() as u64)?;
        self.inner.read_exact_at(buffer, offset)
    }
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.grow_to(offset + bytes.len() as u64)?;
        self.inner.write_all_at(bytes, offset)
    }
    fn sync_data_from(&self, place: &'static Location<'static>) -> io::Result<()> {
        self.inner.sync_data_from(place)
    }
    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.grow_to(bytes)?;
        self.inner.set_len(bytes)
    }
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
}

impl<W: Warden> Vfs for WatchedVfs<W> {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<SharedFile> {
        let inner = self.inner.open(path, mode)?;
        Ok(Arc::new(WatchedFile { inner, path: path.to_owned(), vfs: self.clone() }))
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
        self.warden.may_remove(&self.inner, path)?;
        self.inner.remove(path)
    }
    fn free_bytes(&self, _dir: &Path) -> io::Result<Option<u64>> {
        Ok(self.warden.free_bytes(&self.inner))
    }
    fn lock(&self, path: &Path, owner: &str) -> io::Result<Option<Box<dyn VfsLock>>> {
        self.inner.lock(path, owner)
    }
}

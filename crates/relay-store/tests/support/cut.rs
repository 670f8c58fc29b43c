//! A simulated disk whose power is cut at a chosen call: that call and every one after it fails.

use relay_store::vfs::sim::SimVfs;
use relay_store::vfs::{DirName, OpenMode, SharedFile, Vfs, VfsFile, VfsLock};
use std::io;
use std::panic::Location;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts the calls that change something, and cuts the power at one of them.
#[derive(Clone, Debug)]
pub struct CutVfs {
    inner: SimVfs,
    calls: Arc<AtomicU64>,
    cut_at: Arc<AtomicU64>,
    seed: u64,
    /// A control: what is written over segments is dropped, and nobody is told.
    leaves_bytes: Arc<AtomicBool>,
}

#[derive(Debug)]
struct CutFile {
    inner: SharedFile,
    vfs: CutVfs,
    /// An existing segment, opened for overwriting.
    is_overwritten: bool,
}

impl CutVfs {
    pub fn new(inner: SimVfs, seed: u64) -> Self {
        Self {
            inner,
            calls: Arc::default(),
            cut_at: Arc::new(AtomicU64::new(u64::MAX)),
            seed,
            leaves_bytes: Arc::default(),
        }
    }

    /// From now on segments keep their bytes, whatever is written over them.
    pub fn leave_bytes(&self) {
        self.leaves_bytes.store(true, Ordering::SeqCst);
    }

    /// Cuts the power at the n-th changing call from now on (0: the next one).
    pub fn cut_after(&self, calls: u64) {
        self.cut_at.store(self.calls.load(Ordering::SeqCst) + calls, Ordering::SeqCst);
    }

    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    pub fn is_cut(&self) -> bool {
        self.calls() > self.cut_at.load(Ordering::SeqCst)
    }

    fn change(&self) -> io::Result<()> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let cut_at = self.cut_at.load(Ordering::SeqCst);
        if call == cut_at {
            self.inner.power_cut(self.seed.wrapping_add(call));
        }
        if call >= cut_at { Err(io::Error::other("the power was cut")) } else { Ok(()) }
    }

    fn wrap(&self, inner: SharedFile, is_overwritten: bool) -> SharedFile {
        Arc::new(CutFile { inner, vfs: self.clone(), is_overwritten })
    }
}

impl VfsFile for CutFile {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.inner.read_exact_at(buffer, offset)
    }
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.vfs.change()?;
        if self.is_overwritten && self.vfs.leaves_bytes.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.inner.write_all_at(bytes, offset)
    }
    fn sync_data_from(&self, place: &'static Location<'static>) -> io::Result<()> {
        self.vfs.change()?;
        self.inner.sync_data_from(place)
    }
    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.vfs.change()?;
        self.inner.set_len(bytes)
    }
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
}

impl Vfs for CutVfs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<SharedFile> {
        if matches!(mode, OpenMode::Create | OpenMode::CreatePrivate) {
            self.change()?;
        }
        let is_overwritten = mode == OpenMode::ReadWrite && path.extension().is_some_and(|kind| kind == "seg");
        self.inner.open(path, mode).map(|file| self.wrap(file, is_overwritten))
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir(path)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirName>> {
        self.inner.read_dir(path)
    }
    fn sync_dir_from(&self, path: &Path, place: &'static Location<'static>) -> io::Result<()> {
        self.change()?;
        self.inner.sync_dir_from(path, place)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change()?;
        self.inner.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change()?;
        self.inner.remove(path)
    }
    fn lock(&self, path: &Path, owner: &str) -> io::Result<Option<Box<dyn VfsLock>>> {
        self.inner.lock(path, owner)
    }
}

//! A simulated disk with bytes that cannot be read; it counts the reads.

use super::watched::{Warden, WatchedVfs};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// See the module.
pub type BadSectorVfs = WatchedVfs<BadSector>;

#[derive(Debug, Default)]
pub struct BadSector {
    bad: Mutex<Option<(PathBuf, u64)>>,
    reads: AtomicU64,
}

impl Warden for BadSector {
    fn may_read(&self, path: &Path, bytes: Range<u64>) -> io::Result<()> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let bad = self.bad.lock().unwrap();
        let hit = bad.as_ref().is_some_and(|(bad, at)| bad == path && bytes.contains(at));
        if hit { Err(io::Error::other("the sector cannot be read")) } else { Ok(()) }
    }
}

impl BadSectorVfs {
    /// The byte at `offset` of this file cannot be read from now on.
    pub fn break_at(&self, path: PathBuf, offset: u64) {
        *self.warden.bad.lock().unwrap() = Some((path, offset));
    }

    /// The bytes of a file.
    pub fn contents(&self, path: &Path) -> Vec<u8> {
        self.inner.contents()[path].to_vec()
    }

    /// Reads of files so far.
    pub fn reads(&self) -> u64 {
        self.warden.reads.load(Ordering::SeqCst)
    }
}

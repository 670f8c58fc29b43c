//! Room kept for a full disk: a file of zeros that is given up when something finds no room, so that trims, acks and
//! compactions go on, and made again when there is room. While it is given up no new entry is taken.

use crate::segment::writer;
use crate::vfs::{OpenMode, Vfs};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Length of the reserve, in bytes (default); never more than half a segment.
pub(crate) const RESERVE_BYTES: u64 = 32 * 1024 * 1024;
/// Length of the segments that are made while it is given up, in bytes.
pub(crate) const URGENT_SEGMENT_BYTES: u64 = 1024 * 1024;
/// Name of its file.
pub(crate) const RESERVE_FILE: &str = "reserve";

/// See the module.
#[derive(Debug)]
pub(crate) struct Reserve {
    dir: PathBuf,
    bytes: u64,
    /// What has to fit besides the reserve before the disk counts as one with room.
    segment_bytes: u64,
    spent: AtomicBool,
    /// Whether the file is there, as far as is known; one change at a time.
    held: Mutex<bool>,
}

impl Reserve {
    pub(crate) fn new(dir: &Path, segment_bytes: u64) -> Self {
        let bytes = RESERVE_BYTES.min(segment_bytes / 2);
        Self { dir: dir.to_owned(), bytes, segment_bytes, spent: AtomicBool::new(false), held: Mutex::new(false) }
    }

    /// Whether the disk was full and is not known to have room again.
    pub(crate) fn is_spent(&self) -> bool {
        self.spent.load(Ordering::Acquire)
    }

    fn path(&self) -> PathBuf {
        self.dir.join(RESERVE_FILE)
    }

    /// Something found no room: gives the room up.
    pub(crate) fn spend(&self, vfs: &dyn Vfs) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        self.spent.store(true, Ordering::Release);
        // One that was never made has no name; what cannot be removed gives nothing up.
        let _never_made = vfs.remove(&self.path());
        *held = false;
    }

    /// Whether the disk has room again, or does not say: then whoever needs some tries. The reserve itself is made later.
    pub(crate) fn finds_room(&self, vfs: &dyn Vfs) -> bool {
        let wanted = self.bytes.saturating_add(self.segment_bytes);
        let found = vfs.free_bytes(&self.dir).is_ok_and(|free| free.is_none_or(|free| free >= wanted));
        if found {
            self.spent.store(false, Ordering::Release);
        }
        found
    }

    /// Makes the reserve when it is missing and there is room for it and a segment; the disk has room again then.
    pub(crate) fn keep(&self, vfs: &dyn Vfs) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if *held {
            return;
        }
        let is_there = vfs.open(&self.path(), OpenMode::Read).and_then(|file| file.len());
        let is_whole = is_there.is_ok_and(|len| len == self.bytes);
        *held = is_whole || self.make(vfs).is_ok();
        if *held {
            self.spent.store(false, Ordering::Release);
        }
    }

    fn make(&self, vfs: &dyn Vfs) -> io::Result<()> {
        let wanted = self.bytes.saturating_add(if self.is_spent() { self.segment_bytes } else { 0 });
        if vfs.free_bytes(&self.dir)?.is_some_and(|free| free < wanted) {
            self.spent.store(true, Ordering::Release);
            return Err(io::ErrorKind::StorageFull.into());
        }
        let made = self.fill(vfs);
        if made.is_err() {
            let _never_made = vfs.remove(&self.path());
        }
        made
    }

    fn fill(&self, vfs: &dyn Vfs) -> io::Result<()> {
        let file = vfs.open(&self.path(), OpenMode::Create)?;
        if !writer::allocate(&file, self.bytes)? {
            writer::write_zeros(&file, 0, self.bytes)?;
        }
        file.sync_data()?;
        vfs.sync_dir(&self.dir)
    }
}

//! A file system in memory that fails when it is told to and forgets at a power cut what was never synced.
//!
//! It keeps, for every file, the bytes a reader sees and the bytes a power cut leaves; for every directory the same of
//! its names. A power cut keeps any subset of the unsynced writes, each torn at sectors, chosen by a seed.

use super::{DirName, OpenMode, SharedFile, Vfs, VfsFile, VfsLock};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Unit in which a torn write survives, in bytes.
pub const SECTOR_BYTES: usize = 512;

/// A fault to inject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The n-th write from now on (0: the next) to a file whose name ends so fails; half of it is written.
    Write {
        /// How many writes succeed before.
        after: u64,
        /// What it fails with.
        error: io::ErrorKind,
    },
    /// The n-th sync of a file from now on fails; nothing becomes durable.
    Sync {
        /// How many syncs succeed before.
        after: u64,
        /// What it fails with.
        error: io::ErrorKind,
    },
    /// Every making or growing of a file fails as on a full disk until [`SimVfs::heal`].
    Full,
}

#[derive(Debug, Default)]
struct Node {
    seen: Vec<u8>,
    durable: Vec<u8>,
    /// Unsynced changes in order.
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

#[derive(Debug, Default)]
struct Disk {
    files: BTreeMap<u64, Node>,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    dirs: BTreeSet<PathBuf>,
    locks: BTreeSet<PathBuf>,
    next_file: u64,
    faults: Vec<Fault>,
    fault_suffix: String,
    generation: u64,
    syncs: u64,
    syncs_lie: bool,
}

/// The simulated file system; clones share one disk.
#[derive(Clone, Debug, Default)]
pub struct SimVfs {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Debug)]
struct SimFile {
    disk: Arc<Mutex<Disk>>,
    id: u64,
    path: PathBuf,
    generation: u64,
}

#[derive(Debug)]
struct SimLock {
    disk: Arc<Mutex<Disk>>,
    path: PathBuf,
    generation: u64,
}

impl VfsLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut disk = guard(&self.disk);
        if disk.generation == self.generation {
            disk.locks.remove(&self.path);
        }
    }
}

fn guard(disk: &Arc<Mutex<Disk>>) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::SetLen(len) => bytes.resize(*len, 0),
        Change::Write { offset, bytes: written } => {
            let end = offset + written.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            if let Some(target) = bytes.get_mut(*offset..end) {
                target.copy_from_slice(written);
            }
        }
    }
}

/// splitmix64: enough randomness to choose what a power cut loses.
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl SimVfs {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Injects a fault for files whose name ends with `suffix`.
    pub fn inject(&self, suffix: &str, fault: Fault) {
        let mut disk = guard(&self.disk);
        suffix.clone_into(&mut disk.fault_suffix);
        disk.faults.push(fault);
    }

    /// Takes back all faults that did not happen yet.
    pub fn heal(&self) {
        guard(&self.disk).faults.clear();
    }

    /// From now on syncs claim success and do nothing: the control of power-cut tests.
    pub fn lie_about_syncs(&self) {
        guard(&self.disk).syncs_lie = true;
    }

    /// Syncs of files so far.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        guard(&self.disk).syncs
    }

    /// Cuts the power: files opened before answer with errors from now on, locks are gone, and of everything that was
    /// not synced a random part is left.
    pub fn power_cut(&self, seed: u64) {
        let mut random = seed;
        let mut disk = guard(&self.disk);
        disk.generation += 1;
        disk.faults.clear();
        disk.locks.clear();
        let lost_names = next_random(&mut random).is_multiple_of(2);
        if lost_names {
            disk.names = disk.durable_names.clone();
        } else {
            disk.durable_names = disk.names.clone();
        }
        for node in disk.files.values_mut() {
            for change in std::mem::take(&mut node.pending) {
                survive(&mut node.durable, &change, &mut random);
            }
            node.seen = node.durable.clone();
        }
    }

    /// Changes bytes of a file behind the store's back.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn edit(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut disk = guard(&self.disk);
        let id = *disk.names.get(path).ok_or_else(not_found)?;
        let node = disk.files.get_mut(&id).ok_or_else(not_found)?;
        change(&mut node.seen);
        node.durable = node.seen.clone();
        node.pending.clear();
        Ok(())
    }

    /// All files with their bytes, for comparing two moments.
    #[must_use]
    pub fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let disk = guard(&self.disk);
        disk.names
            .iter()
            .filter_map(|(path, id)| disk.files.get(id).map(|node| (path.clone(), node.seen.clone())))
            .collect()
    }

    /// A copy of the whole disk as it is now, nothing lost.
    #[must_use]
    pub fn fork(&self) -> Self {
        let copy = Self::new();
        for (path, bytes) in self.contents() {
            copy.put(&path, bytes);
        }
        guard(&copy.disk).dirs = guard(&self.disk).dirs.clone();
        copy
    }

    /// Puts a durable file on the disk.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) {
        let mut disk = guard(&self.disk);
        disk.next_file += 1;
        let id = disk.next_file;
        disk.files.insert(id, Node { seen: bytes.clone(), durable: bytes, pending: Vec::new() });
        disk.names.insert(path.to_owned(), id);
        disk.durable_names.insert(path.to_owned(), id);
    }
}

/// What a power cut leaves of one unsynced change: nothing, all, or some of its sectors.
fn survive(durable: &mut Vec<u8>, change: &Change, random: &mut u64) {
    let choice = next_random(random) % 3;
    match change {
        _ if choice == 0 => {}
        Change::Write { offset, bytes } if choice == 1 => {
            for (index, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                if next_random(random).is_multiple_of(2) {
                    let at = offset + index * SECTOR_BYTES;
                    apply(durable, &Change::Write { offset: at, bytes: sector.to_vec() });
                }
            }
        }
        _ => apply(durable, change),
    }
}

impl Disk {
    /// Whether a fault hits this write or sync now.
    fn fault(&mut self, path: &Path, is_sync: bool) -> Option<io::Error> {
        if !path.to_string_lossy().ends_with(&self.fault_suffix) {
            return None;
        }
        let mut hit = None;
        for (index, fault) in self.faults.iter_mut().enumerate() {
            let (after, error) = match fault {
                Fault::Write { after, error } if !is_sync => (after, *error),
                Fault::Sync { after, error } if is_sync => (after, *error),
                _ => continue,
            };
            if *after == 0 {
                hit = Some((index, error));
                break;
            }
            *after -= 1;
        }
        let (index, error) = hit?;
        self.faults.remove(index);
        Some(io::Error::new(error, "injected"))
    }

    fn is_full(&self, path: &Path) -> bool {
        self.faults.contains(&Fault::Full) && path.to_string_lossy().ends_with(&self.fault_suffix)
    }
}

impl SimFile {
    fn with<T>(&self, run: impl FnOnce(&mut Disk) -> io::Result<T>) -> io::Result<T> {
        let mut disk = guard(&self.disk);
        if disk.generation != self.generation {
            return Err(io::Error::other("the power was cut"));
        }
        run(&mut disk)
    }

    fn change(&self, disk: &mut Disk, change: Change) -> io::Result<()> {
        let grows = match &change {
            Change::SetLen(len) => *len,
            Change::Write { offset, bytes } => offset + bytes.len(),
        };
        let full = disk.is_full(&self.path);
        let node = disk.files.get_mut(&self.id).ok_or_else(not_found)?;
        if full && grows > node.seen.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        apply(&mut node.seen, &change);
        node.pending.push(change);
        Ok(())
    }
}

fn index(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

impl VfsFile for SimFile {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.with(|disk| {
            let node = disk.files.get(&self.id).ok_or_else(not_found)?;
            let start = index(offset);
            let bytes = node.seen.get(start..start.saturating_add(buffer.len()));
            buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.with(|disk| {
            let fault = disk.fault(&self.path, false);
            let kept = if fault.is_some() { bytes.len() / 2 } else { bytes.len() };
            let written = bytes.get(..kept).unwrap_or_default().to_vec();
            self.change(disk, Change::Write { offset: index(offset), bytes: written })?;
            fault.map_or(Ok(()), Err)
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(|disk| {
            disk.syncs += 1;
            if disk.syncs_lie {
                return Ok(());
            }
            if let Some(error) = disk.fault(&self.path, true) {
                // As kernels do: the dirty pages are dropped from the books, a second sync would claim success.
                if let Some(node) = disk.files.get_mut(&self.id) {
                    node.pending.clear();
                }
                return Err(error);
            }
            let node = disk.files.get_mut(&self.id).ok_or_else(not_found)?;
            for change in std::mem::take(&mut node.pending) {
                apply(&mut node.durable, &change);
            }
            Ok(())
        })
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.with(|disk| self.change(disk, Change::SetLen(index(bytes))))
    }

    fn len(&self) -> io::Result<u64> {
        self.with(|disk| disk.files.get(&self.id).map(|node| node.seen.len() as u64).ok_or_else(not_found))
    }
}

impl Vfs for SimVfs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<SharedFile> {
        let mut disk = guard(&self.disk);
        let existing = disk.names.get(path).copied();
        let id = match mode {
            OpenMode::Read | OpenMode::ReadWrite => existing.ok_or_else(not_found)?,
            OpenMode::Create | OpenMode::CreatePrivate => {
                if disk.is_full(path) {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                disk.next_file += 1;
                let id = disk.next_file;
                disk.files.insert(id, Node::default());
                disk.names.insert(path.to_owned(), id);
                id
            }
        };
        let generation = disk.generation;
        drop(disk);
        Ok(Arc::new(SimFile { disk: Arc::clone(&self.disk), id, path: path.to_owned(), generation }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut disk = guard(&self.disk);
        for dir in path.ancestors() {
            disk.dirs.insert(dir.to_owned());
        }
        Ok(())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirName>> {
        let disk = guard(&self.disk);
        if !disk.dirs.contains(path) {
            return Err(not_found());
        }
        let name = |child: &Path| child.file_name().map(|name| name.to_string_lossy().into_owned());
        let files = disk.names.keys().filter(|child| child.parent() == Some(path)).filter_map(|child| name(child));
        let dirs = disk.dirs.iter().filter(|child| child.parent() == Some(path)).filter_map(|child| name(child));
        let mut names: Vec<DirName> = files
            .map(|name| DirName { name, is_dir: false })
            .chain(dirs.map(|name| DirName { name, is_dir: true }))
            .collect();
        names.sort();
        Ok(names)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut disk = guard(&self.disk);
        let inside = |child: &PathBuf| child.parent() == Some(path);
        let now: Vec<_> =
            disk.names.iter().filter(|(child, _)| inside(child)).map(|(p, id)| (p.clone(), *id)).collect();
        disk.durable_names.retain(|child, _| !inside(child));
        disk.durable_names.extend(now);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = guard(&self.disk);
        let id = disk.names.remove(from).ok_or_else(not_found)?;
        disk.names.insert(to.to_owned(), id);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        guard(&self.disk).names.remove(path).map(|_| ()).ok_or_else(not_found)
    }

    fn lock(&self, path: &Path, owner: &str) -> io::Result<Option<Box<dyn VfsLock>>> {
        let mut disk = guard(&self.disk);
        if !disk.locks.insert(path.to_owned()) {
            return Ok(None);
        }
        let generation = disk.generation;
        drop(disk);
        self.put(path, owner.as_bytes().to_vec());
        Ok(Some(Box::new(SimLock { disk: Arc::clone(&self.disk), path: path.to_owned(), generation })))
    }
}

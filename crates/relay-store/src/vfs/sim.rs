//! A file system in memory that fails when it is told to and forgets at a power cut what was never synced.
//!
//! It keeps, for every file, the bytes a reader sees and the bytes a power cut leaves; for every directory the same of
//! its names. A power cut keeps any subset of the unsynced writes, each torn at sectors, chosen by a seed.

mod disk;
mod journal;
mod loss;

pub use journal::{Journal, Replay};
pub use loss::{Dice, SECTOR_BYTES};

use super::{BLOCK_BYTES, DirName, OpenMode, SharedFile, SyncSite, Vfs, VfsFile, VfsLock};
use bytes::Bytes;
use disk::{Change, Disk, Name, NameChange, Node, Op};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    /// The n-th call of any kind from now on fails and does nothing; a write does half, and a failed sync forgets.
    Call {
        /// How many calls succeed before.
        after: u64,
        /// What it fails with.
        error: io::ErrorKind,
    },
    /// Every making or growing of a file fails as on a full disk until [`SimVfs::heal`].
    Full,
}

/// What a call does, for the faults that are choosy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CallKind {
    Write,
    Sync,
    Other,
}

#[derive(Debug, Default)]
struct State {
    disk: Disk,
    locks: BTreeSet<PathBuf>,
    faults: Vec<Fault>,
    fault_suffix: String,
    /// Grows with every power cut and kill: files opened before, and clones made before, answer no more.
    generation: u64,
    syncs: u64,
    calls: u64,
    syncs_lie: bool,
    journal: Option<Vec<Op>>,
    journal_base: Disk,
}

/// The simulated file system. A clone is the same disk as a process sees it: after a power cut or a kill it answers with errors,
/// so that what is left of a store does not go on behind the next one's back. The one that was not cloned always works.
#[derive(Debug, Default)]
pub struct SimVfs {
    state: Arc<Mutex<State>>,
    /// Until when a clone works.
    process: Option<u64>,
}

impl Clone for SimVfs {
    fn clone(&self) -> Self {
        let process = self.process.unwrap_or_else(|| guard(&self.state).generation);
        Self { state: Arc::clone(&self.state), process: Some(process) }
    }
}

#[derive(Debug)]
struct SimFile {
    state: Arc<Mutex<State>>,
    id: u64,
    path: PathBuf,
    generation: u64,
    whole_blocks: bool,
}

#[derive(Debug)]
struct SimLock {
    state: Arc<Mutex<State>>,
    path: PathBuf,
    generation: u64,
}

impl VfsLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = guard(&self.state);
        if state.generation == self.generation {
            state.locks.remove(&self.path);
        }
    }
}

fn guard(state: &Arc<Mutex<State>>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn power_was_cut() -> io::Error {
    io::Error::other("the power was cut")
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl SimVfs {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn of(disk: Disk) -> Self {
        Self { state: Arc::new(Mutex::new(State { disk, ..State::default() })), process: None }
    }

    /// The disk, for a process that still runs.
    fn running(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = guard(&self.state);
        let runs = self.process.is_none_or(|process| process == state.generation);
        if runs { Ok(state) } else { Err(power_was_cut()) }
    }

    /// Injects a fault for files whose name ends with `suffix`.
    pub fn inject(&self, suffix: &str, fault: Fault) {
        let mut state = guard(&self.state);
        suffix.clone_into(&mut state.fault_suffix);
        state.faults.push(fault);
    }

    /// Takes back all faults that did not happen yet.
    pub fn heal(&self) {
        guard(&self.state).faults.clear();
    }

    /// From now on syncs claim success and do nothing: the control of power-cut tests.
    pub fn lie_about_syncs(&self) {
        guard(&self.state).syncs_lie = true;
    }

    /// Promises that the power stays on: nothing is noted of what is durable, which is faster.
    pub fn keep_power(&self) {
        guard(&self.state).disk.keeps_no_books = true;
    }

    /// Syncs of files so far.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        guard(&self.state).syncs
    }

    /// Calls of any kind so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        guard(&self.state).calls
    }

    /// Cuts the power: files opened before answer with errors from now on, locks are gone, and of everything that was
    /// not synced a random part is left.
    pub fn power_cut(&self, seed: u64) {
        let mut state = guard(&self.state);
        state.power_off();
        loss::cut(&mut state.disk, &mut Dice::new(seed));
    }

    /// Kills the process: files opened before answer with errors from now on and locks are gone; nothing is lost.
    pub fn kill(&self) {
        guard(&self.state).power_off();
    }

    /// Changes bytes of a file behind the store's back.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn edit(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut state = guard(&self.state);
        let id = state.file(path)?;
        let node = state.disk.files.get_mut(&id).ok_or_else(not_found)?;
        change(Arc::make_mut(&mut node.seen));
        node.durable = Arc::clone(&node.seen);
        node.pending.clear();
        Ok(())
    }

    /// All files with their bytes, for comparing two moments.
    #[must_use]
    pub fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = guard(&self.state);
        let files = state.disk.names.iter().filter_map(|(path, name)| match name {
            Name::File(id) => state.disk.files.get(id).map(|node| (path.clone(), node.seen.to_vec())),
            Name::Dir => None,
        });
        files.collect()
    }

    /// The paths of all files.
    #[must_use]
    pub fn paths(&self) -> BTreeSet<PathBuf> {
        let state = guard(&self.state);
        let files = state.disk.names.iter().filter(|(_, name)| matches!(name, Name::File(_)));
        files.map(|(path, _)| path.clone()).collect()
    }

    /// A copy of the whole disk as it is now, all of it durable.
    #[must_use]
    pub fn fork(&self) -> Self {
        let mut disk = guard(&self.state).disk.clone();
        disk.pending_names.clear();
        disk.durable_names = disk.names.clone();
        for node in disk.files.values_mut() {
            node.pending.clear();
            node.durable = Arc::clone(&node.seen);
        }
        Self::of(disk)
    }

    /// Puts a durable file on the disk.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) {
        guard(&self.state).put(path, bytes);
    }
}

impl State {
    fn power_off(&mut self) {
        self.generation += 1;
        self.faults.clear();
        self.locks.clear();
    }

    fn put(&mut self, path: &Path, bytes: Vec<u8>) {
        let disk = &mut self.disk;
        disk.next_file += 1;
        let id = disk.next_file;
        let bytes = Arc::new(bytes);
        disk.files.insert(id, Node { seen: Arc::clone(&bytes), durable: bytes, pending: Vec::new() });
        disk.names.insert(path.to_owned(), Name::File(id));
        disk.durable_names.insert(path.to_owned(), Name::File(id));
    }

    fn file(&self, path: &Path) -> io::Result<u64> {
        match self.disk.names.get(path) {
            Some(Name::File(id)) => Ok(*id),
            _ => Err(not_found()),
        }
    }

    /// Does an op and notes it in the journal.
    fn perform(&mut self, op: Op) {
        let lies = self.syncs_lie;
        self.disk.perform(&op, &|_| lies);
        if let Some(journal) = &mut self.journal {
            journal.push(op);
        }
    }

    /// Counts a call; the error when a fault hits it now.
    fn call(&mut self, path: &Path, kind: CallKind) -> Option<io::Error> {
        self.calls += 1;
        if self.faults.is_empty() || !path.to_string_lossy().ends_with(&self.fault_suffix) {
            return None;
        }
        let mut hit = None;
        for (index, fault) in self.faults.iter_mut().enumerate() {
            let (after, error) = match fault {
                Fault::Write { after, error } if kind == CallKind::Write => (after, *error),
                Fault::Sync { after, error } if kind == CallKind::Sync => (after, *error),
                Fault::Call { after, error } => (after, *error),
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

    fn checked(&mut self, path: &Path) -> io::Result<()> {
        self.call(path, CallKind::Other).map_or(Ok(()), Err)
    }

    fn is_full(&self, path: &Path) -> bool {
        self.faults.contains(&Fault::Full) && path.to_string_lossy().ends_with(&self.fault_suffix)
    }
}

impl SimFile {
    fn with<T>(&self, run: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = guard(&self.state);
        if state.generation != self.generation {
            return Err(power_was_cut());
        }
        run(&mut state)
    }

    fn change(&self, state: &mut State, change: Change) -> io::Result<()> {
        let full = state.is_full(&self.path);
        let node = state.disk.files.get(&self.id).ok_or_else(not_found)?;
        if full && change.end() > node.seen.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.perform(Op::Change(self.id, change));
        Ok(())
    }
}

fn index(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

impl VfsFile for SimFile {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.with(|state| {
            state.checked(&self.path)?;
            let node = state.disk.files.get(&self.id).ok_or_else(not_found)?;
            let start = index(offset);
            let bytes = node.seen.get(start..start.saturating_add(buffer.len()));
            buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let is_whole = |n: usize| n.is_multiple_of(BLOCK_BYTES);
        if self.whole_blocks && !(is_whole(bytes.len()) && is_whole(index(offset))) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.with(|state| {
            let fault = state.call(&self.path, CallKind::Write);
            let kept = if fault.is_some() { bytes.len() / 2 } else { bytes.len() };
            let written = Bytes::copy_from_slice(bytes.get(..kept).unwrap_or_default());
            self.change(state, Change::Write { offset: index(offset), bytes: written })?;
            fault.map_or(Ok(()), Err)
        })
    }

    fn sync_data_from(&self, site: SyncSite) -> io::Result<()> {
        self.with(|state| {
            state.syncs += 1;
            if let Some(error) = state.call(&self.path, CallKind::Sync) {
                state.perform(Op::Forget(self.id));
                return Err(error);
            }
            state.perform(Op::SyncFile(self.id, site));
            Ok(())
        })
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.with(|state| {
            state.checked(&self.path)?;
            self.change(state, Change::SetLen(index(bytes)))
        })
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        if self.len()? < bytes {
            return self.set_len(bytes);
        }
        // What is not allocated yet looks like what is: on a full disk there is no room for either.
        self.with(|state| if state.is_full(&self.path) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) })
    }

    fn len(&self) -> io::Result<u64> {
        self.with(|state| {
            state.checked(&self.path)?;
            state.disk.files.get(&self.id).map(|node| node.seen.len() as u64).ok_or_else(not_found)
        })
    }
}

impl Vfs for SimVfs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<SharedFile> {
        let mut state = self.running()?;
        state.checked(path)?;
        let existing = state.file(path);
        let id = match mode {
            OpenMode::Read | OpenMode::ReadWrite | OpenMode::Blocks => existing?,
            OpenMode::Create | OpenMode::CreatePrivate => {
                if state.is_full(path) {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                existing.unwrap_or_else(|_| {
                    state.disk.next_file += 1;
                    let id = state.disk.next_file;
                    state.perform(Op::Names(NameChange::Add(path.to_owned(), Name::File(id))));
                    id
                })
            }
        };
        if matches!(mode, OpenMode::Create | OpenMode::CreatePrivate) {
            state.perform(Op::Change(id, Change::SetLen(0)));
        }
        let generation = state.generation;
        drop(state);
        let whole_blocks = mode == OpenMode::Blocks;
        Ok(Arc::new(SimFile { state: Arc::clone(&self.state), id, path: path.to_owned(), generation, whole_blocks }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.running()?;
        state.checked(path)?;
        let mut missing: Vec<&Path> =
            path.ancestors().filter(|dir| dir.parent().is_some() && !state.disk.names.contains_key(*dir)).collect();
        missing.reverse();
        for dir in missing {
            state.perform(Op::Names(NameChange::Add(dir.to_owned(), Name::Dir)));
        }
        Ok(())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirName>> {
        let mut state = self.running()?;
        state.checked(path)?;
        if state.disk.names.get(path) != Some(&Name::Dir) && path.parent().is_some() {
            return Err(not_found());
        }
        let inside = state.disk.names.iter().filter(|(child, _)| child.parent() == Some(path));
        let name = |child: &Path| child.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut names: Vec<DirName> = inside
            .filter_map(|(child, kind)| name(child).map(|name| DirName { name, is_dir: *kind == Name::Dir }))
            .collect();
        names.sort();
        Ok(names)
    }

    fn sync_dir_from(&self, path: &Path, site: SyncSite) -> io::Result<()> {
        let mut state = self.running()?;
        if let Some(error) = state.call(path, CallKind::Sync) {
            return Err(error);
        }
        state.perform(Op::SyncDir(path.to_owned(), site));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.running()?;
        state.checked(from)?;
        let name = Name::File(state.file(from)?);
        state.perform(Op::Names(NameChange::Rename { from: from.to_owned(), to: to.to_owned(), name }));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.running()?;
        state.checked(path)?;
        state.file(path)?;
        state.perform(Op::Names(NameChange::Remove(path.to_owned())));
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.running()?;
        state.checked(path)?;
        if state.disk.names.keys().any(|name| name.parent() == Some(path)) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        state.perform(Op::Names(NameChange::Remove(path.to_owned())));
        Ok(())
    }

    fn lock(&self, path: &Path, owner: &str) -> io::Result<Option<Box<dyn VfsLock>>> {
        let mut state = self.running()?;
        state.checked(path)?;
        if !state.locks.insert(path.to_owned()) {
            return Ok(None);
        }
        // What a lock file says is for people; it is never read after a crash, so it is durable at once.
        state.put(path, owner.as_bytes().to_vec());
        let generation = state.generation;
        drop(state);
        Ok(Some(Box::new(SimLock { state: Arc::clone(&self.state), path: path.to_owned(), generation })))
    }
}

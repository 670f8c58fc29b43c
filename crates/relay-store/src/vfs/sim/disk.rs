//! What is on a simulated disk: for every file and name what a reader sees, what a power cut leaves, and what is in between.

use crate::vfs::SyncSite;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One file.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) seen: Arc<Vec<u8>>,
    pub(super) durable: Arc<Vec<u8>>,
    /// Unsynced changes in order.
    pub(super) pending: Vec<Change>,
}

/// A change of a file's bytes.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Write { offset: usize, bytes: Bytes },
    SetLen(usize),
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    File(u64),
    Dir,
}

/// Names by path.
pub(super) type Names = BTreeMap<PathBuf, Name>;

/// A change of the names in a directory. A rename survives whole or not at all.
#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Add(PathBuf, Name),
    Remove(PathBuf),
    Rename { from: PathBuf, to: PathBuf, name: Name },
}

/// Everything that changes a disk, as it is journaled and played again.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Change(u64, Change),
    Names(NameChange),
    SyncFile(u64, SyncSite),
    SyncDir(PathBuf, SyncSite),
    /// A failed sync: kernels drop the dirty pages from their books, and the next sync claims success.
    Forget(u64),
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    pub(super) files: BTreeMap<u64, Node>,
    pub(super) names: Names,
    pub(super) durable_names: Names,
    /// Unsynced changes of names in order.
    pub(super) pending_names: Vec<NameChange>,
    pub(super) next_file: u64,
    /// A disk whose power stays on keeps no books of what is durable: twice as fast.
    pub(super) keeps_no_books: bool,
}

impl Change {
    pub(super) fn end(&self) -> usize {
        match self {
            Self::SetLen(len) => *len,
            Self::Write { offset, bytes } => offset + bytes.len(),
        }
    }

    pub(super) fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::SetLen(len) => bytes.resize(*len, 0),
            Self::Write { offset, bytes: written } => {
                let end = self.end();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                if let Some(target) = bytes.get_mut(*offset..end) {
                    target.copy_from_slice(written);
                }
            }
        }
    }
}

impl NameChange {
    pub(super) fn apply(&self, names: &mut Names) {
        match self {
            Self::Add(path, name) => {
                names.insert(path.clone(), *name);
            }
            Self::Remove(path) => {
                names.remove(path);
            }
            Self::Rename { from, to, name } => {
                names.remove(from);
                names.insert(to.clone(), *name);
            }
        }
    }

    fn is_in(&self, dir: &Path) -> bool {
        let inside = |path: &PathBuf| path.parent() == Some(dir);
        match self {
            Self::Add(path, _) | Self::Remove(path) => inside(path),
            Self::Rename { from, to, .. } => inside(from) || inside(to),
        }
    }
}

impl Disk {
    /// Does what an op says; syncs at sites that are turned off do nothing.
    pub(super) fn perform(&mut self, op: &Op, is_off: &dyn Fn(SyncSite) -> bool) {
        match op {
            Op::Change(id, change) => {
                let node = self.files.entry(*id).or_default();
                change.apply(Arc::make_mut(&mut node.seen));
                if !self.keeps_no_books {
                    node.pending.push(change.clone());
                }
            }
            Op::Names(change) => {
                if let NameChange::Add(_, Name::File(id)) = change {
                    self.files.entry(*id).or_default();
                    self.next_file = self.next_file.max(*id);
                }
                change.apply(&mut self.names);
                if !self.keeps_no_books {
                    self.pending_names.push(change.clone());
                }
            }
            Op::SyncFile(id, site) if !is_off(site) => {
                let Some(node) = self.files.get_mut(id) else { return };
                for change in std::mem::take(&mut node.pending) {
                    change.apply(Arc::make_mut(&mut node.durable));
                }
            }
            Op::SyncDir(dir, site) if !is_off(site) => {
                let (now, later) =
                    std::mem::take(&mut self.pending_names).into_iter().partition(|change| change.is_in(dir));
                self.pending_names = later;
                let now: Vec<NameChange> = now;
                now.iter().for_each(|change| change.apply(&mut self.durable_names));
            }
            Op::SyncFile(..) | Op::SyncDir(..) => {}
            Op::Forget(id) => {
                if let Some(node) = self.files.get_mut(id) {
                    node.pending.clear();
                }
            }
        }
    }

    /// What is seen becomes what is durable, after `lose` decided what is left of everything unsynced.
    pub(super) fn cut_power(
        &mut self,
        mut lose: impl FnMut(&[Change], &mut Vec<u8>),
        lose_names: impl FnOnce(&[NameChange], &mut Names),
    ) {
        lose_names(&std::mem::take(&mut self.pending_names), &mut self.durable_names);
        let held = |path: &Path, names: &Names| {
            path.parent().is_none_or(|dir| dir.parent().is_none() || names.get(dir) == Some(&Name::Dir))
        };
        // A name in a directory whose own name was lost is lost with it.
        loop {
            let lost: Vec<PathBuf> =
                self.durable_names.keys().filter(|path| !held(path, &self.durable_names)).cloned().collect();
            if lost.is_empty() {
                break;
            }
            self.durable_names.retain(|path, _| !lost.contains(path));
        }
        self.names = self.durable_names.clone();
        let named: std::collections::BTreeSet<u64> =
            self.names.values().filter_map(|name| if let Name::File(id) = name { Some(*id) } else { None }).collect();
        self.files.retain(|id, _| named.contains(id));
        for node in self.files.values_mut() {
            if !node.pending.is_empty() {
                lose(&std::mem::take(&mut node.pending), Arc::make_mut(&mut node.durable));
            }
            node.seen = Arc::clone(&node.durable);
        }
    }
}

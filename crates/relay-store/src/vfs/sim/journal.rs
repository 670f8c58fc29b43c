//! Everything that happened to a disk since a moment, from which the disk of every crash since then is made.

use super::disk::{Change, Disk, NameChange, Op};
use super::loss::{self, Dice};
use super::{SimVfs, guard};
use crate::vfs::SyncSite;
use std::collections::BTreeMap;

/// A journal: the disk as it was, and every op since.
#[derive(Debug)]
pub struct Journal {
    base: Disk,
    ops: Vec<Op>,
}

/// A disk on the way through a journal; crash points are visited in order.
#[derive(Debug)]
pub struct Replay<'a> {
    journal: &'a Journal,
    disk: Disk,
    at: usize,
    off: Option<SyncSite>,
    all_off: bool,
}

impl SimVfs {
    /// Starts a journal of this disk; what an earlier one held is gone.
    pub fn start_journal(&self) {
        let mut state = guard(&self.state);
        state.journal = Some(Vec::new());
        state.journal_base = state.disk.clone();
    }

    /// Ops so far. Whatever was promised when this number was read must hold after every later crash.
    #[must_use]
    pub fn journal_len(&self) -> usize {
        guard(&self.state).journal.as_ref().map_or(0, Vec::len)
    }

    /// Ends the journal.
    #[must_use]
    pub fn end_journal(&self) -> Journal {
        let mut state = guard(&self.state);
        let ops = state.journal.take().unwrap_or_default();
        Journal { base: std::mem::take(&mut state.journal_base), ops }
    }
}

impl Journal {
    /// Number of ops: crash points are 0 to this.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// The ops in words, for whoever looks into a failure.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let words = |op: &Op| match op {
            Op::Change(id, Change::Write { offset, bytes }) => {
                format!("write file {id} at {offset}, {} bytes", bytes.len())
            }
            Op::Change(id, Change::SetLen(len)) => format!("cut file {id} to {len} bytes"),
            Op::Names(change) => format!("{change:?}"),
            Op::SyncFile(id, site) => format!("sync file {id} ({site})"),
            Op::SyncDir(dir, site) => format!("sync {} ({site})", dir.display()),
            Op::Forget(id) => format!("the sync of file {id} failed"),
        };
        self.ops.iter().map(words).collect()
    }

    /// The places that asked for a sync, and how often.
    #[must_use]
    pub fn sites(&self) -> BTreeMap<String, (SyncSite, u64)> {
        let mut sites = BTreeMap::new();
        for op in &self.ops {
            if let Op::SyncFile(_, site) | Op::SyncDir(_, site) = op {
                sites.entry(site.to_string()).or_insert((*site, 0)).1 += 1;
            }
        }
        sites
    }

    /// The moments just behind each sync that a site asked for.
    #[must_use]
    pub fn behind(&self, site: SyncSite) -> Vec<usize> {
        self.moments(1, |op| matches!(op, Op::SyncFile(_, of) | Op::SyncDir(_, of) if *of == site))
    }

    /// The moments just before a file was synced: what a kill leaves then is whole and not durable.
    #[must_use]
    pub fn before_syncs(&self) -> Vec<usize> {
        self.moments(0, |op| matches!(op, Op::SyncFile(..)))
    }

    /// The moments just behind a rename: what a kill leaves then has a new name that is not durable.
    #[must_use]
    pub fn behind_renames(&self) -> Vec<usize> {
        self.moments(1, |op| matches!(op, Op::Names(NameChange::Rename { .. })))
    }

    fn moments(&self, behind: usize, of: impl Fn(&Op) -> bool) -> Vec<usize> {
        self.ops.iter().enumerate().filter(|(_, op)| of(op)).map(|(at, _)| at + behind).collect()
    }

    /// Starts at the first moment, with every sync of one site turned off, or none.
    #[must_use]
    pub fn replay(&self, off: Option<SyncSite>) -> Replay<'_> {
        Replay { journal: self, disk: self.base.clone(), at: 0, off, all_off: false }
    }

    /// Starts at the first moment on a disk that ignores every sync: a control.
    #[must_use]
    pub fn replay_without_syncs(&self) -> Replay<'_> {
        Replay { journal: self, disk: self.base.clone(), at: 0, off: None, all_off: true }
    }
}

impl Replay<'_> {
    /// Goes on to a crash point; going back is not possible.
    pub fn advance(&mut self, to: usize) {
        let (off, all_off) = (self.off, self.all_off);
        let is_off = |site: SyncSite| all_off || off == Some(site);
        let ops = self.journal.ops.get(self.at..to.min(self.journal.ops.len())).unwrap_or_default();
        for op in ops {
            self.disk.perform(op, &is_off);
        }
        self.at += ops.len();
    }

    /// The disk after the power was cut here, and a number that two states of this point share only when they are the same.
    #[must_use]
    pub fn power_cut(&self, seed: u64) -> (SimVfs, u64) {
        let mut disk = self.disk.clone();
        let state = loss::cut(&mut disk, &mut Dice::new(seed));
        (SimVfs::of(disk), state)
    }

    /// The disk after the process was killed here: nothing is lost, and what was unsynced still is.
    #[must_use]
    pub fn kill(&self) -> SimVfs {
        SimVfs::of(self.disk.clone())
    }
}

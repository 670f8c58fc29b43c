//! How spaces are let go: which, when, and into which file their images go.

use super::COLD_FILE;
use super::image;
use super::spaces::{Cold, Found, Slot, Spaces, lock};
use super::state_file::{Chunk, ChunkWriter};
use crate::space::{Space, SpaceState};
use crate::vfs::{OpenMode, SharedFile, Vfs};
use relay_proto::ids::SpaceId;
use relay_proto::wire::Writer;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Rows in segments that are not sealed with which a space is still let go: its image has them all.
const OPEN_ROWS_MAX: usize = 1024;
/// Bytes of the file of this run beyond which nothing more is let go into it.
const COLD_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// The list of spaces in memory gives room back when it has more than so many times what it holds.
const RESIDENTS_ROOM_FACTOR: usize = 4;

/// How many spaces stay in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Residency {
    /// Spaces in memory; above it those used longest ago are let go.
    pub(crate) spaces_max: usize,
    /// Looks of the keeper without a use after which a space is let go.
    pub(crate) idle_looks: u32,
}

impl Spaces {
    /// The image of a space that is quiet, whose numbers are known from then on.
    pub(super) fn encode(&self, state: &SpaceState) -> Option<Writer> {
        let image = image::encode(state)?;
        state.index.files().for_each(|file| self.files.note(file));
        Some(image)
    }

    /// Writes an image into the file of this run, unless the one that was written last says the same.
    pub(super) fn keep(&self, held: Option<Chunk>, image: &[u8]) -> io::Result<Chunk> {
        if let Some(same) = held.filter(|held| held.holds(image)) {
            return Ok(same);
        }
        let mut slot = lock(&self.cold_file);
        let file = match &mut *slot {
            Some(file) => file,
            None => slot.insert(ChunkWriter::new(make_file(&*self.parts.vfs, &self.parts.data_dir)?)),
        };
        if file.bytes() > COLD_FILE_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let chunk = file.chunk(image)?;
        if !file.is_flushed() {
            file.flush()?;
        }
        self.cold_file_bytes.store(file.bytes(), Ordering::Relaxed);
        Ok(chunk)
    }

    /// Bytes of the file of this run.
    pub(crate) fn cold_file_bytes(&self) -> u64 {
        self.cold_file_bytes.load(Ordering::Relaxed)
    }

    /// What is let go from now on goes into a new file; the old one goes when no space's image is in it any more.
    pub(crate) fn renew_cold_file(&self) {
        *lock(&self.cold_file) = None;
        self.cold_file_bytes.store(0, Ordering::Relaxed);
    }

    /// One look at the spaces in memory: lets those go that were not used for long, and more while there are too many.
    pub(crate) fn let_go(&self, now_ms: u64) {
        let Residency { spaces_max, idle_looks } = self.parts.residency;
        self.look(idle_looks.max(1), usize::MAX, 1, now_ms);
        for idle in [idle_looks / 8, 1, 0] {
            let resident = self.counters.resident.load(Ordering::Relaxed);
            if resident <= spaces_max {
                return;
            }
            // A few more than too many, so that the next one loaded is not one too many at once.
            self.look(idle, resident - spaces_max + spaces_max / 16, 0, now_ms);
        }
    }

    /// Whether more spaces are in memory than should be.
    pub(crate) fn is_over_limit(&self) -> bool {
        self.counters.resident.load(Ordering::Relaxed) > self.parts.residency.spaces_max
    }

    /// What is in memory counts as not used for long.
    pub(crate) fn call_idle(&self) {
        for seen in &mut *lock(&self.residents) {
            if let Found::Resident(space) = self.find(seen.id) {
                (seen.uses, seen.idle_looks) = (space.uses(), self.parts.residency.idle_looks);
            }
        }
    }

    /// Looks at each space once and lets up to `count` go that were not used for `idle_looks` looks.
    fn look(&self, idle_looks: u32, mut count: usize, looks: u32, now_ms: u64) {
        let all = lock(&self.residents).len();
        for _ in 0..all {
            if count == 0 {
                return;
            }
            let Some(mut seen) = lock(&self.residents).pop_front() else { break };
            let Found::Resident(space) = self.find(seen.id) else { continue };
            let uses = space.uses();
            seen.idle_looks = if uses == seen.uses { seen.idle_looks.saturating_add(looks) } else { 0 };
            seen.uses = uses;
            if seen.idle_looks >= idle_looks && self.let_one_go(space, now_ms) {
                count -= 1;
            } else {
                lock(&self.residents).push_back(seen);
            }
        }
        let mut residents = lock(&self.residents);
        let left = residents.len();
        if residents.capacity() > RESIDENTS_ROOM_FACTOR * left {
            residents.shrink_to(2 * left);
        }
    }

    /// Lets a space go unless something is under way in it.
    fn let_one_go(&self, space: Arc<Space>, now_ms: u64) -> bool {
        let Ok(compaction) = self.compactions.try_lock() else { return false };
        let (id, uses, floor, held, image) = {
            let state = space.peek();
            if state.index.open().len() > OPEN_ROWS_MAX || state.ledger.is_holding(now_ms) {
                return false;
            }
            let Some(image) = self.encode(&state) else { return false };
            (space.id, space.uses(), state.ledger.floor(), state.image.clone(), image)
        };
        drop(space);
        // Without the space's lock: a write may wait for the disk.
        let Ok(chunk) = self.keep(held, image.as_slice()) else {
            self.counters.let_go_failures.fetch_add(1, Ordering::Relaxed);
            return false;
        };
        let mut slots = self.write();
        let Some(slot) = slots.get_mut(&id) else { return false };
        // Whoever has it in hand took it under this lock, so nobody takes it up now.
        let is_free = match slot {
            Slot::Resident(now) => Arc::get_mut(now).is_some_and(|now| now.uses() == uses && !now.is_gone()),
            Slot::Cold(_) => false,
        };
        if !is_free {
            return false;
        }
        let cold = Cold { chunk, as_of: *compaction, floor, due_ms: 0 };
        let gone = std::mem::replace(slot, Slot::Cold(cold));
        drop(slots);
        drop(gone);
        self.counters.resident.fetch_sub(1, Ordering::Relaxed);
        self.counters.let_go.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Those in memory.
    pub(crate) fn residents(&self) -> Vec<SpaceId> {
        lock(&self.residents).iter().map(|seen| seen.id).collect()
    }

    /// After the replay of a segment: lets those go that are too many; returns them.
    pub(crate) fn let_go_of_replayed(&self) -> Vec<SpaceId> {
        let ids = self.residents();
        let surplus = ids.len().saturating_sub(self.parts.residency.spaces_max);
        let mut gone = Vec::new();
        for id in ids.into_iter().take(surplus) {
            let Found::Resident(space) = self.find(id) else { continue };
            space.lock().finish_replay();
            if self.let_one_go(space, 0) {
                gone.push(id);
            }
        }
        if !gone.is_empty() {
            lock(&self.residents).retain(|seen| matches!(self.read().get(&seen.id), Some(Slot::Resident(_))));
        }
        gone
    }
}

/// A file without a name: a kill leaves nothing of it.
fn make_file(vfs: &dyn Vfs, data_dir: &Path) -> io::Result<SharedFile> {
    let path = data_dir.join(COLD_FILE);
    let file = vfs.open(&path, OpenMode::Create)?;
    vfs.remove(&path)?;
    Ok(file)
}

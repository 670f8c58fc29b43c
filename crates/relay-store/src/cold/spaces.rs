//! Every space of a store by its id, in memory or not, and the way from one to the other.

use super::Residency;
use super::image::{self, Entries, ImageHead};
use super::segment_files::SegmentFiles;
use super::state_file::{Chunk, ChunkWriter};
use crate::checkpoint;
use crate::damaged_read::Unreadable;
use crate::index::SegmentFile;
use crate::space::{Space, SpaceState};
use crate::vfs::Vfs;
use relay_proto::ids::SpaceId;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Ids looked at under one lock.
const PAGE_SPACES: usize = 4096;

/// Whether and where a space is.
pub(crate) enum Found {
    Unknown,
    Cold,
    Resident(Arc<Space>),
}

/// A space of a checkpoint.
pub(crate) type Kept = (Chunk, ImageHead);

#[derive(Clone, Debug)]
pub(super) struct Cold {
    pub(super) chunk: Chunk,
    /// The newest compaction when the image was written: what its segment numbers mean.
    pub(super) as_of: u32,
    pub(super) floor: u64,
    /// Nothing of it is to be forgotten before this time, Unix ms.
    pub(super) due_ms: u64,
}

#[derive(Debug)]
pub(super) enum Slot {
    Resident(Arc<Space>),
    Cold(Cold),
}

impl Slot {
    /// Whether it is being erased or imported; such a space stays in memory until then.
    fn is_gone(&self) -> bool {
        matches!(self, Self::Resident(space) if space.is_gone())
    }
}

/// A space in memory as the keeper saw it last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) id: SpaceId,
    pub(super) uses: u32,
    pub(super) idle_looks: u32,
}

/// What is counted; see [`relay_core::store::StoreStats`].
#[derive(Debug, Default)]
pub(crate) struct ColdCounters {
    pub(crate) resident: AtomicUsize,
    pub(crate) loads: AtomicU64,
    pub(crate) load_failures: AtomicU64,
    pub(crate) let_go: AtomicU64,
    pub(crate) let_go_failures: AtomicU64,
}

/// What a [`Spaces`] is made of.
#[derive(Clone, Debug)]
pub(crate) struct SpacesParts {
    pub(crate) vfs: Arc<dyn Vfs>,
    pub(crate) data_dir: PathBuf,
    pub(crate) residency: Residency,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Spaces {
    pub(super) parts: SpacesParts,
    slots: RwLock<BTreeMap<SpaceId, Slot>>,
    /// Those in memory, the next to be looked at first.
    pub(super) residents: Mutex<VecDeque<Seen>>,
    pub(super) files: SegmentFiles,
    /// Held while a compaction exchanges rows: nothing is let go then.
    pub(super) compactions: Mutex<u32>,
    /// The file of this run, once it is needed.
    pub(super) cold_file: Mutex<Option<ChunkWriter>>,
    pub(super) cold_file_bytes: AtomicU64,
    pub(super) is_damaged: AtomicBool,
    /// The last space whose facts were asked for while it was cold, and its image then.
    judged: Mutex<Option<(SpaceId, Chunk)>>,
    pub(crate) counters: ColdCounters,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Spaces {
    /// No spaces.
    pub(crate) fn new(parts: SpacesParts) -> Self {
        Self {
            parts,
            slots: RwLock::default(),
            residents: Mutex::default(),
            files: SegmentFiles::default(),
            compactions: Mutex::default(),
            cold_file: Mutex::default(),
            cold_file_bytes: AtomicU64::new(0),
            is_damaged: AtomicBool::new(false),
            judged: Mutex::default(),
            counters: ColdCounters::default(),
        }
    }

    /// The spaces of a checkpoint; `files` are the segments of the log. Those of which the named segments do not hold every
    /// entry are in memory, for a replay. `None` when an image is none.
    pub(crate) fn of_checkpoint(
        parts: SpacesParts,
        kept: Vec<Kept>,
        files: &[Arc<SegmentFile>],
        is_named: impl Fn(u64) -> bool,
    ) -> Option<Self> {
        let spaces = Self::new(parts);
        files.iter().for_each(|file| spaces.files.note(file));
        let mut incomplete = Vec::new();
        let slots = kept.into_iter().map(|(chunk, head)| {
            if !head.is_complete {
                incomplete.push(head.space);
            }
            (head.space, Slot::Cold(Cold { chunk, as_of: 0, floor: head.floor, due_ms: 0 }))
        });
        *spaces.write() = slots.collect();
        let sealed = |number: u64| spaces.files.find(number, 0).filter(|_| is_named(number));
        for id in incomplete {
            let Some(Slot::Cold(cold)) = spaces.write().remove(&id) else { return None };
            let space = image::decode(&cold.chunk.read().ok()?, Entries::KnownSealed, sealed)?;
            spaces.insert(Arc::new(space));
        }
        Some(spaces)
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, BTreeMap<SpaceId, Slot>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<SpaceId, Slot>> {
        self.slots.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.read().len()
    }

    /// Whether and where a space is.
    pub(crate) fn find(&self, id: SpaceId) -> Found {
        match self.read().get(&id) {
            None => Found::Unknown,
            Some(Slot::Cold(_)) => Found::Cold,
            Some(Slot::Resident(space)) => Found::Resident(Arc::clone(space)),
        }
    }

    /// Up to `count` ids above `after`, ascending.
    pub(crate) fn page(&self, after: Option<SpaceId>, count: usize) -> Vec<SpaceId> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let slots = self.read();
        let present = slots.range((start, Bound::Unbounded)).filter(|(_, slot)| !slot.is_gone());
        present.map(|(id, _)| *id).take(count).collect()
    }

    /// The same of what a checkpoint has to have: what is being imported, too.
    pub(crate) fn page_kept(&self, after: Option<SpaceId>, count: usize) -> Vec<SpaceId> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let slots = self.read();
        let is_kept = |slot: &Slot| !slot.is_gone() || matches!(slot, Slot::Resident(space) if space.is_arriving());
        let kept = slots.range((start, Bound::Unbounded)).filter(|(_, slot)| is_kept(slot));
        kept.map(|(id, _)| *id).take(count).collect()
    }

    /// The same of those that are in memory or due at this time.
    pub(crate) fn page_due(&self, mut after: Option<SpaceId>, count: usize, now_ms: u64) -> Vec<SpaceId> {
        let mut due = Vec::new();
        loop {
            let start = after.map_or(Bound::Unbounded, Bound::Excluded);
            let mut looked = 0;
            for (id, slot) in self.read().range((start, Bound::Unbounded)).take(PAGE_SPACES) {
                looked += 1;
                after = Some(*id);
                let is_due = !matches!(slot, Slot::Cold(cold) if cold.due_ms > now_ms);
                if is_due && !slot.is_gone() {
                    due.push(*id);
                    if due.len() >= count {
                        return due;
                    }
                }
            }
            if looked < PAGE_SPACES {
                return due;
            }
        }
    }

    /// The lowest seq held of a space, as far as it is durable; `None` when it is not known.
    pub(crate) fn floor(&self, id: SpaceId) -> Option<u64> {
        let space = match self.read().get(&id)? {
            Slot::Cold(cold) => return Some(cold.floor),
            Slot::Resident(space) => Arc::clone(space),
        };
        Some(space.peek().shown.floor)
    }

    /// Adds a space that is in memory.
    pub(crate) fn insert(&self, space: Arc<Space>) {
        let id = space.id;
        self.write().insert(id, Slot::Resident(space));
        self.note_resident(id);
    }

    /// Takes a space away that was erased.
    pub(crate) fn remove(&self, id: SpaceId) {
        if matches!(self.write().remove(&id), Some(Slot::Resident(_))) {
            lock(&self.residents).retain(|seen| seen.id != id);
            self.counters.resident.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn note_resident(&self, id: SpaceId) {
        lock(&self.residents).push_back(Seen { id, uses: 0, idle_looks: 0 });
        self.counters.resident.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn cold(&self, id: SpaceId) -> Option<Result<Cold, Arc<Space>>> {
        Some(match self.read().get(&id)? {
            Slot::Cold(cold) => Ok(cold.clone()),
            Slot::Resident(space) => Err(Arc::clone(space)),
        })
    }

    /// Reads an image; `Ok(None)` when it was replaced meanwhile.
    fn load_image(&self, id: SpaceId, cold: &Cold) -> Result<Option<Space>, Unreadable> {
        let file = |number| self.files.find(number, cold.as_of);
        let read = cold.chunk.read();
        let space = read.as_ref().ok().and_then(|body| image::decode(body, Entries::All, file));
        if let Some(space) = space.filter(|space| space.id == id) {
            self.counters.loads.fetch_add(1, Ordering::Relaxed);
            space.lock().image = Some(cold.chunk.clone());
            return Ok(Some(space));
        }
        // What its numbers mean is let go of once it was replaced.
        if !self.is_still(id, &cold.chunk) {
            return Ok(None);
        }
        self.note_damage();
        Err(Unreadable::state())
    }

    pub(super) fn is_still(&self, id: SpaceId, chunk: &Chunk) -> bool {
        matches!(self.read().get(&id), Some(Slot::Cold(now)) if now.chunk.is(chunk))
    }

    /// An image is damaged: the next start must not believe the checkpoint, and replays the log.
    pub(super) fn note_damage(&self) {
        self.counters.load_failures.fetch_add(1, Ordering::Relaxed);
        if !self.is_damaged.swap(true, Ordering::AcqRel) {
            // One that stays is read at the next start, which checks it whole.
            let _stays = checkpoint::remove(&*self.parts.vfs, &self.parts.data_dir);
        }
    }

    /// Whether an image could not be read: no checkpoint can be made any more.
    pub(crate) fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Acquire)
    }

    /// A space in memory, loaded if need be; `None` when it is not known.
    pub(crate) fn load(&self, id: SpaceId) -> Result<Option<Arc<Space>>, Unreadable> {
        loop {
            let cold = match self.cold(id) {
                None => return Ok(None),
                Some(Err(space)) => return Ok(Some(space)),
                Some(Ok(cold)) => cold,
            };
            let Some(space) = self.load_image(id, &cold)? else { continue };
            let space = Arc::new(space);
            if self.put_in_memory(id, &cold.chunk, &space) {
                return Ok(Some(space));
            }
        }
    }

    fn put_in_memory(&self, id: SpaceId, chunk: &Chunk, space: &Arc<Space>) -> bool {
        let mut slots = self.write();
        let slot = slots.get_mut(&id).filter(|slot| matches!(slot, Slot::Cold(now) if now.chunk.is(chunk)));
        let Some(slot) = slot else { return false };
        *slot = Slot::Resident(Arc::clone(space));
        drop(slots);
        // What its facts said may change without its image, by an ack.
        lock(&self.judged).take_if(|(judged, _)| *judged == id);
        self.note_resident(id);
        true
    }

    /// A space to be looked at: one that is not in memory stays so, and what is returned is a copy.
    pub(crate) fn borrow(&self, id: SpaceId) -> Result<Option<Arc<Space>>, Unreadable> {
        loop {
            let cold = match self.cold(id) {
                None => return Ok(None),
                Some(Err(space)) => return Ok(Some(space)),
                Some(Ok(cold)) => cold,
            };
            if let Some(space) = self.load_image(id, &cold)? {
                return Ok(Some(Arc::new(space)));
            }
        }
    }

    /// Changes a space where it is. `change` may run more than once, each time on the state as it is then. In a compaction its
    /// number is given, for what the segment numbers mean behind the change.
    pub(crate) fn edit<T>(
        &self,
        id: SpaceId,
        compaction: Option<u32>,
        change: impl Fn(&mut SpaceState) -> T,
    ) -> Result<Option<T>, Unreadable> {
        loop {
            let cold = match self.cold(id) {
                None => return Ok(None),
                // In hand, so it is not let go meanwhile.
                Some(Err(space)) => return Ok(Some(change(&mut space.lock()))),
                Some(Ok(cold)) => cold,
            };
            let Some(space) = self.load_image(id, &cold)? else { continue };
            let mut state = space.lock();
            let changed = change(&mut state);
            let image = self.encode(&state).and_then(|image| self.keep(None, image.as_slice()).ok());
            let floor = state.ledger.floor();
            drop(state);
            let Some(chunk) = image else {
                if self.put_in_memory(id, &cold.chunk, &Arc::new(space)) {
                    return Ok(Some(changed));
                }
                continue;
            };
            let now = Cold { chunk, as_of: compaction.unwrap_or(cold.as_of), floor, due_ms: cold.due_ms };
            let mut slots = self.write();
            if let Some(slot) = slots.get_mut(&id)
                && matches!(slot, Slot::Cold(held) if held.chunk.is(&cold.chunk))
            {
                *slot = Slot::Cold(now);
                return Ok(Some(changed));
            }
        }
    }

    /// Something about a space changed that is not in its state: whether anything is to be forgotten is judged anew.
    /// Returns whether it is known.
    pub(crate) fn stir(&self, id: SpaceId) -> bool {
        let is_due = match self.read().get(&id) {
            None => return false,
            Some(Slot::Cold(cold)) => cold.due_ms == 0,
            Some(Slot::Resident(space)) if space.is_gone() => return false,
            Some(Slot::Resident(_)) => true,
        };
        if !is_due && let Some(Slot::Cold(cold)) = self.write().get_mut(&id) {
            cold.due_ms = 0;
        }
        true
    }

    /// Remembers which image of a cold space is judged next.
    pub(crate) fn judging(&self, id: SpaceId) {
        let chunk = self.cold(id).and_then(Result::ok).map(|cold| cold.chunk);
        *lock(&self.judged) = chunk.map(|chunk| (id, chunk));
    }

    /// Nothing of a cold space is to be forgotten before this time, unless it changed since its facts were asked for.
    pub(crate) fn judged(&self, id: SpaceId, due_ms: u64) {
        let Some((_, chunk)) = lock(&self.judged).take().filter(|(judged, _)| *judged == id) else { return };
        if let Some(Slot::Cold(cold)) = self.write().get_mut(&id)
            && cold.chunk.is(&chunk)
        {
            cold.due_ms = due_ms;
        }
    }
}

//! A store without threads: a simulator decides when each part goes on, so that one seed gives one history.

use super::EmbeddedStore;
use crate::committer::Committer;
use crate::data_dir::DataDir;
use crate::queue::Call;
use crate::workers::Workers;
use relay_core::store::Store;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A part of the store that has a thread of its own otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Commits one group of what waits.
    Committer,
    /// Loads one space, or answers one read.
    Readers,
    /// Does one call on snapshots.
    Snapshots,
    /// Does one call on blobs.
    Blobs,
    /// Makes a segment ahead, or seals a full one.
    Background,
    /// Writes the metadata that waits.
    Metadata,
    /// Gives back what is forgotten.
    Reclaim,
    /// Does one step of a purge or an erasure.
    Eraser,
    /// Lets spaces go from memory.
    Keeper,
}

/// Every part.
pub const PARTS: [Part; 9] = [
    Part::Committer,
    Part::Readers,
    Part::Snapshots,
    Part::Blobs,
    Part::Background,
    Part::Metadata,
    Part::Reclaim,
    Part::Eraser,
    Part::Keeper,
];

struct Held {
    committer: Committer,
    /// Holds the directory's lock.
    _dir: DataDir,
}

/// What the threads would own.
pub(super) struct ByHand {
    background: Arc<Workers>,
    held: Mutex<Option<Held>>,
}

impl ByHand {
    pub(super) fn new(committer: Committer, background: Arc<Workers>, dir: DataDir) -> Self {
        Self { background, held: Mutex::new(Some(Held { committer, _dir: dir })) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same steps as of a store with threads.
    pub(super) fn shut_down(&self, store: &EmbeddedStore) {
        let Some(mut held) = self.lock().take() else { return };
        let _refused = store.queue.add(Call::Close { done: Box::new(|_| ()) });
        while held.committer.turn() {}
        store.eraser.stop();
        store.loads.stop();
        store.snapshot_thread.stop();
        store.blobs.stop();
        store.readers.stop();
        self.background.stop();
        store.reclaimer.last_checkpoint(&store.shared);
        let _written_with_the_next_start = store.shared.meta.flush();
        store.shared.meta.close();
        store.shared.close();
    }
}

impl EmbeddedStore {
    /// Lets one part go on by one step; false when it had nothing to do, or when the store has threads.
    pub fn turn(&self, part: Part) -> bool {
        let Some(by_hand) = &self.by_hand else { return false };
        match part {
            Part::Committer => by_hand.lock().as_mut().is_some_and(|held| held.committer.turn()),
            Part::Readers => self.loads.turn() || self.readers.turn(),
            Part::Snapshots => self.snapshot_thread.turn(),
            Part::Blobs => self.blobs.turn(),
            Part::Background => by_hand.background.turn(),
            Part::Metadata => {
                let _written_with_the_next_flush = self.shared.meta.flush();
                false
            }
            Part::Reclaim => {
                self.eraser.look();
                self.reclaimer.expire(&self.shared);
                self.reclaim().compactions > 0
            }
            // One that waits for a segment to be sealed brings that about.
            Part::Eraser => self.eraser.turn() || (self.eraser.seals() && by_hand.background.turn()),
            Part::Keeper => {
                let before = self.stats().spaces_let_go;
                self.shared.keeper.look(&self.shared);
                self.stats().spaces_let_go > before
            }
        }
    }

    /// Lets everything that answers calls go on until nothing waits.
    pub fn settle(&self) {
        let answering = [Part::Committer, Part::Readers, Part::Snapshots, Part::Blobs, Part::Eraser];
        while answering.map(|part| self.turn(part)).contains(&true) {}
    }

    /// Ends a store as a killed process does: nothing more is written, no mark of a clean end. Its disk must be dead already.
    pub fn abandon(self) {
        if let Some(by_hand) = &self.by_hand {
            by_hand.lock().take();
        }
    }
}

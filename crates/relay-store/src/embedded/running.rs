//! The threads of a store, and their orderly end.

use super::EmbeddedStore;
use crate::data_dir::DataDir;
use crate::queue::Call;
use crate::workers::Workers;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

/// What runs, and what is held while it does.
pub(super) struct Running {
    pub(super) committer: JoinHandle<()>,
    pub(super) meta_thread: JoinHandle<()>,
    pub(super) reclaim_thread: JoinHandle<()>,
    pub(super) cold_thread: JoinHandle<()>,
    pub(super) background: Arc<Workers>,
    pub(super) dir: DataDir,
}

impl EmbeddedStore {
    /// Commits what waits, marks a clean end, stops the threads, lets the directory go. Does nothing the second time.
    pub(super) fn shut_down(&self) {
        #[cfg(feature = "testing")]
        if let Some(by_hand) = &self.by_hand {
            return by_hand.shut_down(self);
        }
        let Some(running) = self.running.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        let (ended, wait) = sync_channel(1);
        let done = Box::new(move |result: Result<(), _>| {
            // Nobody waits when the last owner is one of the committer's own completions.
            let _unwanted = ended.send(result.is_ok());
        });
        // A compaction waits for spaces to be quiet, which they become without it.
        self.reclaimer.stop();
        let _panicked = running.reclaim_thread.join();
        self.shared.keeper.stop();
        let _panicked = running.cold_thread.join();
        let on_committer = std::thread::current().id() == running.committer.thread().id();
        if on_committer {
            // It cannot wait for itself: it goes on after this, and must not write once the directory is let go.
            self.shared.close();
        }
        let queued = self.queue.add(Call::Close { done }).is_none();
        if queued && !on_committer {
            let _marked = wait.recv();
            let _panicked = running.committer.join();
        }
        self.eraser.stop();
        self.loads.stop();
        self.snapshot_thread.stop();
        self.blobs.stop();
        self.readers.stop();
        running.background.stop();
        if !on_committer {
            self.reclaimer.last_checkpoint(&self.shared);
        }
        self.shared.meta.stop();
        let _panicked = running.meta_thread.join();
        self.shared.meta.close();
        self.shared.close();
        drop(running.dir);
    }
}

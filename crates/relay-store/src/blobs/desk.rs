//! The threads that work on blobs: those that write apart from those that only read, so that a slow sync holds up no reader.

use super::Blobs;
use crate::embedded::workers;
use crate::limits::StoreLimits;
use crate::open::OpenError;
use crate::shared::Shared;
use crate::workers::Workers;
use relay_core::blobs::{BlobCompletion, BlobError, BlobFacts, BlobStats};
use relay_core::store::StoreError;
use relay_proto::ids::{BlobId, SpaceId};
use std::sync::Arc;

/// See the module.
#[derive(Clone)]
pub(crate) struct BlobDesk {
    blobs: Arc<Blobs>,
    writers: Arc<Workers>,
    readers: Arc<Workers>,
}

impl BlobDesk {
    pub(crate) fn open(shared: Arc<Shared>, limits: &StoreLimits, threads: usize) -> Result<Self, OpenError> {
        let waiting_max = limits.blob_calls_waiting_max;
        Ok(Self {
            blobs: Arc::new(Blobs::new(shared, limits.blobs)),
            writers: workers("relay-store-blobw", threads, waiting_max)?,
            readers: workers("relay-store-blobr", threads, waiting_max)?,
        })
    }

    pub(super) fn write<T: 'static>(
        &self,
        done: BlobCompletion<T>,
        run: impl FnOnce(&Blobs) -> Result<T, BlobError> + Send + 'static,
    ) {
        let blobs = Arc::clone(&self.blobs);
        self.writers.submit(Box::new(move |may_run| done(may_run.map_err(Into::into).and_then(|()| run(&blobs)))));
    }

    /// Wipes the blobs of spaces that are gone.
    pub(crate) fn wipe(&self, spaces: Vec<SpaceId>, done: impl FnOnce(Result<(), StoreError>) + Send + 'static) {
        let blobs = Arc::clone(&self.blobs);
        self.writers.submit_waiting(Box::new(move |may_run| {
            let wipe = |()| spaces.iter().try_for_each(|space| blobs.wipe(*space));
            let wiped = may_run.map_err(BlobError::from).and_then(wipe);
            done(wiped.map_err(|error| match error {
                BlobError::Store(error) => error,
                // Its directory cannot be read: that is the disk's, and the next start meets it again.
                BlobError::Refused(_) => StoreError::Poisoned,
            }));
        }));
    }

    pub(super) fn look<T: 'static>(
        &self,
        done: BlobCompletion<T>,
        run: impl FnOnce(&Blobs) -> Result<T, BlobError> + Send + 'static,
    ) {
        let blobs = Arc::clone(&self.blobs);
        self.readers.submit(Box::new(move |may_run| done(may_run.map_err(Into::into).and_then(|()| run(&blobs)))));
    }

    /// The complete blobs of a space, ascending by id.
    pub(crate) fn list(&self, space: SpaceId, done: BlobCompletion<Vec<(BlobId, BlobFacts)>>) {
        self.look(done, move |blobs| blobs.list(space));
    }

    /// Whether one space may hold so many blobs of so many bytes.
    pub(crate) fn may_hold(&self, blobs: u64, bytes: u64) -> bool {
        self.blobs.may_hold(blobs, bytes)
    }

    pub(super) fn stats(&self) -> BlobStats {
        self.blobs.stats()
    }

    /// Finishes what waits, then stops.
    pub(crate) fn stop(&self) {
        self.writers.stop();
        self.readers.stop();
    }

    /// Does one call that waits, in a store without threads.
    #[cfg(feature = "testing")]
    pub(crate) fn turn(&self) -> bool {
        self.writers.turn() || self.readers.turn()
    }
}

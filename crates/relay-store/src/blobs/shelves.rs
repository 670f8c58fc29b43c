//! The spaces whose directory was read, a bounded number of them.

use super::file::{self, Found};
use super::{Blobs, SpaceBlobs};
use relay_core::blobs::{BlobError, Standing};
use relay_proto::ids::SpaceId;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Spaces whose blobs are known in memory; others are read from their directory again.
const SHELVES_MAX: usize = 1024;

type SharedShelf = Arc<Mutex<SpaceBlobs>>;

/// See the module.
#[derive(Default)]
pub(super) struct Shelves(Mutex<HashMap<SpaceId, SharedShelf>>);

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Blobs {
    /// Runs with a space's shelf locked; reads its directory when it must.
    pub(super) fn with_shelf<T>(
        &self,
        space: SpaceId,
        run: impl FnOnce(&mut SpaceBlobs) -> Result<T, BlobError>,
    ) -> Result<T, BlobError> {
        self.shared.readable()?;
        let shelf = self.shelf(space).map_err(|_unreadable| self.damaged())?;
        let mut held = lock(&shelf);
        run(&mut held)
    }

    fn shelf(&self, space: SpaceId) -> io::Result<SharedShelf> {
        let mut shelves = lock(&self.shelves.0);
        if let Some(shelf) = shelves.get(&space) {
            return Ok(Arc::clone(shelf));
        }
        // Under the lock, so that a space never has two shelves.
        let shelf = Arc::new(Mutex::new(self.load(space)?));
        if shelves.len() >= SHELVES_MAX {
            shelves.retain(|_, other| Arc::strong_count(other) > 1 || !lock(other).parts.is_empty());
        }
        shelves.insert(space, Arc::clone(&shelf));
        Ok(shelf)
    }

    /// What a directory holds. A file whose header does not hold is no blob: it stays, and an upload of its id replaces it.
    fn load(&self, space: SpaceId) -> io::Result<SpaceBlobs> {
        let mut held = SpaceBlobs::default();
        for found in file::find(&self.shared, space)? {
            match found {
                Found::Blob { blob, header } => held.shelf.restore_blob(blob, header.facts()),
                Found::Part { blob, header, received_bytes } => {
                    let (total_bytes, touched_ms) = (header.total_bytes, header.time_ms);
                    let standing = Standing { received_bytes, total_bytes, touched_ms, lease: 0 };
                    held.shelf.restore_upload(blob, header.device, standing);
                }
                // What a crash left of a beginning.
                Found::Broken { path, is_part: true } => file::remove(&self.shared, &path)?,
                Found::Broken { .. } => super::add(&self.counters.damaged, 1),
            }
        }
        Ok(held)
    }
}

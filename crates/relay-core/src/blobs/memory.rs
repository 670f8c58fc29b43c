//! The reference store of blobs: everything in memory, every call done inside the call. For tests.

use super::error::{BlobError, BlobRefusal};
use super::shelf::{Admission, Shelf};
use super::store::{
    Appended, Begun, BlobCompletion, BlobFacts, BlobPlace, BlobStats, BlobStore, Expiry, Found, Swept, Upload,
    UploadRequest,
};
use crate::environment::WallClock;
use crate::limits::BlobLimits;
use crate::store::StoreError;
use bytes::{Bytes, BytesMut};
use relay_proto::blob::blob_id;
use relay_proto::ids::{BlobId, DeviceKey, SpaceId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// See the module.
pub struct MemoryBlobs {
    limits: BlobLimits,
    wall_clock: Arc<dyn WallClock>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    spaces: HashMap<SpaceId, MemoryShelf>,
    disk_full: bool,
    stats: BlobStats,
}

#[derive(Default)]
struct MemoryShelf {
    shelf: Shelf,
    uploads: HashMap<(BlobId, DeviceKey), BytesMut>,
    blobs: HashMap<BlobId, Bytes>,
}

impl MemoryBlobs {
    /// An empty store.
    #[must_use]
    pub fn new(limits: BlobLimits, wall_clock: Arc<dyn WallClock>) -> Self {
        Self { limits, wall_clock, inner: Mutex::default() }
    }

    /// From now on writes find the disk full, or no longer.
    pub fn set_disk_full(&self, full: bool) {
        self.lock().disk_full = full;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn begin(&mut self, request: UploadRequest, limits: &BlobLimits, now_ms: u64) -> Result<Begun, BlobError> {
        let space = self.spaces.entry(request.place.space).or_default();
        let admitted = space.shelf.admit(&request, limits, now_ms);
        self.stats.quota_refusals += u64::from(admitted == Err(BlobRefusal::QuotaExceeded));
        let key = (request.place.blob, request.device);
        let lease = match admitted? {
            Admission::Stored(facts) => {
                space.uploads.remove(&key);
                space.shelf.drop_upload(key.0, key.1);
                return Ok(Begun::Stored(facts));
            }
            Admission::Fresh { lease } => {
                space.uploads.remove(&key);
                lease
            }
            Admission::Resumed { lease } => lease,
        };
        Ok(Begun::Upload(Upload { place: request.place, device: request.device, lease }))
    }

    fn append(&mut self, upload: Upload, offset: u64, bytes: &Bytes, now_ms: u64) -> Result<Appended, BlobError> {
        let (blob, device) = (upload.place.blob, upload.device);
        let space = self.spaces.entry(upload.place.space).or_default();
        let standing = space.shelf.standing(blob, device, upload.lease, offset)?;
        let received_bytes = offset.saturating_add(bytes.len() as u64);
        if received_bytes > standing.total_bytes {
            return Err(BlobRefusal::OffsetUnexpected { received_bytes: offset }.into());
        }
        if self.disk_full {
            space.uploads.remove(&(blob, device));
            space.shelf.drop_upload(blob, device);
            return Err(StoreError::DiskFull.into());
        }
        let held = space.uploads.entry((blob, device)).or_default();
        held.extend_from_slice(bytes);
        self.stats.written_bytes += bytes.len() as u64;
        space.shelf.received(blob, device, upload.lease, received_bytes, now_ms);
        if received_bytes < standing.total_bytes {
            return Ok(Appended::Received { received_bytes });
        }
        let whole = space.uploads.remove(&(blob, device)).unwrap_or_default().freeze();
        if blob_id(&whole) != blob {
            space.shelf.drop_upload(blob, device);
            self.stats.mismatches += 1;
            return Err(BlobRefusal::Mismatch.into());
        }
        let facts = BlobFacts { total_bytes: standing.total_bytes, author: device, stored_at_ms: now_ms };
        space.shelf.stored(blob, facts);
        space.blobs.entry(blob).or_insert(whole);
        self.stats.stored += 1;
        Ok(Appended::Stored(space.shelf.facts(blob)?))
    }

    fn read(&mut self, place: BlobPlace, offset: u64, bytes_max: u32) -> Result<Bytes, BlobError> {
        let held = self.spaces.get(&place.space).and_then(|space| space.blobs.get(&place.blob));
        let held = held.ok_or(BlobRefusal::Unknown)?;
        let start =
            usize::try_from(offset).ok().filter(|start| *start < held.len()).ok_or(BlobRefusal::RangeInvalid)?;
        let wanted = usize::try_from(bytes_max.max(1)).unwrap_or(usize::MAX);
        let read = held.slice(start..held.len().min(start.saturating_add(wanted)));
        self.stats.read_bytes += read.len() as u64;
        Ok(read)
    }

    fn delete(&mut self, place: BlobPlace, device: DeviceKey, is_admin: bool) -> Result<(), BlobError> {
        let space = self.spaces.get_mut(&place.space).ok_or(BlobRefusal::Unknown)?;
        match space.shelf.may_delete(place.blob, device, is_admin)? {
            Found::Blob(_) => {
                space.shelf.drop_blob(place.blob);
                space.blobs.remove(&place.blob);
                self.stats.deleted += 1;
            }
            Found::Upload { .. } => {
                space.shelf.drop_upload(place.blob, device);
                space.uploads.remove(&(place.blob, device));
            }
        }
        Ok(())
    }

    fn sweep(&mut self, expiry: &Expiry) -> Swept {
        let mut swept = Swept::default();
        for space in self.spaces.values_mut() {
            let (blobs, uploads) = space.shelf.expired(expiry);
            for blob in blobs {
                space.shelf.drop_blob(blob);
                space.blobs.remove(&blob);
                swept.blobs += 1;
            }
            for (blob, device) in uploads {
                space.shelf.drop_upload(blob, device);
                space.uploads.remove(&(blob, device));
                swept.uploads += 1;
            }
        }
        self.stats.expired += swept.blobs + swept.uploads;
        swept
    }
}

impl BlobStore for MemoryBlobs {
    fn blob_find(&self, place: BlobPlace, device: DeviceKey, done: BlobCompletion<Found>) {
        let inner = self.lock();
        let found = inner.spaces.get(&place.space).ok_or(BlobRefusal::Unknown);
        let found = found.and_then(|space| space.shelf.find(place.blob, device));
        drop(inner);
        done(found.map_err(BlobError::from));
    }

    fn blob_begin(&self, request: UploadRequest, done: BlobCompletion<Begun>) {
        let now_ms = self.wall_clock.now_ms();
        let begun = self.lock().begin(request, &self.limits, now_ms);
        done(begun);
    }

    fn blob_append(&self, upload: Upload, offset: u64, bytes: Bytes, done: BlobCompletion<Appended>) {
        let now_ms = self.wall_clock.now_ms();
        let appended = self.lock().append(upload, offset, &bytes, now_ms);
        done(appended);
    }

    fn blob_read(&self, place: BlobPlace, offset: u64, bytes_max: u32, done: BlobCompletion<Bytes>) {
        let read = self.lock().read(place, offset, bytes_max);
        done(read);
    }

    fn blob_delete(&self, place: BlobPlace, device: DeviceKey, is_admin: bool, done: BlobCompletion<()>) {
        let deleted = self.lock().delete(place, device, is_admin);
        done(deleted);
    }

    fn blob_erase(&self, space: SpaceId, done: BlobCompletion<u64>) {
        let mut inner = self.lock();
        let gone = inner.spaces.remove(&space).map_or(0, |space| space.blobs.len() as u64);
        inner.stats.deleted += gone;
        drop(inner);
        done(Ok(gone));
    }

    fn blob_sweep(&self, expiry: Expiry, done: BlobCompletion<Swept>) {
        let swept = self.lock().sweep(&expiry);
        done(Ok(swept));
    }

    fn blob_stats(&self) -> BlobStats {
        self.lock().stats
    }
}

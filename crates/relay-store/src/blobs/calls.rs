//! The contract's calls.

use crate::embedded::EmbeddedStore;
use bytes::Bytes;
use relay_core::blobs::{
    Appended, Begun, BlobCompletion, BlobPlace, BlobStats, BlobStore, Expiry, Found, Swept, Upload, UploadRequest,
};
use relay_proto::ids::{DeviceKey, SpaceId};

impl BlobStore for EmbeddedStore {
    fn blob_find(&self, place: BlobPlace, device: DeviceKey, done: BlobCompletion<Found>) {
        self.blobs.look(done, move |blobs| blobs.find(place, device));
    }

    fn blob_begin(&self, request: UploadRequest, done: BlobCompletion<Begun>) {
        self.blobs.write(done, move |blobs| blobs.begin(&request));
    }

    fn blob_append(&self, upload: Upload, offset: u64, bytes: Bytes, done: BlobCompletion<Appended>) {
        self.blobs.write(done, move |blobs| blobs.append(&upload, offset, &bytes));
    }

    fn blob_read(&self, place: BlobPlace, offset: u64, bytes_max: u32, done: BlobCompletion<Bytes>) {
        self.blobs.look(done, move |blobs| blobs.read(place, offset, bytes_max));
    }

    fn blob_delete(&self, place: BlobPlace, device: DeviceKey, is_admin: bool, done: BlobCompletion<()>) {
        self.blobs.write(done, move |blobs| blobs.delete(place, device, is_admin));
    }

    fn blob_erase(&self, space: SpaceId, done: BlobCompletion<u64>) {
        self.blobs.write(done, move |blobs| blobs.erase(space));
    }

    fn blob_sweep(&self, expiry: Expiry, done: BlobCompletion<Swept>) {
        self.blobs.write(done, move |blobs| blobs.sweep(&expiry));
    }

    fn blob_stats(&self) -> BlobStats {
        self.blobs.stats()
    }
}

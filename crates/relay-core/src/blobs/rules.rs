//! Who may do what with blobs. Tokens and sockets are the transport's, bytes the store's.

use super::error::{BlobError, BlobRefusal};
use super::store::{Appended, Begun, BlobCompletion, BlobPlace, BlobStats, BlobStore, Found, Upload, UploadRequest};
use super::sweep::BlobSweep;
use crate::endpoint::Moment;
use crate::environment::WallClock;
use crate::http::Authorised;
use bytes::Bytes;
use relay_proto::ids::BlobId;
use std::sync::Arc;

const fn place(grant: &Authorised, blob: BlobId) -> BlobPlace {
    BlobPlace { space: grant.space, blob }
}

/// The rules over a blob store.
pub struct Blobs {
    store: Arc<dyn BlobStore>,
    sweep: BlobSweep,
}

impl Blobs {
    /// Blobs kept by `store`, complete ones for `retention_ms`.
    #[must_use]
    pub fn new(store: Arc<dyn BlobStore>, wall_clock: Arc<dyn WallClock>, retention_ms: u64) -> Self {
        Self { sweep: BlobSweep::new(Arc::clone(&store), wall_clock, retention_ms), store }
    }

    /// What is there of a blob.
    pub fn find(&self, grant: &Authorised, blob: BlobId, done: BlobCompletion<Found>) {
        self.store.blob_find(place(grant, blob), grant.device, done);
    }

    /// Begins an upload or goes on with it.
    pub fn begin(&self, grant: &Authorised, blob: BlobId, total_bytes: u64, offset: u64, done: BlobCompletion<Begun>) {
        if !grant.access.write {
            return done(Err(BlobError::Refused(BlobRefusal::ReadOnly)));
        }
        let place = place(grant, blob);
        self.store.blob_begin(UploadRequest { place, device: grant.device, total_bytes, offset }, done);
    }

    /// Adds bytes to an upload that was begun.
    pub fn append(&self, upload: Upload, offset: u64, bytes: Bytes, done: BlobCompletion<Appended>) {
        self.store.blob_append(upload, offset, bytes, done);
    }

    /// Reads bytes of a complete blob.
    pub fn read(&self, grant: &Authorised, blob: BlobId, offset: u64, bytes_max: u32, done: BlobCompletion<Bytes>) {
        self.store.blob_read(place(grant, blob), offset, bytes_max, done);
    }

    /// Removes a blob: its author may, and admins may.
    pub fn delete(&self, grant: &Authorised, blob: BlobId, done: BlobCompletion<()>) {
        if !grant.access.admin && !grant.access.write {
            return done(Err(BlobError::Refused(BlobRefusal::ReadOnly)));
        }
        self.store.blob_delete(place(grant, blob), grant.device, grant.access.admin, done);
    }

    /// Lets go what expired; call it every minute or so.
    pub fn sweep(&self, now: Moment) {
        self.sweep.run(now);
    }

    /// Counters.
    #[must_use]
    pub fn stats(&self) -> BlobStats {
        self.store.blob_stats()
    }
}

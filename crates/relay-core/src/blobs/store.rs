//! `trait BlobStore`: the contract between the rules and whatever keeps blobs. `conformance::run_blobs` proves it.
//!
//! **Shape.** As [`crate::store::Store`]: submit and complete, never blocking, completions short and on any thread.
//!
//! **Durability.** A blob is visible only once all its bytes hash to its id and are durable under their final name; the
//! completion that says so is the receipt of an upload. Bytes of an unfinished upload promise nothing: whatever a crash
//! leaves of them is continued, and judged by the hash at the end.
//!
//! **Spaces.** Every call is about one space. A blob that another space holds is unknown here.

use super::error::BlobError;
use bytes::Bytes;
use relay_proto::ids::{BlobId, DeviceKey, SpaceId};

/// What a completion receives.
pub type BlobCompletion<T> = Box<dyn FnOnce(Result<T, BlobError>) + Send>;

/// One blob in one space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobPlace {
    /// The space.
    pub space: SpaceId,
    /// H(sealed bytes).
    pub blob: BlobId,
}

/// What is known of a complete blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobFacts {
    /// Sealed bytes.
    pub total_bytes: u64,
    /// Who uploaded it first.
    pub author: DeviceKey,
    /// When it became durable, Unix ms.
    pub stored_at_ms: u64,
}

/// What a store knows of a blob, for one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Complete.
    Blob(BlobFacts),
    /// This device's unfinished upload.
    Upload {
        /// Bytes held.
        received_bytes: u64,
        /// Bytes it will have.
        total_bytes: u64,
    },
}

/// A wish to upload, or to go on with an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadRequest {
    /// Which blob.
    pub place: BlobPlace,
    /// Who uploads.
    pub device: DeviceKey,
    /// Bytes it will have.
    pub total_bytes: u64,
    /// Where the next bytes go; 0 begins anew.
    pub offset: u64,
}

/// An upload that was begun or resumed; a later one of the same blob and device takes over from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Which blob.
    pub place: BlobPlace,
    /// Who uploads.
    pub device: DeviceKey,
    /// Counts takeovers.
    pub lease: u64,
}

/// Answer to an [`UploadRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is there already; nothing is to be sent.
    Stored(BlobFacts),
    /// Go on at the offset that was asked for.
    Upload(Upload),
}

/// Answer to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// More is wanted.
    Received {
        /// Bytes held now.
        received_bytes: u64,
    },
    /// These were the last: the blob is verified, durable and visible.
    Stored(BlobFacts),
}

/// What a sweep may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// The wall clock, Unix ms.
    pub now_ms: u64,
    /// Complete blobs stored this long ago go; `None` while nothing may be forgotten.
    pub retention_ms: Option<u64>,
    /// Unfinished uploads untouched for this long go.
    pub resume_ms: u64,
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Complete blobs that went.
    pub blobs: u64,
    /// Unfinished uploads that went.
    pub uploads: u64,
}

/// Counters (since the start) and gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlobStats {
    /// Blobs that became durable.
    pub stored: u64,
    /// Bytes of uploads written.
    pub written_bytes: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Uploads whose bytes were not those of their id.
    pub mismatches: u64,
    /// Uploads refused by a quota.
    pub quota_refusals: u64,
    /// Blobs deleted, by their author, an admin, or with their space.
    pub deleted: u64,
    /// Blobs and unfinished uploads that expired.
    pub expired: u64,
    /// Reads that met bytes which do not match their checksum.
    pub damaged: u64,
}

/// Keeps blobs. See the module's contract.
pub trait BlobStore: Send + Sync {
    /// What is there; [`super::BlobRefusal::Unknown`] when nothing is.
    fn blob_find(&self, place: BlobPlace, device: DeviceKey, done: BlobCompletion<Found>);
    /// Begins an upload (offset 0; an unfinished one of this device starts anew) or goes on with it at exactly the bytes held.
    /// Told that the blob is there already, a device gives up what it has of it.
    fn blob_begin(&self, request: UploadRequest, done: BlobCompletion<Begun>);
    /// Adds bytes at `offset`, the number of bytes held. With the last byte the whole is verified and made *durable* before it
    /// answers; bytes that are not those of the id are dropped, all of them. An upload that meets a full disk is dropped too:
    /// the room is the log's.
    fn blob_append(&self, upload: Upload, offset: u64, bytes: Bytes, done: BlobCompletion<Appended>);
    /// Bytes from `offset` on: at least one, at most `bytes_max`, fewer where the store likes. Checksums are verified; damaged
    /// bytes are never returned. `offset` at or above the length is [`super::BlobRefusal::RangeInvalid`].
    fn blob_read(&self, place: BlobPlace, offset: u64, bytes_max: u32, done: BlobCompletion<Bytes>);
    /// *Durable.* Removes a complete blob, for its author or an admin, or else this device's own unfinished upload.
    fn blob_delete(&self, place: BlobPlace, device: DeviceKey, is_admin: bool, done: BlobCompletion<()>);
    /// *Durable.* Removes everything of a space: its blobs and uploads go with it.
    fn blob_erase(&self, space: SpaceId, done: BlobCompletion<u64>);
    /// Removes what expired, and what belongs to spaces that are no longer known.
    fn blob_sweep(&self, expiry: Expiry, done: BlobCompletion<Swept>);
    /// Counters.
    fn blob_stats(&self) -> BlobStats;
}

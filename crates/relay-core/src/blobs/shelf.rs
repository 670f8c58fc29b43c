//! What one space holds in blobs, and its quotas: pure accounting that every store shares.
//!
//! Invariant: unfinished uploads count with their full length, so that a quota that admitted an upload lets it finish.

use super::error::BlobRefusal;
use super::store::{BlobFacts, Expiry, Found, UploadRequest};
use crate::limits::BlobLimits;
use relay_proto::ids::{BlobId, DeviceKey};
use std::collections::HashMap;

/// One unfinished upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Bytes held.
    pub received_bytes: u64,
    /// Bytes it will have.
    pub total_bytes: u64,
    /// When it was last gone on with, Unix ms.
    pub touched_ms: u64,
    /// Counts takeovers; 0 after it was found on disk.
    pub lease: u64,
}

/// What became of a wish to upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is there already.
    Stored(BlobFacts),
    /// Begin with nothing, whatever an unfinished upload left.
    Fresh {
        /// The new lease.
        lease: u64,
    },
    /// Go on with what is there.
    Resumed {
        /// The new lease.
        lease: u64,
    },
}

/// See the module.
#[derive(Debug, Default)]
pub struct Shelf {
    blobs: HashMap<BlobId, BlobFacts>,
    uploads: HashMap<(BlobId, DeviceKey), Standing>,
    bytes: u64,
    leases: u64,
}

impl Shelf {
    /// Puts back a complete blob that was found on disk.
    pub fn restore_blob(&mut self, blob: BlobId, facts: BlobFacts) {
        self.bytes = self.bytes.saturating_add(facts.total_bytes);
        self.blobs.insert(blob, facts);
    }

    /// Puts back an unfinished upload that was found on disk.
    pub fn restore_upload(&mut self, blob: BlobId, device: DeviceKey, standing: Standing) {
        self.bytes = self.bytes.saturating_add(standing.total_bytes);
        self.uploads.insert((blob, device), standing);
    }

    /// What is there, for one device.
    ///
    /// # Errors
    /// [`BlobRefusal::Unknown`].
    pub fn find(&self, blob: BlobId, device: DeviceKey) -> Result<Found, BlobRefusal> {
        if let Some(facts) = self.blobs.get(&blob) {
            return Ok(Found::Blob(*facts));
        }
        let standing = self.uploads.get(&(blob, device)).ok_or(BlobRefusal::Unknown)?;
        Ok(Found::Upload { received_bytes: standing.received_bytes, total_bytes: standing.total_bytes })
    }

    /// A complete blob.
    ///
    /// # Errors
    /// [`BlobRefusal::Unknown`].
    pub fn facts(&self, blob: BlobId) -> Result<BlobFacts, BlobRefusal> {
        self.blobs.get(&blob).copied().ok_or(BlobRefusal::Unknown)
    }

    /// Judges a wish to upload and, when it holds, gives it the lease.
    ///
    /// # Errors
    /// What it breaks; nothing changed then.
    pub fn admit(
        &mut self,
        request: &UploadRequest,
        limits: &BlobLimits,
        now_ms: u64,
    ) -> Result<Admission, BlobRefusal> {
        if let Some(facts) = self.blobs.get(&request.place.blob) {
            return Ok(Admission::Stored(*facts));
        }
        if request.total_bytes == 0 {
            return Err(BlobRefusal::Empty);
        }
        if request.total_bytes > limits.blob_bytes_max {
            return Err(BlobRefusal::TooLarge);
        }
        let key = (request.place.blob, request.device);
        let held = self.uploads.get(&key).copied();
        let received_bytes = held.map_or(0, |standing| standing.received_bytes);
        let same = held.is_some_and(|standing| standing.total_bytes == request.total_bytes);
        let resumes = request.offset > 0 || (same && received_bytes == 0);
        let continues = same && request.offset == received_bytes && request.offset < request.total_bytes;
        if request.offset > 0 && !continues {
            return Err(BlobRefusal::OffsetUnexpected { received_bytes });
        }
        self.check_quota(request, held, limits)?;
        self.leases += 1;
        let lease = self.leases;
        let standing =
            Standing { received_bytes: request.offset, total_bytes: request.total_bytes, touched_ms: now_ms, lease };
        self.bytes = self.bytes.saturating_sub(held.map_or(0, |standing| standing.total_bytes));
        self.restore_upload(key.0, key.1, standing);
        Ok(if resumes { Admission::Resumed { lease } } else { Admission::Fresh { lease } })
    }

    fn check_quota(
        &self,
        request: &UploadRequest,
        held: Option<Standing>,
        limits: &BlobLimits,
    ) -> Result<(), BlobRefusal> {
        let others = self.bytes.saturating_sub(held.map_or(0, |standing| standing.total_bytes));
        let bytes_fit = others.saturating_add(request.total_bytes) <= limits.space_blob_bytes_max;
        let count = self.blobs.len() + self.uploads.len() + usize::from(held.is_none());
        let count_fits = u32::try_from(count).is_ok_and(|count| count <= limits.space_blobs_max);
        let of_device = self.uploads.keys().filter(|(_, device)| *device == request.device).count();
        let uploads = of_device + usize::from(held.is_none());
        let uploads_fit = u32::try_from(uploads).is_ok_and(|uploads| uploads <= limits.device_uploads_max);
        if bytes_fit && count_fits && uploads_fit { Ok(()) } else { Err(BlobRefusal::QuotaExceeded) }
    }

    /// An upload under this lease, at exactly this offset.
    ///
    /// # Errors
    /// [`BlobRefusal::OffsetUnexpected`] when another connection took over or the offset is another, [`BlobRefusal::Unknown`]
    /// when it is gone.
    pub fn standing(&self, blob: BlobId, device: DeviceKey, lease: u64, offset: u64) -> Result<Standing, BlobRefusal> {
        let standing = self.uploads.get(&(blob, device)).copied().ok_or(BlobRefusal::Unknown)?;
        let received_bytes = standing.received_bytes;
        if standing.lease == lease && offset == received_bytes {
            Ok(standing)
        } else {
            Err(BlobRefusal::OffsetUnexpected { received_bytes })
        }
    }

    /// Notes that bytes were added under a lease; one that was taken over changes nothing.
    pub fn received(&mut self, blob: BlobId, device: DeviceKey, lease: u64, received_bytes: u64, now_ms: u64) {
        if let Some(standing) = self.uploads.get_mut(&(blob, device)).filter(|standing| standing.lease == lease) {
            standing.received_bytes = received_bytes;
            standing.touched_ms = now_ms;
        }
    }

    /// Whether a device has begun to upload it and not finished.
    #[must_use]
    pub fn has_upload(&self, blob: BlobId, device: DeviceKey) -> bool {
        self.uploads.contains_key(&(blob, device))
    }

    /// Forgets an upload; says whether there was one.
    pub fn drop_upload(&mut self, blob: BlobId, device: DeviceKey) -> bool {
        let Some(standing) = self.uploads.remove(&(blob, device)) else { return false };
        self.bytes = self.bytes.saturating_sub(standing.total_bytes);
        true
    }

    /// An upload became a blob.
    pub fn stored(&mut self, blob: BlobId, facts: BlobFacts) {
        self.drop_upload(blob, facts.author);
        if !self.blobs.contains_key(&blob) {
            self.restore_blob(blob, facts);
        }
    }

    /// What a device may remove: a complete blob (its author may, and admins), or else its own unfinished upload.
    ///
    /// # Errors
    /// [`BlobRefusal::Unknown`] or [`BlobRefusal::NotAuthor`].
    pub fn may_delete(&self, blob: BlobId, device: DeviceKey, is_admin: bool) -> Result<Found, BlobRefusal> {
        let found = self.find(blob, device)?;
        match found {
            Found::Blob(facts) if !is_admin && facts.author != device => Err(BlobRefusal::NotAuthor),
            _ => Ok(found),
        }
    }

    /// Forgets a blob.
    pub fn drop_blob(&mut self, blob: BlobId) {
        if let Some(facts) = self.blobs.remove(&blob) {
            self.bytes = self.bytes.saturating_sub(facts.total_bytes);
        }
    }

    /// Blobs and uploads that a sweep removes.
    #[must_use]
    pub fn expired(&self, expiry: &Expiry) -> (Vec<BlobId>, Vec<(BlobId, DeviceKey)>) {
        let age_ms = |since_ms: u64| expiry.now_ms.saturating_sub(since_ms);
        let old = |facts: &BlobFacts| expiry.retention_ms.is_some_and(|ms| age_ms(facts.stored_at_ms) >= ms);
        let stale = |standing: &Standing| age_ms(standing.touched_ms) >= expiry.resume_ms;
        let blobs = self.blobs.iter().filter(|(_, facts)| old(facts)).map(|(blob, _)| *blob).collect();
        let uploads = self.uploads.iter().filter(|(_, standing)| stale(standing)).map(|(key, _)| *key).collect();
        (blobs, uploads)
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blobs.is_empty() && self.uploads.is_empty()
    }

    /// Everything it holds, for erasing it.
    #[must_use]
    pub fn all(&self) -> (Vec<BlobId>, Vec<(BlobId, DeviceKey)>) {
        (self.blobs.keys().copied().collect(), self.uploads.keys().copied().collect())
    }
}

//! Uploads: begun or resumed under a lease, continued piece by piece, completed by their last byte.

use super::file::{self, Header};
use super::part::{Part, PartSlot, Slot};
use super::shelves::lock;
use super::{Blobs, add};
use crate::vfs;
use relay_core::blobs::{Admission, Appended, Begun, BlobError, BlobFacts, BlobRefusal, Upload, UploadRequest};
use relay_core::store::StoreError;
use std::io;
use std::sync::Arc;

impl Blobs {
    /// Begins an upload or goes on with it.
    pub(crate) fn begin(&self, request: &UploadRequest) -> Result<Begun, BlobError> {
        self.shared.writable()?;
        // Of a space that is being imported nobody knows but the import.
        let space = request.place.space;
        if !self.shared.is_known(space) && !self.shared.is_importing(space) {
            return Err(StoreError::UnknownSpace.into());
        }
        let now_ms = self.now_ms();
        let admitted = self.with_shelf(request.place.space, |space| {
            let admission = space.shelf.admit(request, &self.limits, now_ms)?;
            let key = (request.place.blob, request.device);
            Ok(match admission {
                Admission::Stored(facts) => {
                    // Somebody else finished it first: what this device sent of it is of no use, and would count until it expires.
                    if space.shelf.has_upload(key.0, key.1) {
                        self.remove_part(request.place, request.device, space)
                            .map_err(|error| self.write_error(&error))?;
                    }
                    Err(facts)
                }
                Admission::Fresh { lease } => Ok((lease, true, Arc::clone(space.parts.entry(key).or_default()))),
                Admission::Resumed { lease } => Ok((lease, false, Arc::clone(space.parts.entry(key).or_default()))),
            })
        });
        if matches!(admitted, Err(BlobError::Refused(BlobRefusal::QuotaExceeded))) {
            add(&self.counters.quota_refusals, 1);
        }
        let (lease, is_fresh, slot) = match admitted? {
            Ok(admitted) => admitted,
            Err(facts) => return Ok(Begun::Stored(facts)),
        };
        let upload = Upload { place: request.place, device: request.device, lease };
        self.take_slot(&slot, request, &upload, is_fresh)?;
        Ok(Begun::Upload(upload))
    }

    fn take_slot(
        &self,
        shared: &Arc<PartSlot>,
        request: &UploadRequest,
        upload: &Upload,
        is_fresh: bool,
    ) -> Result<(), BlobError> {
        let mut slot = lock(&shared.0);
        if slot.lease > upload.lease {
            return Err(BlobRefusal::OffsetUnexpected { received_bytes: request.offset }.into());
        }
        slot.lease = upload.lease;
        if is_fresh || request.offset == 0 {
            let made = Part::create(&self.shared, self.header(upload, request.total_bytes));
            slot.part = Some(made.map_err(|error| self.give_up(upload, &error))?);
            drop(slot);
            return self.open_parts.opened(shared).map_err(|error| self.write_error(&error));
        }
        if slot.part.as_ref().is_some_and(|part| part.received_bytes() != request.offset) {
            slot.part = None;
        }
        Ok(())
    }

    fn header(&self, upload: &Upload, total_bytes: u64) -> Header {
        Header { place: upload.place, device: upload.device, total_bytes, time_ms: self.now_ms() }
    }

    /// A write failed: the upload goes, so that a full disk gets its room back and a failed sync is never believed.
    fn give_up(&self, upload: &Upload, error: &io::Error) -> BlobError {
        self.drop_upload(upload);
        self.write_error(error)
    }

    fn drop_upload(&self, upload: &Upload) {
        // The shelf may have no such upload any more; a file that stays is swept later.
        let _gone = self.with_shelf(upload.place.space, |space| {
            let _stays = self.remove_part(upload.place, upload.device, space);
            Ok(())
        });
    }

    /// Adds bytes.
    pub(crate) fn append(&self, upload: &Upload, offset: u64, bytes: &[u8]) -> Result<Appended, BlobError> {
        self.shared.writable()?;
        let (blob, device) = (upload.place.blob, upload.device);
        let (total_bytes, shared) = self.with_shelf(upload.place.space, |space| {
            let standing = space.shelf.standing(blob, device, upload.lease, offset)?;
            Ok((standing.total_bytes, Arc::clone(space.parts.entry((blob, device)).or_default())))
        })?;
        let received_bytes = offset.saturating_add(bytes.len() as u64);
        if received_bytes > total_bytes {
            return Err(BlobRefusal::OffsetUnexpected { received_bytes: offset }.into());
        }
        let mut slot = lock(&shared.0);
        let part = self.part_of(&mut slot, upload, offset, total_bytes)?;
        part.append(bytes).map_err(|error| self.give_up(upload, &error))?;
        add(&self.counters.written_bytes, bytes.len() as u64);
        let now_ms = self.now_ms();
        self.with_shelf(upload.place.space, |space| {
            space.shelf.received(blob, device, upload.lease, received_bytes, now_ms);
            Ok(())
        })?;
        if received_bytes < total_bytes {
            drop(slot);
            self.open_parts.opened(&shared).map_err(|error| self.write_error(&error))?;
            return Ok(Appended::Received { received_bytes });
        }
        if part.id() != blob {
            add(&self.counters.mismatches, 1);
            self.drop_upload(upload);
            return Err(BlobRefusal::Mismatch.into());
        }
        let header = part.seal_off(now_ms).map_err(|error| self.give_up(upload, &error))?;
        self.publish(upload, &header).map(Appended::Stored)
    }

    /// The part of a slot, opened again when it was closed; only for the newest lease, at exactly this offset.
    fn part_of<'a>(
        &self,
        slot: &'a mut Slot,
        upload: &Upload,
        offset: u64,
        total_bytes: u64,
    ) -> Result<&'a mut Part, BlobError> {
        if slot.lease > upload.lease {
            return Err(BlobRefusal::OffsetUnexpected { received_bytes: offset }.into());
        }
        if slot.part.is_none() {
            let resumed = Part::resume(&self.shared, self.header(upload, total_bytes), offset);
            slot.part = Some(resumed.map_err(|error| self.lost(upload, &error))?);
        }
        let part = slot.part.as_mut().filter(|part| part.received_bytes() == offset);
        part.ok_or_else(|| BlobRefusal::OffsetUnexpected { received_bytes: offset }.into())
    }

    /// What was there of an upload cannot be read: it begins anew. Nothing was promised of it.
    fn lost(&self, upload: &Upload, error: &io::Error) -> BlobError {
        self.drop_upload(upload);
        if vfs::is_full(error) {
            return StoreError::DiskFull.into();
        }
        BlobRefusal::OffsetUnexpected { received_bytes: 0 }.into()
    }

    /// Gives a synced part its final name, durably, and then shows it; the first of two uploads of one blob is the blob.
    fn publish(&self, upload: &Upload, header: &Header) -> Result<BlobFacts, BlobError> {
        let Upload { place, device, lease } = *upload;
        let shown = self.with_shelf(place.space, |space| {
            if let Ok(facts) = space.shelf.facts(place.blob) {
                let _stays = self.remove_part(place, device, space);
                return Ok(Ok(facts));
            }
            // Gone with its space, or begun anew, since the last byte came.
            space.shelf.standing(place.blob, device, lease, header.total_bytes)?;
            let part = file::part_path(&self.shared, place, device);
            let named = self.shared.vfs.rename(&part, &file::blob_path(&self.shared, place));
            if let Err(error) = named.and_then(|()| file::sync_space(&self.shared, place.space)) {
                return Ok(Err(error));
            }
            space.parts.remove(&(place.blob, device));
            space.shelf.stored(place.blob, header.facts());
            add(&self.counters.stored, 1);
            Ok(Ok(header.facts()))
        })?;
        shown.map_err(|error| self.publish_failed(upload, &error))
    }

    /// The name may or may not be durable, so the file goes under both: what was refused must not appear later.
    fn publish_failed(&self, upload: &Upload, error: &io::Error) -> BlobError {
        let _stays = file::remove(&self.shared, &file::blob_path(&self.shared, upload.place));
        self.give_up(upload, error)
    }
}

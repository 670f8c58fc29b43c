//! Blobs out of a store into a file, and out of a file into a store. Their bytes hash to their ids, so neither side has to be believed.

use super::import::ImportError;
use super::{ANSWER_WAIT, BATCH_BYTES};
use crate::embedded::EmbeddedStore;
use bytes::Bytes;
use relay_core::blobs::{
    Appended, Begun, BlobCompletion, BlobError, BlobFacts, BlobPlace, BlobStore, Upload, UploadRequest,
};
use relay_core::moving::{BlobHead, Report, Section};
use relay_core::store::StoreError;
use relay_proto::ids::{BlobId, SpaceId};
use std::collections::VecDeque;
use std::sync::mpsc::sync_channel;

fn ask<T: Send + 'static>(call: impl FnOnce(BlobCompletion<T>)) -> Result<T, BlobError> {
    let (send, receive) = sync_channel(1);
    // Nobody waits when it took too long.
    call(Box::new(move |answer| drop(send.send(answer))));
    receive.recv_timeout(ANSWER_WAIT).unwrap_or(Err(BlobError::Store(StoreError::Overloaded)))
}

/// The complete blobs of a space on their way into a file. Its calls block.
pub(super) struct BlobsOut {
    space: SpaceId,
    left: VecDeque<(BlobId, BlobFacts)>,
    /// The one under way, and how much of it is written.
    under_way: Option<(BlobId, BlobFacts, u64)>,
}

impl BlobsOut {
    pub(super) fn begin(store: &EmbeddedStore, space: SpaceId) -> Result<Self, StoreError> {
        let left = ask(|done| store.blobs.list(space, done)).map_err(store_error)?;
        Ok(Self { space, left: left.into(), under_way: None })
    }

    /// What comes next; `None` behind the last.
    pub(super) fn next_section(&mut self, store: &EmbeddedStore) -> Result<Option<Section>, StoreError> {
        if let Some((blob, facts, offset)) = self.under_way.take_if(|(_, facts, offset)| *offset < facts.total_bytes) {
            let place = BlobPlace { space: self.space, blob };
            let piece = ask(|done| store.blob_read(place, offset, BATCH_BYTES, done)).map_err(store_error)?;
            let end = offset.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            self.under_way = Some((blob, facts, end));
            return Ok(Some(Section::BlobPiece(piece)));
        }
        let Some((id, facts)) = self.left.pop_front() else { return Ok(None) };
        self.under_way = Some((id, facts, 0));
        let BlobFacts { total_bytes, author, stored_at_ms } = facts;
        Ok(Some(Section::Blob(BlobHead { id, author, total_bytes, stored_at_ms })))
    }
}

/// One that was deleted meanwhile makes the file one of no moment: it is to be begun anew.
fn store_error(error: BlobError) -> StoreError {
    match error {
        BlobError::Store(error) => error,
        BlobError::Refused(relay_core::blobs::BlobRefusal::Damaged) => {
            StoreError::Damaged { place: "a blob".to_owned() }
        }
        BlobError::Refused(_) => StoreError::Overloaded,
    }
}

/// Whether the blobs of a file fit into one space of this store.
pub(super) fn fit(store: &EmbeddedStore, report: &Report) -> bool {
    store.blobs.may_hold(report.blobs, report.blob_bytes)
}

/// The blobs of a file, on their way into a store; one that the space has is passed over.
pub(super) struct BlobsIn<'a> {
    store: &'a EmbeddedStore,
    space: SpaceId,
    under_way: Option<(Upload, u64)>,
}

impl<'a> BlobsIn<'a> {
    pub(super) const fn new(store: &'a EmbeddedStore, space: SpaceId) -> Self {
        Self { store, space, under_way: None }
    }

    pub(super) fn begin(&mut self, head: &BlobHead) -> Result<(), ImportError> {
        let place = BlobPlace { space: self.space, blob: head.id };
        let request = UploadRequest { place, device: head.author, total_bytes: head.total_bytes, offset: 0 };
        self.under_way = match ask(|done| self.store.blob_begin(request, done)).map_err(refused)? {
            Begun::Stored(_) => None,
            Begun::Upload(upload) => Some((upload, 0)),
        };
        Ok(())
    }

    pub(super) fn piece(&mut self, piece: Bytes) -> Result<(), ImportError> {
        let Some((upload, offset)) = self.under_way.take() else { return Ok(()) };
        match ask(|done| self.store.blob_append(upload, offset, piece, done)).map_err(refused)? {
            Appended::Received { received_bytes } => self.under_way = Some((upload, received_bytes)),
            Appended::Stored(_) => {}
        }
        Ok(())
    }
}

fn refused(error: BlobError) -> ImportError {
    match error {
        BlobError::Store(error) => ImportError::Store(error),
        BlobError::Refused(_) => ImportError::BlobsRefused,
    }
}

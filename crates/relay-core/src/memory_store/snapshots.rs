//! Snapshots of one space: uploads under way and the last complete ones.

use crate::store::{Refusal, SnapshotFacts, SnapshotProgress, StoreError};
use bytes::Bytes;
use relay_proto::ids::{DeviceKey, SnapshotId};
use relay_proto::limits::{SNAPSHOT_RESUME_MS, SNAPSHOTS_KEPT};
use relay_proto::snapshot::{ChunksHasher, Manifest};
use std::collections::VecDeque;

/// Most uploads of one space under way, one per device; the one that stood still longest gives way.
const UPLOADS_MAX: usize = 8;

#[derive(Default)]
pub(super) struct Snapshots {
    /// The one that stood still longest first.
    uploads: VecDeque<Upload>,
    /// Oldest first.
    complete: VecDeque<Complete>,
}

struct Upload {
    manifest: Manifest,
    chunks: Vec<Bytes>,
    hasher: ChunksHasher,
    touched_ms: u64,
}

struct Complete {
    manifest: Manifest,
    chunks: Vec<Bytes>,
    stored_at_ms: u64,
    opened_by: Vec<DeviceKey>,
}

impl Upload {
    fn next_chunk(&self) -> u32 {
        u32::try_from(self.chunks.len()).unwrap_or(u32::MAX)
    }

    fn is_whole(&self) -> bool {
        self.manifest.fields().chunk_count() == Some(self.next_chunk())
    }
}

impl Snapshots {
    pub(super) fn begin(&mut self, manifest: Manifest, now_ms: u64) -> SnapshotProgress {
        self.uploads.retain(|upload| now_ms.saturating_sub(upload.touched_ms) < SNAPSHOT_RESUME_MS);
        let id = manifest.id();
        if let Some(done) = self.progress_of_complete(id) {
            return done;
        }
        let author = manifest.fields().device;
        self.uploads.retain(|upload| upload.manifest.id() == id || upload.manifest.fields().device != author);
        let upload = self.take_upload(id).unwrap_or_else(|| Upload {
            manifest,
            chunks: Vec::new(),
            hasher: ChunksHasher::default(),
            touched_ms: now_ms,
        });
        let next_chunk = upload.next_chunk();
        self.keep_upload(upload, now_ms);
        SnapshotProgress { next_chunk, stored: false }
    }

    pub(super) fn chunk(
        &mut self,
        id: SnapshotId,
        index: u32,
        chunk: Bytes,
        now_ms: u64,
    ) -> Result<SnapshotProgress, StoreError> {
        self.uploads.retain(|upload| now_ms.saturating_sub(upload.touched_ms) < SNAPSHOT_RESUME_MS);
        if let Some(done) = self.progress_of_complete(id) {
            return Ok(done);
        }
        let mut upload = self.take_upload(id).ok_or(StoreError::Refused(Refusal::SnapshotUnknown))?;
        let next = upload.next_chunk();
        if index != next {
            self.keep_upload(upload, now_ms);
            return Err(StoreError::Refused(Refusal::SnapshotChunkUnexpected { next }));
        }
        let expected = upload.manifest.fields().chunk_len(index).and_then(|length| usize::try_from(length).ok());
        if expected != Some(chunk.len()) {
            return Err(StoreError::Refused(Refusal::SnapshotInvalid));
        }
        upload.hasher.push(&chunk);
        upload.chunks.push(chunk);
        if upload.is_whole() {
            return self.complete_upload(upload, now_ms);
        }
        let next_chunk = upload.next_chunk();
        self.keep_upload(upload, now_ms);
        Ok(SnapshotProgress { next_chunk, stored: false })
    }

    fn complete_upload(&mut self, upload: Upload, now_ms: u64) -> Result<SnapshotProgress, StoreError> {
        let next_chunk = upload.next_chunk();
        if upload.hasher.finish() != upload.manifest.fields().chunks_hash {
            return Err(StoreError::Refused(Refusal::SnapshotInvalid));
        }
        self.complete.push_back(Complete {
            manifest: upload.manifest,
            chunks: upload.chunks,
            stored_at_ms: now_ms,
            opened_by: Vec::new(),
        });
        self.drop_surplus();
        Ok(SnapshotProgress { next_chunk, stored: true })
    }

    /// Keeps the newest and, of the others, the newest that a second device opened, or the newest when there is none.
    fn drop_surplus(&mut self) {
        while self.complete.len() > SNAPSHOTS_KEPT {
            let others = self.complete.len() - 1;
            let proven = |snapshot: &Complete| {
                snapshot.opened_by.iter().any(|device| *device != snapshot.manifest.fields().device)
            };
            let keep = self.complete.iter().take(others).rposition(proven).unwrap_or(others.saturating_sub(1));
            let surplus = usize::from(keep == 0);
            self.complete.remove(surplus);
        }
    }

    fn take_upload(&mut self, id: SnapshotId) -> Option<Upload> {
        let place = self.uploads.iter().position(|upload| upload.manifest.id() == id)?;
        self.uploads.remove(place)
    }

    fn keep_upload(&mut self, mut upload: Upload, now_ms: u64) {
        upload.touched_ms = now_ms;
        if self.uploads.len() >= UPLOADS_MAX {
            self.uploads.pop_front();
        }
        self.uploads.push_back(upload);
    }

    fn progress_of_complete(&self, id: SnapshotId) -> Option<SnapshotProgress> {
        let next_chunk = u32::try_from(self.find(id)?.chunks.len()).unwrap_or(u32::MAX);
        Some(SnapshotProgress { next_chunk, stored: true })
    }

    fn find(&self, id: SnapshotId) -> Option<&Complete> {
        self.complete.iter().find(|snapshot| snapshot.manifest.id() == id)
    }

    pub(super) fn manifest(&self, id: Option<SnapshotId>) -> Option<Bytes> {
        let found = id.map_or_else(|| self.complete.back(), |id| self.find(id));
        found.map(|snapshot| snapshot.manifest.bytes().clone())
    }

    pub(super) fn read(&self, id: SnapshotId, index: u32) -> Result<Bytes, StoreError> {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        self.find(id)
            .and_then(|snapshot| snapshot.chunks.get(index).cloned())
            .ok_or(StoreError::Refused(Refusal::SnapshotUnknown))
    }

    pub(super) fn opened(&mut self, id: SnapshotId, device: DeviceKey) -> Result<(), StoreError> {
        let snapshot = self
            .complete
            .iter_mut()
            .find(|snapshot| snapshot.manifest.id() == id)
            .ok_or(StoreError::Refused(Refusal::SnapshotUnknown))?;
        if !snapshot.opened_by.contains(&device) {
            snapshot.opened_by.push(device);
        }
        Ok(())
    }

    pub(super) fn facts(&self) -> Vec<SnapshotFacts> {
        let facts = |snapshot: &Complete| SnapshotFacts {
            id: snapshot.manifest.id(),
            device: snapshot.manifest.fields().device,
            size: snapshot.manifest.fields().size,
            stored_at_ms: snapshot.stored_at_ms,
            opened_by: snapshot.opened_by.clone(),
        };
        self.complete.iter().rev().map(facts).collect()
    }
}

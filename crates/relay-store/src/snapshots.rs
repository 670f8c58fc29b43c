//! Snapshots: uploads under way as `.part` files, complete ones as `.snap` files, both `bytes<u32>` of the manifest and then
//! the chunks. All calls run on one thread, in order, so files and memory agree.

mod file;

use crate::damaged_read::Unreadable;
use crate::data_dir::{DirError, SNAPSHOTS_DIR};
use crate::erase;
use crate::meta::OpenedSnapshot;
use crate::shared::Shared;
use crate::vfs;
use bytes::Bytes;
use file::{PART, SNAP, SnapshotFile};
use relay_core::store::{Refusal, SnapshotFacts, SnapshotProgress, StoreError};
use relay_proto::ids::{DeviceKey, SnapshotId, SpaceId};
use relay_proto::limits::{SNAPSHOT_RESUME_MS, SNAPSHOTS_KEPT};
use relay_proto::snapshot::{ChunksHasher, Manifest};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most uploads of one space under way, one per device; the one that stood still longest gives way.
const UPLOADS_MAX: usize = 8;

struct Upload {
    file: SnapshotFile,
    next_chunk: u32,
    hasher: ChunksHasher,
    touched_ms: u64,
}

struct Complete {
    file: SnapshotFile,
    known: OpenedSnapshot,
}

impl Complete {
    fn is_proven(&self) -> bool {
        let author = self.file.manifest.fields().device;
        self.known.opened_by.iter().any(|device| *device != author)
    }
}

#[derive(Default)]
struct SpaceSnapshots {
    /// The one that stood still longest first.
    uploads: VecDeque<Upload>,
    /// Oldest first.
    complete: VecDeque<Complete>,
}

/// See the module.
pub(crate) struct Snapshots {
    shared: Arc<Shared>,
    spaces: Mutex<HashMap<SpaceId, SpaceSnapshots>>,
}

const UNKNOWN: StoreError = StoreError::Refused(Refusal::SnapshotUnknown);
const INVALID: StoreError = StoreError::Refused(Refusal::SnapshotInvalid);

impl Snapshots {
    /// Finds what is on disk.
    pub(crate) fn load(
        shared: Arc<Shared>,
        known: Vec<(SpaceId, SnapshotId, OpenedSnapshot)>,
        now_ms: u64,
    ) -> Result<Self, DirError> {
        let mut known: HashMap<_, _> = known.into_iter().map(|(space, id, known)| ((space, id), known)).collect();
        let mut spaces: HashMap<SpaceId, SpaceSnapshots> = HashMap::new();
        for (space, found) in file::find(&shared)? {
            let entry = spaces.entry(space).or_default();
            let id = found.file.manifest.id();
            if found.is_complete {
                let known = known
                    .remove(&(space, id))
                    .unwrap_or(OpenedSnapshot { stored_at_ms: now_ms, opened_by: Vec::new() });
                entry.complete.push_back(Complete { file: found.file, known });
            } else {
                let (next_chunk, hasher) = found.file.resume().map_err(DirError::io("read", &found.file.path))?;
                entry.uploads.push_back(Upload { file: found.file, next_chunk, hasher, touched_ms: now_ms });
            }
        }
        for space in spaces.values_mut() {
            space.complete.make_contiguous().sort_by_key(|snapshot| snapshot.known.stored_at_ms);
        }
        Ok(Self { shared, spaces: Mutex::new(spaces) })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SpaceId, SpaceSnapshots>> {
        self.spaces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A full disk refuses the call; any other failure of a write or sync poisons the store, as everywhere.
    fn write_error(&self, error: &io::Error) -> StoreError {
        if vfs::is_full(error) {
            return StoreError::DiskFull;
        }
        self.shared.poison();
        StoreError::Poisoned
    }

    fn dir(&self, space: SpaceId) -> PathBuf {
        self.shared.data_dir.join(SNAPSHOTS_DIR).join(hex::encode(space.0))
    }

    /// Starts or resumes an upload.
    pub(crate) fn begin(&self, space: SpaceId, manifest: Bytes) -> Result<SnapshotProgress, StoreError> {
        self.shared.writable()?;
        let manifest = Manifest::parse(manifest).map_err(|_| INVALID)?;
        self.check_claim(space, &manifest)?;
        self.begin_checked(space, manifest)
    }

    /// The same for one that comes with its space from another log: its relay judged it.
    pub(crate) fn begin_imported(&self, space: SpaceId, manifest: Manifest) -> Result<SnapshotProgress, StoreError> {
        self.shared.writable()?;
        self.begin_checked(space, manifest)
    }

    fn begin_checked(&self, space: SpaceId, manifest: Manifest) -> Result<SnapshotProgress, StoreError> {
        let now_ms = self.shared.wall_clock.now_ms();
        let mut spaces = self.lock();
        let entry = spaces.entry(space).or_default();
        let id = manifest.id();
        if let Some(done) = entry.progress_of_complete(id) {
            return Ok(done);
        }
        let author = manifest.fields().device;
        let stays = |upload: &Upload| {
            let same = upload.file.manifest.id() == id;
            let fresh = now_ms.saturating_sub(upload.touched_ms) < SNAPSHOT_RESUME_MS;
            fresh && (same || upload.file.manifest.fields().device != author)
        };
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut entry.uploads).into_iter().partition(stays);
        entry.uploads = kept.into();
        gone.iter().for_each(|upload| upload.file.remove(&self.shared));
        let upload = match entry.take_upload(id) {
            Some(upload) => upload,
            None => {
                let file = SnapshotFile::create(&self.shared, &self.dir(space), manifest)
                    .map_err(|error| self.write_error(&error))?;
                Upload { file, next_chunk: 0, hasher: ChunksHasher::default(), touched_ms: now_ms }
            }
        };
        let next_chunk = upload.next_chunk;
        entry.keep_upload(upload, now_ms, &self.shared);
        Ok(SnapshotProgress { next_chunk, stored: false })
    }

    /// Removes the uploads of a space that nobody went on with in time.
    pub(crate) fn drop_stale(&self, space: SpaceId) {
        let now_ms = self.shared.wall_clock.now_ms();
        let mut spaces = self.lock();
        let Some(entry) = spaces.get_mut(&space) else { return };
        let stale = |upload: &Upload| now_ms.saturating_sub(upload.touched_ms) >= SNAPSHOT_RESUME_MS;
        let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut entry.uploads).into_iter().partition(stale);
        entry.uploads = kept.into();
        gone.iter().for_each(|upload| upload.file.remove(&self.shared));
    }

    /// The manifest covers no more than its author's own ack, and can be true of this log.
    fn check_claim(&self, space: SpaceId, manifest: &Manifest) -> Result<(), StoreError> {
        let known = self.shared.load_heard(space)?;
        let state = known.lock();
        let fields = manifest.fields();
        let own = state.acks.get(&fields.device).filter(|ack| ack.log_epoch == fields.log_epoch);
        let covered = own.is_some_and(|ack| fields.size <= ack.size);
        let holds = fields.space == space && state.ledger.may_claim(fields.log_epoch, fields.size, fields.head);
        if covered && holds { Ok(()) } else { Err(INVALID) }
    }

    /// Adds the next chunk.
    pub(crate) fn chunk(
        &self,
        space: SpaceId,
        id: SnapshotId,
        index: u32,
        chunk: &Bytes,
    ) -> Result<SnapshotProgress, StoreError> {
        self.shared.writable()?;
        self.drop_stale(space);
        let now_ms = self.shared.wall_clock.now_ms();
        let mut spaces = self.lock();
        let entry = spaces.get_mut(&space).ok_or(UNKNOWN)?;
        if let Some(done) = entry.progress_of_complete(id) {
            return Ok(done);
        }
        let mut upload = entry.take_upload(id).ok_or(UNKNOWN)?;
        let next = upload.next_chunk;
        if index != next {
            entry.keep_upload(upload, now_ms, &self.shared);
            return Err(StoreError::Refused(Refusal::SnapshotChunkUnexpected { next }));
        }
        let expected = upload.file.manifest.fields().chunk_len(index).and_then(|length| usize::try_from(length).ok());
        if expected != Some(chunk.len()) {
            upload.file.remove(&self.shared);
            return Err(INVALID);
        }
        if let Err(error) = upload.file.write_chunk(index, chunk) {
            entry.keep_upload(upload, now_ms, &self.shared);
            return Err(self.write_error(&error));
        }
        upload.hasher.push(chunk);
        upload.next_chunk += 1;
        if upload.file.manifest.fields().chunk_count() == Some(upload.next_chunk) {
            return self.complete(space, entry, upload, now_ms);
        }
        let next_chunk = upload.next_chunk;
        entry.keep_upload(upload, now_ms, &self.shared);
        Ok(SnapshotProgress { next_chunk, stored: false })
    }

    fn complete(
        &self,
        space: SpaceId,
        entry: &mut SpaceSnapshots,
        upload: Upload,
        now_ms: u64,
    ) -> Result<SnapshotProgress, StoreError> {
        let Upload { mut file, next_chunk, hasher, .. } = upload;
        if hasher.finish() != file.manifest.fields().chunks_hash {
            file.remove(&self.shared);
            return Err(INVALID);
        }
        if let Err(error) = file.complete(&self.shared, &self.dir(space)) {
            // A sync is never repeated and then believed: the upload starts again.
            file.remove(&self.shared);
            return Err(self.write_error(&error));
        }
        let known = OpenedSnapshot { stored_at_ms: now_ms, opened_by: Vec::new() };
        self.shared.meta.note_snapshot(space, file.manifest.id(), Some(known.clone()));
        entry.complete.push_back(Complete { file, known });
        for gone in entry.take_surplus() {
            gone.file.remove(&self.shared);
            self.shared.meta.note_snapshot(space, gone.file.manifest.id(), None);
        }
        Ok(SnapshotProgress { next_chunk, stored: true })
    }

    /// The manifest of a complete snapshot; the newest by default.
    pub(crate) fn manifest(&self, space: SpaceId, id: Option<SnapshotId>) -> Option<Bytes> {
        let spaces = self.lock();
        let entry = spaces.get(&space)?;
        let found = id.map_or_else(|| entry.complete.back(), |id| entry.find(id));
        found.map(|snapshot| snapshot.file.manifest.bytes().clone())
    }

    /// One chunk of a complete snapshot.
    pub(crate) fn read(&self, space: SpaceId, id: SnapshotId, index: u32) -> Result<Bytes, StoreError> {
        let file = self.lock().get(&space).and_then(|entry| entry.find(id)).map(|found| found.file.clone());
        let file = file.ok_or(UNKNOWN)?;
        let length = file.manifest.fields().chunk_len(index).ok_or(UNKNOWN)?;
        file.read_checked(index, length).map_err(|_| self.shared.damaged(Unreadable::snapshot()))
    }

    /// Notes that a device opened a snapshot.
    pub(crate) fn opened(&self, space: SpaceId, id: SnapshotId, device: DeviceKey) -> Result<(), StoreError> {
        let mut spaces = self.lock();
        let complete = &mut spaces.get_mut(&space).ok_or(UNKNOWN)?.complete;
        let snapshot = complete.iter_mut().find(|snapshot| snapshot.file.manifest.id() == id).ok_or(UNKNOWN)?;
        if !snapshot.known.opened_by.contains(&device) {
            snapshot.known.opened_by.push(device);
            self.shared.meta.note_snapshot(space, id, Some(snapshot.known.clone()));
        }
        Ok(())
    }

    /// Overwrites and removes every snapshot and upload of a space that is gone.
    pub(crate) fn erase(&self, space: SpaceId) -> Result<(), StoreError> {
        self.shared.writable()?;
        self.lock().remove(&space);
        erase::wipe_dir(&*self.shared.vfs, &self.dir(space)).map_err(|error| self.write_error(&error))
    }

    /// Complete snapshots, newest first.
    pub(crate) fn facts(&self, space: SpaceId) -> Vec<SnapshotFacts> {
        let spaces = self.lock();
        let complete = spaces.get(&space).into_iter().flat_map(|entry| entry.complete.iter().rev());
        let facts = |snapshot: &Complete| SnapshotFacts {
            id: snapshot.file.manifest.id(),
            device: snapshot.file.manifest.fields().device,
            size: snapshot.file.manifest.fields().size,
            stored_at_ms: snapshot.known.stored_at_ms,
            opened_by: snapshot.known.opened_by.clone(),
        };
        complete.map(facts).collect()
    }
}

impl SpaceSnapshots {
    fn take_upload(&mut self, id: SnapshotId) -> Option<Upload> {
        let place = self.uploads.iter().position(|upload| upload.file.manifest.id() == id)?;
        self.uploads.remove(place)
    }

    fn keep_upload(&mut self, mut upload: Upload, now_ms: u64, shared: &Shared) {
        upload.touched_ms = now_ms;
        let surplus = if self.uploads.len() >= UPLOADS_MAX { self.uploads.pop_front() } else { None };
        if let Some(oldest) = surplus {
            oldest.file.remove(shared);
        }
        self.uploads.push_back(upload);
    }

    fn find(&self, id: SnapshotId) -> Option<&Complete> {
        self.complete.iter().find(|snapshot| snapshot.file.manifest.id() == id)
    }

    fn progress_of_complete(&self, id: SnapshotId) -> Option<SnapshotProgress> {
        let next_chunk = self.find(id)?.file.manifest.fields().chunk_count()?;
        Some(SnapshotProgress { next_chunk, stored: true })
    }

    /// Takes out what is not kept: kept are the newest and, of the others, the newest that a second device opened, or the
    /// newest when there is none.
    fn take_surplus(&mut self) -> Vec<Complete> {
        let mut surplus = Vec::new();
        while self.complete.len() > SNAPSHOTS_KEPT {
            let others = self.complete.len() - 1;
            let proven = self.complete.iter().take(others).rposition(Complete::is_proven);
            let keep = proven.unwrap_or(others.saturating_sub(1));
            surplus.extend(self.complete.remove(usize::from(keep == 0)));
        }
        surplus
    }
}

/// Whether a file name is one of a snapshot, and of which kind.
fn kind_of(name: &str) -> Option<bool> {
    if name.ends_with(SNAP) { Some(true) } else { name.ends_with(PART).then_some(false) }
}

//! Blobs on disk: uploads under way as `.part` files, complete ones as `.blob` files (`docs/storage.md`). What a space holds
//! is read from its directory when the space is first asked for, so a start costs nothing however many blobs there are.
//!
//! Locks are taken in this order: part, table of shelves, shelf.

mod calls;
mod desk;
mod file;
mod part;
mod shelves;
mod uploads;

use crate::erase;
use crate::shared::Shared;
use crate::vfs;
pub(crate) use desk::BlobDesk;
use file::{BlobFile, Header};
use part::{OpenParts, PartSlot};
use relay_core::blobs::{BlobError, BlobFacts, BlobPlace, BlobRefusal, BlobStats, Expiry, Found, Shelf, Swept};
use relay_core::limits::BlobLimits;
use relay_core::store::StoreError;
use relay_proto::ids::{BlobId, DeviceKey, SpaceId};
use shelves::Shelves;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One space's blobs.
#[derive(Default)]
struct SpaceBlobs {
    shelf: Shelf,
    parts: HashMap<(BlobId, DeviceKey), Arc<PartSlot>>,
}

/// Counters; see [`BlobStats`].
#[derive(Debug, Default)]
struct Counters {
    stored: AtomicU64,
    written_bytes: AtomicU64,
    read_bytes: AtomicU64,
    mismatches: AtomicU64,
    quota_refusals: AtomicU64,
    deleted: AtomicU64,
    expired: AtomicU64,
    damaged: AtomicU64,
}

fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

/// See the module. Its calls block on the disk; they run on threads of their own.
pub(crate) struct Blobs {
    shared: Arc<Shared>,
    limits: BlobLimits,
    shelves: Shelves,
    open_parts: OpenParts,
    counters: Counters,
}

impl Blobs {
    pub(crate) fn new(shared: Arc<Shared>, limits: BlobLimits) -> Self {
        Self {
            shared,
            limits,
            shelves: Shelves::default(),
            open_parts: OpenParts::default(),
            counters: Counters::default(),
        }
    }

    fn now_ms(&self) -> u64 {
        self.shared.wall_clock.now_ms()
    }

    /// A full disk refuses the call; any other failure of a write or sync poisons the store, as everywhere.
    fn write_error(&self, error: &io::Error) -> BlobError {
        if vfs::is_full(error) {
            return StoreError::DiskFull.into();
        }
        self.shared.poison();
        StoreError::Poisoned.into()
    }

    /// The file cannot be read as it was written.
    fn damaged(&self) -> BlobError {
        add(&self.counters.damaged, 1);
        BlobRefusal::Damaged.into()
    }

    /// What is there of a blob.
    pub(crate) fn find(&self, place: BlobPlace, device: DeviceKey) -> Result<Found, BlobError> {
        self.with_shelf(place.space, |space| Ok(space.shelf.find(place.blob, device)?))
    }

    /// The complete blobs of a space, ascending by id.
    pub(crate) fn list(&self, space: SpaceId) -> Result<Vec<(BlobId, BlobFacts)>, BlobError> {
        self.with_shelf(space, |held| {
            let mut all: Vec<_> =
                held.shelf.all().0.into_iter().filter_map(|blob| Some((blob, held.shelf.facts(blob).ok()?))).collect();
            all.sort_unstable_by_key(|(blob, _)| *blob);
            Ok(all)
        })
    }

    /// Whether one space may hold so many blobs of so many bytes.
    pub(crate) fn may_hold(&self, blobs: u64, bytes: u64) -> bool {
        blobs <= u64::from(self.limits.space_blobs_max) && bytes <= self.limits.space_blob_bytes_max
    }

    /// Bytes from `offset` on, up to the end of a block.
    pub(crate) fn read(&self, place: BlobPlace, offset: u64, bytes_max: u32) -> Result<bytes::Bytes, BlobError> {
        let facts: BlobFacts = self.with_shelf(place.space, |space| Ok(space.shelf.facts(place.blob)?))?;
        if offset >= facts.total_bytes {
            return Err(BlobRefusal::RangeInvalid.into());
        }
        let opened = BlobFile::open(&self.shared, place);
        let read = opened.and_then(|file| file.read(facts.total_bytes, offset, bytes_max));
        match read {
            Ok(bytes) => {
                add(&self.counters.read_bytes, bytes.len() as u64);
                Ok(bytes)
            }
            // It was deleted since; the shelf says so by now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(BlobRefusal::Unknown.into()),
            Err(_) => Err(self.damaged()),
        }
    }

    /// Removes a blob, or an upload of this device, durably.
    pub(crate) fn delete(&self, place: BlobPlace, device: DeviceKey, is_admin: bool) -> Result<(), BlobError> {
        self.shared.writable()?;
        self.with_shelf(place.space, |space| {
            let removed = match space.shelf.may_delete(place.blob, device, is_admin)? {
                Found::Blob(_) => self.remove_blob(place, space).map(|()| add(&self.counters.deleted, 1)),
                Found::Upload { .. } => self.remove_part(place, device, space),
            };
            let synced = removed.and_then(|()| file::sync_space(&self.shared, place.space));
            synced.map_err(|error| self.write_error(&error))
        })
    }

    fn remove_blob(&self, place: BlobPlace, space: &mut SpaceBlobs) -> io::Result<()> {
        file::remove(&self.shared, &file::blob_path(&self.shared, place))?;
        space.shelf.drop_blob(place.blob);
        Ok(())
    }

    fn remove_part(&self, place: BlobPlace, device: DeviceKey, space: &mut SpaceBlobs) -> io::Result<()> {
        space.parts.remove(&(place.blob, device));
        space.shelf.drop_upload(place.blob, device);
        file::remove(&self.shared, &file::part_path(&self.shared, place, device))
    }

    fn remove_all(
        &self,
        space: SpaceId,
        held: &mut SpaceBlobs,
        (blobs, parts): (Vec<BlobId>, Vec<(BlobId, DeviceKey)>),
    ) -> Result<Swept, BlobError> {
        let swept = Swept { blobs: blobs.len() as u64, uploads: parts.len() as u64 };
        if swept == Swept::default() {
            return Ok(swept);
        }
        let remove = || {
            for blob in blobs {
                self.remove_blob(BlobPlace { space, blob }, held)?;
            }
            for (blob, device) in parts {
                self.remove_part(BlobPlace { space, blob }, device, held)?;
            }
            file::sync_space(&self.shared, space)
        };
        let removed: io::Result<()> = { remove }();
        removed.map_err(|error| self.write_error(&error))?;
        Ok(swept)
    }

    /// Removes everything of a space, durably.
    pub(crate) fn erase(&self, space: SpaceId) -> Result<u64, BlobError> {
        self.shared.writable()?;
        let swept = self.with_shelf(space, |held| {
            let all = held.shelf.all();
            self.remove_all(space, held, all)
        })?;
        add(&self.counters.deleted, swept.blobs);
        Ok(swept.blobs)
    }

    /// Overwrites and removes everything of a space that is gone, files that are no blobs included.
    pub(crate) fn wipe(&self, space: SpaceId) -> Result<(), BlobError> {
        self.shared.writable()?;
        self.with_shelf(space, |held| {
            let gone = held.shelf.all();
            let blobs = gone.0.len() as u64;
            for blob in gone.0 {
                held.shelf.drop_blob(blob);
            }
            for (blob, device) in gone.1 {
                held.parts.remove(&(blob, device));
                held.shelf.drop_upload(blob, device);
            }
            erase::wipe_dir(&*self.shared.vfs, &file::space_dir(&self.shared, space))
                .map_err(|error| self.write_error(&error))?;
            add(&self.counters.deleted, blobs);
            Ok(())
        })
    }

    /// Removes what expired, space by space.
    pub(crate) fn sweep(&self, expiry: &Expiry) -> Result<Swept, BlobError> {
        self.shared.writable()?;
        let mut swept = Swept::default();
        for space in file::spaces(&self.shared).map_err(|error| self.write_error(&error))? {
            let of_space = self.with_shelf(space, |held| {
                let is_known = self.shared.is_known(space) || self.shared.is_importing(space);
                let gone = if is_known { held.shelf.expired(expiry) } else { held.shelf.all() };
                self.remove_all(space, held, gone)
            });
            // A directory that cannot be read was counted as damaged; the other spaces go on.
            let of_space = of_space.unwrap_or_default();
            swept.blobs += of_space.blobs;
            swept.uploads += of_space.uploads;
        }
        add(&self.counters.expired, swept.blobs + swept.uploads);
        Ok(swept)
    }

    pub(crate) fn stats(&self) -> BlobStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        BlobStats {
            stored: read(&counters.stored),
            written_bytes: read(&counters.written_bytes),
            read_bytes: read(&counters.read_bytes),
            mismatches: read(&counters.mismatches),
            quota_refusals: read(&counters.quota_refusals),
            deleted: read(&counters.deleted),
            expired: read(&counters.expired),
            damaged: read(&counters.damaged),
        }
    }
}

impl Header {
    fn facts(&self) -> BlobFacts {
        BlobFacts { total_bytes: self.total_bytes, author: self.device, stored_at_ms: self.time_ms }
    }
}

//! An upload under way: its file, and the hash and checksums of what arrived so far.

use super::file::{self, BLOCK_BYTES, HEADER_BYTES, Header};
use super::shelves::lock;
use crate::segment::length_of;
use crate::shared::Shared;
use crate::vfs::{OpenMode, SharedFile};
use relay_proto::blob::BlobHasher;
use relay_proto::ids::BlobId;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

/// Written bytes after which a part is synced, so that the last sync of a large blob is short and a power cut costs little.
const SYNC_EVERY_BYTES: u64 = 8 * 1024 * 1024;

/// Parts held open; beyond it the one opened longest ago is closed and hashed again when its upload goes on.
const OPEN_PARTS_MAX: usize = 64;

/// Where a part is opened, under a lock of its own.
#[derive(Default)]
pub(super) struct PartSlot(pub(super) Mutex<Slot>);

/// See [`PartSlot`].
#[derive(Default)]
pub(super) struct Slot {
    /// Who may write; a greater one took over.
    pub(super) lease: u64,
    pub(super) part: Option<Part>,
}

/// The slots whose part is open, longest ago first.
#[derive(Default)]
pub(super) struct OpenParts(Mutex<VecDeque<Arc<PartSlot>>>);

impl OpenParts {
    /// Notes that a slot's part was opened, and closes what is too much. A slot at work is passed over.
    pub(super) fn opened(&self, slot: &Arc<PartSlot>) -> io::Result<()> {
        let mut open = lock(&self.0);
        open.retain(|other| !Arc::ptr_eq(other, slot));
        open.push_back(Arc::clone(slot));
        if open.len() <= OPEN_PARTS_MAX {
            return Ok(());
        }
        let Some(oldest) = open.pop_front() else { return Ok(()) };
        drop(open);
        let Ok(mut oldest) = oldest.0.try_lock() else { return Ok(()) };
        oldest.part.take().map_or(Ok(()), |part| part.file.sync_data())
    }
}

/// See the module.
pub(super) struct Part {
    file: SharedFile,
    header: Header,
    hasher: BlobHasher,
    sums: Vec<u32>,
    received_bytes: u64,
    unsynced_bytes: u64,
}

impl Part {
    /// Begins with nothing, whatever was there.
    pub(super) fn create(shared: &Shared, header: Header) -> io::Result<Self> {
        file::make_space(shared, header.place.space)?;
        let path = file::part_path(shared, header.place, header.device);
        let file = shared.vfs.open(&path, OpenMode::Create)?;
        file.write_all_at(&header.encode(), 0)?;
        Ok(Self { file, header, hasher: BlobHasher::default(), sums: Vec::new(), received_bytes: 0, unsynced_bytes: 0 })
    }

    /// Goes on with what is on disk, hashing it again; `header` says when.
    pub(super) fn resume(shared: &Shared, header: Header, received_bytes: u64) -> io::Result<Self> {
        let path = file::part_path(shared, header.place, header.device);
        let file = shared.vfs.open(&path, OpenMode::ReadWrite)?;
        file.write_all_at(&header.encode(), 0)?;
        let mut part = Self {
            file,
            header,
            hasher: BlobHasher::default(),
            sums: Vec::new(),
            received_bytes: 0,
            unsynced_bytes: 0,
        };
        let mut block = vec![0; length_of(BLOCK_BYTES)];
        while part.received_bytes < received_bytes {
            let length = length_of((received_bytes - part.received_bytes).min(BLOCK_BYTES));
            let bytes = block.get_mut(..length).unwrap_or_default();
            part.file.read_exact_at(bytes, HEADER_BYTES + part.received_bytes)?;
            part.count(bytes);
        }
        Ok(part)
    }

    pub(super) fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    fn count(&mut self, bytes: &[u8]) {
        self.hasher.push(bytes);
        let mut rest = bytes;
        while !rest.is_empty() {
            let at = length_of(self.received_bytes % BLOCK_BYTES);
            let (now, later) = rest.split_at(rest.len().min(length_of(BLOCK_BYTES) - at));
            match self.sums.last_mut().filter(|_| at > 0) {
                Some(sum) => *sum = crc32c::crc32c_append(*sum, now),
                None => self.sums.push(crc32c::crc32c(now)),
            }
            self.received_bytes += now.len() as u64;
            rest = later;
        }
    }

    /// Adds bytes; syncs now and then.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, HEADER_BYTES + self.received_bytes)?;
        self.count(bytes);
        self.unsynced_bytes += bytes.len() as u64;
        if self.unsynced_bytes >= SYNC_EVERY_BYTES {
            self.file.sync_data()?;
            self.unsynced_bytes = 0;
        }
        Ok(())
    }

    /// The id of what arrived.
    pub(super) fn id(&self) -> BlobId {
        self.hasher.clone().finish()
    }

    /// Writes what makes the file a blob, and syncs it. Its name is still that of a part.
    pub(super) fn seal_off(&mut self, now_ms: u64) -> io::Result<Header> {
        self.header.time_ms = now_ms;
        let sums: Vec<u8> = self.sums.iter().flat_map(|sum| sum.to_be_bytes()).collect();
        // A part that was made anew over a longer one was emptied; nothing is behind the checksums.
        self.file.write_all_at(&sums, HEADER_BYTES + self.header.total_bytes)?;
        self.file.set_len(HEADER_BYTES + self.header.total_bytes + sums.len() as u64)?;
        self.file.write_all_at(&self.header.encode(), 0)?;
        self.file.sync_data()?;
        Ok(self.header)
    }
}

//! A blob's file: header, bytes, checksums of its blocks.

use crate::data_dir::BLOBS_DIR;
use crate::segment::length_of;
use crate::shared::Shared;
use crate::vfs::{OpenMode, SharedFile};
use bytes::Bytes;
use relay_core::blobs::BlobPlace;
use relay_proto::ids::{BlobId, DeviceKey, SpaceId};
use relay_proto::wire::{Reader, Writer};
use std::io;
use std::path::{Path, PathBuf};

const MAGIC: [u8; 8] = *b"SRBLOB01";
/// Length of the header, in bytes.
pub(super) const HEADER_BYTES: u64 = 128;
const HEADER_LEN: usize = 128;
const HEADER_CRC_AT: usize = HEADER_LEN - 4;
/// Bytes under one checksum.
pub(super) const BLOCK_BYTES: u64 = 64 * 1024;
const PART: &str = ".part";
const BLOB: &str = ".blob";

/// What a file says of itself. Of a part, `time_ms` is when its upload was begun or resumed; of a blob, when it was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) place: BlobPlace,
    pub(super) device: DeviceKey,
    pub(super) total_bytes: u64,
    pub(super) time_ms: u64,
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(HEADER_LEN);
        w.raw(MAGIC);
        w.raw(self.place.space.0);
        w.raw(self.place.blob.0);
        w.raw(self.device.0);
        w.u64(self.total_bytes);
        w.u64(self.time_ms);
        let mut bytes = w.into_bytes().to_vec();
        bytes.resize(HEADER_CRC_AT, 0);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (fields, crc) = bytes.split_at_checked(HEADER_CRC_AT)?;
        if crc32c::crc32c(fields).to_be_bytes() != *crc {
            return None;
        }
        let mut r = Reader::borrowed(fields);
        if r.array::<8>().ok()? != MAGIC {
            return None;
        }
        let place = BlobPlace { space: r.id().ok()?, blob: r.id().ok()? };
        Some(Self { place, device: r.id().ok()?, total_bytes: r.u64().ok()?, time_ms: r.u64().ok()? })
    }

    /// Number of blocks.
    pub(super) fn blocks(total_bytes: u64) -> u64 {
        total_bytes.div_ceil(BLOCK_BYTES)
    }

    /// Length of the whole file.
    fn file_bytes(&self) -> u64 {
        HEADER_BYTES.saturating_add(self.total_bytes).saturating_add(4 * Self::blocks(self.total_bytes))
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn root(shared: &Shared) -> PathBuf {
    shared.data_dir.join(BLOBS_DIR)
}

pub(super) fn space_dir(shared: &Shared, space: SpaceId) -> PathBuf {
    root(shared).join(hex::encode(space.0))
}

pub(super) fn blob_path(shared: &Shared, place: BlobPlace) -> PathBuf {
    space_dir(shared, place.space).join(format!("{}{BLOB}", hex::encode(place.blob.0)))
}

pub(super) fn part_path(shared: &Shared, place: BlobPlace, device: DeviceKey) -> PathBuf {
    let name = format!("{}.{}{PART}", hex::encode(place.blob.0), hex::encode(device.0));
    space_dir(shared, place.space).join(name)
}

/// Removes a file; fine when it is gone.
pub(super) fn remove(shared: &Shared, path: &Path) -> io::Result<()> {
    match shared.vfs.remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes a space's directory, durably.
pub(super) fn make_space(shared: &Shared, space: SpaceId) -> io::Result<()> {
    shared.vfs.create_dir(&space_dir(shared, space))?;
    shared.vfs.sync_dir(&root(shared))
}

/// Makes the names in a space's directory durable.
pub(super) fn sync_space(shared: &Shared, space: SpaceId) -> io::Result<()> {
    shared.vfs.sync_dir(&space_dir(shared, space))
}

/// Spaces that have a directory.
pub(super) fn spaces(shared: &Shared) -> io::Result<Vec<SpaceId>> {
    let id = |name: &str| {
        let mut space = SpaceId::ZERO;
        hex::decode_to_slice(name, &mut space.0).ok().map(|()| space)
    };
    let names = shared.vfs.read_dir(&root(shared))?;
    Ok(names.iter().filter(|entry| entry.is_dir).filter_map(|entry| id(&entry.name)).collect())
}

/// A file that was found.
pub(super) enum Found {
    Blob {
        blob: BlobId,
        header: Header,
    },
    Part {
        blob: BlobId,
        header: Header,
        received_bytes: u64,
    },
    /// Its header or its length does not hold.
    Broken {
        path: PathBuf,
        is_part: bool,
    },
}

/// The blobs and parts in a space's directory; none when there is no directory.
pub(super) fn find(shared: &Shared, space: SpaceId) -> io::Result<Vec<Found>> {
    let dir = space_dir(shared, space);
    let names = match shared.vfs.read_dir(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        names => names?,
    };
    let mut found = Vec::new();
    for entry in names {
        let is_part = entry.name.ends_with(PART);
        if entry.is_dir || !(is_part || entry.name.ends_with(BLOB)) {
            continue;
        }
        found.push(look_at(shared, space, &dir.join(&entry.name), is_part)?);
    }
    Ok(found)
}

fn look_at(shared: &Shared, space: SpaceId, path: &Path, is_part: bool) -> io::Result<Found> {
    let file = shared.vfs.open(path, OpenMode::Read)?;
    let len = file.len()?;
    let mut bytes = [0; HEADER_LEN];
    if len < HEADER_BYTES {
        return Ok(Found::Broken { path: path.to_owned(), is_part });
    }
    file.read_exact_at(&mut bytes, 0)?;
    let own_path = |header: &Header| match is_part {
        true => part_path(shared, header.place, header.device),
        false => blob_path(shared, header.place),
    };
    let header = Header::decode(&bytes).filter(|header| header.place.space == space && own_path(header) == path);
    Ok(match header {
        Some(header) if is_part => {
            // The last byte again: only its arrival completes an upload.
            let received_bytes = (len - HEADER_BYTES).min(header.total_bytes.saturating_sub(1));
            Found::Part { blob: header.place.blob, header, received_bytes }
        }
        Some(header) if len == header.file_bytes() => Found::Blob { blob: header.place.blob, header },
        _ => Found::Broken { path: path.to_owned(), is_part },
    })
}

/// A complete blob, open for reading.
pub(super) struct BlobFile(SharedFile);

impl BlobFile {
    pub(super) fn open(shared: &Shared, place: BlobPlace) -> io::Result<Self> {
        shared.vfs.open(&blob_path(shared, place), OpenMode::Read).map(Self)
    }

    /// Bytes from `offset` on, at most `bytes_max` and at least one; every block they touch is checked.
    pub(super) fn read(&self, total_bytes: u64, offset: u64, bytes_max: u32) -> io::Result<Bytes> {
        let end = total_bytes.min(offset.saturating_add(u64::from(bytes_max.max(1))));
        let first = offset / BLOCK_BYTES;
        let start = first * BLOCK_BYTES;
        let whole_end = total_bytes.min(end.div_ceil(BLOCK_BYTES) * BLOCK_BYTES);
        let mut bytes = vec![0; length_of(whole_end - start)];
        self.0.read_exact_at(&mut bytes, HEADER_BYTES + start)?;
        let mut sums = vec![0; 4 * length_of(Header::blocks(whole_end) - first)];
        self.0.read_exact_at(&mut sums, HEADER_BYTES + total_bytes + 4 * first)?;
        let blocks = bytes.chunks(length_of(BLOCK_BYTES));
        if !blocks.zip(sums.chunks(4)).all(|(block, sum)| crc32c::crc32c(block).to_be_bytes() == *sum) {
            return Err(invalid("a block's checksum does not hold"));
        }
        Ok(Bytes::from(bytes).slice(length_of(offset - start)..length_of(end - start)))
    }
}

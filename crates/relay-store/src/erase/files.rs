//! The files of `erased/`: tombstones, purges and imports that are not finished. Each is made whole under another name and then renamed.
//!
//! magic | store_id [16] | body | crc u32 of all before it

use super::{ERASED_DIR, names};
use crate::data_dir::DirError;
use crate::segment::header::{STORE_ID_BYTES, StoreId};
use crate::vfs::{self, OpenMode, Vfs};
use bytes::Bytes;
use relay_core::erasure::Tombstone;
use relay_proto::ids::SpaceId;
use relay_proto::wire::{Reader, Writer};
use std::io;
use std::path::{Path, PathBuf};

const GONE_MAGIC: [u8; 8] = *b"SRGONE01";
const PURGE_MAGIC: [u8; 8] = *b"SRPURGE1";
const IMPORT_MAGIC: [u8; 8] = *b"SRIMPORT";
const GONE: &str = ".gone";
const PURGE: &str = ".purge";
const IMPORT: &str = ".import";
const NEW: &str = ".new";
/// Largest of these files, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// A purge that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PendingPurge {
    pub(crate) space: SpaceId,
    /// Everything below this goes.
    pub(crate) floor: u64,
}

/// What `erased/` holds.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) tombstones: Vec<Tombstone>,
    pub(crate) purges: Vec<PendingPurge>,
    /// Spaces whose import was not finished: nothing of them may be met.
    pub(crate) imports: Vec<SpaceId>,
}

fn gone_path(data_dir: &Path, space: SpaceId) -> PathBuf {
    data_dir.join(ERASED_DIR).join(format!("{}{GONE}", hex::encode(space.0)))
}

fn purge_path(data_dir: &Path, space: SpaceId) -> PathBuf {
    data_dir.join(ERASED_DIR).join(format!("{}{PURGE}", hex::encode(space.0)))
}

fn import_path(data_dir: &Path, space: SpaceId) -> PathBuf {
    data_dir.join(ERASED_DIR).join(format!("{}{IMPORT}", hex::encode(space.0)))
}

fn framed(magic: [u8; 8], store_id: &StoreId, body: impl FnOnce(&mut Writer)) -> Bytes {
    let mut w = Writer::with_capacity(512);
    w.raw(magic).raw(store_id.0);
    body(&mut w);
    let crc = crc32c::crc32c(w.as_slice());
    w.u32(crc);
    w.into_bytes()
}

fn unframed<T>(
    bytes: &[u8],
    magic: [u8; 8],
    store_id: &StoreId,
    body: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> Option<T> {
    let (fields, crc) = bytes.split_last_chunk::<4>()?;
    let mut r = Reader::borrowed(fields);
    let (found, owner): ([u8; 8], [u8; STORE_ID_BYTES]) = (r.array().ok()?, r.array().ok()?);
    let is_whole = found == magic && owner == store_id.0 && u32::from_be_bytes(*crc) == crc32c::crc32c(fields);
    let read = body(&mut r).filter(|_| is_whole)?;
    r.finish().ok().map(|()| read)
}

/// Writes a file, whole and durable; the caller syncs the directory, once for several.
fn write(vfs: &dyn Vfs, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let file = vfs.open(&new, OpenMode::Create)?;
    file.write_all_at(bytes, 0)?;
    file.sync_data()?;
    vfs.rename(&new, path)
}

/// Makes the directory, durably.
pub(crate) fn make_dir(vfs: &dyn Vfs, data_dir: &Path) -> io::Result<()> {
    vfs.create_dir(&data_dir.join(ERASED_DIR))?;
    vfs.sync_dir(data_dir)
}

/// Makes what was written or removed durable.
pub(crate) fn sync(vfs: &dyn Vfs, data_dir: &Path) -> io::Result<()> {
    vfs.sync_dir(&data_dir.join(ERASED_DIR))
}

/// Writes a tombstone over whatever there was of this space.
pub(crate) fn write_gone(vfs: &dyn Vfs, data_dir: &Path, store_id: &StoreId, tombstone: &Tombstone) -> io::Result<()> {
    let bytes = framed(GONE_MAGIC, store_id, |w| tombstone.write(w));
    write(vfs, &gone_path(data_dir, tombstone.space), &bytes)
}

/// Writes what is to be purged.
pub(crate) fn write_purge(vfs: &dyn Vfs, data_dir: &Path, store_id: &StoreId, purge: &PendingPurge) -> io::Result<()> {
    let bytes = framed(PURGE_MAGIC, store_id, |w| {
        w.raw(purge.space).u64(purge.floor);
    });
    write(vfs, &purge_path(data_dir, purge.space), &bytes)
}

/// Writes that what follows of this space is an import: without a word that it ended, the next start undoes it.
pub(crate) fn write_import(vfs: &dyn Vfs, data_dir: &Path, store_id: &StoreId, space: SpaceId) -> io::Result<()> {
    let bytes = framed(IMPORT_MAGIC, store_id, |w| {
        w.raw(space);
    });
    write(vfs, &import_path(data_dir, space), &bytes)
}

fn remove(vfs: &dyn Vfs, path: &Path) -> io::Result<()> {
    match vfs.remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Removes a tombstone.
pub(crate) fn remove_gone(vfs: &dyn Vfs, data_dir: &Path, space: SpaceId) -> io::Result<()> {
    remove(vfs, &gone_path(data_dir, space))
}

/// Removes a purge that is finished, or whose space is gone.
pub(crate) fn remove_purge(vfs: &dyn Vfs, data_dir: &Path, space: SpaceId) -> io::Result<()> {
    remove(vfs, &purge_path(data_dir, space))
}

/// Removes the word that an import is under way.
pub(crate) fn remove_import(vfs: &dyn Vfs, data_dir: &Path, space: SpaceId) -> io::Result<()> {
    remove(vfs, &import_path(data_dir, space))
}

/// Reads the directory; what was never finished is removed. What has its name was whole before: one that is not any more is damage,
/// because without it an erased space would be there again, or half an import.
///
/// What is found is written again and synced before it is believed: after a kill it may be readable from memory only, and
/// bytes of the log go on its word.
pub(crate) fn load(vfs: &dyn Vfs, data_dir: &Path, store_id: &StoreId) -> Result<Held, DirError> {
    let dir = data_dir.join(ERASED_DIR);
    let mut held = Held::default();
    let mut any = false;
    for name in names(vfs, &dir)? {
        let path = dir.join(&name);
        let io = |action| DirError::io(action, &path);
        if name.ends_with(NEW) {
            vfs.remove(&path).map_err(io("remove"))?;
            continue;
        }
        if ![GONE, PURGE, IMPORT].iter().any(|suffix| name.ends_with(suffix)) {
            continue;
        }
        let bytes = vfs::read_small(vfs, &path, FILE_BYTES_MAX).map_err(io("read"))?;
        let gone = unframed(&bytes, GONE_MAGIC, store_id, Tombstone::read);
        let purge = unframed(&bytes, PURGE_MAGIC, store_id, |r| {
            Some(PendingPurge { space: r.id().ok()?, floor: r.bits().ok()? })
        });
        let import: Option<SpaceId> = unframed(&bytes, IMPORT_MAGIC, store_id, |r| r.id().ok());
        if gone.is_none() && purge.is_none() && import.is_none() {
            // Without the file's name, which is that of the space.
            return Err(DirError::io("read a tombstone or an intent in", &dir)(io::ErrorKind::InvalidData.into()));
        }
        let is_pending = gone.as_ref().is_some_and(|gone| !gone.notice.done) || purge.is_some() || import.is_some();
        if is_pending {
            let file = vfs.open(&path, OpenMode::ReadWrite).map_err(io("open"))?;
            file.write_all_at(&bytes, 0).and_then(|()| file.sync_data()).map_err(io("write"))?;
            any = true;
        }
        held.tombstones.extend(gone);
        held.purges.extend(purge);
        held.imports.extend(import);
    }
    if any {
        vfs.sync_dir(&dir).map_err(DirError::io("sync", &dir))?;
    }
    Ok(held)
}

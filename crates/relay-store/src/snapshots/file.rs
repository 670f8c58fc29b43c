//! One snapshot's file.

use super::kind_of;
use crate::data_dir::{DirError, SNAPSHOTS_DIR};
use crate::segment::{length_of, offset_of};
use crate::shared::Shared;
use crate::vfs::{OpenMode, SharedFile};
use bytes::Bytes;
use relay_proto::hash::sha256;
use relay_proto::ids::{Hash, SpaceId};
use relay_proto::limits::MANIFEST_BYTES_MAX;
use relay_proto::snapshot::{ChunksHasher, Manifest};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Suffix of uploads under way.
pub(super) const PART: &str = ".part";
/// Suffix of complete ones.
pub(super) const SNAP: &str = ".snap";

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct SnapshotFile {
    pub(super) manifest: Manifest,
    pub(super) path: PathBuf,
    file: SharedFile,
    /// Hashes of the chunks, found to be those of the manifest when the first one was read; shared by clones.
    hashes: Arc<OnceLock<Vec<Hash>>>,
}

/// A file that was found.
pub(super) struct Found {
    pub(super) file: SnapshotFile,
    pub(super) is_complete: bool,
}

/// Finds all snapshots. Uploads without a whole manifest are removed; other files that are no snapshots are left alone.
pub(super) fn find(shared: &Shared) -> Result<Vec<(SpaceId, Found)>, DirError> {
    let root = shared.data_dir.join(SNAPSHOTS_DIR);
    let mut found = Vec::new();
    for dir in shared.vfs.read_dir(&root).map_err(DirError::io("list", &root))? {
        let mut space = SpaceId::ZERO;
        if !dir.is_dir || hex::decode_to_slice(&dir.name, &mut space.0).is_err() {
            continue;
        }
        let dir = root.join(&dir.name);
        for entry in shared.vfs.read_dir(&dir).map_err(DirError::io("list", &dir))? {
            let Some(is_complete) = kind_of(&entry.name) else { continue };
            let path = dir.join(&entry.name);
            let file = SnapshotFile::open(shared, path.clone()).map_err(DirError::io("read", &path))?;
            if file.is_none() && !is_complete {
                // Nobody was told of an upload whose manifest never became durable; one that stays is met at the next start.
                let _stays = shared.vfs.remove(&path);
            }
            found.extend(file.map(|file| (space, Found { file, is_complete })));
        }
    }
    Ok(found)
}

impl SnapshotFile {
    /// Makes a file for an upload, durable with its manifest.
    pub(super) fn create(shared: &Shared, dir: &Path, manifest: Manifest) -> io::Result<Self> {
        shared.vfs.create_dir(dir)?;
        if let Some(root) = dir.parent() {
            shared.vfs.sync_dir(root)?;
        }
        let path = dir.join(format!("{}{PART}", hex::encode(manifest.id().0)));
        let file = shared.vfs.open(&path, OpenMode::Create)?;
        let bytes = manifest.bytes();
        let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        file.write_all_at(&[count.to_be_bytes().as_slice(), bytes].concat(), 0)?;
        file.sync_data()?;
        shared.vfs.sync_dir(dir)?;
        Ok(Self { manifest, path, file, hashes: Arc::default() })
    }

    /// Opens a file; `None` when its manifest is not whole.
    fn open(shared: &Shared, path: PathBuf) -> io::Result<Option<Self>> {
        let file = shared.vfs.open(&path, OpenMode::ReadWrite)?;
        let len = file.len()?;
        let mut count = [0; 4];
        if len < offset_of(count.len()) {
            return Ok(None);
        }
        file.read_exact_at(&mut count, 0)?;
        let count = length_of(u64::from(u32::from_be_bytes(count)));
        if count > MANIFEST_BYTES_MAX || len < offset_of(count + 4) {
            return Ok(None);
        }
        let mut bytes = vec![0; count];
        file.read_exact_at(&mut bytes, 4)?;
        Ok(Manifest::parse(Bytes::from(bytes)).ok().map(|manifest| Self {
            manifest,
            path,
            file,
            hashes: Arc::default(),
        }))
    }

    fn chunk_offset(&self, index: u32) -> u64 {
        let chunks = u64::from(index) * u64::from(self.manifest.fields().chunk_bytes);
        offset_of(self.manifest.bytes().len() + 4) + chunks
    }

    /// How far an upload came, by the whole chunks in its file. What a power cut damaged shows in the hash at the end.
    pub(super) fn resume(&self) -> io::Result<(u32, ChunksHasher)> {
        let len = self.file.len()?;
        let mut hasher = ChunksHasher::default();
        let mut index = 0;
        while let Some(length) = self.manifest.fields().chunk_len(index) {
            let whole = self.chunk_offset(index) + u64::from(length) <= len;
            // The last chunk again: only its arrival completes a snapshot.
            let is_last = self.manifest.fields().chunk_len(index + 1).is_none();
            if !whole || is_last {
                break;
            }
            hasher.push(&self.read_chunk(index, length)?);
            index += 1;
        }
        Ok((index, hasher))
    }

    pub(super) fn write_chunk(&self, index: u32, chunk: &Bytes) -> io::Result<()> {
        self.file.write_all_at(chunk, self.chunk_offset(index))
    }

    pub(super) fn read_chunk(&self, index: u32, length: u32) -> io::Result<Bytes> {
        let mut bytes = vec![0; length_of(u64::from(length))];
        self.file.read_exact_at(&mut bytes, self.chunk_offset(index))?;
        Ok(Bytes::from(bytes))
    }

    /// Reads a chunk of a complete snapshot; one whose bytes are not what was uploaded is never returned.
    pub(super) fn read_checked(&self, index: u32, length: u32) -> io::Result<Bytes> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "bytes do not match the manifest's hash");
        let hashes = match self.hashes.get() {
            Some(hashes) => hashes,
            None => {
                let hashes = self.hash_chunks()?.ok_or_else(damaged)?;
                self.hashes.get_or_init(|| hashes)
            }
        };
        let chunk = self.read_chunk(index, length)?;
        let expected = hashes.get(length_of(u64::from(index)));
        if expected == Some(&sha256(&[&chunk])) { Ok(chunk) } else { Err(damaged()) }
    }

    /// The hash of every chunk; `None` when together they are not what the manifest says.
    fn hash_chunks(&self) -> io::Result<Option<Vec<Hash>>> {
        let fields = self.manifest.fields();
        let (mut whole, mut hashes) = (ChunksHasher::default(), Vec::new());
        for index in 0..fields.chunk_count().unwrap_or(0) {
            let chunk = self.read_chunk(index, fields.chunk_len(index).unwrap_or(0))?;
            whole.push(&chunk);
            hashes.push(sha256(&[&chunk]));
        }
        Ok((whole.finish() == fields.chunks_hash).then_some(hashes))
    }

    /// Makes the upload durable under its final name.
    pub(super) fn complete(&mut self, shared: &Shared, dir: &Path) -> io::Result<()> {
        self.file.sync_data()?;
        let path = dir.join(format!("{}{SNAP}", hex::encode(self.manifest.id().0)));
        shared.vfs.rename(&self.path, &path)?;
        self.path = path;
        shared.vfs.sync_dir(dir)
    }

    /// Removes the file; one that stays is found and offered again at the next start, which harms nobody.
    pub(super) fn remove(&self, shared: &Shared) {
        let _stays = shared.vfs.remove(&self.path);
    }
}

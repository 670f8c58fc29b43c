//! redb on the store's own files, so that the simulated disk covers it too.

use crate::segment::{length_of, offset_of};
use crate::vfs::{self, OpenMode, SharedFile, Vfs};
use std::io;
use std::path::Path;

/// A page of redb; the first one names the valid one of its two trees.
const PAGE_BYTES: u64 = 4096;
/// Bytes written again at once.
const REWRITE_BYTES: usize = 256 * 1024;

#[derive(Debug)]
pub(crate) struct FileBackend(SharedFile);

impl FileBackend {
    /// The file, made when it is missing; what is in it is made durable before it is believed.
    pub(super) fn open(vfs: &dyn Vfs, path: &Path) -> io::Result<Self> {
        Self::open_with(vfs, path, true)
    }

    /// The same; `rewrites` when what is visible may not be durable.
    pub(crate) fn open_with(vfs: &dyn Vfs, path: &Path, rewrites: bool) -> io::Result<Self> {
        let file = match vfs.open(path, OpenMode::ReadWrite) {
            // Its name is made durable with the other names of the data directory, before the store answers anything.
            Err(error) if error.kind() == io::ErrorKind::NotFound => vfs.open(path, OpenMode::Create)?,
            other => other?,
        };
        let backend = Self(file);
        backend.complete_page()?;
        if !rewrites {
            return Ok(backend);
        }
        match backend.make_durable() {
            // It only writes over what is there; a file system that copies on write may still want room, and reads go on without.
            Err(error) if !vfs::is_full(&error) => Err(error),
            _ => Ok(backend),
        }
    }

    /// A power cut while the file grows may leave a part of a page at its end, with nothing in it yet; redb wants whole ones.
    fn complete_page(&self) -> io::Result<()> {
        let len = self.0.len()?;
        if len.is_multiple_of(PAGE_BYTES) { Ok(()) } else { self.0.set_len(len.next_multiple_of(PAGE_BYTES)) }
    }

    /// Writes what is visible again, the header last. After a failed sync, or a kill behind one, pages may be in memory only
    /// and count as clean: a header that points at them must not become durable before they are.
    fn make_durable(&self) -> io::Result<()> {
        let len = self.0.len()?;
        if len == 0 {
            return Ok(());
        }
        let mut buffer = vec![0; REWRITE_BYTES];
        let mut at = len.min(PAGE_BYTES);
        while at < len {
            let bytes = length_of((len - at).min(offset_of(REWRITE_BYTES)));
            self.rewrite(&mut buffer, at, bytes)?;
            at += offset_of(bytes);
        }
        self.0.sync_data()?;
        self.rewrite(&mut buffer, 0, length_of(len.min(PAGE_BYTES)))?;
        self.0.sync_data()
    }

    fn rewrite(&self, buffer: &mut [u8], at: u64, bytes: usize) -> io::Result<()> {
        let piece = buffer.get_mut(..bytes).ok_or(io::ErrorKind::InvalidInput)?;
        self.0.read_exact_at(piece, at)?;
        self.0.write_all_at(piece, at)
    }
}

impl redb::StorageBackend for FileBackend {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }
}

//! redb on the store's own files, so that the simulated disk covers it too.

use crate::vfs::{OpenMode, SharedFile, Vfs};
use std::io;
use std::path::Path;

#[derive(Debug)]
pub(super) struct FileBackend(SharedFile);

impl FileBackend {
    pub(super) fn open(vfs: &dyn Vfs, path: &Path) -> io::Result<Self> {
        let file = match vfs.open(path, OpenMode::ReadWrite) {
            // Its name is made durable with the other names of the data directory, before the store answers anything.
            Err(error) if error.kind() == io::ErrorKind::NotFound => vfs.open(path, OpenMode::Create)?,
            other => other?,
        };
        Ok(Self(file))
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

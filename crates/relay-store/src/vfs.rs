//! The few file operations the store rests on, as a trait, so that tests can fail, tear and lose them.
//!
//! What a caller may believe: bytes survive a power cut once `sync_data` of their file returned `Ok`; a file's name
//! (made, renamed or removed) survives once `sync_dir` of its directory did.

mod real;
#[cfg(any(test, feature = "testing"))]
pub mod sim;

pub use real::RealVfs;

use std::fmt::Debug;
use std::io;
use std::panic::Location;
use std::path::Path;
use std::sync::Arc;

/// The place in the code that asks for a sync; what the simulated disk turns off one by one.
pub type SyncSite = &'static Location<'static>;

/// Whether an operation failed for want of room: on the disk, or in the owner's share of it.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Unit of a file opened as [`OpenMode::Blocks`], in bytes: offset, length and memory of every write are multiples of it.
pub const BLOCK_BYTES: usize = 4096;

/// One open file. All operations name their offset, so a file can be shared.
pub trait VfsFile: Send + Sync + Debug {
    /// Fills the buffer from `offset` on; an end of file inside it is `UnexpectedEof`.
    ///
    /// # Errors
    /// What the file system says.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Appends the `bytes` bytes from `offset` on; an end of file inside them is `UnexpectedEof`. After an error any part of
    /// them may have been appended.
    ///
    /// # Errors
    /// What the file system says.
    fn append_exact_at(&self, buffer: &mut Vec<u8>, bytes: usize, offset: u64) -> io::Result<()> {
        let start = buffer.len();
        buffer.resize(start.saturating_add(bytes), 0);
        self.read_exact_at(buffer.get_mut(start..).unwrap_or_default(), offset)
    }
    /// Writes everything at `offset`. After an error any part of it may have been written.
    ///
    /// # Errors
    /// What the file system says.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// What `sync_data` of the trait object does, which notes where it is called.
    ///
    /// # Errors
    /// What the file system says. The call is never repeated and then believed.
    fn sync_data_from(&self, site: SyncSite) -> io::Result<()>;
    /// Cuts or extends (with zeros) the file.
    ///
    /// # Errors
    /// What the file system says.
    fn set_len(&self, bytes: u64) -> io::Result<()>;
    /// Extends the file with zeros to `bytes`, unless it is longer, and keeps room for them on the disk, without writing them: what
    /// is written there later finds room.
    ///
    /// # Errors
    /// `Unsupported` where the file system cannot; otherwise what it says.
    fn allocate(&self, _bytes: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Length in bytes.
    ///
    /// # Errors
    /// What the file system says.
    fn len(&self) -> io::Result<u64>;
    /// Gives the blocks of a range of zeros back where the file system can; the range reads as zeros before and after.
    fn punch_hole(&self, _offset: u64, _bytes: u64) {}
    /// Whether the file is empty.
    ///
    /// # Errors
    /// What the file system says.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

impl dyn VfsFile + '_ {
    /// Makes written bytes durable, and the length when it changed (fdatasync).
    ///
    /// # Errors
    /// What the file system says. The call is never repeated and then believed.
    #[track_caller]
    pub fn sync_data(&self) -> io::Result<()> {
        self.sync_data_from(Location::caller())
    }
}

/// An open file, shared.
pub type SharedFile = Arc<dyn VfsFile>;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Existing, for reading.
    Read,
    /// Existing, for reading and writing.
    ReadWrite,
    /// Existing, for writing whole blocks past the system's cache where the file system can. What is written so is seen by
    /// readers of the file at once, and is durable after `sync_data` like everything else.
    Blocks,
    /// Made, or emptied when it exists.
    Create,
    /// Made, or emptied when it exists; readable by its owner only.
    CreatePrivate,
}

/// Held while a relay uses a data directory; released when dropped.
pub trait VfsLock: Send + Sync + Debug {}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirName {
    /// The name, without its directory.
    pub name: String,
    /// Whether it is a directory.
    pub is_dir: bool,
}

/// A file system.
pub trait Vfs: Send + Sync + Debug {
    /// Opens a file.
    ///
    /// # Errors
    /// What the file system says.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<SharedFile>;
    /// Makes a directory and those above it; fine when it exists.
    ///
    /// # Errors
    /// What the file system says.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Names in a directory, ascending.
    ///
    /// # Errors
    /// What the file system says.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirName>>;
    /// What `sync_dir` of the trait object does, which notes where it is called.
    ///
    /// # Errors
    /// What the file system says.
    fn sync_dir_from(&self, path: &Path, site: SyncSite) -> io::Result<()>;
    /// Renames a file over whatever has the new name.
    ///
    /// # Errors
    /// What the file system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// What the file system says.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory; a file system that has no names of directories has nothing to do.
    ///
    /// # Errors
    /// What the file system says.
    fn remove_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
    /// Bytes that can still be written in the file system of a directory; `None` when it does not say.
    ///
    /// # Errors
    /// What the file system says.
    fn free_bytes(&self, _dir: &Path) -> io::Result<Option<u64>> {
        Ok(None)
    }
    /// Takes an exclusive advisory lock on a file, which is made when missing, and writes `owner` into it;
    /// `None` when another process holds it.
    ///
    /// # Errors
    /// What the file system says.
    fn lock(&self, path: &Path, owner: &str) -> io::Result<Option<Box<dyn VfsLock>>>;
}

impl dyn Vfs + '_ {
    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// What the file system says.
    #[track_caller]
    pub fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.sync_dir_from(path, Location::caller())
    }
}

/// Reads a whole small file; refuses one above `bytes_max`.
///
/// # Errors
/// What the file system says.
pub(crate) fn read_small(vfs: &dyn Vfs, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let file = vfs.open(path, OpenMode::Read)?;
    let len = file.len()?;
    if len > bytes_max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "larger than this file can be"));
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// Writes a whole small file and makes it durable, its name included.
///
/// # Errors
/// What the file system says.
#[track_caller]
pub(crate) fn write_small(vfs: &dyn Vfs, dir: &Path, name: &str, bytes: &[u8], mode: OpenMode) -> io::Result<()> {
    let file = vfs.open(&dir.join(name), mode)?;
    file.write_all_at(bytes, 0)?;
    file.sync_data()?;
    vfs.sync_dir(dir)
}

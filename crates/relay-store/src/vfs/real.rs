//! The operating system's files.

use super::{DirName, OpenMode, SharedFile, SyncSite, Vfs, VfsFile, VfsLock};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// The operating system's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealVfs;

#[derive(Debug)]
struct RealFile(File);

/// Held for the sake of the descriptor: closing it releases the lock.
#[derive(Debug)]
struct RealLock(#[allow(dead_code, reason = "owning the file is its purpose")] File);

impl VfsLock for RealLock {}

#[cfg(unix)]
impl RealFile {
    fn read_some(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, buffer, offset)
    }
    fn write_some(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(&self.0, bytes, offset)
    }
}

#[cfg(windows)]
impl RealFile {
    fn read_some(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.0, buffer, offset)
    }
    fn write_some(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(&self.0, bytes, offset)
    }
}

impl VfsFile for RealFile {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let (mut rest, mut at) = (buffer, offset);
        while !rest.is_empty() {
            match self.read_some(rest, at) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    rest = rest.get_mut(n..).unwrap_or_default();
                    at += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Without writing zeros first into memory that is read over at once.
    #[cfg(unix)]
    fn append_exact_at(&self, buffer: &mut Vec<u8>, bytes: usize, offset: u64) -> io::Result<()> {
        let (start, end) = (buffer.len(), buffer.len().saturating_add(bytes));
        buffer.reserve_exact(bytes);
        while buffer.len() < end {
            let at = offset.saturating_add((buffer.len() - start) as u64);
            match rustix::io::pread(&self.0, rustix::buffer::spare_capacity(buffer), at) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        buffer.truncate(end);
        Ok(())
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (mut rest, mut at) = (bytes, offset);
        while !rest.is_empty() {
            match self.write_some(rest, at) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    rest = rest.get(n..).unwrap_or_default();
                    at += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn sync_data_from(&self, _site: SyncSite) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    #[cfg(target_os = "linux")]
    fn punch_hole(&self, offset: u64, bytes: u64) {
        let flags = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
        // Where it is not known the zeros stay where they are.
        let _unknown = rustix::fs::fallocate(&self.0, flags, offset, bytes);
    }

    #[cfg(target_os = "linux")]
    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let allocated = rustix::fs::fallocate(&self.0, rustix::fs::FallocateFlags::empty(), 0, bytes);
        allocated.map_err(io::Error::from)
    }

    fn len(&self) -> io::Result<u64> {
        self.0.metadata().map(|metadata| metadata.len())
    }
}

/// Opens for direct writes; `None` where the file system has none.
#[cfg(target_os = "linux")]
fn open_direct(path: &Path) -> Option<File> {
    let direct = i32::try_from(rustix::fs::OFlags::DIRECT.bits()).ok()?;
    let mut options = OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, direct);
    options.read(true).write(true).open(path).ok()
}

#[cfg(not(target_os = "linux"))]
fn open_direct(_path: &Path) -> Option<File> {
    None
}

impl Vfs for RealVfs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<SharedFile> {
        if let Some(file) = (mode == OpenMode::Blocks).then(|| open_direct(path)).flatten() {
            return Ok(Arc::new(RealFile(file)));
        }
        let mut options = OpenOptions::new();
        options.read(true);
        match mode {
            OpenMode::Read => {}
            OpenMode::ReadWrite | OpenMode::Blocks => {
                options.write(true);
            }
            OpenMode::Create | OpenMode::CreatePrivate => {
                options.write(true).create(true).truncate(true);
            }
        }
        #[cfg(unix)]
        if mode == OpenMode::CreatePrivate {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        Ok(Arc::new(RealFile(options.open(path)?)))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirName>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            names.push(DirName {
                name: entry.file_name().to_string_lossy().into_owned(),
                is_dir: entry.file_type()?.is_dir(),
            });
        }
        names.sort();
        Ok(names)
    }

    #[cfg(unix)]
    fn sync_dir_from(&self, path: &Path, _site: SyncSite) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    /// Windows makes names durable with the file itself and has no directory handle to sync.
    #[cfg(not(unix))]
    fn sync_dir_from(&self, _path: &Path, _site: SyncSite) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(path)
    }

    #[cfg(unix)]
    fn free_bytes(&self, dir: &Path) -> io::Result<Option<u64>> {
        let space = rustix::fs::statvfs(dir)?;
        Ok(Some(space.f_bavail.saturating_mul(space.f_frsize)))
    }

    fn lock(&self, path: &Path, owner: &str) -> io::Result<Option<Box<dyn VfsLock>>> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        file.set_len(0)?;
        file.write_all(owner.as_bytes())?;
        Ok(Some(Box::new(RealLock(file))))
    }
}

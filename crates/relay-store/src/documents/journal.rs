//! The journal's writing side: one file at a time, allocated ahead, one write and one fdatasync per group.

use super::codec::{FILE_HEADER_BYTES, FileHeader, Salt, seal_group};
use crate::vfs::{self, OpenMode, SharedFile, Vfs};
use relay_core::environment::Entropy;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const PREFIX: &str = "journal-";

pub(super) fn file_name(number: u64) -> String {
    format!("{PREFIX}{number:016x}")
}

pub(super) fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX).filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// Why a group was not written.
#[derive(Debug)]
pub(super) enum AppendError {
    /// No room; nothing of it will be read.
    Full,
    /// The disk failed.
    Failed,
}

#[derive(Debug)]
struct Open {
    file: SharedFile,
    number: u64,
    salt: Salt,
    /// Where the next group goes.
    at: u64,
    bytes: u64,
}

/// See the module.
pub(super) struct Journal {
    vfs: Arc<dyn Vfs>,
    entropy: Arc<dyn Entropy>,
    dir: PathBuf,
    file_bytes: u64,
    next_number: u64,
    open: Option<Open>,
}

/// What a write took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Appended {
    pub(super) file_bytes_added: u64,
}

impl Journal {
    pub(super) fn new(
        vfs: Arc<dyn Vfs>,
        entropy: Arc<dyn Entropy>,
        dir: &Path,
        file_bytes: u64,
        next_number: u64,
    ) -> Self {
        Self { vfs, entropy, dir: dir.to_owned(), file_bytes, next_number, open: None }
    }

    /// The file that is written now, or will be.
    pub(super) fn number(&self) -> u64 {
        self.open.as_ref().map_or(self.next_number, |open| open.number)
    }

    /// Bytes that fit without a new file.
    pub(super) fn room_bytes(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.bytes.saturating_sub(open.at))
    }

    /// Makes a new file with room for so much, and for `group` first.
    pub(super) fn roll(&mut self, group: u64, bytes: u64) -> Result<u64, AppendError> {
        let number = self.next_number;
        let path = self.dir.join(file_name(number));
        let wanted = self.file_bytes.max(bytes.saturating_add(FILE_HEADER_BYTES as u64));
        let mut salt = Salt::default();
        self.entropy.fill(&mut salt);
        let made = self.make(&path, FileHeader { number, first_group: group, salt }, wanted);
        match made {
            Ok(file) => {
                self.next_number += 1;
                self.open = Some(Open { file, number, salt, at: FILE_HEADER_BYTES as u64, bytes: wanted });
                Ok(wanted)
            }
            Err(error) => {
                // Half a file without groups; one that stays is skipped by a start.
                let _may_not_be_there = self.vfs.remove(&path);
                Err(if vfs::is_full(&error) { AppendError::Full } else { AppendError::Failed })
            }
        }
    }

    fn make(&self, path: &Path, header: FileHeader, bytes: u64) -> io::Result<SharedFile> {
        let file = self.vfs.open(path, OpenMode::Create)?;
        match file.allocate(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => file.set_len(bytes)?,
            other => other?,
        }
        file.write_all_at(&header.encode(), 0)?;
        file.sync_data()?;
        self.vfs.sync_dir(&self.dir)?;
        Ok(file)
    }

    /// Fills a group's header in, writes it and makes it durable.
    pub(super) fn append(&mut self, group: u64, bytes: &mut [u8]) -> Result<Appended, AppendError> {
        let mut appended = Appended::default();
        if self.room_bytes() < bytes.len() as u64 {
            appended.file_bytes_added = self.roll(group, bytes.len() as u64)?;
        }
        let Some(open) = &mut self.open else { return Err(AppendError::Failed) };
        seal_group(bytes, group, &open.salt);
        if let Err(error) = open.file.write_all_at(bytes, open.at) {
            // Where nothing could be allocated ahead a write may find no room; what it left is overwritten by the next group.
            return Err(if vfs::is_full(&error) { AppendError::Full } else { AppendError::Failed });
        }
        open.file.sync_data().map_err(|_| AppendError::Failed)?;
        open.at += bytes.len() as u64;
        Ok(appended)
    }
}

//! A certificate and its key in two files, which are looked at again and again.

use super::certificate::Certificate;
use super::error::TlsError;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Largest file that is read; a long chain has a few KiB.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// The two files, and what was in them when they were last looked at.
pub struct KeyFiles {
    certificate: PathBuf,
    key: PathBuf,
    seen: Option<Contents>,
}

/// What a look came to.
#[derive(Debug)]
pub enum Look {
    /// As it was the last time, good or bad.
    Unchanged,
    /// Others than the last time, and good.
    Changed(Certificate),
    /// Others than the last time, and of no use.
    Bad(TlsError),
}

#[derive(PartialEq, Eq)]
enum Contents {
    Read { certificate: Vec<u8>, key: Vec<u8> },
    Unreadable,
}

impl KeyFiles {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(certificate: PathBuf, key: PathBuf) -> Self {
        Self { certificate, key, seen: None }
    }

    /// Reads the files. Blocks.
    ///
    /// # Errors
    /// [`TlsError`] if they cannot be served at `now`.
    pub fn load(&mut self, now: SystemTime) -> Result<Certificate, TlsError> {
        let read = read(&self.certificate).and_then(|certificate| Ok((certificate, read(&self.key)?)));
        let (certificate, key) = match read {
            Ok(read) => read,
            Err(error) => {
                self.seen = Some(Contents::Unreadable);
                return Err(error);
            }
        };
        let names = (self.certificate.display().to_string(), self.key.display().to_string());
        let loaded = Certificate::from_pem((&certificate, &names.0), (&key, &names.1));
        self.seen = Some(Contents::Read { certificate, key });
        let loaded = loaded?;
        loaded.check_time(now, &names.0)?;
        Ok(loaded)
    }

    /// Reads the files, and says whether something is new. Blocks.
    pub fn look(&mut self, now: SystemTime) -> Look {
        let before = self.seen.take();
        let loaded = self.load(now);
        if before == self.seen {
            return Look::Unchanged;
        }
        match loaded {
            Ok(certificate) => Look::Changed(certificate),
            Err(error) => Look::Bad(error),
        }
    }
}

impl std::fmt::Debug for KeyFiles {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("KeyFiles")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source: io::Error| TlsError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(unreadable(io::Error::other(format!("it is larger than {FILE_BYTES_MAX} bytes"))));
    }
    Ok(bytes)
}

//! `admission/sponsored`: which spaces are sponsored ones, by which other space, and since when.

use crate::data_dir::{ADMISSION_DIR, DirError, SPONSORED_FILE};
use crate::space_book::{BookKind, SpaceBook};
use crate::vfs::Vfs;
use relay_core::sponsored::{SponsoredRecord, SponsoredRecords};
use relay_core::store::Completion;
use relay_proto::ids::SpaceId;
use std::path::Path;
use std::sync::Arc;

const KIND: BookKind = BookKind {
    folder: Some(ADMISSION_DIR),
    file: SPONSORED_FILE,
    magic: *b"SRSPONSR",
    thread: "relay-sponsored",
    what: "a list of sponsored spaces",
};
const SPONSOR_BYTES: usize = 32;
const WORD_BYTES: usize = SPONSOR_BYTES + 8;

/// See the module.
pub struct SponsoredBook(SpaceBook<WORD_BYTES>);

impl SponsoredBook {
    /// Whether a data directory has one.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn exists(vfs: &dyn Vfs, data_dir: &Path) -> Result<bool, DirError> {
        SpaceBook::<WORD_BYTES>::exists(KIND, vfs, data_dir)
    }

    /// Opens the book of a data directory that this process holds; it is made with the first record.
    ///
    /// # Errors
    /// When the file cannot be read or a thread cannot be started.
    pub fn open(vfs: Arc<dyn Vfs>, data_dir: &Path) -> Result<Self, DirError> {
        SpaceBook::open(KIND, vfs, data_dir).map(Self)
    }

    /// Writes what waits, then lets the file go.
    pub fn close(&self) {
        self.0.close();
    }
}

fn word(record: &SponsoredRecord) -> [u8; WORD_BYTES] {
    let mut word = [0; WORD_BYTES];
    let bytes = record.sponsor.0.into_iter().chain(record.founded_at_ms.to_be_bytes());
    word.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    word
}

fn record(space: SpaceId, word: [u8; WORD_BYTES]) -> Option<SponsoredRecord> {
    let (sponsor, time) = word.split_first_chunk::<SPONSOR_BYTES>()?;
    let founded_at_ms = u64::from_be_bytes(time.try_into().ok()?);
    Some(SponsoredRecord { space, sponsor: SpaceId(*sponsor), founded_at_ms })
}

impl SponsoredRecords for SponsoredBook {
    fn load(&self) -> Vec<SponsoredRecord> {
        self.0.load().into_iter().filter_map(|(space, word)| record(space, word)).collect()
    }

    fn put(&self, record: SponsoredRecord, done: Completion<()>) {
        self.0.put(record.space, word(&record), done);
    }

    fn forget(&self, space: SpaceId) {
        self.0.forget(space);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_from_its_word() {
        let kept =
            SponsoredRecord { space: SpaceId([1; 32]), sponsor: SpaceId([2; 32]), founded_at_ms: 0x0102_0304_0506 };
        assert_eq!(record(kept.space, word(&kept)), Some(kept));
    }
}

//! Blobs: large sealed objects outside the log, named by the hash of their sealed bytes.

use crate::ids::BlobId;
use sha2::{Digest, Sha256};

/// Hashes a blob as its bytes pass by.
#[derive(Clone, Debug, Default)]
pub struct BlobHasher(Sha256);

impl BlobHasher {
    /// Adds the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The id of what was added.
    #[must_use]
    pub fn finish(self) -> BlobId {
        BlobId(self.0.finalize().into())
    }
}

/// The id of sealed bytes.
#[must_use]
pub fn blob_id(sealed: &[u8]) -> BlobId {
    BlobId(crate::hash::sha256(&[sealed]).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hash_as_the_whole() {
        let mut hasher = BlobHasher::default();
        hasher.push(b"sealed ");
        hasher.push(b"bytes");
        assert_eq!(hasher.finish(), blob_id(b"sealed bytes"));
    }
}

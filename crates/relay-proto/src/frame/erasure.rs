//! Purge, Purged, Erase: forgetting at once, on the word of the root or an admin.

use super::{Frame, FrameType};
use crate::attestation::Attestation;
use crate::ids::{Hash, Seq, Signature};
use crate::wire::{DecodeError, Reader, Writer};

/// Everything up to a size is to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purge {
    /// Log epoch the size is of.
    pub log_epoch: u64,
    /// seq of the newest entry that goes.
    pub size: Seq,
    /// The Merkle root at that size, as the signer verified it.
    pub head: Hash,
    /// The session's device's (or the root's) signature.
    pub signature: Signature,
}

impl Frame for Purge {
    const TYPE: FrameType = FrameType::Purge;

    fn write(&self, w: &mut Writer) {
        w.u64(self.log_epoch).u64(self.size).raw(self.head).raw(self.signature);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let purge = Self { log_epoch: r.u64()?, size: r.u64()?, head: r.id()?, signature: r.id()? };
        if purge.size == 0 { Err(DecodeError::OutOfRange) } else { Ok(purge) }
    }
}

/// The answer to a purge: durable, and overwritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purged {
    /// The purge's size.
    pub size: Seq,
    /// A head whose floor is above it.
    pub attestation: Attestation,
}

impl Frame for Purged {
    const TYPE: FrameType = FrameType::Purged;

    fn write(&self, w: &mut Writer) {
        w.u64(self.size);
        self.attestation.write(w);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { size: r.u64()?, attestation: Attestation::read(r)? })
    }
}

/// The whole space is to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erase {
    /// The log's present epoch.
    pub log_epoch: u64,
    /// Version of the newest roster the signer knows.
    pub roster_version: u64,
    /// Its hash.
    pub roster_hash: Hash,
    /// The session's device's (or the root's) signature.
    pub signature: Signature,
}

impl Frame for Erase {
    const TYPE: FrameType = FrameType::Erase;

    fn write(&self, w: &mut Writer) {
        w.u64(self.log_epoch).u64(self.roster_version).raw(self.roster_hash).raw(self.signature);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { log_epoch: r.u64()?, roster_version: r.u64()?, roster_hash: r.id()?, signature: r.id()? })
    }
}

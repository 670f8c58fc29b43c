//! The statement by which a relay that was restored from a backup opens a new log epoch.

use crate::frame::{Frame, FrameType};
use crate::hash::Domain;
use crate::ids::{Hash, LogId, Seq, Signature, SpaceId};
use crate::merkle::Genesis;
use crate::signing::{self, KeyPair};
use crate::wire::{DecodeError, Reader, Writer};

/// A signed log reset; also a frame of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogReset {
    /// The space.
    pub space: SpaceId,
    /// The ordering authority.
    pub log_id: LogId,
    /// The epoch that ended.
    pub old_epoch: u64,
    /// The size that was restored.
    pub base_size: Seq,
    /// The head at that size.
    pub base_head: Hash,
    /// The epoch that begins; greater than the old one.
    pub new_epoch: u64,
    /// The relay's clock, in Unix milliseconds.
    pub time_ms: u64,
    /// The log id's signature.
    pub signature: Signature,
}

impl LogReset {
    /// Signs the reset; the log id and the signature given are replaced.
    #[must_use]
    pub fn signed(mut self, log_key: &KeyPair) -> Self {
        self.log_id = log_key.log_id();
        self.signature = log_key.sign(Domain::LogReset, &[self.text().as_slice()]);
        self
    }

    /// What the log id signs, for a signer that keeps its key to itself.
    #[must_use]
    pub fn signing_text(&self) -> Vec<u8> {
        signing::signing_text(Domain::LogReset, &[self.text().as_slice()])
    }

    /// Whether the log id named signed it. The caller checks that it is the log id pinned.
    #[must_use]
    pub fn verify(&self) -> bool {
        signing::verify(&self.log_id.0, Domain::LogReset, &[self.text().as_slice()], &self.signature)
    }

    /// The genesis of the epoch that begins.
    #[must_use]
    pub const fn genesis(&self) -> Genesis {
        Genesis {
            space: self.space,
            log_id: self.log_id,
            log_epoch: self.new_epoch,
            base_size: self.base_size,
            base_head: self.base_head,
        }
    }

    fn text(&self) -> Writer {
        let mut w = Writer::with_capacity(32 * 3 + 8 * 4);
        w.raw(self.space).raw(self.log_id).u64(self.old_epoch).u64(self.base_size).raw(self.base_head);
        w.u64(self.new_epoch).u64(self.time_ms);
        w
    }
}

impl Frame for LogReset {
    const TYPE: FrameType = FrameType::LogReset;

    fn write(&self, w: &mut Writer) {
        w.raw(self.text().as_slice()).raw(self.signature);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let reset = Self {
            space: r.id()?,
            log_id: r.id()?,
            old_epoch: r.u64()?,
            base_size: r.u64()?,
            base_head: r.id()?,
            new_epoch: r.u64()?,
            time_ms: r.u64()?,
            signature: r.id()?,
        };
        if reset.new_epoch <= reset.old_epoch {
            return Err(DecodeError::OutOfRange);
        }
        Ok(reset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_by_its_log() {
        let key = KeyPair::from_seed(&[4; 32]);
        let reset = LogReset {
            space: SpaceId([1; 32]),
            log_id: LogId::ZERO,
            old_epoch: 1,
            base_size: 10,
            base_head: Hash([2; 32]),
            new_epoch: 2,
            time_ms: 3,
            signature: Signature::ZERO,
        }
        .signed(&key);
        assert!(reset.verify());
        assert!(!LogReset { base_size: 11, ..reset }.verify());
        let backwards = LogReset { new_epoch: 1, ..reset };
        assert_eq!(LogReset::decode(&backwards.encode()), Err(DecodeError::OutOfRange));
    }
}

//! Signatures under which a log is purged or a space erased, and what is told of a space that is gone.

use crate::frame::{Erase, Frame, Purge};
use crate::hash::{Domain, domain_hash};
use crate::ids::{DeviceKey, Hash, LogId, Seq, Signature, SpaceId};
use crate::signing::{self, KeyPair};
use crate::wire::{DecodeError, Reader, Writer};
use bytes::Bytes;

/// Length of a member's mark, in bytes.
pub const MEMBER_MARK_BYTES: usize = 16;

impl Purge {
    /// Signs a purge.
    #[must_use]
    pub fn sign(signer: &KeyPair, space: &SpaceId, log_id: &LogId, log_epoch: u64, size: Seq, head: Hash) -> Self {
        let purge = Self { log_epoch, size, head, signature: Signature::ZERO };
        Self { signature: signer.sign(Domain::Purge, &[&purge.text(space, log_id)]), ..purge }
    }

    /// Whether the signer asked for this of this log.
    #[must_use]
    pub fn verify(&self, signer: &DeviceKey, space: &SpaceId, log_id: &LogId) -> bool {
        signing::verify(&signer.0, Domain::Purge, &[&self.text(space, log_id)], &self.signature)
    }

    fn text(&self, space: &SpaceId, log_id: &LogId) -> Bytes {
        let mut w = Writer::with_capacity(32 * 3 + 8 * 2);
        w.raw(space).raw(log_id).u64(self.log_epoch).u64(self.size).raw(self.head);
        w.into_bytes()
    }
}

impl Erase {
    /// Signs an erasure.
    #[must_use]
    pub fn sign(
        signer: &KeyPair,
        space: &SpaceId,
        log_id: &LogId,
        log_epoch: u64,
        (roster_version, roster_hash): (u64, Hash),
    ) -> Self {
        let erase = Self { log_epoch, roster_version, roster_hash, signature: Signature::ZERO };
        Self { signature: signer.sign(Domain::Erase, &[&erase.text(space, log_id)]), ..erase }
    }

    /// Whether the signer asked for this of this log.
    #[must_use]
    pub fn verify(&self, signer: &DeviceKey, space: &SpaceId, log_id: &LogId) -> bool {
        signing::verify(&signer.0, Domain::Erase, &[&self.text(space, log_id)], &self.signature)
    }

    fn text(&self, space: &SpaceId, log_id: &LogId) -> Bytes {
        let mut w = Writer::with_capacity(32 * 3 + 8 * 2);
        w.raw(space).raw(log_id).u64(self.log_epoch).u64(self.roster_version).raw(self.roster_hash);
        w.into_bytes()
    }
}

/// By which a relay still knows a device of a space that is gone, and nobody else can tell whose it is.
#[must_use]
pub fn member_mark(space: &SpaceId, device: &DeviceKey) -> [u8; MEMBER_MARK_BYTES] {
    let hash = domain_hash(Domain::ErasedMember, &[&space.0, &device.0]);
    let mut mark = [0; MEMBER_MARK_BYTES];
    mark.copy_from_slice(hash.0.get(..MEMBER_MARK_BYTES).unwrap_or(&[0; MEMBER_MARK_BYTES]));
    mark
}

/// Why a space is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasureReason {
    /// Its root or an admin of it signed for that.
    Signed {
        /// Who.
        signer: DeviceKey,
        /// The words.
        erase: Erase,
    },
    /// The relay's operator erased it.
    Operator,
    /// No device was heard of for as long as the relay keeps a space.
    Expired,
}

/// What a device is told of a space that is gone: the detail of the Error `space_erased`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErasureNotice {
    /// Why.
    pub reason: ErasureReason,
    /// Whether everything is overwritten already; until then the space is gone and its bytes are going.
    pub done: bool,
    /// When, by the relay's clock, in Unix milliseconds.
    pub time_ms: u64,
}

impl ErasureNotice {
    /// The detail's bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut w = Writer::with_capacity(160);
        self.write(&mut w);
        w.into_bytes()
    }

    /// Appends it.
    pub fn write(&self, w: &mut Writer) {
        let reason = match self.reason {
            ErasureReason::Signed { .. } => 1,
            ErasureReason::Operator => 2,
            ErasureReason::Expired => 3,
        };
        w.u8(reason).u8(u8::from(self.done)).u64(self.time_ms);
        if let ErasureReason::Signed { signer, erase } = &self.reason {
            w.raw(signer);
            Frame::write(erase, w);
        }
    }

    /// Reads it; the caller checks that nothing is left.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no such notice.
    pub fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (reason, done, time_ms) = (r.u8()?, r.u8()?, r.u64()?);
        let reason = match reason {
            1 => ErasureReason::Signed { signer: r.id()?, erase: Frame::read(r)? },
            2 => ErasureReason::Operator,
            3 => ErasureReason::Expired,
            _ => return Err(DecodeError::UnknownValue),
        };
        if done > 1 {
            return Err(DecodeError::UnknownValue);
        }
        Ok(Self { reason, done: done == 1, time_ms })
    }

    /// Reads a whole detail.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no such notice.
    pub fn decode(detail: &Bytes) -> Result<Self, DecodeError> {
        let mut r = Reader::new(detail);
        let notice = Self::read(&mut r)?;
        r.finish()?;
        Ok(notice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_binds_everything() {
        let admin = KeyPair::from_seed(&[3; 32]);
        let (space, log_id) = (SpaceId([1; 32]), LogId([2; 32]));
        let purge = Purge::sign(&admin, &space, &log_id, 1, 7, Hash([5; 32]));
        assert!(purge.verify(&admin.device(), &space, &log_id));
        assert!(!purge.verify(&admin.device(), &SpaceId([9; 32]), &log_id));
        assert!(!purge.verify(&admin.device(), &space, &LogId([9; 32])));
        assert!(!Purge { size: 8, ..purge }.verify(&admin.device(), &space, &log_id));
        let erase = Erase::sign(&admin, &space, &log_id, 1, (7, Hash([5; 32])));
        assert!(erase.verify(&admin.device(), &space, &log_id));
        assert!(!Erase { roster_version: 8, ..erase }.verify(&admin.device(), &space, &log_id));
        assert!(!Erase { log_epoch: 2, ..erase }.verify(&admin.device(), &space, &log_id));
        assert_ne!(purge.signature, erase.signature, "the two sign under domains of their own");
    }

    #[test]
    fn marks_differ_by_space_and_device() {
        let mark = |space: u8, device: u8| member_mark(&SpaceId([space; 32]), &DeviceKey([device; 32]));
        assert_eq!(mark(1, 1), mark(1, 1));
        assert_ne!(mark(1, 1), mark(1, 2));
        assert_ne!(mark(1, 1), mark(2, 1));
    }
}

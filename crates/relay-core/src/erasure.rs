//! What is left of a space that is gone, and up to where a log may be purged: values that every store shares.
//!
//! A tombstone keeps the space id from being founded anew by a device that missed it, and lets those who were in the space
//! be told what happened. It holds no key and no statement of the roster: a device is known by a mark of its key.

use crate::ledger::SpaceLedger;
use crate::store::Refusal;
use relay_proto::erasure::{ErasureNotice, ErasureReason, MEMBER_MARK_BYTES, member_mark};
use relay_proto::ids::{DeviceKey, Hash, SpaceId};
use relay_proto::limits::{ERASED_SPACE_MS, ROSTER_DEVICES_MAX};
use relay_proto::wire::{Reader, Writer};

/// Most tombstones a store keeps; the oldest of those that are done gives way.
pub const TOMBSTONES_MAX: usize = 65_536;

/// Up to where a log is to be purged, as its signer verified it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgePoint {
    /// Log epoch the size is of.
    pub log_epoch: u64,
    /// seq of the newest entry that goes.
    pub size: u64,
    /// The head at that size.
    pub head: Hash,
}

/// What is left of an erased space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The space.
    pub space: SpaceId,
    /// What its devices are told.
    pub notice: ErasureNotice,
    /// Marks of the devices of its last roster.
    members: Vec<[u8; MEMBER_MARK_BYTES]>,
}

impl Tombstone {
    /// What will be left of a space.
    #[must_use]
    pub fn of(ledger: &SpaceLedger, reason: ErasureReason, now_ms: u64) -> Self {
        let space = ledger.space();
        let members = ledger.roster().newest().devices.iter().map(|device| member_mark(&space, &device.key)).collect();
        Self { space, notice: ErasureNotice { reason, done: false, time_ms: now_ms }, members }
    }

    /// Whether this device, or the root, was in the space: it may be told.
    #[must_use]
    pub fn knows(&self, device: DeviceKey) -> bool {
        device == self.space.as_device() || self.members.contains(&member_mark(&self.space, &device))
    }

    /// Whether it may go: everything is overwritten, and it was kept long enough.
    #[must_use]
    pub fn is_over(&self, now_ms: u64) -> bool {
        self.notice.done && self.notice.time_ms.saturating_add(ERASED_SPACE_MS) < now_ms
    }

    /// Appends it.
    pub fn write(&self, w: &mut Writer) {
        w.raw(self.space).count_u16(self.members.len());
        self.members.iter().for_each(|mark| {
            w.raw(mark);
        });
        self.notice.write(w);
    }

    /// Reads it; `None` when it breaks the grammar.
    #[must_use]
    pub fn read(r: &mut Reader<'_>) -> Option<Self> {
        let space = r.id().ok()?;
        let count = usize::from(r.u16().ok()?);
        let members = r.list(count, ROSTER_DEVICES_MAX, MEMBER_MARK_BYTES, Reader::array).ok()?;
        Some(Self { space, members, notice: ErasureNotice::read(r).ok()? })
    }
}

impl SpaceLedger {
    /// Whether a purge can be true of this log.
    ///
    /// # Errors
    /// [`Refusal::PurgeInvalid`].
    pub fn check_purge(&self, point: &PurgePoint) -> Result<(), Refusal> {
        let holds = self.may_claim(point.log_epoch, point.size, point.head);
        if holds { Ok(()) } else { Err(Refusal::PurgeInvalid) }
    }

    /// Whether the space may be erased for this reason: who signs for it must have known the newest roster.
    ///
    /// # Errors
    /// [`Refusal::RosterConflict`].
    pub fn check_erasure(&self, reason: &ErasureReason) -> Result<(), Refusal> {
        let newest = (self.roster().version(), self.roster().hash());
        match reason {
            ErasureReason::Signed { erase, .. } if (erase.roster_version, erase.roster_hash) != newest => {
                Err(Refusal::RosterConflict)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::RosterState;
    use crate::testing::SpaceFixture;
    use relay_proto::KeyPair;
    use relay_proto::ids::LogId;
    use relay_proto::merkle::Genesis;
    use relay_proto::roster::Rights;
    use std::sync::Arc;

    #[test]
    fn it_knows_its_devices_and_the_root_and_nobody_else_and_comes_back_from_its_bytes() {
        let key = |seed| KeyPair::from_seed(&[seed; 32]);
        let space = SpaceFixture::new(1, &[(&key(101), Rights::Admin), (&key(102), Rights::Read)]);
        let roster = RosterState::found(space.id(), &space.chain, &space.keyring, 1).unwrap();
        let ledger = SpaceLedger::new(Genesis::first(space.id(), LogId([2; 32])), Arc::new(roster));
        let tombstone = Tombstone::of(&ledger, ErasureReason::Operator, 7);
        for (device, is_known) in [(key(101), true), (key(102), true), (space.root.clone(), true), (key(103), false)] {
            assert_eq!(tombstone.knows(device.device()), is_known);
        }
        let mut w = Writer::new();
        tombstone.write(&mut w);
        let bytes = w.into_bytes();
        assert_eq!(Tombstone::read(&mut Reader::new(&bytes)), Some(tombstone.clone()));
        let mut done = tombstone.clone();
        done.notice.done = true;
        assert!(!tombstone.is_over(u64::MAX), "what is not overwritten is not forgotten");
        assert!(done.is_over(8 + ERASED_SPACE_MS) && !done.is_over(7 + ERASED_SPACE_MS));
    }
}

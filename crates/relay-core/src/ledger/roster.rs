//! The roster in force, and the verdict on a chain that would change it.

use super::SpaceLedger;
use crate::store::{Refusal, SpaceFacts};
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::ids::{DeviceKey, Hash, SpaceId};
use relay_proto::roster::{Chain, Rights, RosterError, StatementFields, check_keyring, departures};
use std::sync::Arc;

/// How long the pushes of a device wait that is being removed, in milliseconds.
pub const REMOVAL_HOLD_MS: u64 = 30_000;

/// A checked chain and the keyring of its newest statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterState {
    chain: Chain,
    chain_bytes: Vec<Bytes>,
    keyring: Bytes,
}

/// A change of roster that was found good.
#[derive(Clone, Debug)]
pub struct RosterPlan {
    added: Vec<Bytes>,
    state: RosterState,
}

impl RosterPlan {
    /// The statements that are new, in order.
    #[must_use]
    pub fn added(&self) -> &[Bytes] {
        &self.added
    }

    /// The roster as it will be.
    #[must_use]
    pub const fn state(&self) -> &RosterState {
        &self.state
    }
}

impl RosterState {
    /// The roster of a space that is not known yet.
    ///
    /// # Errors
    /// [`Refusal::RosterInvalid`], [`Refusal::RosterTooLarge`] or [`Refusal::RosterConflict`].
    pub fn found(space: SpaceId, chain: &[Bytes], keyring: &Bytes, now_ms: u64) -> Result<Self, Refusal> {
        let checked = Chain::stand_alone(&space, chain, Some(now_ms));
        checked.and_then(|chain| Self::of(chain, keyring)).map_err(refusal)
    }

    /// The roster as it was stored: neither a clock nor its signatures are judged again.
    #[must_use]
    pub fn stored(space: SpaceId, chain: &[Bytes], keyring: &Bytes) -> Option<Self> {
        Chain::stored(&space, chain).and_then(|chain| Self::of(chain, keyring)).ok()
    }

    fn of(chain: Chain, keyring: &Bytes) -> Result<Self, RosterError> {
        check_keyring(chain.newest(), keyring)?;
        Ok(Self { chain_bytes: chain.bytes(), chain, keyring: keyring.clone() })
    }

    /// What the newest statement says.
    #[must_use]
    pub const fn newest(&self) -> &StatementFields {
        self.chain.newest().fields()
    }

    /// The newest statement's version.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.newest().version
    }

    /// H(newest statement).
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.chain.newest().hash()
    }

    /// Generation of the content keys.
    #[must_use]
    pub const fn key_epoch(&self) -> u32 {
        self.newest().key_epoch
    }

    /// The chain from the newest root-signed statement on, in order.
    #[must_use]
    pub fn chain(&self) -> &[Bytes] {
        &self.chain_bytes
    }

    /// The newest keyring.
    #[must_use]
    pub const fn keyring(&self) -> &Bytes {
        &self.keyring
    }

    /// The facts of a space with this roster.
    #[must_use]
    pub fn facts(&self, size: u64, floor: u64) -> SpaceFacts {
        SpaceFacts {
            roster_version: self.version(),
            roster_hash: self.hash(),
            chain: self.chain_bytes.clone(),
            keyring: self.keyring.clone(),
            size,
            floor,
        }
    }

    /// Whether a device is in the roster, or was: only of those something is remembered.
    #[must_use]
    pub fn names(&self, device: DeviceKey) -> bool {
        let newest = self.newest();
        newest.device(&device).is_some() || newest.former(&device).is_some()
    }

    /// What a device may do; `None` when it is not in the roster.
    #[must_use]
    pub fn rights(&self, device: DeviceKey) -> Option<Rights> {
        self.newest().device(&device).map(|device| device.rights)
    }
}

impl SpaceLedger {
    /// Judges a chain; `None` when it holds nothing new. Must be called in the order of the commits.
    ///
    /// A statement that removes a device with a `push_seq_max` below the device's mark would make readers refuse entries that
    /// were shown to them: it is a conflict, and the device's pushes wait for [`REMOVAL_HOLD_MS`], so that the signer can read
    /// up to the mark and sign again.
    ///
    /// # Errors
    /// [`Refusal::RosterInvalid`], [`Refusal::RosterTooLarge`] or [`Refusal::RosterConflict`].
    pub fn decide_roster(
        &mut self,
        chain: &[Bytes],
        keyring: &Bytes,
        now_ms: u64,
    ) -> Result<Option<RosterPlan>, Refusal> {
        let extension = self.roster.chain.extended(chain, Some(now_ms)).map_err(refusal)?;
        if extension.added.is_empty() {
            return Ok(None);
        }
        let added = extension.added.iter().map(|statement| statement.bytes().clone()).collect();
        let state = RosterState::of(extension.chain, keyring).map_err(refusal)?;
        self.check_departures(state.newest(), now_ms)?;
        Ok(Some(RosterPlan { added, state }))
    }

    fn check_departures(&mut self, next: &StatementFields, now_ms: u64) -> Result<(), Refusal> {
        self.holds.retain(|_, until_ms| *until_ms > now_ms);
        let cut_short: Vec<DeviceKey> = departures(self.roster.newest(), next)
            .filter(|(device, former)| self.record(device.key).push_seq_high > former.push_seq_max)
            .map(|(device, _)| device.key)
            .collect();
        if cut_short.is_empty() {
            return Ok(());
        }
        let until_ms = now_ms.saturating_add(REMOVAL_HOLD_MS);
        self.holds.extend(cut_short.into_iter().map(|device| (device, until_ms)));
        Err(Refusal::RosterConflict)
    }

    /// Puts a roster in force. A device's mark is kept while the roster names it, in whatever list.
    pub fn apply_roster(&mut self, plan: RosterPlan) {
        self.marks.retain(|key, _| plan.state.names(*key));
        self.holds.clear();
        self.roster = Arc::new(plan.state);
    }
}

fn refusal(error: RosterError) -> Refusal {
    match error.code() {
        ErrorCode::RosterConflict => Refusal::RosterConflict,
        ErrorCode::RosterTooLarge => Refusal::RosterTooLarge,
        _ => Refusal::RosterInvalid,
    }
}

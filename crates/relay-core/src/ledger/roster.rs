//! The roster in force, and the verdict on a chain that would change it.

use super::SpaceLedger;
use crate::store::Refusal;
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::ids::{DeviceKey, Hash, SpaceId};
use relay_proto::roster::{Chain, Rights, RosterError, StatementFields, check_keyring};
use std::sync::Arc;

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
        Self::checked(space, chain, keyring, Some(now_ms)).map_err(refusal)
    }

    /// The roster as it was stored: no clock judges it again.
    #[must_use]
    pub fn stored(space: SpaceId, chain: &[Bytes], keyring: &Bytes) -> Option<Self> {
        Self::checked(space, chain, keyring, None).ok()
    }

    fn checked(space: SpaceId, chain: &[Bytes], keyring: &Bytes, now_ms: Option<u64>) -> Result<Self, RosterError> {
        Self::of(Chain::stand_alone(&space, chain, now_ms)?, keyring)
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

    /// What a device may do; `None` when it is not in the roster.
    #[must_use]
    pub fn rights(&self, device: DeviceKey) -> Option<Rights> {
        self.newest().device(&device).map(|device| device.rights)
    }
}

impl SpaceLedger {
    /// Judges a chain without changing the ledger; `None` when it holds nothing new.
    ///
    /// # Errors
    /// [`Refusal::RosterInvalid`], [`Refusal::RosterTooLarge`] or [`Refusal::RosterConflict`].
    pub fn decide_roster(&self, chain: &[Bytes], keyring: &Bytes, now_ms: u64) -> Result<Option<RosterPlan>, Refusal> {
        let extension = self.roster.chain.extended(chain, Some(now_ms)).map_err(refusal)?;
        if extension.added.is_empty() {
            return Ok(None);
        }
        let added = extension.added.iter().map(|statement| statement.bytes().clone()).collect();
        let state = RosterState::of(extension.chain, keyring).map_err(refusal)?;
        Ok(Some(RosterPlan { added, state }))
    }

    /// Puts a roster in force. A device's mark is kept while the roster names it, in whatever list.
    pub fn apply_roster(&mut self, plan: RosterPlan) {
        let newest = plan.state.newest();
        self.marks.retain(|key, _| newest.device(key).is_some() || newest.former(key).is_some());
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

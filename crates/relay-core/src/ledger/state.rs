//! A ledger as plain values, for checkpoints and recovery.

use super::heads::RecentHeads;
use super::{DeviceRecord, RosterState, SpaceLedger};
use crate::flat_map::FlatMap;
use bytes::Bytes;
use relay_proto::ids::{DeviceKey, Hash};
use relay_proto::merkle::{Genesis, LogFold};
use std::fmt;
use std::sync::Arc;

/// Everything a checkpoint has to hold to bring a ledger back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerState {
    /// Where the log epoch started.
    pub genesis: Genesis,
    /// seq of the newest entry.
    pub size: u64,
    /// Lowest seq held.
    pub floor: u64,
    /// The compact range, largest subtree first.
    pub range: Vec<Hash>,
    /// Each device's record, ascending by key.
    pub devices: Vec<(DeviceKey, DeviceRecord)>,
    /// The roster chain.
    pub chain: Vec<Bytes>,
    /// The keyring.
    pub keyring: Bytes,
}

/// Why a checkpoint is no ledger: the bytes it came from are damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// The compact range does not belong to the size.
    Range,
    /// The floor is outside the log.
    Floor,
    /// The roster chain does not hold.
    Roster,
}

impl SpaceLedger {
    /// The ledger as plain values.
    #[must_use]
    pub fn state(&self) -> LedgerState {
        LedgerState {
            genesis: self.genesis,
            size: self.size(),
            floor: self.floor,
            range: self.fold.hashes().to_vec(),
            devices: self.marks.iter().map(|(device, record)| (*device, *record)).collect(),
            chain: self.roster.chain().to_vec(),
            keyring: self.roster.keyring().clone(),
        }
    }

    /// The ledger of a checkpoint. Signatures are not judged again: what is on disk was judged before it was written.
    ///
    /// # Errors
    /// The part that does not fit the others.
    pub fn restore(state: LedgerState) -> Result<Self, RestoreError> {
        let fold = LogFold::from_parts(state.genesis.base_size, state.size, state.range).ok_or(RestoreError::Range)?;
        if state.floor == 0 || state.floor > state.size + 1 {
            return Err(RestoreError::Floor);
        }
        let roster =
            RosterState::stored(state.genesis.space, &state.chain, &state.keyring).ok_or(RestoreError::Roster)?;
        Ok(Self {
            genesis: state.genesis,
            fold,
            floor: state.floor,
            roster: Arc::new(roster),
            marks: state.devices.into_iter().collect(),
            holds: FlatMap::default(),
            heads: RecentHeads::default(),
        })
    }
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Range => "the compact range does not belong to the size",
            Self::Floor => "the floor is outside the log",
            Self::Roster => "the roster chain does not hold",
        })
    }
}

impl std::error::Error for RestoreError {}

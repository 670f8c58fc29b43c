//! Rosters.

use super::space::MemorySpace;
use super::{Inner, MemoryStore, SPACES_MAX};
use crate::ledger::{RosterState, SpaceLedger};
use crate::store::{Completion, Refusal, RosterCommit, SpaceFacts, StoreError};
use bytes::Bytes;
use relay_proto::frame::Frame;
use relay_proto::ids::SpaceId;
use std::sync::Arc;

impl MemoryStore {
    pub(super) fn put_roster_now(
        &self,
        space: SpaceId,
        chain: &[Bytes],
        keyring: &Bytes,
        done: Completion<SpaceFacts>,
    ) {
        let now_ms = self.now_ms();
        {
            let mut inner = self.lock();
            let result = self.change_roster(&mut inner, space, chain, keyring, now_ms);
            let listener = inner.listener.clone();
            inner.deliveries.add(Box::new(move || {
                let (facts, commit) = match result {
                    Ok((facts, commit)) => (Ok(facts), commit),
                    Err(error) => (Err(error), None),
                };
                done(facts);
                if let (Some(listener), Some(commit)) = (listener, commit) {
                    listener.roster_changed(commit);
                }
            }));
        }
        self.deliver();
    }

    fn change_roster(
        &self,
        inner: &mut Inner,
        id: SpaceId,
        chain: &[Bytes],
        keyring: &Bytes,
        now_ms: u64,
    ) -> Result<(SpaceFacts, Option<RosterCommit>), StoreError> {
        inner.writable()?;
        if !inner.spaces.contains_key(&id) {
            return self.found(inner, id, chain, keyring, now_ms);
        }
        let space = inner.known_mut(id)?;
        let Some(plan) = space.ledger.decide_roster(chain, keyring, now_ms).map_err(StoreError::Refused)? else {
            return Ok((space.ledger.facts(), None));
        };
        let added = plan.added().to_vec();
        space.ledger.apply_roster(plan);
        Ok((space.ledger.facts(), Some(commit_of(&space.ledger, added))))
    }

    fn found(
        &self,
        inner: &mut Inner,
        id: SpaceId,
        chain: &[Bytes],
        keyring: &Bytes,
        now_ms: u64,
    ) -> Result<(SpaceFacts, Option<RosterCommit>), StoreError> {
        if inner.tombstone(id, now_ms).is_some() {
            return Err(StoreError::Refused(Refusal::SpaceErased));
        }
        let roster = RosterState::found(id, chain, keyring, now_ms).map_err(StoreError::Refused)?;
        if inner.spaces.len() >= SPACES_MAX {
            return Err(StoreError::Refused(Refusal::TooManySpaces));
        }
        let time_ms = inner.clock.now(now_ms);
        let (ledger, reset) = SpaceLedger::found(id, Arc::new(roster), inner.log_epoch, time_ms, &*self.parts.signer);
        let mut space = MemorySpace::new(ledger);
        space.resets.extend(reset.map(|reset| (reset.new_epoch, reset.encode())));
        self.attest_space(&mut space, time_ms, &[]);
        let outcome = (space.ledger.facts(), Some(commit_of(&space.ledger, chain.to_vec())));
        inner.spaces.insert(id, space);
        Ok(outcome)
    }
}

fn commit_of(ledger: &SpaceLedger, added: Vec<Bytes>) -> RosterCommit {
    let roster = ledger.roster();
    RosterCommit { space: ledger.space(), added, keyring: roster.keyring().clone(), roster_version: roster.version() }
}

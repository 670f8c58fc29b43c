//! What a store holds, asked for entry by entry.

use super::Logged;
use crate::disk::verify::ask;
use crate::simulation::watched::lock;
use relay_core::store::{Completion, ReadOutcome, Store, StoreError};
use relay_proto::attestation::{Attestation, HeadClaim};
use relay_proto::frame::Frame;
use relay_proto::ids::SpaceId;
use relay_proto::log_reset::LogReset;
use relay_store::EmbeddedStore;
use std::sync::{Arc, Mutex};

/// Why a store could not be asked.
pub(crate) enum Unasked {
    /// Its disk failed meanwhile, so it answers no more; that is no lie.
    Poisoned,
    /// It answers what no store may.
    Broken(String),
}

impl From<StoreError> for Unasked {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Poisoned => Self::Poisoned,
            error => Self::Broken(error.to_string()),
        }
    }
}

/// What a store holds of a space.
pub(crate) struct Found {
    pub(crate) statement: bytes::Bytes,
    pub(crate) floor: u64,
    /// From the floor on.
    pub(crate) entries: Vec<Logged>,
    pub(crate) resets: Vec<LogReset>,
    pub(crate) claim: HeadClaim,
}

impl Found {
    /// Reads everything a store holds of a space; `None` when it does not know it.
    pub(crate) fn ask(store: &EmbeddedStore, space: SpaceId) -> Result<Option<Self>, Unasked> {
        let broken = |what: String| Err(Unasked::Broken(what));
        let Some(facts) = ask(store, |done| store.space(space, done))? else { return Ok(None) };
        let attested = ask(store, |done| store.attest(space, done))?;
        let attestation = Attestation::decode(&attested).map_err(|_| Unasked::Broken("no attestation".to_owned()))?;
        let resets = ask(store, |done| store.log_resets(space, 0, done))?;
        let resets: Vec<LogReset> = resets.iter().filter_map(|reset| LogReset::decode(reset).ok()).collect();
        let mut entries = Vec::new();
        let mut after = facts.floor.max(1) - 1;
        while after < facts.size {
            let read = ask(store, |done| store.read(space, after, 4096, 1 << 20, done))?;
            let ReadOutcome::Page(page) = read else { return broken(format!("a read after {after} gave {read:?}")) };
            if page.first_seq != after + 1 || page.entries.is_empty() {
                return broken(format!("a read after {after} of {} gave a page from {}", facts.size, page.first_seq));
            }
            after += page.entries.len() as u64;
            entries.extend(page.entries.iter().map(|entry| Logged {
                device: entry.device,
                push_seq: entry.push_seq,
                key_epoch: entry.key_epoch,
                id: entry.id,
                at_us: 0,
            }));
        }
        let statement = facts.chain.last().cloned().unwrap_or_default();
        Ok(Some(Self { statement, floor: facts.floor, entries, resets, claim: attestation.claim }))
    }
}

/// What a call gives that answers at once; `None` when it does not, or with an error.
pub(crate) fn ask_now<T: Send + 'static>(call: impl FnOnce(Completion<T>)) -> Option<T> {
    let cell = Arc::new(Mutex::new(None));
    let answer = Arc::clone(&cell);
    call(Box::new(move |result| *lock(&answer) = result.ok()));
    lock(&cell).take()
}

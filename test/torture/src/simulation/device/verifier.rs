//! Checks attestations. The same bytes are checked once for all devices, because a signature that holds for one holds for all.

use relay_proto::attestation::Attestation;
use relay_proto::hash::sha256;
use relay_proto::ids::{Hash, LogId, SpaceId};
use std::collections::HashMap;

/// Attestations remembered.
const KNOWN_MAX: usize = 4096;

/// See the module.
#[derive(Default)]
pub(crate) struct Verifier {
    known: HashMap<Hash, bool>,
}

impl Verifier {
    pub(crate) fn check(&mut self, attestation: &Attestation, space: &SpaceId, log_id: &LogId) -> Result<(), String> {
        let key = sha256(&[&space.0, &log_id.0, &attestation.encode()]);
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        let holds = *self.known.entry(key).or_insert_with(|| attestation.verify(space, log_id));
        if holds { Ok(()) } else { Err("attestation_invalid: a head the log did not sign".to_owned()) }
    }
}

//! Checks signatures of what several devices are shown. The same bytes are checked once for all of them, because what holds for one
//! holds for all.

use relay_proto::attestation::Attestation;
use relay_proto::frame::{AckNotice, Frame};
use relay_proto::hash::sha256;
use relay_proto::ids::{Hash, LogId, SpaceId};
use std::collections::HashMap;

/// Verdicts remembered.
const KNOWN_MAX: usize = 4096;

/// See the module.
#[derive(Default)]
pub(crate) struct Verifier {
    known: HashMap<Hash, bool>,
}

impl Verifier {
    /// An attestation of a space's log.
    pub(crate) fn check(&mut self, attestation: &Attestation, space: &SpaceId, log_id: &LogId) -> Result<(), String> {
        let holds = self.once(&attestation.encode(), space, log_id, || attestation.verify(space, log_id));
        if holds { Ok(()) } else { Err("attestation_invalid: a head the log did not sign".to_owned()) }
    }

    /// Another device's ack.
    pub(crate) fn check_ack(&mut self, notice: &AckNotice, space: &SpaceId, log_id: &LogId) -> Result<(), String> {
        let holds = self.once(&notice.encode(), space, log_id, || notice.ack.verify(&notice.device, space, log_id));
        if holds { Ok(()) } else { Err("protocol_violation: an ack that its device did not sign".to_owned()) }
    }

    fn once(&mut self, bytes: &[u8], space: &SpaceId, log_id: &LogId, verify: impl FnOnce() -> bool) -> bool {
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        let key = sha256(&[&space.0, &log_id.0, bytes]);
        *self.known.entry(key).or_insert_with(verify)
    }
}

//! The MAC over what clients bring back.

use crate::environment::Entropy;
use hmac::{Hmac, KeyInit, Mac};
use relay_proto::hash::Domain;
use sha2::Sha256;

/// A key of this start of the relay; never written down.
pub(super) struct Seal(Hmac<Sha256>);

/// Length of a MAC, in bytes.
pub(super) const MAC_BYTES: usize = 32;

impl Seal {
    pub(super) fn new(entropy: &dyn Entropy, domain: Domain) -> Self {
        let mut key = [0; 64];
        entropy.fill(&mut key);
        let mut mac = Hmac::new(&key.into());
        mac.update(domain.tag());
        Self(mac)
    }

    pub(super) fn mac(&self, parts: &[&[u8]]) -> [u8; MAC_BYTES] {
        self.over(parts).finalize().into_bytes().into()
    }

    /// Compares in constant time.
    pub(super) fn holds(&self, parts: &[&[u8]], mac: &[u8]) -> bool {
        self.over(parts).verify_slice(mac).is_ok()
    }

    fn over(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac
    }
}

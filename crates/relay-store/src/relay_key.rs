//! The log id's key, from `relay.key`.

use crate::data_dir::Seed;
use ed25519_dalek::{Signer, SigningKey};
use relay_core::environment::LogSigner;
use relay_proto::ids::LogId;
use std::fmt;

/// Signs heads, welcomes and log resets. Wiped when dropped; `Debug` prints the public prefix.
pub struct RelayKey(SigningKey);

impl RelayKey {
    /// The key of a seed.
    #[must_use]
    pub fn from_seed(seed: &Seed) -> Self {
        Self(SigningKey::from_bytes(seed))
    }
}

impl LogSigner for RelayKey {
    fn log_id(&self) -> LogId {
        LogId(self.0.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for RelayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelayKey({:?})", self.log_id())
    }
}

//! A space with as many devices as a run needs; it is forgotten when the run ends.

use crate::failure::Failure;
use crate::number::to_u64;
use bytes::Bytes;
use relay_proto::hash::sha256;
use relay_proto::limits::ROSTER_DEVICES_MAX;
use relay_proto::roster::{Device, Rights, Statement, StatementFields};
use relay_proto::{Hash, KeyPair, SpaceId};

/// Length of our keyring, in bytes: to the relay it is opaque, only its hash counts.
const KEYRING_BYTES: usize = 256;

/// A root key, device keys, and the roster that names them.
pub(crate) struct Space {
    pub(crate) id: SpaceId,
    devices: Vec<KeyPair>,
    pub(crate) statement: Statement,
    pub(crate) keyring: Bytes,
}

impl Space {
    /// Fresh keys and a roster signed by the root.
    pub(crate) fn create(devices: usize) -> Result<Self, Failure> {
        Self::from_seed(fresh_bytes()?, devices)
    }

    /// The same space for the same seed: so that a later run can come back to it.
    pub(crate) fn from_seed(seed: [u8; 32], devices: usize) -> Result<Self, Failure> {
        let count = devices.clamp(1, ROSTER_DEVICES_MAX);
        let derived = |index: usize| sha256(&[&seed, &to_u64(index).to_be_bytes()]).0;
        let root = KeyPair::from_seed(&derived(0));
        let devices: Vec<KeyPair> = (1..=count).map(|index| KeyPair::from_seed(&derived(index))).collect();
        let keyring = vec![7; KEYRING_BYTES];
        let statement = StatementFields {
            queue_mode: false,
            space: root.space(),
            version: 1,
            previous: Hash::ZERO,
            key_epoch: super::KEY_EPOCH,
            keyring_hash: sha256(&[&keyring]),
            root_hpke: derived(usize::MAX),
            devices: devices.iter().map(listed).collect(),
            former: Vec::new(),
            signer: root.device(),
        }
        .sign(&root);
        Ok(Self { id: root.space(), devices, statement, keyring: keyring.into() })
    }

    /// How many devices there are.
    pub(crate) fn device_count(&self) -> usize {
        self.devices.len()
    }

    /// A device's keys.
    pub(crate) fn device(&self, index: usize) -> Result<&KeyPair, Failure> {
        self.devices.get(index).ok_or_else(|| {
            Failure::new(format!(
                "a space has at most {ROSTER_DEVICES_MAX} devices: spread the connections with --spaces"
            ))
        })
    }
}

/// The relay takes any 32 bytes for a device's HPKE key; here nobody seals anything to it.
fn listed(pair: &KeyPair) -> Device {
    Device { key: pair.device(), hpke: pair.device().0, rights: Rights::Write, not_after_ms: 0 }
}

pub(crate) fn fresh_bytes() -> Result<[u8; 32], Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

//! A space with as many devices as a run needs; it is forgotten when the run ends.

use crate::failure::Failure;
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
        let count = devices.clamp(1, ROSTER_DEVICES_MAX);
        let root = fresh_pair()?;
        let devices = (0..count).map(|_| fresh_pair()).collect::<Result<Vec<_>, _>>()?;
        let mut keyring = vec![0; KEYRING_BYTES];
        getrandom::fill(&mut keyring)?;
        let statement = StatementFields {
            queue_mode: false,
            space: root.space(),
            version: 1,
            previous: Hash::ZERO,
            key_epoch: super::KEY_EPOCH,
            keyring_hash: sha256(&[&keyring]),
            root_hpke: fresh_bytes()?,
            devices: devices.iter().map(listed).collect::<Result<_, Failure>>()?,
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

fn listed(pair: &KeyPair) -> Result<Device, Failure> {
    Ok(Device { key: pair.device(), hpke: fresh_bytes()?, rights: Rights::Write, not_after_ms: 0 })
}

fn fresh_pair() -> Result<KeyPair, Failure> {
    Ok(KeyPair::from_seed(&fresh_bytes()?))
}

pub(crate) fn fresh_bytes() -> Result<[u8; 32], Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

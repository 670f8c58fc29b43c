//! Who takes part: keys made once, because making them is dear, and what a device seals.

use bytes::Bytes;
use relay_proto::KeyPair;
use relay_proto::hash::sha256;
use relay_proto::ids::{DeviceKey, Hash, SpaceId};
use relay_proto::roster::{Device, Rights, Statement, StatementFields};
use relay_store::vfs::sim::Dice;
use std::sync::OnceLock;

/// Spaces of a world, at most.
pub(crate) const SPACES_MAX: usize = 4;
/// Devices of a space, those that join later included.
pub(crate) const DEVICES_MAX: usize = 8;
/// What every sealed entry begins with: space, device, push_seq, key epoch.
const SEALED_HEADER_BYTES: usize = 1 + 1 + 8 + 4;

/// The keys of one space.
pub(crate) struct SpaceKeys {
    pub(crate) root: KeyPair,
    pub(crate) id: SpaceId,
    pub(crate) devices: Vec<(KeyPair, DeviceKey)>,
}

/// The keys of a space.
pub(crate) fn keys(space: usize) -> &'static SpaceKeys {
    static CAST: OnceLock<Vec<SpaceKeys>> = OnceLock::new();
    &CAST.get_or_init(|| (0..SPACES_MAX).map(SpaceKeys::new).collect())[space]
}

impl SpaceKeys {
    fn new(space: usize) -> Self {
        let pair = |n: usize| KeyPair::from_seed(&sha256(&[b"simulation", &space.to_be_bytes(), &n.to_be_bytes()]).0);
        let root = pair(0);
        let devices = (1..=DEVICES_MAX).map(pair).map(|key| (key.clone(), key.device())).collect();
        Self { id: root.space(), root, devices }
    }

    /// The number of a device.
    pub(crate) fn index(&self, device: &DeviceKey) -> Option<usize> {
        self.devices.iter().position(|(_, key)| key == device)
    }

    /// A device as a roster lists it.
    pub(crate) fn listed(&self, index: usize) -> Device {
        let key = self.devices[index].1;
        let rights = if index == 0 { Rights::Admin } else { Rights::Write };
        Device { key, hpke: sha256(&[&key.0]).0, rights, not_after_ms: 0 }
    }

    /// The first roster: these devices, the first of them an admin.
    pub(crate) fn founding(&self, devices: usize) -> (Statement, Bytes) {
        let fields = StatementFields {
            queue_mode: false,
            space: self.id,
            version: 1,
            previous: Hash::ZERO,
            key_epoch: 1,
            keyring_hash: Hash::ZERO,
            root_hpke: [7; 32],
            devices: (0..devices).map(|index| self.listed(index)).collect(),
            former: Vec::new(),
            signer: self.root.device(),
        };
        with_keyring(fields, &self.root)
    }
}

/// Signs a statement together with a keyring of its own.
pub(crate) fn with_keyring(mut fields: StatementFields, signer: &KeyPair) -> (Statement, Bytes) {
    let keyring = Bytes::from(format!("keyring of epoch {} for version {}", fields.key_epoch, fields.version));
    fields.keyring_hash = sha256(&[&keyring]);
    (fields.sign(signer), keyring)
}

/// What a sealed entry says in the simulation: whoever opens it finds the clear fields it was sealed for.
pub(crate) fn seal(space: usize, device: usize, push_seq: u64, key_epoch: u32, dice: &mut Dice) -> Bytes {
    let filler = match dice.below(20) {
        0 => dice.below(6_000),
        1..=4 => dice.below(1_000),
        _ => 8 + dice.below(120),
    };
    let mut bytes = Vec::with_capacity(SEALED_HEADER_BYTES + 8 + usize::try_from(filler).unwrap_or(0));
    bytes.push(u8::try_from(space).unwrap_or(u8::MAX));
    bytes.push(u8::try_from(device).unwrap_or(u8::MAX));
    bytes.extend_from_slice(&push_seq.to_be_bytes());
    bytes.extend_from_slice(&key_epoch.to_be_bytes());
    bytes.extend_from_slice(&dice.roll().to_be_bytes());
    let byte = dice.roll().to_be_bytes()[0];
    bytes.resize(bytes.len() + usize::try_from(filler).unwrap_or(0), byte);
    Bytes::from(bytes)
}

/// Whether sealed bytes were sealed for these clear fields.
pub(crate) fn opens(sealed: &[u8], space: usize, device: usize, push_seq: u64, key_epoch: u32) -> bool {
    let Some((header, _)) = sealed.split_at_checked(SEALED_HEADER_BYTES) else { return false };
    usize::from(header[0]) == space
        && usize::from(header[1]) == device
        && header[2..10] == push_seq.to_be_bytes()
        && header[10..14] == key_epoch.to_be_bytes()
}

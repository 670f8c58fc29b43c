//! A space with its root, its devices and its chain of rosters.

use crate::store::Push;
use bytes::Bytes;
use relay_proto::KeyPair;
use relay_proto::hash::sha256;
use relay_proto::ids::{DeviceKey, Hash, SpaceId};
use relay_proto::roster::{Device, Former, Rights, Statement, StatementFields};

/// Bytes that stand for a sealed entry.
#[must_use]
pub fn sealed(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// A space and the newest statement of its roster.
#[derive(Clone, Debug)]
pub struct SpaceFixture {
    /// The root's key.
    pub root: KeyPair,
    /// All statements so far.
    pub chain: Vec<Bytes>,
    /// The keyring of the newest one.
    pub keyring: Bytes,
    fields: StatementFields,
    hash: Hash,
}

impl SpaceFixture {
    /// A space whose version 1 lists these devices.
    #[must_use]
    pub fn new(seed: u8, devices: &[(&KeyPair, Rights)]) -> Self {
        Self::of_root(KeyPair::from_seed(&[seed; 32]), devices)
    }

    /// The same with a root of one's own.
    #[must_use]
    pub fn of_root(root: KeyPair, devices: &[(&KeyPair, Rights)]) -> Self {
        let fields = StatementFields {
            queue_mode: false,
            space: root.space(),
            version: 0,
            previous: Hash::ZERO,
            key_epoch: 1,
            keyring_hash: Hash::ZERO,
            root_hpke: [7; 32],
            devices: devices.iter().map(|(key, rights)| Self::listed(key, *rights)).collect(),
            former: Vec::new(),
            signer: root.device(),
        };
        let mut fixture =
            Self { root: root.clone(), chain: Vec::new(), keyring: Bytes::new(), fields, hash: Hash::ZERO };
        fixture.follow(&root, |_| {});
        fixture
    }

    /// A device as the roster lists it.
    #[must_use]
    pub fn listed(key: &KeyPair, rights: Rights) -> Device {
        Device { key: key.device(), hpke: sha256(&[&key.public()]).0, rights, not_after_ms: 0 }
    }

    /// The space id.
    #[must_use]
    pub fn id(&self) -> SpaceId {
        self.root.space()
    }

    /// The newest statement's version and hash.
    #[must_use]
    pub fn newest(&self) -> (u64, Hash) {
        (self.fields.version, self.hash)
    }

    /// The newest key epoch.
    #[must_use]
    pub fn key_epoch(&self) -> u32 {
        self.fields.key_epoch
    }

    /// Adds the next version, changed and signed by `signer`.
    pub fn follow(&mut self, signer: &KeyPair, change: impl FnOnce(&mut StatementFields)) -> Statement {
        let mut fields = self.fields.clone();
        fields.version += 1;
        fields.previous = self.hash;
        change(&mut fields);
        self.keyring = Bytes::from(format!("keyring of epoch {} for version {}", fields.key_epoch, fields.version));
        fields.keyring_hash = sha256(&[&self.keyring]);
        let statement = fields.sign(signer);
        self.fields = statement.fields().clone();
        self.hash = statement.hash();
        self.chain.push(statement.bytes().clone());
        statement
    }

    /// Adds the version in which a device left with what the signer had seen of it, and the key epoch rose.
    pub fn remove(&mut self, signer: &KeyPair, device: DeviceKey, push_seq_max: u64) -> Statement {
        self.follow(signer, |fields| {
            fields.devices.retain(|listed| listed.key != device);
            fields.former.push(Former { key: device, push_seq_max });
            fields.key_epoch += 1;
        })
    }

    /// Adds the version in which a device joined.
    pub fn add(&mut self, signer: &KeyPair, device: &KeyPair, rights: Rights) -> Statement {
        let listed = Self::listed(device, rights);
        self.follow(signer, |fields| fields.devices.push(listed))
    }

    /// The newest statement alone.
    #[must_use]
    pub fn newest_only(&self) -> Vec<Bytes> {
        self.chain.last().cloned().into_iter().collect()
    }

    /// A push of a device under the newest key epoch.
    #[must_use]
    pub fn push(&self, device: &KeyPair, push_seq_first: u64, entries: &[&str]) -> Push {
        Push {
            space: self.id(),
            device: device.device(),
            push_seq_first,
            key_epoch: self.key_epoch(),
            entries: entries.iter().map(|text| sealed(text)).collect(),
        }
    }
}

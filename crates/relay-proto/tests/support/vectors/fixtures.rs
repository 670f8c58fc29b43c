//! Keys, rosters and attestations that several vectors share. Every value comes from a fixed seed.

use bytes::Bytes;
use relay_proto::attestation::{Attestation, GroupLeaf, HeadClaim, PushLeaf, push_tree, sign_group};
use relay_proto::hash::sha256;
use relay_proto::merkle::{Genesis, LogFold, entry_leaf};
use relay_proto::roster::{Device, Former, Rights, Statement, StatementFields};
use relay_proto::{DeviceKey, EntryId, Hash, KeyPair, LogId, SpaceId};

/// The time of the fixtures, in Unix milliseconds.
pub(crate) const TIME_MS: u64 = 1_750_000_000_000;

pub(crate) fn seed(first: u8) -> [u8; 32] {
    [first; 32]
}

pub(crate) fn root() -> KeyPair {
    KeyPair::from_seed(&seed(0x01))
}

pub(crate) fn device(i: u8) -> KeyPair {
    KeyPair::from_seed(&seed(0x10 + i))
}

pub(crate) fn log_key() -> KeyPair {
    KeyPair::from_seed(&seed(0x20))
}

pub(crate) fn space() -> SpaceId {
    root().space()
}

pub(crate) fn log_id() -> LogId {
    log_key().log_id()
}

pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    ::hex::encode(bytes)
}

pub(crate) fn hexes<T: AsRef<[u8]>>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(hex).collect()
}

pub(crate) fn leaf(i: u64) -> Hash {
    sha256(&[b"vector leaf", &i.to_be_bytes()])
}

/// Sealed bytes of an entry that stands for any: the relay never looks inside.
pub(crate) fn sealed(i: u8) -> Bytes {
    Bytes::from(vec![i; 24])
}

pub(crate) fn entry(i: u8) -> EntryId {
    relay_proto::hash::entry_id(&sealed(i))
}

pub(crate) fn keyring() -> Bytes {
    Bytes::from_static(b"keyring bytes, opaque to the relay")
}

pub(crate) fn roster_device(i: u8, rights: Rights) -> Device {
    Device { key: device(i).device(), hpke: seed(0x60 + i), rights, not_after_ms: 0 }
}

/// Version 1 with one admin, one writer and one reader.
pub(crate) fn first_fields() -> StatementFields {
    StatementFields {
        queue_mode: false,
        space: space(),
        version: 1,
        previous: Hash::ZERO,
        key_epoch: 1,
        keyring_hash: sha256(&[&keyring()]),
        root_hpke: seed(0x50),
        devices: vec![roster_device(1, Rights::Admin), roster_device(2, Rights::Write), roster_device(3, Rights::Read)],
        former: Vec::new(),
        signer: DeviceKey::ZERO,
    }
}

pub(crate) fn first() -> Statement {
    first_fields().sign(&root())
}

/// The fields of a statement that follows `previous` and changes nothing else.
pub(crate) fn next_fields(previous: &Statement) -> StatementFields {
    StatementFields { version: previous.fields().version + 1, previous: previous.hash(), ..previous.fields().clone() }
}

/// Removes a device, as the rules want it.
pub(crate) fn without(mut fields: StatementFields, i: u8, push_seq_max: u64) -> StatementFields {
    let key = device(i).device();
    fields.devices.retain(|device| device.key != key);
    fields.former.push(Former { key, push_seq_max });
    fields.key_epoch += 1;
    fields
}

/// The fold of the log in which device 1 pushed the entries 1 to 3.
pub(crate) fn log_of_three() -> LogFold {
    let mut fold = LogFold::new(&Genesis::first(space(), log_id()));
    fold.extend((1..=3).map(|i| entry_leaf(&device(1).device(), u64::from(i), 1, &entry(i))));
    fold
}

/// The push of those entries.
pub(crate) fn push_of_three() -> PushLeaf {
    PushLeaf::of(device(1).device(), 1, 1, &[entry(1), entry(2), entry(3)])
}

/// The group leaves of a commit group of `n` spaces, the first of which is the fixture's.
pub(crate) fn group_leaves(n: u8) -> Vec<GroupLeaf> {
    let fold = log_of_three();
    let (pushes, _) = push_tree(&[push_of_three()]);
    let own = HeadClaim { log_epoch: 1, size: fold.size(), head: fold.head(), floor: 1, time_ms: TIME_MS, pushes };
    let mut leaves = vec![GroupLeaf { space: space(), claim: own, salt: [0x30; 16] }];
    for i in 1..n {
        let claim = HeadClaim {
            log_epoch: 1,
            size: u64::from(i) * 10,
            head: leaf(u64::from(i)),
            floor: u64::from(i),
            time_ms: TIME_MS,
            pushes: Hash::ZERO,
        };
        let other = KeyPair::from_seed(&seed(0x70 + i)).space();
        leaves.push(GroupLeaf { space: other, claim, salt: [0x30 + i; 16] });
    }
    leaves
}

/// The fixture space's attestation in a group of three.
pub(crate) fn attestation() -> Attestation {
    let group = sign_group(&log_key(), &group_leaves(3)).expect("a group of three");
    group.attestations.into_iter().next().expect("three attestations")
}

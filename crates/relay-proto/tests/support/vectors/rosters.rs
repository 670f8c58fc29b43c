//! Roster chains: valid ones, and each rule broken once.

use super::fixtures::*;
use bytes::Bytes;
use relay_proto::roster::{Chain, Device, Former, Rights, RosterError, Statement, StatementFields};
use relay_proto::{DeviceKey, Hash, KeyPair};
use serde_json::{Value, json};

/// Statements, the relay's clock (clients judge none), and the rule that is broken.
type Case = (&'static str, Vec<Statement>, Option<u64>, Option<RosterError>);

/// `rosters.json`.
pub(crate) fn vector() -> Value {
    let rows: Vec<Value> = valid().into_iter().chain(broken()).map(row).collect();
    let malformed: Vec<Value> = malformed()
        .into_iter()
        .map(|(description, bytes)| {
            assert_eq!(
                Chain::stand_alone(&space(), std::slice::from_ref(&bytes), None),
                Err(RosterError::Malformed),
                "{description}"
            );
            json!({ "description": description, "hex": hex(bytes) })
        })
        .collect();
    json!({
        "description": "Roster chains that stand on their own. now: the relay's clock in ms, null where no clock is \
                        judged (clients). error: the rule that is broken, null when the chain holds; hash: the roster \
                        hash of its last statement. malformed: single statements that are refused as malformed.",
        "root_seed": hex(seed(0x01)), "space": hex(space()), "keyring": hex(keyring()),
        "device_seeds": hexes((1..=4).map(|i| seed(0x10 + i))),
        "statement": statement(),
        "chains": rows,
        "malformed": malformed,
    })
}

fn row((description, chain, now_ms, error): Case) -> Value {
    let bytes: Vec<Bytes> = chain.iter().map(|statement| statement.bytes().clone()).collect();
    let result = Chain::stand_alone(&space(), &bytes, now_ms);
    assert_eq!(result.as_ref().err().copied(), error, "{description}");
    json!({
        "description": description, "now": now_ms, "chain": hexes(&bytes), "error": error.map(RosterError::name),
        "version": result.as_ref().ok().map(|chain| chain.newest().fields().version),
        "hash": result.as_ref().ok().map(|chain| hex(chain.newest().hash())),
    })
}

fn statement() -> Value {
    let first = admin_signed(without(next_fields(&first()), 3, 5));
    let fields = first.fields();
    let devices: Vec<Value> = fields
        .devices
        .iter()
        .map(|device| {
            json!({
                "key": hex(device.key), "hpke": hex(device.hpke), "rights": device.rights as u8,
                "not_after": device.not_after_ms,
            })
        })
        .collect();
    let former: Vec<Value> = fields
        .former
        .iter()
        .map(|former| {
            json!({
                "key": hex(former.key), "push_seq_max": former.push_seq_max,
            })
        })
        .collect();
    json!({
        "flags": u8::from(fields.queue_mode), "space": hex(fields.space), "version": fields.version,
        "previous": hex(fields.previous), "key_epoch": fields.key_epoch, "keyring_hash": hex(fields.keyring_hash),
        "root_hpke": hex(fields.root_hpke), "devices": devices, "former": former, "signer": hex(fields.signer),
        "hex": hex(first.bytes()), "hash": hex(first.hash()),
    })
}

fn admin_signed(fields: StatementFields) -> Statement {
    fields.sign(&device(1))
}

/// A statement that follows the first, changed and signed.
fn second(key: &KeyPair, change: impl FnOnce(&mut StatementFields)) -> Vec<Statement> {
    follower(first(), key, change)
}

fn follower(before: Statement, key: &KeyPair, change: impl FnOnce(&mut StatementFields)) -> Vec<Statement> {
    let mut fields = next_fields(&before);
    change(&mut fields);
    vec![before, fields.sign(key)]
}

fn remove(i: u8, push_seq_max: u64) -> impl FnOnce(&mut StatementFields) {
    move |fields| *fields = without(fields.clone(), i, push_seq_max)
}

fn removed_third() -> Statement {
    admin_signed(without(next_fields(&first()), 3, 5))
}

/// The first statement, its admin limited in time.
fn first_until(not_after_ms: u64) -> Statement {
    let mut fields = first_fields();
    fields.devices.iter_mut().for_each(|device| device.not_after_ms = not_after_ms);
    fields.sign(&root())
}

fn valid() -> Vec<Case> {
    let later = |version, key_epoch| StatementFields { version, key_epoch, previous: leaf(0), ..first_fields() };
    let third = next_fields(&removed_third()).sign(&root());
    let mut raised = next_fields(&removed_third());
    raised.former[0].push_seq_max = 9;
    let mut long = second(&device(1), remove(3, 5));
    long.extend([admin_signed(next_fields(&long[1])), third.clone()]);
    long.remove(2);
    let add = |fields: &mut StatementFields| fields.devices.push(roster_device(4, Rights::Write));
    vec![
        ("version 1", vec![first()], None, None),
        ("an admin adds a device", second(&device(1), add), None, None),
        ("an admin removes a reader and the key epoch rises", second(&device(1), remove(3, 5)), None, None),
        ("an admin raises rights", second(&device(1), |f| set_rights(f, 3, Rights::Write)), None, None),
        ("an admin loses admin and keeps write", second(&device(1), |f| set_rights(f, 1, Rights::Write)), None, None),
        ("an admin turns queue mode on", second(&device(1), |f| f.queue_mode = true), None, None),
        ("a device changes its hpke key and the key epoch rises", second(&device(1), |f| rekey(f, 1)), None, None),
        ("the key epoch rises for no reason", second(&device(1), |f| f.key_epoch += 1), None, None),
        ("the root follows", long, None, None),
        ("the root skips versions and key epochs", vec![first(), later(9, 4).sign(&root())], None, None),
        ("a chain that starts late", vec![later(9, 4).sign(&root())], None, None),
        ("the root raises a push_seq_max", vec![first(), removed_third(), raised.sign(&root())], None, None),
        ("an admin at its last moment", follower(first_until(TIME_MS), &device(1), |_| {}), Some(TIME_MS), None),
        ("an expired admin, judged without a clock", follower(first_until(TIME_MS), &device(1), |_| {}), None, None),
    ]
}

fn set_rights(fields: &mut StatementFields, i: u8, rights: Rights) {
    find(fields, i).rights = rights;
}

fn rekey(fields: &mut StatementFields, by: u32) {
    find(fields, 2).hpke = seed(0x77);
    fields.key_epoch += by;
}

fn find(fields: &mut StatementFields, i: u8) -> &mut Device {
    let key = device(i).device();
    fields.devices.iter_mut().find(|device| device.key == key).expect("a device of the fixture")
}

fn broken() -> Vec<Case> {
    broken_succession().into_iter().chain(broken_devices()).chain(broken_epochs()).collect()
}

fn broken_succession() -> Vec<Case> {
    use RosterError::*;
    let foreign = StatementFields { space: device(9).space(), ..first_fields() }.sign(&device(9));
    let stranger = device(4);
    let foreign_second = |f: &mut StatementFields| f.space = device(9).space();
    vec![
        ("no statement", vec![], None, Some(ChainLength)),
        ("the first is of another space", vec![foreign], None, Some(ForeignSpace)),
        ("the second is of another space", second(&device(1), foreign_second), None, Some(ForeignSpace)),
        ("version 1 signed by a device", vec![first_fields().sign(&device(1))], None, Some(NotAnchored)),
        ("a chain that starts with an admin's statement", vec![removed_third()], None, Some(NotAnchored)),
        ("version 1 twice", vec![first(), first()], None, Some(Version)),
        ("an admin skips a version", second(&device(1), |f| f.version += 1), None, Some(Version)),
        ("the root goes back", vec![removed_third_by_root(), first()], None, Some(Version)),
        ("another previous", second(&device(1), |f| f.previous = leaf(1)), None, Some(Previous)),
        ("signed by a writer", second(&device(2), |_| {}), None, Some(Signer)),
        ("signed by a reader", second(&device(3), |_| {}), None, Some(Signer)),
        ("signed by a stranger", second(&stranger, |_| {}), None, Some(Signer)),
        ("a stranger lists itself as admin", second(&stranger, list_as_admin), None, Some(Signer)),
        (
            "an expired admin",
            follower(first_until(TIME_MS), &device(1), |_| {}),
            Some(TIME_MS + 1),
            Some(SignerExpired),
        ),
        ("another root_hpke by an admin", second(&device(1), |f| f.root_hpke = seed(0x51)), None, Some(RootHpke)),
        ("another root_hpke by the root", second(&root(), |f| f.root_hpke = seed(0x51)), None, Some(RootHpke)),
        ("a signature that does not hold", vec![first(), flipped(&removed_third())], None, Some(Signature)),
        ("version 1 with a signature that does not hold", vec![flipped(&first())], None, Some(Signature)),
    ]
}

fn removed_third_by_root() -> Statement {
    without(next_fields(&first()), 3, 5).sign(&root())
}

fn list_as_admin(fields: &mut StatementFields) {
    fields.devices.push(roster_device(4, Rights::Admin));
}

/// The same statement with a bit of its signature flipped.
fn flipped(statement: &Statement) -> Statement {
    let mut bytes = statement.bytes().to_vec();
    let last = bytes.len() - 40;
    bytes[last] ^= 1;
    Statement::parse(bytes.into()).expect("still well formed")
}

fn broken_devices() -> Vec<Case> {
    use RosterError::*;
    let vanish = |f: &mut StatementFields| {
        f.devices.remove(0);
        f.key_epoch += 1;
    };
    let after_removal = |key: &KeyPair, change: fn(&mut StatementFields)| {
        let mut chain = vec![first()];
        chain.extend(follower(removed_third(), key, change));
        chain
    };
    let back = |f: &mut StatementFields| {
        f.former.clear();
        f.devices.push(roster_device(3, Rights::Read));
    };
    vec![
        ("a device leaves without a trace", second(&root(), vanish), None, Some(FormerMissing)),
        ("a former device is dropped", after_removal(&device(1), |f| f.former.clear()), None, Some(FormerMissing)),
        ("dropped by the root", after_removal(&root(), |f| f.former.clear()), None, Some(FormerMissing)),
        (
            "an admin raises a push_seq_max",
            after_removal(&device(1), |f| f.former[0].push_seq_max += 1),
            None,
            Some(FormerChanged),
        ),
        (
            "the root lowers a push_seq_max",
            after_removal(&root(), |f| f.former[0].push_seq_max -= 1),
            None,
            Some(FormerChanged),
        ),
        ("a former key returns", after_removal(&device(1), back), None, Some(FormerReturned)),
        ("a former key returns by the root", after_removal(&root(), back), None, Some(FormerReturned)),
        ("a device loses write", second(&device(1), |f| set_rights(f, 2, Rights::Read)), None, Some(WriteLost)),
        (
            "a device loses write by the root",
            second(&root(), |f| set_rights(f, 2, Rights::Read)),
            None,
            Some(WriteLost),
        ),
    ]
}

fn broken_epochs() -> Vec<Case> {
    use RosterError::KeyEpoch;
    let high = StatementFields { key_epoch: 5, ..first_fields() }.sign(&root());
    let lower = |f: &mut StatementFields| f.key_epoch -= 1;
    let remove_in_place = |f: &mut StatementFields| {
        remove(3, 5)(f);
        f.key_epoch -= 1;
    };
    vec![
        ("the key epoch falls", follower(high.clone(), &device(1), lower), None, Some(KeyEpoch)),
        ("the key epoch falls by the root", follower(high, &root(), lower), None, Some(KeyEpoch)),
        ("an admin raises the key epoch by two", second(&device(1), |f| f.key_epoch += 2), None, Some(KeyEpoch)),
        ("a device leaves and the key epoch stays", second(&device(1), remove_in_place), None, Some(KeyEpoch)),
        ("it stays by the root", second(&root(), remove_in_place), None, Some(KeyEpoch)),
        ("an hpke key changes and the key epoch stays", second(&device(1), |f| rekey(f, 0)), None, Some(KeyEpoch)),
    ]
}

fn malformed() -> Vec<(&'static str, Bytes)> {
    let signed = |change: fn(&mut StatementFields)| {
        let mut fields = first_fields();
        change(&mut fields);
        fields.sign(&root()).bytes().clone()
    };
    let patched = |at: usize, value: u8| {
        let mut bytes = first().bytes().to_vec();
        bytes[at] = value;
        Bytes::from(bytes)
    };
    let whole = first().bytes().clone();
    let weak = |f: &mut StatementFields| f.devices[0].key = DeviceKey([0; 32]);
    let not_canonical = |f: &mut StatementFields| {
        let mut key = [0xff; 32];
        (key[0], key[31]) = (0xf0, 0x7f);
        f.devices[0].key = DeviceKey(key);
    };
    let both = |f: &mut StatementFields| f.former.push(Former { key: f.devices[0].key, push_seq_max: 0 });
    let rights_at = 1 + 1 + 32 + 8 + 32 + 4 + 32 + 32 + 2 + 64;
    vec![
        ("another format", patched(0, 2)),
        ("an unknown flag", patched(1, 2)),
        ("unknown rights", patched(rights_at, 2)),
        ("no rights", patched(rights_at, 0)),
        ("the last byte is missing", whole.slice(..whole.len() - 1)),
        ("a byte too many", [whole.as_ref(), &[0]].concat().into()),
        ("version 0", signed(|f| f.version = 0)),
        ("key epoch 0", signed(|f| f.key_epoch = 0)),
        ("version 1 with a previous", signed(|f| f.previous = Hash([1; 32]))),
        ("the space id as a device", signed(|f| f.devices[0].key = space().as_device())),
        (
            "the space id as a former device",
            signed(|f| f.former.push(Former { key: space().as_device(), push_seq_max: 0 })),
        ),
        ("a device twice", signed(|f| f.devices.push(f.devices[0]))),
        ("a device present and former", signed(both)),
        ("a device key of small order", signed(weak)),
        ("a device key that is not canonical", signed(not_canonical)),
        ("devices out of order", swapped_devices()),
        ("a version above 2^53 - 1", signed(|f| f.version = relay_proto::wire::U64_MAX + 1)),
    ]
}

/// The first statement with its first two devices exchanged, signed again.
fn swapped_devices() -> Bytes {
    let mut bytes = first().bytes().to_vec();
    let start = 1 + 1 + 32 + 8 + 32 + 4 + 32 + 32 + 2;
    bytes[start..start + 146].rotate_left(73);
    let end = bytes.len() - 64;
    let signature = root().sign(relay_proto::hash::Domain::Roster, &[&bytes[..end]]);
    bytes[end..].copy_from_slice(&signature.0);
    bytes.into()
}

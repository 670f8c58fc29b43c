//! Commit groups of one to five spaces, and the push trees below them.

use super::describe;
use super::fixtures::*;
use relay_proto::SpaceId;
use relay_proto::attestation::{Attestation, PushLeaf, push_tree, sign_group, verify_receipt};
use serde_json::{Value, json};

/// `attestations.json`.
pub(crate) fn vector() -> Value {
    json!({
        "description": "Commit groups: one signature by the log key over the root, one attestation per space. pushes: push \
                        leaves of one space, their root and the proof of each. refused: attestations that must not verify.",
        "log_seed": hex(seed(0x20)), "log_id": hex(log_id()),
        "groups": (1..=5).map(group).collect::<Vec<_>>(),
        "pushes": (1..=5).map(pushes).collect::<Vec<_>>(),
        "refused": refused(),
    })
}

fn group(n: u8) -> Value {
    let leaves = group_leaves(n);
    let signed = sign_group(&log_key(), &leaves).expect("a small group");
    let rows: Vec<Value> = leaves
        .iter()
        .zip(&signed.attestations)
        .map(|(leaf, attestation)| {
            assert!(attestation.verify(&leaf.space, &log_id()));
            json!({
                "space": hex(leaf.space), "leaf": hex(leaf.hash(&log_id())),
                "attestation": describe::attestation(attestation), "hex": hex(attestation.encode()),
            })
        })
        .collect();
    json!({ "root": hex(signed.root), "spaces": rows })
}

fn pushes(n: u8) -> Value {
    let leaves: Vec<PushLeaf> = (1..=n)
        .map(|i| PushLeaf::of(device(i).device(), 1, u64::from(i) * 2 - 1, &[entry(i), entry(i + 100)]))
        .collect();
    let (root, proofs) = push_tree(&leaves);
    let rows: Vec<Value> = (1..=n)
        .zip(leaves.iter().zip(&proofs))
        .map(|(i, (push, proof))| {
            assert!(verify_receipt(push, proof, &root));
            json!({
                "device": hex(push.device), "push_seq_first": push.push_seq_first, "seq_first": push.seq_first,
                "entry_ids": hexes([entry(i), entry(i + 100)]), "leaf": hex(push.hash()),
                "proof": describe::proof(proof),
            })
        })
        .collect();
    json!({ "root": hex(root), "leaves": rows })
}

fn refused() -> Vec<Value> {
    let good = attestation();
    let change = |change: fn(&mut Attestation)| {
        let mut changed = good.clone();
        change(&mut changed);
        changed
    };
    let cases: Vec<(&str, SpaceId, Attestation)> = vec![
        ("another space", device(9).space(), good.clone()),
        ("a greater size", space(), change(|a| a.claim.size += 1)),
        ("another head", space(), change(|a| a.claim.head.0[0] ^= 1)),
        ("a later time", space(), change(|a| a.claim.time_ms += 1)),
        ("another floor", space(), change(|a| a.claim.floor += 1)),
        ("other pushes", space(), change(|a| a.claim.pushes.0[0] ^= 1)),
        ("another salt", space(), change(|a| a.salt[0] ^= 1)),
        ("a leaf index beyond the count", space(), change(|a| a.leaf_index = a.leaf_count)),
        ("another leaf index", space(), change(|a| a.leaf_index = 1)),
        ("a leaf count of 0", space(), change(|a| a.leaf_count = 0)),
        ("a path too short", space(), change(|a| a.path.truncate(1))),
        ("a path too long", space(), change(|a| a.path.push(leaf(0)))),
        ("a signature that does not hold", space(), change(|a| a.signature.0[0] ^= 1)),
    ];
    cases
        .into_iter()
        .map(|(description, space, attestation)| {
            assert!(!attestation.verify(&space, &log_id()), "{description}");
            json!({
                "description": description, "space": hex(space), "hex": hex(attestation.encode()),
            })
        })
        .collect()
}

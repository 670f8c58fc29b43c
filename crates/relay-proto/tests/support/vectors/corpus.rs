//! The seeds of the fuzz targets, taken from the vectors' frames.

use super::fixtures::*;
use super::frames::{client_frames, relay_frames};
use relay_proto::attestation::sign_group;
use relay_proto::frame::{Frame, RosterPut};
use relay_proto::roster::Rights;

/// Target, file name, bytes.
pub(crate) fn corpus() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (i, (_, frame)) in client_frames().into_iter().enumerate() {
        seeds.push(("client_frame", format!("{i:02}-{}", frame.frame_type().name()), frame.encode().to_vec()));
    }
    for (i, (_, frame)) in relay_frames().into_iter().enumerate() {
        seeds.push(("relay_frame", format!("{i:02}-{}", frame.frame_type().name()), frame.encode().to_vec()));
    }
    for (name, chain) in chains() {
        // A chain as in the frames, without the type byte and the empty keyring.
        let frame = RosterPut { chain, keyring: bytes::Bytes::new() }.encode();
        seeds.push(("roster_chain", name.to_owned(), frame[1..frame.len() - 4].to_vec()));
    }
    seeds.push(("manifest", "two-chunks".to_owned(), super::signed::manifest().bytes().to_vec()));
    for n in 1..=5 {
        let group = sign_group(&log_key(), &group_leaves(n)).expect("a small group");
        seeds.push(("attestation", format!("group-of-{n}"), group.attestations[0].encode().to_vec()));
    }
    seeds
}

fn chains() -> Vec<(&'static str, Vec<bytes::Bytes>)> {
    let first = first();
    let mut added = next_fields(&first);
    added.devices.push(roster_device(4, Rights::Write));
    let second = added.sign(&device(1));
    let third = without(next_fields(&second), 3, 5).sign(&root());
    let bytes = |statements: &[&relay_proto::roster::Statement]| statements.iter().map(|s| s.bytes().clone()).collect();
    vec![("one", bytes(&[&first])), ("two", bytes(&[&first, &second])), ("three", bytes(&[&first, &second, &third]))]
}

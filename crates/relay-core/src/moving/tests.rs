use super::*;
use crate::environment::LogSigner;
use crate::store::StoredEntry;
use crate::testing::{SpaceFixture, TestSigner};
use bytes::Bytes;
use relay_proto::KeyPair;
use relay_proto::attestation::{Attestation, GroupLeaf, HeadClaim, sign_group};
use relay_proto::frame::Ack;
use relay_proto::hash::entry_id;
use relay_proto::ids::Hash;
use relay_proto::merkle::{Genesis, LogFold, entry_leaf};
use relay_proto::roster::Rights;

const ENTRIES: u64 = 5;
const FLOOR: u64 = 3;

struct Sample {
    sections: Vec<Section>,
    signer: TestSigner,
}

/// A space of which the first two entries were forgotten.
fn sample() -> Sample {
    let (signer, log_key) = (TestSigner::new(9), KeyPair::from_seed(&[9; 32]));
    let device = KeyPair::from_seed(&[2; 32]);
    let fixture = SpaceFixture::new(1, &[(&device, Rights::Admin)]);
    let (space, log_id) = (fixture.id(), signer.log_id());
    let mut fold = LogFold::new(&Genesis::first(space, log_id));
    let entries: Vec<StoredEntry> = (1..=ENTRIES)
        .map(|seq| {
            let sealed = Bytes::from(format!("sealed {seq}"));
            StoredEntry { device: device.device(), push_seq: seq, key_epoch: 1, id: entry_id(&sealed), sealed }
        })
        .collect();
    let leaf = |entry: &StoredEntry| entry_leaf(&entry.device, entry.push_seq, entry.key_epoch, &entry.id);
    let mut acked = None;
    for (seq, entry) in (1..).zip(&entries) {
        fold.extend([leaf(entry)]);
        if seq == 4 {
            acked = Some(Ack::sign(&device, &space, &log_id, 1, 4, fold.head()));
        }
    }
    let claim =
        HeadClaim { log_epoch: 1, size: ENTRIES, head: fold.head(), floor: FLOOR, time_ms: 7, pushes: Hash::ZERO };
    let group = sign_group(&log_key, &[GroupLeaf { space, claim, salt: [1; 16] }]).unwrap();
    let attestation: Attestation = group.attestations[0].clone();
    let ack = acked.unwrap();
    let mut sections = vec![
        Section::Head(Head { exported_ms: 8, space, log_id, log_epoch: 1, floor: FLOOR, size: ENTRIES }),
        Section::Attestation(attestation.encode()),
        Section::Roster { chain: fixture.chain.clone(), keyring: fixture.keyring.clone() },
        Section::Mark(Mark { device: device.device(), push_seq_high: ENTRIES, last_entry: None }),
        Section::Ack(crate::store::SignedAck {
            device: device.device(),
            log_epoch: 1,
            size: 4,
            head: ack.head,
            signature: ack.signature.0,
        }),
        Section::Leaves { first_seq: 1, leaves: entries.iter().take(2).map(leaf).collect() },
    ];
    sections.extend((1..).zip(entries).skip(2).map(|(seq, entry)| Section::Entry { seq, entry }));
    Sample { sections, signer }
}

fn written(sections: &[Section], signer: &TestSigner) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = SectionWriter::begin(&mut out);
    sections.iter().for_each(|section| writer.append(section, &mut out));
    writer.end(signer, &mut out);
    out
}

fn checked(bytes: &[u8]) -> Result<Report, Fault> {
    let mut reader = SectionReader::open(bytes)?;
    let mut checker = Checker::default();
    while let Some(section) = reader.next_section()? {
        checker.push(&section)?;
    }
    checker.finish()
}

fn fault(bytes: &[u8]) -> String {
    checked(bytes).map(|_| String::new()).unwrap_or_else(|fault| fault.to_string())
}

#[test]
fn a_good_file_says_what_it_holds() {
    let Sample { sections, signer } = sample();
    let report = checked(&written(&sections, &signer)).unwrap();
    assert_eq!((report.entries, report.leaves_from, report.head_is_proven), (3, 1, true));
    assert_eq!((report.acks, report.devices, report.snapshot_size), (1, 1, 0));
}

#[test]
fn without_the_oldest_leaves_the_head_is_signed_and_not_proven() {
    let Sample { mut sections, signer } = sample();
    sections.retain(|section| !matches!(section, Section::Leaves { .. }));
    let report = checked(&written(&sections, &signer)).unwrap();
    assert_eq!((report.leaves_from, report.head_is_proven), (FLOOR, false));
}

#[test]
fn every_flipped_byte_and_every_cut_is_noticed() {
    let Sample { sections, signer } = sample();
    let good = written(&sections, &signer);
    for at in 0..good.len() {
        let mut broken = good.clone();
        broken[at] ^= 0x40;
        assert!(checked(&broken).is_err(), "byte {at}");
        assert!(checked(&good[..at]).is_err(), "cut {at}");
    }
    assert!(fault(&[good.as_slice(), b"x"].concat()).contains("behind the last section"));
}

#[test]
fn a_file_that_another_key_signed_again_is_not_believed() {
    let Sample { sections, .. } = sample();
    assert!(fault(&written(&sections, &TestSigner::new(8))).contains("the log id did not sign this file"));
}

/// Whoever holds the key could sign anything; what devices signed and what the entries make still has to fit.
#[test]
fn what_does_not_fit_is_named() {
    let Sample { sections, signer } = sample();
    let changed = |change: &dyn Fn(&mut Vec<Section>)| {
        let mut sections = sections.clone();
        change(&mut sections);
        fault(&written(&sections, &signer))
    };
    let dropped = changed(&|sections| drop(sections.remove(7)));
    assert!(dropped.contains("an entry is missing before it"), "{dropped}");
    let other = changed(&|sections| {
        if let Some(Section::Entry { entry, .. }) = sections.get_mut(8) {
            entry.push_seq += 1;
        }
    });
    assert!(other.contains("do not make the signed head"), "{other}");
    let acked = changed(&|sections| {
        if let Some(Section::Entry { entry, .. }) = sections.get_mut(6) {
            entry.key_epoch += 1;
        }
    });
    assert!(acked.contains("a device signed another head"), "{acked}");
    let bytes = changed(&|sections| {
        if let Some(Section::Entry { entry, .. }) = sections.get_mut(6) {
            entry.sealed = Bytes::from_static(b"other");
        }
    });
    assert!(bytes.contains("id is not that of its bytes"), "{bytes}");
    let order = changed(&|sections| sections.swap(2, 3));
    assert!(order.contains("roster is missing"), "{order}");
    let keyring = changed(&|sections| {
        if let Some(Section::Roster { keyring, .. }) = sections.get_mut(2) {
            *keyring = Bytes::from_static(b"other");
        }
    });
    assert!(keyring.contains("keyring"), "{keyring}");
}

fn blob(bytes: &[u8]) -> BlobHead {
    let mut hasher = relay_proto::blob::BlobHasher::default();
    hasher.push(bytes);
    let author = KeyPair::from_seed(&[2; 32]).device();
    BlobHead { id: hasher.finish(), author, total_bytes: bytes.len() as u64, stored_at_ms: 3 }
}

#[test]
fn blobs_are_believed_when_their_bytes_are_those_of_their_ids() {
    let Sample { mut sections, signer } = sample();
    let mut heads = [blob(b"first blob"), blob(b"second")];
    let pieces = |head: &BlobHead| {
        let bytes: &'static [u8] = if head.total_bytes == 10 { b"first blob" } else { b"second" };
        [Section::BlobPiece(Bytes::from_static(&bytes[..4])), Section::BlobPiece(Bytes::from_static(&bytes[4..]))]
    };
    heads.sort_unstable_by_key(|head| head.id);
    let before = sections.len();
    for head in &heads {
        sections.push(Section::Blob(*head));
        sections.extend(pieces(head));
    }
    let report = checked(&written(&sections, &signer)).unwrap();
    assert_eq!((report.blobs, report.blob_bytes), (2, 16));
    let refused = |change: &dyn Fn(&mut Vec<Section>)| {
        let mut changed = sections.clone();
        change(&mut changed);
        checked(&written(&changed, &signer)).unwrap_err().to_string()
    };
    assert!(refused(&|s| drop(s.remove(before + 1))).contains("not those of its id"), "a piece is missing");
    assert!(refused(&|s| drop(s.pop())).contains("not those of its id"), "the last piece is missing");
    assert!(refused(&|s| s.swap(before + 1, before + 2)).contains("not those of its id"), "pieces in another order");
    assert!(refused(&|s| drop(s.remove(before))).contains("missing before it"), "bytes of no blob");
    assert!(refused(&|s| s[before..].rotate_left(3)).contains("do not ascend"), "another order");
    assert!(refused(&|s| s.push(Section::BlobPiece(Bytes::from_static(b"x")))).contains("longer than it says"));
    assert!(refused(&|s| s[before + 1] = Section::BlobPiece(Bytes::from_static(b"!"))).contains("not those of its id"));
}

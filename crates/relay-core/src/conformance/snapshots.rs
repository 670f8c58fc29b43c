//! Snapshots.

use super::Cases;
use super::calls::Calls;
use super::reads::signed_ack;
use crate::store::{Refusal, SnapshotProgress, StoreError};
use crate::testing::SpaceFixture;
use bytes::Bytes;
use relay_proto::KeyPair;
use relay_proto::ids::Hash;
use relay_proto::limits::{CHUNK_BYTES_MIN, SNAPSHOT_RESUME_MS};
use relay_proto::merkle::{Genesis, LogFold};
use relay_proto::snapshot::{ChunksHasher, Manifest, ManifestFields};

pub(super) const CASES: Cases = &[
    ("a snapshot is uploaded in chunks and read back", upload),
    ("an upload goes on where it stood", resume),
    ("an upload goes on after a restart, and what is complete stays", resume_after_restart),
    ("an upload that nobody went on with for a day is gone", stale),
    ("another manifest of the same device drops its unfinished upload", one_upload_per_device),
    ("only the chunk that is wanted next is taken", wrong_chunk),
    ("a snapshot whose chunks hash to something else is refused", wrong_hash),
    ("a manifest that covers more than its author acked is refused", more_than_acked),
    ("the newest two are kept, and one that a second device opened outlives others", kept),
    ("who opened a snapshot is remembered once", opened),
    ("an unknown snapshot is not held", unknown),
];

const CHUNK: usize = CHUNK_BYTES_MIN as usize;

fn chunks(fill: u8) -> Vec<Bytes> {
    vec![Bytes::from(vec![fill; CHUNK]), Bytes::from(vec![fill; CHUNK]), Bytes::from(vec![fill; 10])]
}

/// A log of one entry that `a` and `b` acked, and its fold.
fn acked(c: &Calls) -> (SpaceFixture, LogFold) {
    let space = c.space();
    c.push(space.push(&c.a, 1, &["1"])).unwrap();
    let log = c.store().log();
    let mut fold = LogFold::new(&Genesis { log_epoch: log.log_epoch, ..Genesis::first(space.id(), log.log_id) });
    fold.extend(c.leaves(space.id(), 1, 1));
    for device in [&c.a, &c.b] {
        c.put_ack(space.id(), signed_ack(c, &space, device, 1, fold.head())).unwrap();
    }
    (space, fold)
}

fn manifest(c: &Calls, space: &SpaceFixture, fold: &LogFold, author: &KeyPair, fill: u8) -> Manifest {
    let log = c.store().log();
    let chunks = chunks(fill);
    let mut hasher = ChunksHasher::default();
    chunks.iter().for_each(|chunk| hasher.push(chunk));
    let fields = ManifestFields {
        suite: 1,
        space: space.id(),
        device: author.device(),
        key_epoch: 1,
        log_id: log.log_id,
        log_epoch: log.log_epoch,
        size: fold.size(),
        head: fold.head(),
        range: fold.hashes().to_vec(),
        total_bytes: chunks.iter().map(|chunk| chunk.len() as u64).sum(),
        chunk_bytes: CHUNK_BYTES_MIN,
        chunks_hash: hasher.finish(),
        salt: [fill; 32],
        commitment: [0; 32],
        time_ms: 1,
    };
    fields.sign(author)
}

fn progress(next_chunk: u32, stored: bool) -> Result<SnapshotProgress, StoreError> {
    Ok(SnapshotProgress { next_chunk, stored })
}

fn put(c: &Calls, space: &SpaceFixture, manifest: &Manifest, fill: u8) {
    assert_eq!(c.snapshot_begin(space.id(), manifest.bytes().clone()), progress(0, false));
    for (index, chunk) in (0..).zip(chunks(fill)) {
        c.snapshot_chunk(space.id(), manifest.id(), index, chunk).unwrap();
    }
}

fn upload(c: &Calls) {
    let (space, fold) = acked(c);
    assert!(c.snapshot_manifest(space.id(), None).is_none());
    let manifest = manifest(c, &space, &fold, &c.a, 1);
    assert_eq!(c.snapshot_begin(space.id(), manifest.bytes().clone()), progress(0, false));
    let expected = [progress(1, false), progress(2, false), progress(3, true)];
    for ((index, chunk), expected) in (0..).zip(chunks(1)).zip(expected) {
        assert!(c.snapshot_manifest(space.id(), None).is_none(), "not before it is whole");
        assert_eq!(c.snapshot_chunk(space.id(), manifest.id(), index, chunk), expected);
    }
    assert_eq!(c.snapshot_manifest(space.id(), None).as_ref(), Some(manifest.bytes()));
    assert_eq!(c.snapshot_manifest(space.id(), Some(manifest.id())).as_ref(), Some(manifest.bytes()));
    for (index, chunk) in (0..).zip(chunks(1)) {
        assert_eq!(c.snapshot_read(space.id(), manifest.id(), index), Ok(chunk));
    }
    assert_eq!(c.snapshot_begin(space.id(), manifest.bytes().clone()), progress(3, true), "it is there already");
    let facts = c.forgetting(space.id());
    assert_eq!((facts.snapshots[0].id, facts.snapshots[0].size), (manifest.id(), 1));
    assert_eq!(facts.snapshots[0].device, c.a.device());
}

fn resume(c: &Calls) {
    let (space, fold) = acked(c);
    let manifest = manifest(c, &space, &fold, &c.a, 1);
    c.snapshot_begin(space.id(), manifest.bytes().clone()).unwrap();
    c.snapshot_chunk(space.id(), manifest.id(), 0, chunks(1)[0].clone()).unwrap();
    assert_eq!(c.snapshot_begin(space.id(), manifest.bytes().clone()), progress(1, false));
}

fn resume_after_restart(c: &Calls) {
    let (space, fold) = acked(c);
    let (whole, half) = (manifest(c, &space, &fold, &c.a, 1), manifest(c, &space, &fold, &c.b, 2));
    put(c, &space, &whole, 1);
    c.snapshot_opened(space.id(), whole.id(), c.b.device()).unwrap();
    c.snapshot_begin(space.id(), half.bytes().clone()).unwrap();
    for (index, chunk) in (0..2).zip(chunks(2)) {
        c.snapshot_chunk(space.id(), half.id(), index, chunk).unwrap();
    }
    if !c.continue_with(c.harness().reopen()) {
        return;
    }
    assert_eq!(c.snapshot_manifest(space.id(), None).as_ref(), Some(whole.bytes()));
    assert_eq!(c.snapshot_read(space.id(), whole.id(), 2), Ok(chunks(1)[2].clone()));
    assert_eq!(c.forgetting(space.id()).snapshots[0].opened_by, [c.b.device()]);
    assert_eq!(c.snapshot_begin(space.id(), half.bytes().clone()), progress(2, false), "it goes on where it stood");
    assert_eq!(c.snapshot_chunk(space.id(), half.id(), 2, chunks(2)[2].clone()), progress(3, true));
    assert_eq!(c.snapshot_manifest(space.id(), None).as_ref(), Some(half.bytes()));
    for (index, chunk) in (0..).zip(chunks(2)) {
        assert_eq!(c.snapshot_read(space.id(), half.id(), index), Ok(chunk));
    }
}

fn stale(c: &Calls) {
    let (space, fold) = acked(c);
    let manifest = manifest(c, &space, &fold, &c.a, 1);
    c.snapshot_begin(space.id(), manifest.bytes().clone()).unwrap();
    c.snapshot_chunk(space.id(), manifest.id(), 0, chunks(1)[0].clone()).unwrap();
    c.clock().advance(SNAPSHOT_RESUME_MS);
    let late = c.snapshot_chunk(space.id(), manifest.id(), 1, chunks(1)[1].clone());
    assert_eq!(late, Err(StoreError::Refused(Refusal::SnapshotUnknown)));
    assert_eq!(c.snapshot_begin(space.id(), manifest.bytes().clone()), progress(0, false));
}

fn one_upload_per_device(c: &Calls) {
    let (space, fold) = acked(c);
    let (first, second) = (manifest(c, &space, &fold, &c.a, 1), manifest(c, &space, &fold, &c.a, 2));
    let of_other = manifest(c, &space, &fold, &c.b, 3);
    for manifest in [&first, &of_other] {
        c.snapshot_begin(space.id(), manifest.bytes().clone()).unwrap();
    }
    c.snapshot_chunk(space.id(), of_other.id(), 0, chunks(3)[0].clone()).unwrap();
    c.snapshot_begin(space.id(), second.bytes().clone()).unwrap();
    let dropped = c.snapshot_chunk(space.id(), first.id(), 0, chunks(1)[0].clone());
    assert_eq!(dropped, Err(StoreError::Refused(Refusal::SnapshotUnknown)));
    assert_eq!(c.snapshot_begin(space.id(), of_other.bytes().clone()), progress(1, false), "another device's goes on");
}

fn wrong_chunk(c: &Calls) {
    let (space, fold) = acked(c);
    let manifest = manifest(c, &space, &fold, &c.a, 1);
    c.snapshot_begin(space.id(), manifest.bytes().clone()).unwrap();
    let unexpected = |next| Err(StoreError::Refused(Refusal::SnapshotChunkUnexpected { next }));
    assert_eq!(c.snapshot_chunk(space.id(), manifest.id(), 1, chunks(1)[1].clone()), unexpected(0));
    c.snapshot_chunk(space.id(), manifest.id(), 0, chunks(1)[0].clone()).unwrap();
    assert_eq!(c.snapshot_chunk(space.id(), manifest.id(), 0, chunks(1)[0].clone()), unexpected(1));
    let short = c.snapshot_chunk(space.id(), manifest.id(), 1, Bytes::from_static(b"short"));
    assert_eq!(short, Err(StoreError::Refused(Refusal::SnapshotInvalid)));
}

fn wrong_hash(c: &Calls) {
    let (space, fold) = acked(c);
    let manifest = manifest(c, &space, &fold, &c.a, 1);
    c.snapshot_begin(space.id(), manifest.bytes().clone()).unwrap();
    let mut last = progress(0, false);
    for (index, chunk) in (0..).zip(chunks(2)) {
        last = c.snapshot_chunk(space.id(), manifest.id(), index, chunk);
    }
    assert_eq!(last, Err(StoreError::Refused(Refusal::SnapshotInvalid)));
    assert!(c.snapshot_manifest(space.id(), None).is_none());
}

fn more_than_acked(c: &Calls) {
    let (space, mut fold) = acked(c);
    c.push(space.push(&c.a, 2, &["2"])).unwrap();
    fold.extend(c.leaves(space.id(), 2, 1));
    let invalid = Err(StoreError::Refused(Refusal::SnapshotInvalid));
    let above = manifest(c, &space, &fold, &c.a, 1);
    assert_eq!(c.snapshot_begin(space.id(), above.bytes().clone()), invalid);
    c.put_ack(space.id(), signed_ack(c, &space, &c.a, 2, fold.head())).unwrap();
    assert_eq!(c.snapshot_begin(space.id(), above.bytes().clone()), progress(0, false));
    let mut other = LogFold::new(&Genesis::first(space.id(), c.log_id()));
    other.extend([Hash([1; 32]), Hash([2; 32])]);
    let forked = manifest(c, &space, &other, &c.a, 1);
    assert_eq!(c.snapshot_begin(space.id(), forked.bytes().clone()), invalid, "another head");
}

fn kept(c: &Calls) {
    let (space, fold) = acked(c);
    let all: Vec<Manifest> = (1..=4).map(|fill| manifest(c, &space, &fold, &c.a, fill)).collect();
    let held = |n: usize| c.snapshot_manifest(space.id(), Some(all[n].id())).is_some();
    put(c, &space, &all[0], 1);
    put(c, &space, &all[1], 2);
    assert!(held(0) && held(1));
    put(c, &space, &all[2], 3);
    assert_eq!((held(0), held(1), held(2)), (false, true, true));
    c.snapshot_opened(space.id(), all[1].id(), c.b.device()).unwrap();
    put(c, &space, &all[3], 4);
    assert_eq!((held(1), held(2), held(3)), (true, false, true), "the one that was opened stays");
    assert_eq!(c.snapshot_manifest(space.id(), None).as_ref(), Some(all[3].bytes()));
}

fn opened(c: &Calls) {
    let (space, fold) = acked(c);
    let manifest = manifest(c, &space, &fold, &c.a, 1);
    put(c, &space, &manifest, 1);
    c.snapshot_opened(space.id(), manifest.id(), c.b.device()).unwrap();
    c.snapshot_opened(space.id(), manifest.id(), c.b.device()).unwrap();
    assert_eq!(c.forgetting(space.id()).snapshots[0].opened_by, [c.b.device()]);
}

fn unknown(c: &Calls) {
    let (space, fold) = acked(c);
    let id = manifest(c, &space, &fold, &c.a, 1).id();
    let refused = StoreError::Refused(Refusal::SnapshotUnknown);
    assert!(c.snapshot_manifest(space.id(), Some(id)).is_none());
    assert_eq!(c.snapshot_read(space.id(), id, 0).unwrap_err(), refused);
    assert_eq!(c.snapshot_opened(space.id(), id, c.b.device()).unwrap_err(), refused);
    assert_eq!(c.snapshot_chunk(space.id(), id, 0, chunks(1)[0].clone()).unwrap_err(), refused);
}

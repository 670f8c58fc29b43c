//! Writes the data directory that the upgrade tests start from: three spaces on small segments, one trimmed, a snapshot
//! complete and one under way, acks, contacts; killed, not closed. Takes an empty directory. The directory in
//! `tests/fixtures/format-1` was written by it when format 1 was the newest; a new format gets a directory of its own.

#[path = "../tests/support/mod.rs"]
mod support;

use bytes::Bytes;
use relay_core::store::{SignedAck, Store};
use relay_proto::merkle::{Genesis, LogFold, entry_leaf};
use relay_proto::snapshot::{ChunksHasher, ManifestFields};
use relay_store::EmbeddedStore;
use relay_store::vfs::RealVfs;
use std::path::PathBuf;
use std::sync::Arc;
use support::{Writer, sealed, wait};

const ENTRIES: u64 = 60;
const BYTES: usize = 300;
const CHUNK_BYTES: u32 = relay_proto::limits::CHUNK_BYTES_MIN;

fn main() {
    let dir = PathBuf::from(std::env::args().nth(1).expect("an empty directory"));
    let work = dir.with_extension("running");
    let options = support::options(&work, 16 * 1024);
    let store = support::open(Arc::new(RealVfs), &options).expect("an empty directory");
    let writers: Vec<Writer> = (1..=3).map(Writer::new).collect();
    writers.iter().for_each(|writer| drop(writer.found(&store).expect("founded")));
    for n in 1..=ENTRIES {
        writers.iter().for_each(|writer| writer.push_range(&store, n, n, BYTES));
    }
    acknowledge(&store, &writers[0]);
    snapshot(&store, &writers[0], ENTRIES, 1);
    snapshot(&store, &writers[0], ENTRIES - 1, 0);
    wait(|done| store.trim(writers[0].space(), 41, done)).expect("trimmed");
    // Longer than the metadata thread waits.
    std::thread::sleep(std::time::Duration::from_secs(3));
    copy(&work, &dir);
    drop(store);
    std::fs::remove_dir_all(&work).expect("own directory");
}

fn fold_at(store: &EmbeddedStore, writer: &Writer, size: u64) -> LogFold {
    let mut fold = LogFold::new(&Genesis::first(writer.space(), store.log().log_id));
    let leaf = |n| entry_leaf(&writer.key(), n, 1, &relay_proto::hash::entry_id(&sealed(n, BYTES)));
    fold.extend((1..=size).map(leaf));
    fold
}

fn acknowledge(store: &EmbeddedStore, writer: &Writer) {
    let head = fold_at(store, writer, ENTRIES).head();
    let ack = SignedAck { device: writer.key(), log_epoch: 1, size: ENTRIES, head, signature: [7; 64] };
    wait(|done| store.put_ack(writer.space(), ack, done)).expect("kept");
}

/// Uploads the chunks of a snapshot up to `last`; it has two.
fn snapshot(store: &EmbeddedStore, writer: &Writer, size: u64, last: u32) {
    let chunks = [Bytes::from(vec![1; CHUNK_BYTES as usize]), Bytes::from(vec![2; 100])];
    let mut hasher = ChunksHasher::default();
    chunks.iter().for_each(|chunk| hasher.push(chunk));
    let fold = fold_at(store, writer, size);
    let fields = ManifestFields {
        suite: 1,
        space: writer.space(),
        device: writer.key(),
        log_id: store.log().log_id,
        log_epoch: 1,
        size,
        head: fold.head(),
        range: fold.hashes().to_vec(),
        key_epoch: 1,
        total_bytes: u64::from(CHUNK_BYTES) + 100,
        chunk_bytes: CHUNK_BYTES,
        chunks_hash: hasher.finish(),
        salt: [4; 32],
        commitment: [5; 32],
        time_ms: 1_700_000_000_000,
    };
    let manifest = fields.sign(&writer.device);
    wait(|done| store.snapshot_begin(writer.space(), manifest.bytes().clone(), done)).expect("begun");
    for (index, chunk) in (0..=last).zip(chunks) {
        wait(|done| store.snapshot_chunk(writer.space(), manifest.id(), index, chunk, done)).expect("taken");
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("a new directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("a name");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

//! Files of spaces that a hostile relay signed: whatever they hold, the store that takes or refuses them starts again, and its
//! other spaces are whole.

mod support;

use bytes::Bytes;
use relay_core::commit::GroupAttestor;
use relay_core::environment::LogSigner;
use relay_core::ledger::{RosterState, SpaceLedger};
use relay_core::moving::{Head, Mark, Section, SectionWriter};
use relay_core::store::{Store, StoredEntry};
use relay_proto::hash::{entry_id, sha256};
use relay_proto::ids::{DeviceKey, EntryId};
use relay_store::EmbeddedStore;
use relay_store::moving::{ImportError, import};
use relay_store::vfs::Vfs;
use relay_store::vfs::sim::SimVfs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use support::{Counting, Writer, open, options, sealed, wait};

const SEGMENT: u64 = 1024 * 1024;
/// Most devices of one file.
const DEVICES_MAX: u64 = 16_384;
/// The largest number of the protocol.
const NUMBER_MAX: u64 = (1 << 53) - 1;

fn entry(device: DeviceKey, push_seq: u64, sealed: Bytes) -> StoredEntry {
    StoredEntry { device, push_seq, key_epoch: 1, id: entry_id(&sealed), sealed }
}

/// A file that a relay signed which takes any entry of any device, with the digest and the head that belong to it.
fn file(writer: &Writer, marks: Vec<Mark>, entries: Vec<StoredEntry>) -> Vec<u8> {
    // The key of some relay: nothing else of it is needed.
    let relay = open(Arc::new(SimVfs::new()), &options("/hostile", SEGMENT)).unwrap().signer();
    let (chain, keyring) = writer.chain();
    let roster = RosterState::found(writer.space(), &chain, &keyring, 1).unwrap();
    let (mut ledger, _) = SpaceLedger::found(writer.space(), Arc::new(roster), 1, 1, &*relay);
    for entry in &entries {
        ledger.append(entry.device, entry.push_seq, entry.key_epoch, entry.id);
    }
    let mut attestor = GroupAttestor::new(1);
    let slot = attestor.add(&mut ledger, &[]);
    let signed = attestor.close(&relay.log_id(), &Counting(AtomicU64::new(1))).unwrap().sign(&*relay);
    let head = Head {
        exported_ms: 1,
        space: writer.space(),
        log_id: relay.log_id(),
        log_epoch: 1,
        floor: 1,
        size: entries.len() as u64,
    };
    let mut out = Vec::new();
    let mut sections = SectionWriter::begin(&mut out);
    sections.append(&Section::Head(head), &mut out);
    sections.append(&Section::Attestation(signed.attestation(slot)), &mut out);
    sections.append(&Section::Roster { chain, keyring }, &mut out);
    marks.into_iter().for_each(|mark| sections.append(&Section::Mark(mark), &mut out));
    for (seq, entry) in (1..).zip(entries) {
        sections.append(&Section::Entry { seq, entry }, &mut out);
    }
    sections.end(&*relay, &mut out);
    out
}

fn take(store: &EmbeddedStore, file: &[u8]) -> Result<u64, ImportError> {
    import(store, || Ok::<_, io::Error>(file)).map(|imported| imported.added)
}

/// Imports a file into a store where somebody lives already, and starts that store again: after a kill, by its checkpoint, and by
/// its log alone.
fn live_through(writer: &Writer, file: &[u8]) -> Result<u64, ImportError> {
    let (vfs, options, neighbour) = (SimVfs::new(), options("/d", SEGMENT), Writer::new(2));
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    neighbour.found(&store).unwrap();
    neighbour.push_range(&store, 1, 3, 100);
    let taken = take(&store, file);
    neighbour.push_range(&store, 4, 6, 100);
    let disk = vfs.fork();
    for start in ["a kill", "an orderly end", "the checkpoint was lost"] {
        if start == "the checkpoint was lost" {
            disk.remove(Path::new("/d/checkpoint")).unwrap();
        }
        let store =
            open(Arc::new(disk.clone()), &options).unwrap_or_else(|error| panic!("{start}, {taken:?}: {error}"));
        assert_eq!(neighbour.read_all(&store).len(), 6, "{start}");
        let known = wait(|done| store.space(writer.space(), done)).unwrap();
        assert_eq!(known.map(|facts| facts.size), taken.as_ref().ok().copied(), "{start}");
        store.close();
    }
    taken
}

#[test]
fn the_control_an_honest_file_is_taken() {
    let writer = Writer::new(1);
    let entries = (1..=5).map(|n| entry(writer.key(), n, sealed(n, 50))).collect();
    assert_eq!(live_through(&writer, &file(&writer, Vec::new(), entries)).unwrap(), 5);
}

#[test]
fn a_number_that_the_log_cannot_hold_is_refused() {
    let writer = Writer::new(1);
    for (push_seq, is_taken) in [(NUMBER_MAX, true), (NUMBER_MAX + 1, false), (u64::MAX, false)] {
        let entries = vec![entry(writer.key(), push_seq, sealed(1, 50))];
        let taken = live_through(&writer, &file(&writer, Vec::new(), entries));
        assert_eq!(taken.is_ok(), is_taken, "entry {push_seq}: {taken:?}");
        let mark = Mark { device: writer.key(), push_seq_high: push_seq, last_entry: Some(EntryId([1; 32])) };
        let taken = live_through(&writer, &file(&writer, vec![mark], Vec::new()));
        assert_eq!(taken.is_ok(), is_taken, "mark {push_seq}: {taken:?}");
    }
}

#[test]
fn more_devices_than_a_log_remembers_do_no_harm_and_more_than_a_space_can_have_are_refused() {
    let writer = Writer::new(1);
    let key = |n| DeviceKey(sha256(&[&u64::to_be_bytes(n)]).0);
    let mark = |n| Mark { device: key(n), push_seq_high: 1, last_entry: None };
    for (devices, is_taken) in [(DEVICES_MAX, true), (DEVICES_MAX + 1, false)] {
        let entries = (1..=devices).map(|n| entry(key(n), 1, sealed(n, 8))).collect();
        let taken = live_through(&writer, &file(&writer, Vec::new(), entries));
        assert_eq!(taken.is_ok(), is_taken, "{devices} authors: {taken:?}");
        let taken = live_through(&writer, &file(&writer, (1..=devices).map(mark).collect(), Vec::new()));
        assert_eq!(taken.is_ok(), is_taken, "{devices} marks: {taken:?}");
    }
}

/// Each file brings its own devices; what is below a floor no file names.
#[test]
fn files_that_go_on_from_each_other_do_not_make_a_log_remember_their_devices() {
    let (writer, vfs, options) = (Writer::new(1), SimVfs::new(), options("/d", SEGMENT));
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    let key = |n: u64| DeviceKey(sha256(&[&n.to_be_bytes()]).0);
    let entries: Vec<_> = (1..=3000).map(|n| entry(key(n), 1, sealed(n, 8))).collect();
    assert_eq!(take(&store, &file(&writer, Vec::new(), entries[..1000].to_vec())).unwrap(), 1000);
    assert_eq!(take(&store, &file(&writer, Vec::new(), entries.clone())).unwrap(), 2000);
    let check = |store: &EmbeddedStore| {
        for n in [1, 1000, 1001, 3000] {
            let mark = wait(|done| store.device_mark(writer.space(), key(n), done)).unwrap();
            assert_eq!(mark.push_seq_high, 0, "device {n}");
        }
        assert_eq!(writer.page(store, 0).unwrap().entries.len(), 3000);
    };
    check(&store);
    store.close();
    vfs.remove(Path::new("/d/checkpoint")).unwrap();
    check(&open(Arc::new(vfs), &options).unwrap());
}

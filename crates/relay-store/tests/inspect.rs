//! What an operator may look at: it is true, it has limits, and nothing is brought into memory for it.

mod support;

use relay_core::store::{SignedAck, Store, StoreError};
use relay_proto::hash::entry_id;
use relay_proto::ids::SpaceId;
use relay_proto::roster::Rights;
use relay_store::EmbeddedStore;
use relay_store::vfs::Vfs;
use relay_store::vfs::sim::SimVfs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Writer, open, options, sealed, wait};

const SEGMENT: u64 = 16 * 1024;
const BYTES: usize = 300;

/// A closed store with as many spaces, the n-th with n entries; opened again, none of them is in memory.
fn reopened(vfs: &SimVfs, spaces: u8) -> EmbeddedStore {
    let first = open(Arc::new(vfs.clone()), &options("/d", SEGMENT)).unwrap();
    for n in 1..=spaces {
        let writer = Writer::new(n);
        writer.found(&first).unwrap();
        writer.push_range(&first, 1, u64::from(n), BYTES);
    }
    first.close();
    drop(first);
    again(vfs)
}

/// The store of a disk, with no space in memory.
fn again(vfs: &SimVfs) -> EmbeddedStore {
    let store = open(Arc::new(vfs.clone()), &options("/d", SEGMENT)).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while store.stats().spaces_resident > 0 && Instant::now() < until {
        store.let_go();
    }
    assert_eq!(store.stats().spaces_resident, 0);
    store
}

fn ascending(spaces: u8) -> Vec<(SpaceId, u8)> {
    let mut all: Vec<_> = (1..=spaces).map(|n| (Writer::new(n).space(), n)).collect();
    all.sort_unstable();
    all
}

#[test]
fn a_page_of_spaces_that_are_not_in_memory_is_whole_and_leaves_them_there() {
    let vfs = SimVfs::new();
    let store = reopened(&vfs, 5);
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.overviews(after, 2).unwrap();
        after = page.next;
        seen.extend(page.spaces);
        if after.is_none() {
            break;
        }
    }
    for (overview, (space, n)) in seen.iter().zip(ascending(5)) {
        let facts = overview.facts.unwrap();
        assert_eq!((overview.space, overview.is_resident), (space, false));
        assert_eq!((facts.size, facts.floor, facts.devices), (u64::from(n), 1, 1));
        assert_eq!(facts.sealed_bytes, Some(u64::from(n) * BYTES as u64));
        assert!(facts.head.is_some() && facts.last_use_ms.is_some());
    }
    assert_eq!(seen.len(), 5);
    assert_eq!(store.stats().spaces_resident, 0, "looking loads nothing");
    assert_eq!(store.resident_size(ascending(5)[0].0), None);
}

#[test]
fn a_space_says_which_devices_it_has_and_how_far_each_is() {
    let vfs = SimVfs::new();
    let store = reopened(&vfs, 3);
    let writer = Writer::new(3);
    let silent = store.inspect(writer.space()).unwrap();
    let [device] = silent.devices[..] else { panic!("one device") };
    assert_eq!((device.device, device.rights, device.acked, device.push_seq), (writer.key(), Rights::Admin, None, 3));
    let head = silent.overview.facts.and_then(|facts| facts.head).unwrap();
    let ack = SignedAck { device: writer.key(), log_epoch: 1, size: 3, head, signature: [0; 64] };
    wait(|done| store.put_ack(writer.space(), ack, done)).unwrap();
    let heard = store.inspect(writer.space()).unwrap();
    assert_eq!(heard.devices[0].acked, Some(3));
    assert!(heard.devices[0].contact_ms.is_some());
    assert!(heard.overview.is_resident);
    assert_eq!(store.resident_size(writer.space()), Some(3));
    assert!(matches!(store.inspect(Writer::new(9).space()), Err(StoreError::UnknownSpace)));
}

#[test]
fn a_sample_is_the_newest_record_as_it_lies_in_its_segment() {
    let vfs = SimVfs::new();
    let store = reopened(&vfs, 2);
    let writer = Writer::new(2);
    let sample = store.sample(Some(writer.space())).unwrap().expect("a record");
    assert_eq!((sample.space, sample.device), (writer.space(), writer.key()));
    let names: Vec<_> = sample.fields.iter().map(|field| field.name).collect();
    let expected =
        ["body_len", "crc", "type", "zeros", "space", "seq", "device", "push_seq", "key_epoch", "entry_id", "sealed"];
    assert_eq!(names, expected);
    let bytes: Vec<u8> = sample.fields.iter().flat_map(|field| field.bytes.to_vec()).collect();
    let path = format!("/d/log/{:020}.seg", sample.segment);
    let mut stored = vec![0; bytes.len()];
    let file = vfs.open(Path::new(&path), relay_store::vfs::OpenMode::Read).unwrap();
    file.read_exact_at(&mut stored, sample.offset).unwrap();
    assert_eq!(bytes, stored, "byte for byte");
    let field = |name: &str| sample.fields.iter().find(|field| field.name == name).unwrap().bytes.to_vec();
    assert_eq!(field("seq"), 2_u64.to_be_bytes());
    assert_eq!(field("sealed"), sealed(2, BYTES));
    assert_eq!(field("entry_id"), entry_id(&sealed(2, BYTES)).0);
}

#[test]
fn without_a_name_the_sample_is_of_some_space_that_has_an_entry() {
    let vfs = SimVfs::new();
    let store = open(Arc::new(vfs.clone()), &options("/d", SEGMENT)).unwrap();
    assert_eq!(store.sample(None).unwrap(), None, "nothing is stored");
    Writer::new(1).found(&store).unwrap();
    assert_eq!(store.sample(None).unwrap(), None, "a space without entries");
    Writer::new(2).found(&store).unwrap();
    Writer::new(2).push_range(&store, 1, 1, 4000);
    let sample = store.sample(None).unwrap().expect("a record");
    assert_eq!(sample.space, Writer::new(2).space());
    let sealed = sample.fields.last().unwrap();
    assert_eq!((sealed.length, sealed.bytes.len()), (4000, 2048), "long bytes are cut, and counted");
}

#[test]
fn an_image_that_cannot_be_read_leaves_a_space_without_facts_and_the_others_whole() {
    let vfs = SimVfs::new();
    let first = reopened(&vfs, 3);
    // Another segment's worth for one space, so that the checkpoint has all of the others.
    Writer::new(3).push_range(&first, 4, 90, BYTES);
    first.close();
    drop(first);
    let store = again(&vfs);
    let damaged = Writer::new(1).space();
    let flip = |bytes: &mut Vec<u8>| {
        let at = bytes.windows(32).position(|window| window == damaged.0).expect("its image");
        bytes[at + 100] ^= 1;
    };
    vfs.edit(Path::new("/d/checkpoint"), flip).unwrap();
    let page = store.overviews(None, 10).unwrap().spaces;
    let unknown: Vec<_> =
        page.iter().filter(|overview| overview.facts.is_none()).map(|overview| overview.space).collect();
    assert_eq!((page.len(), unknown), (3, vec![damaged]));
}

#[test]
fn a_closed_store_is_not_looked_at() {
    let vfs = SimVfs::new();
    let store = reopened(&vfs, 1);
    store.close();
    assert!(matches!(store.overviews(None, 1), Err(StoreError::Closed)));
    assert!(matches!(store.inspect(Writer::new(1).space()), Err(StoreError::Closed)));
    assert!(matches!(store.sample(None), Err(StoreError::Closed)));
}

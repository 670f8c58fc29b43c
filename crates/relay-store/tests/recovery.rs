//! The table of what recovery does: a torn tail is cut, everything else is reported and nothing is changed.

mod support;

use relay_core::store::{Store, StoreError, Verdict};
use relay_store::damage::DamageKind;
use relay_store::damaged_read::{DamagedKind, DamagedRead};
use relay_store::segment::{file_name, group::GROUP_HEADER_BYTES, header::HEADER_BYTES};
use relay_store::vfs::sim::SimVfs;
use relay_store::{OpenError, StoreEnvironment, StoreOptions, log_reset};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::{Writer, ids, open, options, sealed, wait};

const SEGMENT: u64 = 16 * 1024;
const BYTES: usize = 300;

fn segment_path(n: u64) -> PathBuf {
    Path::new("/d/log").join(file_name(n))
}

/// A store whose process was killed after `n` pushes, and where each group starts. Metadata knows nothing of the groups.
fn killed_after(n: u64, segment_bytes: u64) -> (SimVfs, StoreOptions, Writer) {
    let vfs = SimVfs::new();
    let options = options("/d", segment_bytes);
    let writer = Writer::new(1);
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    writer.found(&store).unwrap();
    writer.push_range(&store, 1, n, BYTES);
    let killed = vfs.fork();
    drop(store);
    (killed, options, writer)
}

/// Lengths of the groups of a segment, from its bytes.
fn group_starts(vfs: &SimVfs, segment: u64) -> Vec<usize> {
    let bytes = vfs.contents()[&segment_path(segment)].clone();
    let mut starts = Vec::new();
    let mut at = HEADER_BYTES;
    while bytes[at..at + 4] == 0x5352_4730_u32.to_be_bytes() {
        starts.push(at);
        let body = u32::from_be_bytes(bytes[at + 32..at + 36].try_into().unwrap());
        at += GROUP_HEADER_BYTES + body as usize;
    }
    starts.push(at);
    starts
}

fn damage_of(vfs: &SimVfs, options: &StoreOptions) -> DamageKind {
    let without_meta = |vfs: &SimVfs| {
        let mut contents = vfs.contents();
        contents.remove(Path::new("/d/meta.redb"));
        contents.remove(Path::new("/d/LOCK"));
        contents
    };
    let before = without_meta(vfs);
    let error = open(Arc::new(vfs.clone()), options).unwrap_err();
    assert_eq!(before, without_meta(vfs), "nothing is changed: {error}");
    let OpenError::Damaged(damage) = error else { panic!("{error}") };
    let text = damage.to_string();
    assert!(text.contains("/d/") && text.contains("nothing was changed"), "{text}");
    damage.kind
}

fn reopens_with(vfs: &SimVfs, options: &StoreOptions, writer: &Writer, held: u64, torn_tails: u64) {
    let store = open(Arc::new(vfs.clone()), options).unwrap();
    assert_eq!(writer.read_all(&store), ids(held, BYTES));
    assert_eq!(store.stats().torn_tails, torn_tails);
    writer.push_range(&store, held + 1, held + 2, BYTES);
}

#[test]
fn the_last_group_torn_at_every_byte_is_cut() {
    let (vfs, options, writer) = killed_after(3, SEGMENT);
    let starts = group_starts(&vfs, 1);
    let (last, end) = (starts[starts.len() - 2], starts[starts.len() - 1]);
    for cut in last..end {
        let torn = vfs.fork();
        torn.edit(&segment_path(1), |bytes| bytes[cut..end].fill(0)).unwrap();
        // Padding is zeros already: cutting inside it changes nothing.
        let whole = torn.contents() == vfs.contents();
        reopens_with(&torn, &options, &writer, if whole { 3 } else { 2 }, u64::from(cut > last && !whole));
    }
}

#[test]
fn the_last_group_with_only_its_end_on_disk_is_cut() {
    let (vfs, options, writer) = killed_after(3, SEGMENT);
    let starts = group_starts(&vfs, 1);
    vfs.edit(&segment_path(1), |bytes| bytes[starts[3]..starts[3] + 64].fill(0)).unwrap();
    reopens_with(&vfs, &options, &writer, 2, 1);
}

#[test]
fn a_flipped_bit_in_an_older_group_is_damage() {
    let (vfs, options, _) = killed_after(3, SEGMENT);
    let starts = group_starts(&vfs, 1);
    for at in (starts[1]..starts[2]).step_by(7) {
        let broken = vfs.fork();
        broken.edit(&segment_path(1), |bytes| bytes[at] ^= 4).unwrap();
        assert_eq!(damage_of(&broken, &options), DamageKind::BrokenGroup, "byte {at}");
    }
}

#[test]
fn a_closed_store_that_is_not_whole_is_damage() {
    let vfs = SimVfs::new();
    let options = options("/d", SEGMENT);
    let writer = Writer::new(1);
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    writer.found(&store).unwrap();
    writer.push_range(&store, 1, 3, BYTES);
    store.close();
    let starts = group_starts(&vfs, 1);
    for at in [starts[4], starts[3] + 50] {
        let broken = vfs.fork();
        broken.edit(&segment_path(1), |bytes| bytes[at] ^= 1).unwrap();
        assert!(matches!(damage_of(&broken, &options), DamageKind::BrokenGroup | DamageKind::EndsEarly { .. }));
    }
}

#[test]
fn the_first_group_after_an_orderly_end_is_cut_when_it_is_torn() {
    let vfs = SimVfs::new();
    let options = options("/d", SEGMENT);
    let writer = Writer::new(1);
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    writer.found(&store).unwrap();
    writer.push_range(&store, 1, 3, BYTES);
    store.close();
    // Nothing is lost with it: everything up to the mark of the orderly end is there.
    let starts = group_starts(&vfs, 1);
    vfs.edit(&segment_path(1), |bytes| bytes[starts[5]..starts[5] + 100].fill(1)).unwrap();
    reopens_with(&vfs, &options, &writer, 3, 1);
}

#[test]
fn a_missing_segment_is_damage() {
    let (vfs, options, _) = killed_after(150, SEGMENT);
    for missing in [1, 2] {
        let broken = vfs.fork();
        relay_store::vfs::Vfs::remove(&broken, &segment_path(missing)).unwrap();
        assert_eq!(damage_of(&broken, &options), DamageKind::MissingSegment);
    }
}

#[test]
fn a_log_that_ends_with_a_sealed_segment_is_damage() {
    let (vfs, options, writer) = killed_after(3, SEGMENT);
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    writer.push_range(&store, 4, 100, BYTES);
    let is_sealed = || vfs.contents()[&segment_path(1)].windows(8).any(|bytes| bytes == b"SRFOOT01");
    while !is_sealed() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // Metadata knows of the first groups only; the footer proves that another segment followed.
    let cut = vfs.fork();
    drop(store);
    for path in cut.contents().into_keys().filter(|path| path.starts_with("/d/log") && *path != segment_path(1)) {
        relay_store::vfs::Vfs::remove(&cut, &path).unwrap();
    }
    assert!(matches!(damage_of(&cut, &options), DamageKind::EndsEarly { .. }));
}

#[test]
fn segments_of_another_store_or_number_are_damage() {
    let (vfs, options, _) = killed_after(150, SEGMENT);
    let other = {
        let other = SimVfs::new();
        let mut environment: StoreEnvironment = support::environment(Arc::new(other.clone()));
        environment.entropy = Arc::new(Nines);
        let store = relay_store::EmbeddedStore::open(&options, environment).unwrap();
        Writer::new(1).found(&store).unwrap();
        drop(store);
        other.contents()[&segment_path(1)].clone()
    };
    let mixed = vfs.fork();
    mixed.put(&segment_path(2), other);
    assert_eq!(damage_of(&mixed, &options), DamageKind::WrongStore);
    let swapped = vfs.fork();
    swapped.put(&segment_path(2), vfs.contents()[&segment_path(1)].clone());
    assert_eq!(damage_of(&swapped, &options), DamageKind::WrongNumber);
    let rekeyed = vfs.fork();
    rekeyed.put(Path::new("/d/relay.key"), format!("{}\n", "07".repeat(32)).into_bytes());
    assert_eq!(damage_of(&rekeyed, &options), DamageKind::WrongLog);
}

struct Nines;

impl relay_core::environment::Entropy for Nines {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(9);
    }
}

#[test]
fn headers_that_are_broken_or_newer_are_damage() {
    let (vfs, options, _) = killed_after(3, SEGMENT);
    let broken = vfs.fork();
    broken.edit(&segment_path(1), |bytes| bytes[9] ^= 1).unwrap();
    assert_eq!(damage_of(&broken, &options), DamageKind::BrokenHeader);
}

#[test]
fn a_broken_footer_is_rebuilt_and_a_broken_sealed_segment_without_one_is_damage() {
    let (vfs, options, writer) = killed_after(150, SEGMENT);
    let cut = vfs.fork();
    cut.edit(&segment_path(1), |bytes| {
        let len = bytes.len();
        bytes[len - 1] ^= 1;
    })
    .unwrap();
    reopens_with(&cut, &options, &writer, 150, 0);
    let broken = vfs.fork();
    broken
        .edit(&segment_path(1), |bytes| {
            let len = bytes.len();
            bytes[len - 1] ^= 1;
            bytes[HEADER_BYTES + 4000] ^= 1;
        })
        .unwrap();
    assert_eq!(damage_of(&broken, &options), DamageKind::BrokenGroup);
}

#[test]
fn a_damaged_entry_of_a_sealed_segment_is_never_returned_and_other_spaces_go_on() {
    let (vfs, options, writer) = killed_after(150, SEGMENT);
    let other = Writer::new(2);
    {
        let store = open(Arc::new(vfs.clone()), &options).unwrap();
        other.found(&store).unwrap();
        other.push_range(&store, 1, 60, BYTES);
    }
    let starts = group_starts(&vfs, 1);
    vfs.edit(&segment_path(1), |bytes| bytes[starts[5] + 200] ^= 1).unwrap();
    let store = open(Arc::new(vfs), &options).unwrap();
    let before = writer.page(&store, 0).unwrap();
    assert!(before.more && !before.entries.is_empty() && before.entries.len() < 10, "what comes before it is readable");
    let damaged = writer.page(&store, before.entries.len() as u64).unwrap_err();
    assert!(matches!(&damaged, StoreError::Damaged { place } if place.contains(&file_name(1))), "{damaged}");
    let place = store.take_damage().expect("a place for the operator");
    // The first group founded the space, so the damage is in the sixth.
    let at = Some((1, starts[5] as u64 + GROUP_HEADER_BYTES as u64));
    assert_eq!(place, DamagedRead { kind: DamagedKind::Entry, at, group: Some(6) });
    assert_eq!((store.take_damage(), store.stats().damaged_reads), (None, 1));
    assert_eq!(writer.page(&store, 10).unwrap().entries.len(), 140);
    assert_eq!(other.read_all(&store), ids(60, BYTES));
    writer.push_range(&store, 151, 152, BYTES);
}

#[test]
fn lost_metadata_is_made_again() {
    let (vfs, options, writer) = killed_after(150, SEGMENT);
    relay_store::vfs::Vfs::remove(&vfs, Path::new("/d/meta.redb")).unwrap();
    reopens_with(&vfs, &options, &writer, 150, 0);
}

#[test]
fn broken_metadata_is_named_with_its_fix() {
    let (vfs, options, _) = killed_after(3, SEGMENT);
    vfs.put(Path::new("/d/meta.redb"), vec![7; 10_000]);
    assert_eq!(damage_of(&vfs, &options), DamageKind::BrokenMeta);
}

#[test]
fn metadata_made_again_where_there_is_no_log_survives_every_power_cut() {
    let (vfs, options, _) = killed_after(0, SEGMENT);
    // Segments that were made and hold nothing, removed by a start that nothing synced, and half a metadata file.
    let segments: Vec<_> = vfs.paths().into_iter().filter(|path| path.starts_with("/d/log/")).collect();
    assert!(segments.contains(&segment_path(1)));
    for path in &segments {
        vfs.edit(path, |bytes| bytes[HEADER_BYTES..].fill(0)).unwrap();
    }
    vfs.put(Path::new("/d/meta.redb"), vec![7; 10_000]);
    vfs.start_journal();
    for path in &segments {
        relay_store::vfs::Vfs::remove(&vfs, path).unwrap();
    }
    drop(open(Arc::new(vfs.clone()), &options).unwrap());
    let journal = vfs.end_journal();
    let renewed = journal.describe().iter().position(|op| op.contains("Remove") && op.contains("meta.redb")).unwrap();
    let mut replay = journal.replay(None);
    for at in renewed + 1..=journal.len() {
        replay.advance(at);
        for seed in 0..20 {
            let (cut, _) = replay.power_cut(seed);
            cut.keep_power();
            let opened = open(Arc::new(cut), &options);
            assert!(opened.is_ok(), "after op {at} of {}, seed {seed}: {:?}", journal.len(), opened.err());
        }
    }
}

#[test]
fn a_restored_backup_needs_a_log_reset_and_goes_on_in_a_new_epoch() {
    let vfs = SimVfs::new();
    let options = options("/d", SEGMENT);
    let writer = Writer::new(1);
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    writer.found(&store).unwrap();
    writer.push_range(&store, 1, 5, BYTES);
    let backup = vfs.contents()[&segment_path(1)].clone();
    writer.push_range(&store, 6, 8, BYTES);
    drop(store);
    vfs.put(&segment_path(1), backup);
    assert!(matches!(damage_of(&vfs, &options), DamageKind::EndsEarly { .. }));
    let report = log_reset(Path::new("/d"), &support::environment(Arc::new(vfs.clone()))).unwrap();
    assert_eq!((report.old_epoch, report.spaces), (1, 1));
    for round in 0..2 {
        let store = open(Arc::new(vfs.clone()), &options).unwrap();
        assert_eq!(store.log().log_epoch, report.new_epoch);
        let resets = wait(|done| store.log_resets(writer.space(), 1, done)).unwrap();
        assert_eq!(resets.len(), 1);
        let mark = wait(|done| store.device_mark(writer.space(), writer.key(), done)).unwrap();
        assert_eq!((mark.push_seq_high, mark.bound), if round == 0 { (5, false) } else { (8, true) });
        if round == 0 {
            // The client pushes again what it has receipts for: what the backup has is recognised.
            let again = (4..=8).map(|n| sealed(n, BYTES)).collect();
            let pushed = writer.push(&store, 4, again).unwrap();
            assert!(matches!(pushed.runs[0].verdict, Verdict::Duplicate { seq_first: 4 }));
            assert!(matches!(pushed.runs[1].verdict, Verdict::Stored { seq_first: 6, .. }));
        }
        assert_eq!(writer.read_all(&store), ids(8, BYTES));
    }
}

#[test]
fn a_log_reset_without_spaces_opens_a_new_epoch_too() {
    let (vfs, options, writer) = (SimVfs::new(), options("/d", SEGMENT), Writer::new(1));
    drop(open(Arc::new(vfs.clone()), &options).unwrap());
    let report = log_reset(Path::new("/d"), &support::environment(Arc::new(vfs.clone()))).unwrap();
    assert_eq!((report.old_epoch, report.spaces), (1, 0));
    for _ in 0..2 {
        let store = open(Arc::new(vfs.clone()), &options).unwrap();
        assert_eq!(store.log().log_epoch, report.new_epoch);
    }
    // A space that the backup did not know begins with a reset that its devices can follow from the epoch they know.
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    writer.found(&store).unwrap();
    let resets = wait(|done| store.log_resets(writer.space(), 1, done)).unwrap();
    assert_eq!(resets.len(), 1);
    writer.push_range(&store, 1, 3, BYTES);
    drop(store);
    reopens_with(&vfs, &options, &writer, 3, 0);
}

#[test]
fn segments_without_a_group_are_no_log_that_misses_its_first_one() {
    let (vfs, options, writer) = (SimVfs::new(), options("/d", SEGMENT), Writer::new(1));
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    let blank = vfs.fork();
    drop(store);
    for path in blank.contents().into_keys().filter(|path| path.starts_with("/d/log")) {
        relay_store::vfs::Vfs::remove(&blank, &path).unwrap();
    }
    // Two were made ahead, and removed; of that a power cut left one half.
    blank.put(&segment_path(2), vec![0; HEADER_BYTES * 2]);
    let store = open(Arc::new(blank.clone()), &options).unwrap();
    writer.found(&store).unwrap();
    writer.push_range(&store, 1, 3, BYTES);
    drop(store);
    reopens_with(&blank, &options, &writer, 3, 0);
}

/// A power cut at every moment of a start that follows a kill at every moment at which a group is readable and not durable.
#[test]
fn a_start_after_a_kill_can_be_cut_off_at_any_moment() {
    let vfs = SimVfs::new();
    // A few groups fill a segment, so that some of them are the first of theirs.
    let options = options("/d", 8 * 1024);
    let writer = Writer::new(1);
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    writer.found(&store).unwrap();
    drop(store);
    // The metadata knows of durable groups from here on.
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    vfs.start_journal();
    let pushed: Vec<usize> = (1..=20)
        .map(|n| {
            writer.push_range(&store, n, n, BYTES);
            vfs.journal_len()
        })
        .collect();
    let journal = vfs.end_journal();
    drop(store);
    let mut kill = journal.replay(None);
    let mut starts = 0;
    for at in journal.before_syncs() {
        kill.advance(at);
        let promised = pushed.iter().filter(|pushed| **pushed <= at).count();
        let killed = kill.kill();
        killed.start_journal();
        let store = open(Arc::new(killed.clone()), &options).unwrap();
        let journal = killed.end_journal();
        killed.kill();
        drop(store);
        let mut start = journal.replay(None);
        for (cut, seed) in journal.before_syncs().into_iter().flat_map(|cut| (0..3).map(move |seed| (cut, seed))) {
            start.advance(cut);
            let (disk, _) = start.power_cut((at * 1000 + cut * 10 + seed) as u64);
            let store = open(Arc::new(disk.clone()), &options)
                .unwrap_or_else(|error| panic!("killed at {at}, cut at {cut}: {error}"));
            let held = writer.read_all(&store);
            assert!(held.len() >= promised, "killed at {at}, cut at {cut}: {} of {promised}", held.len());
            assert_eq!(held, ids(held.len() as u64, BYTES));
            disk.kill();
            starts += 1;
        }
    }
    assert!(starts > 200, "only {starts} starts");
}

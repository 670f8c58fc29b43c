//! The harnesses in short: a few cases each, so that every change of the store meets them.

use std::path::Path;
use torture::disk::cast::Cast;
use torture::disk::corruption;
use torture::disk::sites::{self, Site};
use torture::disk::states::{self, DiskKind, case};
use torture::kills::store::{Life, control};
use torture::kills::upgrade::{self, FORMATS};
use torture::simulation::run::{self as simulation, Lie};

/// Worlds of the short form.
const WORLDS: u64 = 60;

#[test]
fn a_store_comes_back_from_every_crash_with_what_it_promised() {
    let cast = Cast::default();
    let mut states = 0;
    // The last ones once failed: a metadata file that could not be opened, a removed checkpoint that came back, a metadata file that
    // ended within a page, and a removed segment that came back beside half a metadata file.
    for seed in (1..=4).chain([5018, 726_435_407_334, 51_597_792_313, 977_528_448_610]) {
        let tried = case(&cast, seed, DiskKind::Honest, false);
        assert_eq!(tried.broken, None, "seed {seed}");
        states += tried.states;
    }
    assert!(states > 300, "only {states} states");
}

#[test]
fn controls_a_disk_that_ignores_syncs_and_a_store_that_answers_early_are_caught() {
    let cast = Cast::default();
    assert!(states::control(&cast, 1, DiskKind::IgnoresSyncs, false).is_some());
    assert!(states::control(&cast, 1, DiskKind::Honest, true).is_some());
}

#[test]
fn the_sync_of_a_group_is_noticed_when_it_is_turned_off() {
    let cast = Cast::default();
    let mut known = std::collections::BTreeMap::new();
    for seed in 1..=2 {
        sites::case(&cast, seed, 2, &mut known).expect("an honest store");
    }
    let caught = |site: &&Site| site.caught.is_some() && site.site.file().ends_with("committer.rs");
    assert!(known.values().any(|site| caught(&site)), "{known:?}");
}

#[test]
fn damaged_bytes_are_never_served_and_nothing_is_lost_in_silence() {
    let cast = Cast::default();
    for seed in 1..=4 {
        let ended = corruption::end(&cast, seed).expect("an honest store");
        for n in 0..40 {
            let fate = corruption::try_one(&cast, &ended, seed * 1000 + n);
            assert!(fate.is_ok(), "seed {seed}, damage {n}: {fate:?}");
        }
    }
}

/// The program whose child processes are killed.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_torture"))
}

#[test]
fn a_killed_store_holds_what_it_said_and_a_store_that_lies_is_caught() {
    let root = tempfile::tempdir().expect("a directory");
    let mut life = Life::new(program(), root.path().join("data"), 1);
    let lived = (0..10).try_for_each(|_| life.cycle(false)).and_then(|()| life.compare());
    assert_eq!(lived, Ok(()));
    assert!(life.counts[2] > 100, "only {} answers", life.counts[2]);
    assert!(control(program(), root.path(), 1).is_ok());
}

#[test]
fn a_killed_upgrade_is_finished_by_a_later_start() {
    let root = tempfile::tempdir().expect("a directory");
    for (seed, format) in (1..).zip(FORMATS) {
        let upgraded = upgrade::case(program(), root.path(), format, seed);
        assert!(upgraded.is_ok(), "format {format}: {upgraded:?}");
    }
}

#[test]
fn relay_and_devices_keep_their_promises_in_simulated_worlds() {
    let mut tally = std::collections::BTreeMap::new();
    // Each of the last ones failed once. Two have a snapshot behind a log reset: its author had seen before it what another device had still to push
    // again; its author had never seen a device of which its reader's app had entries; a disk fails between a start and the first question; the wall clock steps back twice
    // while nothing is signed; a device is removed in the midst of its handshake.
    for seed in (1..=WORLDS).chain([71_261_600_719, 930_002_514, 675_091_251_892, 788_297_884_328, 24_299_242_744]) {
        let outcome = simulation::seed(seed);
        assert_eq!(outcome.violation, None, "seed {seed}");
        outcome.counts.iter().for_each(|(name, count)| *tally.entry(*name).or_insert(0) += count);
    }
    // A world in which nothing happens proves nothing.
    for name in ["receipts", "powerCuts", "crashes", "restores", "rosterChanges", "clockJumps", "diskFaults", "nights"]
    {
        assert!(tally[name] > 0, "{name} in {tally:?}");
    }
    assert_eq!(simulation::seed(1).trace_hash, simulation::seed(1).trace_hash);
}

#[test]
fn controls_relays_that_lie_backups_put_back_in_secret_and_leaked_randomness_are_caught() {
    // With the last one the relay once read a log for ever that did not hold what its store had announced.
    for (seed, lie) in [(1, Lie::AnswersEarly), (1, Lie::Renumbers), (1, Lie::Doubles), (718_430_390_068, Lie::Doubles)]
    {
        assert!(simulation::caught(seed, lie).is_some(), "{lie:?}");
    }
    assert!(simulation::noticed(1) > 0);
    assert!(simulation::leak_is_seen(1));
}

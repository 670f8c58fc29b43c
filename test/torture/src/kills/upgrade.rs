//! Harness: the first start of this program on what an older one wrote is killed, again and again, until one comes to its end.
//! Afterwards everything is there that is there when nobody kills it.

use super::child::UPGRADE;
use super::victim::{Kill, run_and_kill};
use super::writer::{open, wait};
use crate::args::Args;
use crate::report::{Report, say};
use relay_core::store::{ReadOutcome, Store, StoreError};
use relay_proto::KeyPair;
use relay_proto::ids::SpaceId;
use relay_store::EmbeddedStore;
use relay_store::vfs::sim::Dice;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Formats that were written once, each with a directory of `relay-store/tests/fixtures`.
pub const FORMATS: [u32; 1] = [1];
/// Spaces of a fixture: the roots are made of these numbers.
const SPACES: [u8; 3] = [1, 2, 3];
/// Kills of one upgrade, at most; then it is let through.
const KILLS_MAX: u64 = 12;
const NOT_KILLED: Duration = Duration::from_secs(60);
const PAGE_ENTRIES: u32 = 4096;
const PAGE_BYTES: u32 = 1 << 20;

fn fixture(format: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../crates/relay-store/tests/fixtures/format-{format}"))
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Everything a store shows of one space, in a form that can be compared.
fn shown(store: &EmbeddedStore, space: SpaceId) -> Result<String, StoreError> {
    let facts = wait(|done| store.space(space, done))?;
    let Some(known) = facts.as_ref() else { return Ok("unknown".to_owned()) };
    let page = match wait(|done| store.read(space, known.floor.max(1) - 1, PAGE_ENTRIES, PAGE_BYTES, done))? {
        ReadOutcome::Page(page) => format!("{:?} {:?}", page.first_seq, page.entries),
        other => format!("{other:?}"),
    };
    let leaves = wait(|done| store.leaves(space, 1, PAGE_ENTRIES, done))?;
    let forgetting = wait(|done| store.forgetting_facts(space, done))?;
    let mut chunks = Vec::new();
    for snapshot in &forgetting.snapshots {
        for index in 0..2 {
            chunks.push(wait(|done| store.snapshot_read(space, snapshot.id, index, done)));
        }
    }
    Ok(format!("{facts:?} {page} {leaves:?} {:?} {:?} {chunks:?}", forgetting.acks, forgetting.snapshots))
}

fn everything(dir: &Path) -> Result<Vec<String>, String> {
    let store = open(dir, false).map_err(|error| format!("does not open: {error}"))?;
    let of = |n: &u8| shown(&store, KeyPair::from_seed(&[*n; 32]).space()).map_err(|error| error.to_string());
    SPACES.iter().map(of).collect()
}

/// Kills: within a time, with these dice, at most so often.
struct Kills<'a> {
    within: Duration,
    dice: &'a mut Dice,
    max: u64,
}

/// What one upgrade showed, and the kills that it met before.
fn upgrade(program: &Path, dir: &Path, format: u32, plan: &mut Kills<'_>) -> Result<(Vec<String>, u64), String> {
    copy(&fixture(format), dir).map_err(|error| format!("the fixture cannot be copied: {error}"))?;
    for kills in 0..=plan.max {
        let micros = u64::try_from(plan.within.as_micros()).unwrap_or(u64::MAX);
        let after = if kills < plan.max { Duration::from_micros(plan.dice.below(micros)) } else { NOT_KILLED };
        let said = run_and_kill(program, UPGRADE, dir, Kill::AfterStart(after)).map_err(|error| error.to_string())?;
        if let Some(why) = said.failed {
            return Err(format!("after {kills} kills the start ended by itself: {why}"));
        }
        if said.ended {
            return Ok((everything(dir)?, kills));
        }
    }
    Err(format!("a start that was not killed did not end within {NOT_KILLED:?}"))
}

/// What nobody killed shows, and how long its process took.
fn calm(program: &Path, dir: &Path, format: u32) -> Result<(Vec<String>, Duration), String> {
    copy(&fixture(format), dir).map_err(|error| format!("the fixture cannot be copied: {error}"))?;
    let started = Instant::now();
    let said = run_and_kill(program, UPGRADE, dir, Kill::AfterStart(NOT_KILLED)).map_err(|error| error.to_string())?;
    let took = started.elapsed();
    if said.ended { Ok((everything(dir)?, took)) } else { Err(format!("the start failed: {:?}", said.failed)) }
}

/// Upgrades a copy of a fixture under kills and compares it with one that nobody killed. Returns the kills.
///
/// # Errors
/// What is wrong, in words.
pub fn case(program: &Path, root: &Path, format: u32, seed: u64) -> Result<u64, String> {
    let (quiet, killed) = (root.join("calm"), root.join("killed"));
    let (expected, within) = calm(program, &quiet, format)?;
    let (found, kills) =
        upgrade(program, &killed, format, &mut Kills { within, dice: &mut Dice::new(seed), max: KILLS_MAX })?;
    for dir in [&quiet, &killed] {
        std::fs::remove_dir_all(dir).map_err(|error| error.to_string())?;
    }
    if expected.iter().any(|space| space == "unknown") {
        return Err("the fixture has no spaces".to_owned());
    }
    if found == expected { Ok(kills) } else { Err(format!("after {kills} kills other things are there")) }
}

/// The control: an upgrade that lost a segment on the way shows something else, or is refused.
fn control(program: &Path, root: &Path) -> Result<String, String> {
    let robbed = root.join("robbed");
    let (expected, _) = calm(program, &root.join("calm"), FORMATS[0])?;
    copy(&fixture(FORMATS[0]), &robbed).map_err(|error| error.to_string())?;
    let segments = std::fs::read_dir(robbed.join("log")).map_err(|error| error.to_string())?;
    let oldest = segments.filter_map(Result::ok).map(|entry| entry.path()).min().ok_or("no segments")?;
    std::fs::remove_file(oldest).map_err(|error| error.to_string())?;
    match everything(&robbed) {
        Err(refused) => Ok(format!("a segment taken away: {refused}")),
        Ok(found) if found != expected => Ok("a segment taken away: other things are there".to_owned()),
        Ok(_) => Err("a segment taken away was not noticed".to_owned()),
    }
}

/// The harness.
#[must_use]
pub fn run(args: &Args, program: &Path) -> Report {
    let root = std::env::temp_dir().join(format!("sealrelay-upgrade-kill-{}", std::process::id()));
    let mut report = Report::default();
    let mut cases = 0;
    while args.goes_on(cases) && report.violations.is_empty() {
        let seed = args.seed + cases;
        cases += 1;
        for format in FORMATS {
            match case(program, &root, format, seed) {
                Ok(kills) => {
                    report.count("upgrades", 1);
                    report.count("kills", kills);
                }
                Err(what) => {
                    report.violate(format!("from format {format}, in {}: {what}", root.display()), args.replay(seed))
                }
            }
        }
    }
    say(&format!("{:?}", report.counts));
    let caught = control(program, &root.join("control"));
    report.control_caught = caught.is_ok();
    report.control = caught.unwrap_or_else(|why| why);
    if report.violations.is_empty() {
        // The system's directory for such things is emptied by itself in the worst case.
        let _left = std::fs::remove_dir_all(&root);
    }
    report
}

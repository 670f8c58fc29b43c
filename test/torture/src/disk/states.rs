//! Harness: every moment of a session is a crash, and every crash leaves any part of what was not synced.

use super::cast::Cast;
use super::chain::{Chain, Recorded};
use super::session::DATA_DIR;
use super::verify::{push_on, verify};
use crate::args::Args;
use crate::report::{Report, say};
use relay_store::vfs::sim::{Dice, Replay, SimVfs};
use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

/// Sessions of one case.
const SESSIONS: u64 = 5;
/// Crash states tried of one session.
const STATES: u64 = 120;
/// One kill in so many crashes.
const KILLS: u64 = 10;
/// One state in so many is pushed on to.
const PUSHED_ON: u64 = 4;
/// Cases in which a control must be caught.
const CONTROL_CASES: u64 = 40;

/// Which disk the crashes happen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskKind {
    /// One that keeps what was synced.
    Honest,
    /// A control: one that ignores syncs.
    IgnoresSyncs,
}

/// What the crashes of one session came to.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    /// Different states.
    pub states: u64,
    /// The first broken promise.
    pub broken: Option<String>,
}

/// Whether there is a checkpoint: a start that finds no use in one removes it.
fn has_checkpoint(vfs: &SimVfs) -> bool {
    vfs.paths().contains(&Path::new(DATA_DIR).join("checkpoint"))
}

/// Opens the disk of a crash and checks it against what was promised by then.
///
/// # Errors
/// The broken promise, in words.
pub fn check(cast: &Cast, recorded: &Recorded, vfs: &SimVfs, at: usize, also_push: bool) -> Result<(), String> {
    vfs.keep_power();
    let files = vfs.paths();
    if let Some(back) = recorded.history.gone.iter().find(|gone| gone.at <= at && files.contains(&gone.what)) {
        return Err(format!("{} was given back and is there again", back.what.display()));
    }
    let (store, _) = recorded.run.honest().open(vfs).map_err(|error| format!("does not open: {error}"))?;
    if recorded.history.checkpoint.is_some_and(|written| written <= at) && !has_checkpoint(vfs) {
        return Err("the checkpoint of an orderly end was not read".to_owned());
    }
    let checked = verify(&store, cast, &recorded.history, at)
        .and_then(|observed| if also_push { push_on(&store, cast, &recorded.history, &observed) } else { Ok(()) });
    vfs.kill();
    store.abandon();
    checked
}

/// Tries crashes of a session at random moments.
#[must_use]
pub fn crash(cast: &Cast, recorded: &Recorded, replay: Replay<'_>, states: u64, seed: u64) -> Tried {
    let mut dice = Dice::new(seed);
    let at = |_| usize::try_from(dice.below(recorded.journal.len() as u64 + 1)).unwrap_or(0);
    let points = (0..states).map(at).collect();
    crash_at(cast, recorded, replay, points, dice.roll())
}

/// Tries a crash at each of some moments.
#[must_use]
pub fn crash_at(cast: &Cast, recorded: &Recorded, mut replay: Replay<'_>, mut points: Vec<usize>, seed: u64) -> Tried {
    let mut dice = Dice::new(seed);
    points.sort_unstable();
    let mut seen = HashSet::new();
    let mut tried = Tried::default();
    for at in points {
        replay.advance(at);
        let loss = dice.roll();
        let (vfs, state) = if dice.one_in(KILLS) { (replay.kill(), 0) } else { replay.power_cut(loss) };
        if !seen.insert((at, state)) {
            continue;
        }
        tried.states += 1;
        if let Err(what) = check(cast, recorded, &vfs, at, dice.one_in(PUSHED_ON)) {
            tried.broken = Some(format!("after op {at} of {}: {what}", recorded.journal.len()));
            return tried;
        }
    }
    tried
}

/// The sessions of one case; ends with the first broken promise.
#[must_use]
pub fn case(cast: &Cast, seed: u64, kind: DiskKind, lies: bool) -> Tried {
    let mut chain = Chain::new(cast, seed, lies);
    let mut sum = Tried::default();
    for session in 0..SESSIONS {
        let recorded = match chain.session() {
            Ok(recorded) => recorded,
            Err(what) => return Tried { broken: Some(format!("session {session}: {what}")), ..sum },
        };
        if std::env::var_os("TORTURE_SHOW").is_some_and(|show| show == "all") {
            recorded.journal.describe().iter().enumerate().for_each(|(at, op)| say(&format!("{session} {at} {op}")));
        }
        let replay = match kind {
            DiskKind::Honest => recorded.journal.replay(None),
            DiskKind::IgnoresSyncs => recorded.journal.replay_without_syncs(),
        };
        let tried = crash(cast, &recorded, replay, STATES, seed ^ session.rotate_right(8));
        sum.states += tried.states;
        if let Some(what) = tried.broken {
            if std::env::var_os("TORTURE_SHOW").is_some() {
                recorded
                    .journal
                    .describe()
                    .iter()
                    .enumerate()
                    .for_each(|(at, op)| say(&format!("{session} {at} {op}")));
            }
            return Tried { broken: Some(format!("session {session}, {what}")), ..sum };
        }
    }
    sum
}

/// The first case in which a control is caught.
#[must_use]
pub fn control(cast: &Cast, seed: u64, kind: DiskKind, lies: bool) -> Option<String> {
    (0..CONTROL_CASES).find_map(|n| case(cast, seed + n, kind, lies).broken)
}

/// The harness.
#[must_use]
pub fn run(args: &Args) -> Report {
    let cast = Cast::default();
    let mut report = Report::default();
    let started = Instant::now();
    let mut cases = 0;
    while args.goes_on(cases) && report.violations.is_empty() {
        let seed = args.seed + cases;
        let tried = case(&cast, seed, DiskKind::Honest, false);
        report.count("states", tried.states);
        if let Some(what) = tried.broken {
            report.violate(what, args.replay(seed));
        }
        cases += 1;
    }
    report.count("cases", cases);
    let states = report.counts.get("states").copied().unwrap_or(0);
    say(&format!("{:.0} states/s", states as f64 / started.elapsed().as_secs_f64()));
    let ignored = control(&cast, args.seed, DiskKind::IgnoresSyncs, false);
    let early = control(&cast, args.seed, DiskKind::Honest, true);
    report.control_caught = ignored.is_some() && early.is_some();
    let shown = |caught: Option<String>| caught.unwrap_or_else(|| "not caught".to_owned());
    report.control = format!("syncs ignored: {}; receipts before the write: {}", shown(ignored), shown(early));
    report
}

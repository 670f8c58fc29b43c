//! The harness: seeds on every core, some of them twice, and the controls that it must catch.

use super::invariants::come_to_rest;
use super::plan::{Plan, Troubles};
use super::scheduler::SECOND;
use super::trace::Words;
pub use super::watched::Lie;
use super::world::{Backup, World};
use crate::args::Args;
use crate::report::{Report, say};
use relay_proto::ErrorCode;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Events after which a seed has run away.
const EVENTS_MAX: u64 = 2_000_000;
/// One seed in so many runs twice.
const TWICE_ONE_IN: u64 = 100;
/// One seed in so many ends with a backup that is put back in secret.
const DECEIVED_ONE_IN: u64 = 25;
/// Seeds within which a control must be caught.
const CONTROL_SEEDS: u64 = 500;
/// Seeds with such a backup within which some device must have noticed it.
const DECEPTION_SEEDS: u64 = 20;

/// How a seed is run.
#[derive(Clone, Copy, Debug)]
struct Mode {
    lie: Lie,
    words: Words,
    leak: u64,
}

const HONEST: Mode = Mode { lie: Lie::None, words: Words::None, leak: 0 };

/// What a seed came to.
pub struct Outcome {
    /// What was broken.
    pub violation: Option<String>,
    /// What happened, as one number.
    pub trace_hash: u64,
    /// The same in counts, by name.
    pub counts: Vec<(&'static str, u64)>,
    noticed: u64,
    lines: Vec<String>,
}

fn run_plan(plan: Plan, mode: Mode) -> Outcome {
    let mut world = World::new(plan, mode.lie, mode.words, mode.leak);
    let deceives = plan.seed.is_multiple_of(DECEIVED_ONE_IN);
    let halfway = plan.actions / 2;
    let mut secret = None;
    while world.violation.is_none() && world.actions_left > 0 && world.step() {
        if deceives && secret.is_none() && world.actions_left <= halfway && world.truths[0].line.is_some() {
            secret = Some(world.host.vfs.fork());
        }
        runaway(&mut world);
    }
    if world.violation.is_none() {
        come_to_rest(&mut world);
    }
    if let Some(vfs) = secret.filter(|_| world.violation.is_none()) {
        deceive(&mut world, Backup { vfs, lines: Vec::new() });
    }
    world.tally.events = world.trace.events();
    world.tally.compared = world.truths.iter().map(|truth| truth.compared).sum();
    Outcome {
        violation: world.violation.take(),
        trace_hash: world.trace.hash(),
        counts: world.tally.counts(),
        noticed: world.tally.noticed,
        lines: world.trace.lines(),
    }
}

fn runaway(world: &mut World) {
    if world.trace.events() > EVENTS_MAX {
        world.violate(format!("more than {EVENTS_MAX} events"));
    }
}

/// Puts an older disk back without a word: every device that knew more must say so, and no other.
fn deceive(world: &mut World, backup: Backup) {
    let now_us = world.clock.now_us();
    let fooled: Vec<bool> = world.devices.iter().map(|device| device.has_failed()).collect();
    world.deceived = true;
    world.tally.deceptions += 1;
    let known: Vec<(u64, u64)> =
        world.devices.iter().map(|device| (device.log.epoch, device.log.known_size())).collect();
    let restored = world.host.restore(&backup.vfs, now_us, false);
    world.lose_connections();
    world.start();
    let shown: Vec<(u64, u64)> = world.truths.iter().map(|truth| size_of(world, truth.id())).collect();
    let until_us = now_us + 60 * SECOND;
    while world.clock.now_us() < until_us && world.step() {}
    world.deceived = false;
    if let Err(what) = restored {
        world.violate(what);
    }
    for at in 0..world.devices.len() {
        let device = &world.devices[at];
        let member = world.truths[device.space].line.as_ref().is_some_and(|line| line.lists(&device.key()));
        let knew_more = known[at] > shown[device.space];
        let noticed = device.has_failed() && !fooled[at];
        world.tally.noticed += u64::from(noticed);
        // A device that the older roster does not name is not let in, so it cannot tell.
        let let_in = !device.refusals.contains(&ErrorCode::HandshakeFailed);
        if knew_more && member && let_in && !noticed {
            let what = format!(
                "device {} of space {} knew {:?}, was shown {:?} in secret, and did not notice",
                device.index, device.space, known[at], shown[device.space]
            );
            world.violate(what);
        }
    }
}

fn size_of(world: &World, space: relay_proto::ids::SpaceId) -> (u64, u64) {
    use relay_core::store::Store;
    let Some(store) = world.host.store() else { return (0, 0) };
    let facts = super::truth::ask_now(|done| store.space(space, done)).flatten();
    (store.log().log_epoch, facts.map_or(0, |facts| facts.size))
}

/// Runs one honest seed.
#[must_use]
pub fn seed(seed: u64) -> Outcome {
    run_plan(Plan::of(seed), HONEST)
}

/// Runs a failing seed again with the troubles it needs alone, and in words.
fn explain(seed: u64, words: Words) -> (Plan, Outcome) {
    let mut plan = Plan::of(seed);
    let mode = Mode { words, ..HONEST };
    // Other numbers in the same sentence are the same violation.
    let kind = |violation: Option<String>| violation.map(|what| what.replace(|c: char| c.is_ascii_digit(), ""));
    let Some(wanted) = kind(run_plan(plan, HONEST).violation) else { return (plan, run_plan(plan, mode)) };
    for trouble in 0..9 {
        let mut calmer = plan;
        let troubles = &mut calmer.troubles;
        let all = [
            &mut troubles.network,
            &mut troubles.slow,
            &mut troubles.kills,
            &mut troubles.power_cuts,
            &mut troubles.disk,
            &mut troubles.clock,
            &mut troubles.restores,
            &mut troubles.rosters,
            &mut troubles.nights,
        ];
        if let Some(trouble) = all.into_iter().nth(trouble) {
            *trouble = false;
        }
        if calmer.troubles != plan.troubles && kind(run_plan(calmer, HONEST).violation).as_ref() == Some(&wanted) {
            plan = calmer;
        }
    }
    (plan, run_plan(plan, mode))
}

/// The first seed in which a lying relay is caught, and how.
#[must_use]
pub fn caught(from: u64, lie: Lie) -> Option<String> {
    let mode = Mode { lie, ..HONEST };
    let plan = |seed| {
        let mut plan = Plan::of(seed);
        // A lie about the disk shows when the disk fails.
        plan.troubles = Troubles { kills: true, power_cuts: true, disk: true, ..plan.troubles };
        plan
    };
    (from..from + CONTROL_SEEDS).find_map(|seed| run_plan(plan(seed), mode).violation)
}

/// How many devices noticed a backup that was put back in secret, in the first seed in which some could.
#[must_use]
pub fn noticed(from: u64) -> u64 {
    let first = from.next_multiple_of(DECEIVED_ONE_IN);
    let seeds = (0..DECEPTION_SEEDS).map(|n| first + n * DECEIVED_ONE_IN);
    seeds.map(|number| seed(number).noticed).find(|noticed| *noticed > 0).unwrap_or(0)
}

/// Whether a world into which a real random number leaks has another trace.
#[must_use]
pub fn leak_is_seen(seed: u64) -> bool {
    let run = |leak| run_plan(Plan::of(seed), Mode { leak, ..HONEST }).trace_hash;
    let real = RandomState::new().hash_one(seed) | 1;
    run(0) != run(real)
}

fn shown(caught: Option<String>) -> String {
    caught.unwrap_or_else(|| "not caught".to_owned())
}

/// Runs seeds on one core until there are no more.
fn work(args: &Args, next: &AtomicU64, report: &Mutex<Report>) {
    loop {
        let case = next.fetch_add(1, Ordering::Relaxed);
        let failed = !report.lock().unwrap_or_else(PoisonError::into_inner).violations.is_empty();
        if failed || !args.goes_on(case) {
            return;
        }
        let number = args.seed + case;
        let outcome = seed(number);
        let twice = number.is_multiple_of(TWICE_ONE_IN).then(|| seed(number).trace_hash);
        let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
        report.count("seeds", 1);
        for (name, count) in outcome.counts {
            report.count(name, count);
        }
        if let Some(what) = outcome.violation {
            report.violate(format!("seed {number}: {what}"), args.replay(number));
        }
        if let Some(hash) = twice {
            report.count("runTwice", 1);
            if hash != outcome.trace_hash {
                report.violate(format!("seed {number} has two traces"), args.replay(number));
            }
        }
    }
}

/// The harness.
#[must_use]
pub fn run(args: &Args) -> Report {
    if args.verbose {
        return replay(args);
    }
    let started = Instant::now();
    let (next, report) = (AtomicU64::new(0), Mutex::new(Report::default()));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| work(args, &next, &report));
        }
    });
    let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    let seeds = report.counts.get("seeds").copied().unwrap_or(0);
    let ms = started.elapsed().as_secs_f64() * 1000.0 * cores as f64 / seeds.max(1) as f64;
    say(&format!("{ms:.1} ms of a core per seed"));
    if let Some(number) = first_failed(&report) {
        let (plan, outcome) = explain(number, Words::Kept);
        outcome.lines.iter().for_each(|line| say(line));
        say(&format!("needed for it: {:?}; commit {}", plan.troubles, commit()));
    }
    controls(args, &mut report);
    report
}

/// What was built, as far as git knows.
fn commit() -> String {
    let told = std::process::Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    told.map_or_else(|_| "unknown".to_owned(), |told| String::from_utf8_lossy(&told.stdout).trim().to_owned())
}

fn first_failed(report: &Report) -> Option<u64> {
    let what = &report.violations.first()?.what;
    what.strip_prefix("seed ")?.split([':', ' ']).next()?.parse().ok()
}

/// One seed in words.
fn replay(args: &Args) -> Report {
    let (plan, outcome) = explain(args.seed, Words::Printed);
    say(&format!("{plan:?}"));
    let mut report = Report { control_caught: true, control: "none in a replay".to_owned(), ..Report::default() };
    report.count("seeds", 1);
    for (name, count) in outcome.counts {
        report.count(name, count);
    }
    if let Some(what) = outcome.violation {
        report.violate(what, args.replay(args.seed));
    }
    report
}

fn controls(args: &Args, report: &mut Report) {
    let early = caught(args.seed, Lie::AnswersEarly);
    let renumbers = caught(args.seed, Lie::Renumbers);
    let doubles = caught(args.seed, Lie::Doubles);
    let leak = leak_is_seen(args.seed);
    let noticed = noticed(args.seed);
    report.control_caught = early.is_some() && renumbers.is_some() && doubles.is_some() && leak && noticed > 0;
    report.control = format!(
        "answers before the write: {}; renumbers: {}; doubles: {}; a leaked random number: {}; a backup put back in secret: noticed by {noticed} devices",
        shown(early),
        shown(renumbers),
        shown(doubles),
        if leak { "another trace" } else { "not caught" }
    );
}

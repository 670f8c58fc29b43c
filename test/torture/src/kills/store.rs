//! Harness: a process that pushes, forgets and compacts is killed at any moment, its start included. Whatever it said was stored
//! is there afterwards, once, in order, under a signed head.

use super::child::{LIE, WORK};
use super::victim::{Kill, Said, forking, run_and_kill};
use super::writer::{WRITERS, Writer, open};
use crate::args::Args;
use crate::report::{Report, say};
use relay_store::EmbeddedStore;
use relay_store::vfs::sim::Dice;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Cycles on one data directory.
const CYCLES_PER_DIR: u64 = 25;
/// Cycles in which the control must be caught.
const CONTROL_CYCLES: u64 = 200;
/// A child works at most so long after its first answer; some die while they start.
const WORK_US_MAX: u64 = 20_000;
const START_US_MAX: u64 = 30_000;
/// One in so many.
const STARTS: u64 = 6;

/// What was said of one writer.
#[derive(Clone, Copy, Debug, Default)]
struct Promised {
    stored: u64,
    floor: u64,
}

/// One data directory and what was promised about it.
#[derive(Debug)]
pub struct Life<'a> {
    program: &'a Path,
    dir: PathBuf,
    promised: [Promised; WRITERS as usize + 1],
    dice: Dice,
    /// Cycles, those killed before anything was stored, answers heard and entries compared.
    pub counts: [u64; 4],
}

impl<'a> Life<'a> {
    /// An empty directory.
    #[must_use]
    pub fn new(program: &'a Path, dir: PathBuf, seed: u64) -> Self {
        Self { program, dir, promised: Default::default(), dice: Dice::new(seed), counts: [0; 4] }
    }

    /// Runs and kills the child once, and compares now and then: a start after several kills is tried as well.
    ///
    /// # Errors
    /// What was lost or is wrong, in words.
    pub fn cycle(&mut self, lies: bool) -> Result<(), String> {
        let kill = if self.dice.one_in(STARTS) {
            Kill::AfterStart(Duration::from_micros(self.dice.below(START_US_MAX)))
        } else {
            Kill::AfterWord("stored", Duration::from_micros(self.dice.below(WORK_US_MAX)))
        };
        let said = run_and_kill(self.program, if lies { LIE } else { WORK }, &self.dir, kill);
        let said = said.map_err(|error| format!("the child does not start: {error}"))?;
        let answers = self.listen(&said)?;
        self.counts[0] += 1;
        self.counts[1] += u64::from(answers == 0);
        self.counts[2] += answers;
        if lies || self.dice.one_in(2) { self.compare() } else { Ok(()) }
    }

    fn listen(&mut self, said: &Said) -> Result<u64, String> {
        if let Some(why) = &said.failed {
            return Err(format!("the child ended by itself: {why}"));
        }
        let mut answers = 0;
        for line in &said.lines {
            let mut words = line.split(' ');
            let (what, n) = (words.next().unwrap_or_default(), words.next().and_then(|n| n.parse::<usize>().ok()));
            let seq = words.next().and_then(|seq| seq.parse::<u64>().ok());
            match (what, n.and_then(|n| self.promised.get_mut(n)), seq) {
                ("stored", Some(promised), Some(seq)) => promised.stored = promised.stored.max(seq),
                ("trimmed", Some(promised), Some(floor)) => promised.floor = promised.floor.max(floor),
                ("opened", ..) => continue,
                _ => return Err(format!("the child said: {line}")),
            }
            answers += 1;
        }
        Ok(answers)
    }

    /// Opens the directory and compares it with every promise.
    ///
    /// # Errors
    /// What was lost or is wrong, in words.
    pub fn compare(&mut self) -> Result<(), String> {
        let store = open(&self.dir, false).map_err(|error| format!("does not open: {error}"))?;
        let checked = self.check(&store);
        let _alone = forking();
        drop(store);
        checked
    }

    fn check(&mut self, store: &EmbeddedStore) -> Result<(), String> {
        for n in 1..=WRITERS {
            let (size, floor) = Writer::new(n).check(n, store)?;
            let promised = &mut self.promised[usize::from(n)];
            if size < promised.stored || floor < promised.floor {
                return Err(format!("writer {n}: {size} entries from {floor} on where {promised:?} was said"));
            }
            *promised = Promised { stored: size, floor };
            self.counts[3] += size + 1 - floor.max(1);
        }
        Ok(())
    }
}

/// The lives of one thread.
fn lives(args: &Args, program: &Path, root: &Path, thread: u64, threads: u64) -> Report {
    let mut report = Report::default();
    let mut number = thread;
    let cycles_max = args.cases.div_ceil(threads);
    while args.goes_on(0) && report.violations.is_empty() && report.counts.get("cycles").is_none_or(|n| *n < cycles_max)
    {
        let seed = args.seed + number;
        let dir = root.join(number.to_string());
        let mut life = Life::new(program, dir.clone(), seed);
        let cycles = (0..CYCLES_PER_DIR).take_while(|_| args.goes_on(0));
        let ended = cycles.map(|_| life.cycle(false)).find(Result::is_err).unwrap_or_else(|| life.compare());
        for (name, count) in
            ["cycles", "killedWhileStarting", "answers", "entriesCompared"].into_iter().zip(life.counts)
        {
            report.count(name, count);
        }
        match ended {
            // The moment of a kill cannot be repeated: what is named is how to go on looking. The directory stays.
            Err(what) => report.violate(format!("{}: {what}", dir.display()), args.replay(seed)),
            Ok(()) => drop(std::fs::remove_dir_all(&dir)),
        }
        number += threads;
    }
    report
}

/// Whether a store that answers before it writes is caught.
///
/// # Errors
/// How many cycles it got away with.
pub fn control(program: &Path, root: &Path, seed: u64) -> Result<String, String> {
    let dir = root.join("control");
    let mut life = Life::new(program, dir.clone(), seed);
    let caught = (0..CONTROL_CYCLES).find_map(|_| life.cycle(true).err());
    // What a liar left is worth nothing.
    let _left = std::fs::remove_dir_all(&dir);
    caught.ok_or(format!("not caught in {CONTROL_CYCLES} cycles"))
}

/// The harness.
///
/// # Panics
/// When a thread of it did.
#[must_use]
pub fn run(args: &Args, program: &Path) -> Report {
    let root = std::env::temp_dir().join(format!("sealrelay-store-kill-{}", std::process::id()));
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let mut report = Report::default();
    std::thread::scope(|scope| {
        let root = &root;
        let running: Vec<_> =
            (0..threads).map(|thread| scope.spawn(move || lives(args, program, root, thread, threads))).collect();
        for thread in running {
            match thread.join() {
                Ok(part) => report.add(part),
                Err(_) => report.violate("a thread of the harness panicked".to_owned(), args.replay(args.seed)),
            }
        }
    });
    say(&format!("{:?}", report.counts));
    let caught = control(program, &root, args.seed);
    report.control_caught = caught.is_ok();
    report.control = format!("answers before the write: {}", caught.unwrap_or_else(|why| why));
    if report.violations.is_empty() {
        // The system's directory for such things is emptied by itself in the worst case.
        let _left = std::fs::remove_dir_all(&root);
    }
    report
}

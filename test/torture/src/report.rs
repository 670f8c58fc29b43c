//! What a harness says at its end, and how it says it.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;

/// Violations that are written out; more say no more.
const VIOLATIONS_MAX: usize = 10;

/// A broken promise.
#[derive(Clone, Debug)]
pub struct Violation {
    /// What was broken.
    pub what: String,
    /// The command that shows it again.
    pub replay: String,
}

/// The report.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was counted.
    pub counts: BTreeMap<&'static str, u64>,
    /// What was broken.
    pub violations: Vec<Violation>,
    /// Whether the control was caught.
    pub control_caught: bool,
    /// How.
    pub control: String,
}

impl Report {
    /// Adds to a count.
    pub fn count(&mut self, name: &'static str, n: u64) {
        *self.counts.entry(name).or_default() += n;
    }

    /// Notes a violation.
    pub fn violate(&mut self, what: String, replay: String) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(Violation { what, replay });
        }
    }

    /// Adds what another part of the same harness counted and found.
    pub fn add(&mut self, part: Self) {
        part.counts.into_iter().for_each(|(name, n)| self.count(name, n));
        part.violations.into_iter().for_each(|violation| self.violate(violation.what, violation.replay));
    }

    /// Prints the report as the last line.
    pub fn print(&self) {
        let violation = |it: &Violation| json!({ "what": it.what, "replay": it.replay });
        let violations: Vec<Value> = self.violations.iter().map(violation).collect();
        let control = json!({ "caught": self.control_caught, "what": self.control });
        say(&json!({ "counts": self.counts, "violations": violations, "control": control }).to_string());
    }
}

/// Prints a line.
pub fn say(line: &str) {
    // Nobody reads any more only when the run was stopped.
    let _unread = writeln!(std::io::stdout(), "{line}");
}

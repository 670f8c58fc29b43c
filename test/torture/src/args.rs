//! The command line: `torture HARNESS --seconds N --seed S [--cases N] [--verbose]`.

use std::time::{Duration, Instant};

/// How long, and with which cases.
#[derive(Clone, Debug)]
pub struct Args {
    /// Which harness.
    pub harness: String,
    /// No new case starts after this.
    pub end: Instant,
    /// Chooses the cases; the first case is this number, the next one is the next number.
    pub seed: u64,
    /// Cases after which it ends even if there is time.
    pub cases: u64,
    /// One case in words.
    pub verbose: bool,
}

/// Reads the command line; the sentence says what is wrong with it.
///
/// # Errors
/// What is missing or no number.
pub fn read(args: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut args = args.skip(1);
    let harness = args.next().ok_or("which harness?")?;
    let (mut seconds, mut seed, mut cases) = (10, 1, u64::MAX);
    let mut verbose = false;
    while let Some(flag) = args.next() {
        if flag == "--verbose" {
            verbose = true;
            continue;
        }
        let value = args.next().and_then(|value| value.parse().ok()).ok_or(format!("{flag}: want a number"))?;
        match flag.as_str() {
            "--seconds" => seconds = value,
            "--seed" => seed = value,
            "--cases" => cases = value,
            _ => return Err(format!("{flag}: not known")),
        }
    }
    Ok(Args { harness, end: Instant::now() + Duration::from_secs(seconds), seed, cases, verbose })
}

impl Args {
    /// For a test: a number of cases, however long they take.
    #[must_use]
    pub fn cases(harness: &str, seed: u64, cases: u64) -> Self {
        const LONG: Duration = Duration::from_secs(3600);
        Self { harness: harness.to_owned(), end: Instant::now() + LONG, seed, cases, verbose: false }
    }

    /// Whether a case may start.
    #[must_use]
    pub fn goes_on(&self, cases_done: u64) -> bool {
        cases_done < self.cases && Instant::now() < self.end
    }

    /// The command that runs one case again.
    #[must_use]
    pub fn replay(&self, case: u64) -> String {
        format!("cargo run --profile torture -p torture -- {} --seed {case} --cases 1", self.harness)
    }
}

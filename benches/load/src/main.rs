//! The load generator: one thread, one event loop, a process of its own.
//!
//! `load MODE --flag value …` prints one line of JSON: what was reached, and the CPU time it took itself, so
//! that a saturated generator is seen. Every answer is checked; a wrong one ends the run.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod args;
mod cat;
mod clock;
mod cpu;
mod disk;
mod failure;
mod fanout;
mod fill;
mod foreign;
mod framing;
mod histogram;
mod idle;
mod number;
mod pace;
mod payload;
mod peer;
mod push;
mod relay;
mod replay;
mod setup;
mod speech;
mod target;
mod window;

use args::{Args, Mode};
use failure::Failure;
use std::io::Write;
use std::process::ExitCode;

/// Exit code when the server does not have what is to be measured.
const ABSENT_CODE: u8 = 3;

fn main() -> ExitCode {
    match run() {
        Ok(line) => {
            let written = writeln!(std::io::stdout(), "{line}");
            if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failure) => {
            let _closed = writeln!(std::io::stderr(), "load: {failure}");
            if failure.is_absent() { ExitCode::from(ABSENT_CODE) } else { ExitCode::FAILURE }
        }
    }
}

fn run() -> Result<serde_json::Value, Failure> {
    let args = Args::parse(std::env::args().skip(1))?;
    bench_wire::raise_open_files_limit();
    match args.mode {
        Mode::Push => push::run(&args),
        Mode::Fanout => fanout::run(&args),
        Mode::Disk => disk::run(&args),
        Mode::Fill => fill::run(&args),
        Mode::Replay => replay::run(&args),
        Mode::Cat => cat::run(&args),
        Mode::Idle => idle::run(&args),
    }
}

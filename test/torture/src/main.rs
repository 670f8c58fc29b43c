//! `torture HARNESS --seconds N --seed S`; see the library.

use torture::args::{self, Args};
use torture::disk::{corruption, sites, states};
use torture::kills::{child, store, upgrade};
use torture::report::{Report, say};
use torture::simulation::run as simulation;

fn run(args: &Args) -> Option<Report> {
    // The processes that are killed are this program again.
    let program = std::env::current_exe().unwrap_or_default();
    match args.harness.as_str() {
        "crash-states" => Some(states::run(args)),
        "corruption" => Some(corruption::run(args)),
        "simulation" => Some(simulation::run(args)),
        "store-kill" => Some(store::run(args, &program)),
        "sync-sites" => Some(sites::run(args)),
        "upgrade-kill" => Some(upgrade::run(args, &program)),
        _ => None,
    }
}

fn main() -> std::process::ExitCode {
    if let Some(ended) = child::run(std::env::args()) {
        let Err(what) = ended else { return std::process::ExitCode::SUCCESS };
        say(&what);
        return std::process::ExitCode::FAILURE;
    }
    // Damaged metadata makes redb panic, which the store catches: one line each is enough.
    std::panic::set_hook(Box::new(|panic| say(&format!("panicked: {}", panic.to_string().replace('\n', " ")))));
    let args = match args::read(std::env::args()) {
        Ok(args) => args,
        Err(what) => {
            say(&what);
            return std::process::ExitCode::FAILURE;
        }
    };
    let Some(report) = run(&args) else {
        say(&format!("{}: no such harness", args.harness));
        return std::process::ExitCode::FAILURE;
    };
    report.print();
    if report.violations.is_empty() { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}

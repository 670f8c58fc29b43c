//! The processes that are killed: one works until then, one starts and ends in order.

use super::writer::{WRITERS, Writer, open, wait};
use relay_core::store::Store;
use relay_store::EmbeddedStore;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The first argument of a process that pushes until it is killed, of one whose store lies, and of one that starts and ends.
pub const WORK: &str = "child-work";
/// See [`WORK`].
pub const LIE: &str = "child-lie";
/// See [`WORK`].
pub const UPGRADE: &str = "child-upgrade";

/// Pushes of a writer that wait for their answer.
const IN_FLIGHT: u64 = 16;
/// A writer forgets after so many pushes, all but the newest of them.
const TRIM_EVERY: u64 = 300;
const KEPT: u64 = 40;
/// Between two looks of the thread that compacts.
const RECLAIM_EVERY: Duration = Duration::from_millis(4);

/// Runs as a child when the arguments say so; `None` when they do not.
#[must_use]
pub fn run(mut args: impl Iterator<Item = String>) -> Option<Result<(), String>> {
    let (what, dir) = (args.nth(1)?, args.next());
    let dir = dir.as_deref().map(Path::new);
    match (what.as_str(), dir) {
        (WORK, Some(dir)) => Some(work(dir, false)),
        (LIE, Some(dir)) => Some(work(dir, true)),
        (UPGRADE, Some(dir)) => Some(upgrade(dir)),
        _ => None,
    }
}

/// One write: a line is whole or not there.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody listens any more: it is about to be killed.
    let _unheard = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
}

fn work(dir: &Path, lies: bool) -> Result<(), String> {
    let store = Arc::new(open(dir, lies).map_err(|error| error.to_string())?);
    say("opened");
    std::thread::scope(|scope| {
        let writers: Vec<_> = (1..=WRITERS)
            .map(|n| {
                scope.spawn({
                    let store = &store;
                    move || push_for_ever(store, n)
                })
            })
            .collect();
        scope.spawn(|| {
            loop {
                store.reclaim();
                std::thread::sleep(RECLAIM_EVERY);
            }
        });
        writers.into_iter().try_for_each(|writer| writer.join().map_err(|_| "a writer panicked".to_owned())?)
    })
}

fn push_for_ever(store: &Arc<EmbeddedStore>, n: u8) -> Result<(), String> {
    let writer = Writer::new(n);
    let told = |error: relay_core::store::StoreError| error.to_string();
    writer.found(store).map_err(told)?;
    let (size, mut floor) = writer.extent(store).map_err(told)?;
    let answered = Arc::new(AtomicU64::new(size));
    for seq in size + 1.. {
        while seq > answered.load(Ordering::Acquire) + IN_FLIGHT {
            std::thread::yield_now();
        }
        let answered = Arc::clone(&answered);
        let done = Box::new(move |result: Result<_, relay_core::store::StoreError>| match result {
            Ok(_) => {
                say(&format!("stored {n} {seq}"));
                answered.store(seq, Ordering::Release);
            }
            Err(error) => say(&format!("refused {n} {seq} {error}")),
        });
        store.push(writer.push(n, seq), done);
        if seq.is_multiple_of(TRIM_EVERY) && seq > floor + KEPT {
            floor = seq - KEPT;
            let reached = answered_floor(&writer, store, floor)?;
            say(&format!("trimmed {n} {reached}"));
        }
    }
    Ok(())
}

/// Forgets below a floor once everything below it is stored.
fn answered_floor(writer: &Writer, store: &EmbeddedStore, floor: u64) -> Result<u64, String> {
    while writer.extent(store).map_err(|error| error.to_string())?.0 < floor {
        std::thread::yield_now();
    }
    wait(|done| store.trim(writer.space, floor, done)).map_err(|error| error.to_string())?;
    Ok(floor)
}

/// Opens, which upgrades what an older program wrote, compacts, and closes, which writes a checkpoint.
fn upgrade(dir: &Path) -> Result<(), String> {
    let store = open(dir, false).map_err(|error| error.to_string())?;
    say("opened");
    store.reclaim();
    store.close();
    say("ended");
    Ok(())
}

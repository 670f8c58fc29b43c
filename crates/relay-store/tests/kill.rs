//! A process that pushes under load is killed at random moments. Whatever it said was stored is there afterwards, once,
//! without gaps. The control answers before it writes and must be caught.

mod support;

use relay_core::store::Store;
use relay_proto::hash::entry_id;
use relay_store::vfs::RealVfs;
use relay_store::{EmbeddedStore, StoreOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use support::{Writer, sealed};

const CHILD_DIR: &str = "RELAY_STORE_KILL_DIR";
const CHILD_LIES: &str = "RELAY_STORE_KILL_LIES";
const CYCLES: u64 = 20;
const ACKNOWLEDGED_MIN: u64 = 1000;
const WRITERS: u8 = 4;
const IN_FLIGHT: u64 = 16;
const BYTES: usize = 512;

fn store_options(dir: &Path, lies: bool) -> StoreOptions {
    StoreOptions { answer_before_write: lies, ..support::options(dir, 256 * 1024) }
}

/// The child's part: does nothing in an ordinary test run.
#[test]
fn child_pushes_until_it_is_killed() {
    let Ok(dir) = std::env::var(CHILD_DIR) else { return };
    let options = store_options(Path::new(&dir), std::env::var(CHILD_LIES).is_ok());
    let store = Arc::new(support::open(Arc::new(RealVfs), &options).unwrap());
    let threads: Vec<_> = (1..=WRITERS)
        .map(|n| {
            let store = Arc::clone(&store);
            std::thread::spawn(move || push_for_ever(&store, n))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

fn push_for_ever(store: &Arc<EmbeddedStore>, n: u8) {
    let writer = Writer::new(n);
    writer.found(&**store).unwrap();
    let mut next = writer.size(&**store) + 1;
    let answered = Arc::new(AtomicU64::new(next - 1));
    loop {
        while next > answered.load(Ordering::Acquire) + IN_FLIGHT {
            std::thread::yield_now();
        }
        let (seq, answered) = (next, Arc::clone(&answered));
        let push = writer.make_push(seq, vec![sealed(seq, BYTES)]);
        store.push(
            push,
            Box::new(move |result| {
                result.unwrap();
                // One write: a line is whole or not there.
                std::io::stdout().write_all(format!("stored {n} {seq}\n").as_bytes()).unwrap();
                std::io::stdout().flush().unwrap();
                answered.store(seq, Ordering::Release);
            }),
        );
        next += 1;
    }
}

/// Runs the child for a while; returns the newest seq it said it stored, for each writer.
fn run_and_kill(dir: &Path, lies: bool, after: Duration) -> Vec<u64> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child_pushes_until_it_is_killed", "--nocapture"]).env(CHILD_DIR, dir);
    if lies {
        command.env(CHILD_LIES, "1");
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reader = std::thread::spawn(move || {
        let mut stored = vec![0; usize::from(WRITERS) + 1];
        while let Some(Ok(line)) = lines.next() {
            let mut words = line.split(' ').skip_while(|word| *word != "stored").skip(1);
            let (Some(Ok(n)), Some(Ok(seq))) =
                (words.next().map(str::parse::<usize>), words.next().map(str::parse::<u64>))
            else {
                continue;
            };
            stored[n] = seq.max(stored[n]);
        }
        stored
    });
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

/// Entries that were said to be stored and are not there, over all writers. Anything doubled or missing in between panics.
fn missing(dir: &Path, stored: &[u64]) -> u64 {
    let store = support::open(Arc::new(RealVfs), &store_options(dir, false)).unwrap();
    let mut missing = 0;
    for n in 1..=WRITERS {
        let writer = Writer::new(n);
        let size = writer.size(&store);
        if size > 0 {
            let held = writer.read_all(&store);
            assert_eq!(held.len() as u64, size);
            for (seq, id) in (1..).zip(held) {
                assert_eq!(id, entry_id(&sealed(seq, BYTES)), "writer {n}, seq {seq}");
            }
        }
        missing += stored[usize::from(n)].saturating_sub(size);
    }
    missing
}

/// A different wait for every cycle, in milliseconds.
fn wait_of(cycle: u64) -> Duration {
    Duration::from_millis(60 + cycle.wrapping_mul(0x9e37_79b9) % 140)
}

#[test]
fn nothing_that_was_acknowledged_is_lost_by_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let (mut acknowledged, mut cycle) = (0, 0);
    // A disk that syncs slowly needs more cycles for as many.
    while cycle < CYCLES || (acknowledged <= ACKNOWLEDGED_MIN && cycle < 10 * CYCLES) {
        let stored = run_and_kill(dir.path().join("data").as_path(), false, wait_of(cycle));
        acknowledged = acknowledged.max(stored.iter().sum());
        assert_eq!(missing(&dir.path().join("data"), &stored), 0, "cycle {cycle}");
        cycle += 1;
    }
    assert!(acknowledged > ACKNOWLEDGED_MIN, "only {acknowledged} pushes were under way");
}

#[test]
fn the_control_that_answers_before_it_writes_is_caught() {
    let dir = tempfile::tempdir().unwrap();
    let caught = (0..CYCLES).any(|cycle| {
        let stored = run_and_kill(dir.path().join("data").as_path(), true, wait_of(cycle));
        missing(&dir.path().join("data"), &stored) > 0
    });
    assert!(caught, "a store that lies was not caught");
}

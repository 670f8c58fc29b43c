//! How long a start takes and how much memory it needs: an empty store, and one with many entries in many spaces.
//! Run with `--release`: `restart fill <dir> <spaces> <entries per space>` makes a directory, `restart open <dir>` opens it in
//! a fresh process and prints milliseconds until ready and the growth of the resident set.

#[path = "../tests/support/mod.rs"]
mod support;

use relay_core::store::Store;
use relay_proto::KeyPair;
use relay_store::vfs::RealVfs;
use relay_store::{EmbeddedStore, StoreOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use support::{Writer, sealed};

const BYTES: usize = 1024;
/// Pushes under way at once.
const IN_FLIGHT: usize = 64;

fn say(line: &str) {
    std::io::stdout().write_all(line.as_bytes()).expect("a terminal");
}

/// Kilobytes of memory, resident now.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a figure");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

fn writer(n: u32) -> Writer {
    let seed = |salt: u8| {
        let mut seed = [salt; 32];
        seed[..4].copy_from_slice(&n.to_be_bytes());
        seed
    };
    Writer { root: KeyPair::from_seed(&seed(1)), device: KeyPair::from_seed(&seed(2)) }
}

fn fill(store: &Arc<EmbeddedStore>, spaces: u32, entries: u64) {
    let (send, answered) = std::sync::mpsc::sync_channel::<()>(IN_FLIGHT);
    let mut open = 0;
    for n in 0..spaces {
        let writer = writer(n);
        writer.found(&**store).expect("founded");
        let push = writer.make_push(1, (1..=entries).map(|n| sealed(n, BYTES)).collect());
        let send = send.clone();
        let done = Box::new(move |result: Result<_, _>| {
            let _: relay_core::store::Pushed = result.expect("stored");
            send.send(()).expect("room");
        });
        store.push(push, done);
        open += 1;
        if open == IN_FLIGHT {
            answered.recv().expect("an answer");
            open -= 1;
        }
    }
    (0..open).for_each(|_| answered.recv().expect("an answer"));
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u32>().ok());
    let dir = PathBuf::from(arguments.get(2).expect("fill or open, and a directory"));
    let before_kb = resident_kb();
    let started = Instant::now();
    let store = support::open(Arc::new(RealVfs), &StoreOptions::new(dir)).expect("a data directory");
    let (ready, now_kb) = (started.elapsed(), resident_kb());
    if arguments.get(1).is_some_and(|mode| mode == "fill") {
        let store = Arc::new(store);
        fill(&store, number(3).unwrap_or(10_000), u64::from(number(4).unwrap_or(100)));
        store.close();
        return;
    }
    say(&format!(
        "{} spaces: ready in {:.1} ms, {} KiB resident, {} KiB more than before\n",
        store.stats().spaces,
        ready.as_secs_f64() * 1000.0,
        now_kb,
        now_kb.saturating_sub(before_kb)
    ));
}

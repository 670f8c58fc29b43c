//! Durable pushes per second of 1 KiB through the store's trait, with 1, 64 and 64 × 16 in flight, and the time of a sync.
//! Run with `--release`; takes an empty directory and seconds per step.

#[path = "../tests/support/mod.rs"]
mod support;

use relay_core::store::Store;
use relay_store::vfs::RealVfs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};
use support::{Writer, sealed};

const BYTES: usize = 1024;

fn main() {
    let dir = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let seconds = std::env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(3);
    for (spaces, in_flight) in [(1, 1), (64, 1), (64, 16)] {
        let dir = dir.join(format!("push-rate-{spaces}-{in_flight}"));
        let store =
            support::open(Arc::new(RealVfs), &support::options(&dir, 64 * 1024 * 1024)).expect("an empty directory");
        step(&Arc::new(store), spaces, in_flight, Duration::from_secs(seconds));
        std::fs::remove_dir_all(dir).expect("own directory");
    }
}

fn step(store: &Arc<relay_store::EmbeddedStore>, spaces: u8, in_flight: usize, time: Duration) {
    let writers: Vec<Writer> = (0..spaces).map(Writer::new).collect();
    writers.iter().for_each(|writer| drop(writer.found(&**store).expect("founded")));
    let before = store.stats();
    let started = Instant::now();
    // One thread plays all clients: each space has `in_flight` pushes under way and sends the next when one is answered.
    let (send, answered) = sync_channel(usize::from(spaces) * in_flight);
    let mut next = vec![1_u64; writers.len()];
    let push = |next: &mut Vec<u64>, index: usize| {
        let (writer, seq) = (&writers[index], next[index]);
        next[index] += 1;
        let (send, at) = (send.clone(), Instant::now());
        let push = writer.make_push(seq, vec![sealed(seq, BYTES)]);
        store.push(
            push,
            Box::new(move |result| {
                result.expect("stored");
                send.send((index, at.elapsed())).expect("room");
            }),
        );
    };
    for index in 0..writers.len() {
        (0..in_flight).for_each(|_| push(&mut next, index));
    }
    let mut latencies = Vec::new();
    let mut open = writers.len() * in_flight;
    while open > 0 {
        let (index, latency) = answered.recv().expect("an answer");
        latencies.push(latency);
        open -= 1;
        if started.elapsed() < time {
            push(&mut next, index);
            open += 1;
        }
    }
    report(spaces, in_flight, started.elapsed(), &mut latencies, &before, &store.stats());
}

fn report(
    spaces: u8,
    in_flight: usize,
    took: Duration,
    latencies: &mut [Duration],
    before: &relay_core::store::StoreStats,
    after: &relay_core::store::StoreStats,
) {
    latencies.sort_unstable();
    let at = |share: usize| latencies[(latencies.len() - 1) * share / 100].as_micros();
    let syncs = after.syncs - before.syncs;
    let rate = latencies.len() as f64 / took.as_secs_f64();
    let line = format!(
        "{spaces} x {in_flight}: {rate:.0} pushes/s, latency p50 {} us p99 {} us, {syncs} syncs ({:.1} pushes each), sync mean {} us, written/payload {:.2}\n",
        at(50),
        at(99),
        latencies.len() as f64 / syncs as f64,
        (after.sync_micros - before.sync_micros) / syncs.max(1),
        (after.written_bytes - before.written_bytes) as f64 / (after.entry_bytes - before.entry_bytes) as f64,
    );
    std::io::stdout().write_all(line.as_bytes()).expect("a terminal");
}

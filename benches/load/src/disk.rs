//! What the bare disk takes for one durable write: the floor under every durable push.

use crate::args::Args;
use crate::clock::{Clock, seconds_to_ns};
use crate::failure::Failure;
use crate::histogram::Histogram;
use crate::number::to_u64;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};

/// Length of the file that is written before the measurement, in bytes.
const PREPARED_BYTES: u64 = 64 * 1024 * 1024;
const FILL_BYTES: usize = 4 * 1024 * 1024;

/// Appends with fdatasync, then the same over a file whose length does not change.
pub(crate) fn run(args: &Args) -> Result<Value, Failure> {
    let path = args.dir.join("disk.tmp");
    let outcome = measure_both(args, &path);
    std::fs::remove_file(&path)?;
    outcome
}

fn measure_both(args: &Args, path: &std::path::Path) -> Result<Value, Failure> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    let appended = measure(args, &mut file, u64::MAX)?;
    prepare(&mut file)?;
    let prepared = measure(args, &mut file, PREPARED_BYTES)?;
    Ok(json!({
        "mode": "disk",
        "bytes": args.bytes,
        "append_fdatasync_us": { "p50": appended.quantile_us(500), "p99": appended.quantile_us(990) },
        "prepared_fdatasync_us": { "p50": prepared.quantile_us(500), "p99": prepared.quantile_us(990) },
    }))
}

fn prepare(file: &mut File) -> Result<(), Failure> {
    file.seek(SeekFrom::Start(0))?;
    let fill = vec![1; FILL_BYTES];
    for _ in 0..PREPARED_BYTES / to_u64(FILL_BYTES) {
        file.write_all(&fill)?;
    }
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    Ok(())
}

fn measure(args: &Args, file: &mut File, length_bytes_max: u64) -> Result<Histogram, Failure> {
    let bytes = vec![7; args.bytes];
    let clock = Clock::start();
    let until_ns = seconds_to_ns(args.seconds);
    let mut histogram = Histogram::new();
    let (mut at, mut now_ns) = (0_u64, 0);
    while now_ns < until_ns {
        at = at.saturating_add(to_u64(bytes.len()));
        if at > length_bytes_max {
            file.seek(SeekFrom::Start(0))?;
            at = to_u64(bytes.len());
        }
        file.write_all(&bytes)?;
        file.sync_data()?;
        let done_ns = clock.now_ns();
        histogram.add(done_ns.saturating_sub(now_ns));
        now_ns = done_ns;
    }
    Ok(histogram)
}

//! How much faster texts are hashed together than one by one, on this processor:
//! `cargo run --release -p relay-hash --example speed`.

use relay_hash::sha256_each;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::time::{Duration, Instant};

const RUNS: usize = 5;
const BYTES_PER_RUN: usize = 64 << 20;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for (bytes, count) in
        [(77, 16), (77, 256), (1024, 8), (1024, 9), (1024, 16), (1024, 40), (16_384, 16), (16_384, 40)]
    {
        let texts: Vec<Vec<u8>> = (0..count).map(|seed| vec![seed as u8; bytes]).collect();
        let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        let rounds = BYTES_PER_RUN / (bytes * count);
        let one = |texts: &[&[u8]]| texts.iter().map(|text| Sha256::digest(text).into()).collect();
        let mut ratios: Vec<f64> = (0..RUNS)
            .map(|_| time(rounds, &texts, one).as_secs_f64() / time(rounds, &texts, sha256_each).as_secs_f64())
            .collect();
        ratios.sort_by(f64::total_cmp);
        writeln!(out, "{count} texts of {bytes} bytes: {:.2} times as fast together", ratios[RUNS / 2])?;
    }
    Ok(())
}

fn time(rounds: usize, texts: &[&[u8]], hash: impl Fn(&[&[u8]]) -> Vec<[u8; 32]>) -> Duration {
    let started = Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(hash(std::hint::black_box(texts)));
    }
    started.elapsed()
}

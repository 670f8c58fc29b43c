//! The fuzz target's body over its corpus and over random damage of it, so that the stable toolchain runs it too.

mod support;

use relay_store::fuzzing;
use relay_store::segment::file_name;
use relay_store::vfs::sim::SimVfs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::{Writer, open, options};

const ROUNDS_PER_SEED: usize = 2000;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/segment")
}

/// Segments of a small store: a sealed one and an open one.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let vfs = SimVfs::new();
    let writer = Writer::new(1);
    let mut environment = support::environment(Arc::new(vfs.clone()));
    environment.entropy = Arc::new(Fives);
    let store = relay_store::EmbeddedStore::open(&options("/d", 6000), environment).unwrap();
    writer.found(&store).unwrap();
    writer.push_range(&store, 1, 8, 100);
    drop(store);
    assert!(open(Arc::new(vfs.clone()), &options("/d", 6000)).is_ok());
    let segment = |n| vfs.contents()[&Path::new("/d/log").join(file_name(n))].clone();
    vec![("sealed".to_owned(), segment(1)), ("open".to_owned(), segment(2))]
}

struct Fives;

impl relay_core::environment::Entropy for Fives {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(5);
    }
}

#[test]
fn damage_of_any_kind_ends_in_an_answer() {
    let mut random = 1_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 16).unwrap()
    };
    for (name, seed) in seeds() {
        let path = corpus().join(name);
        if std::env::var("UPDATE_CORPUS").is_ok() {
            std::fs::create_dir_all(corpus()).unwrap();
            std::fs::write(&path, &seed).unwrap();
        }
        let seed = std::fs::read(&path).unwrap();
        fuzzing::segment(&seed);
        for _ in 0..ROUNDS_PER_SEED {
            let mut bytes = seed.clone();
            for _ in 0..1 + next() % 4 {
                let at = next() % bytes.len();
                match next() % 4 {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes[at] = 0xff,
                    2 => bytes[at] = 0,
                    _ => bytes[at] ^= 1 << (next() % 8),
                }
            }
            fuzzing::segment(&bytes);
        }
    }
}

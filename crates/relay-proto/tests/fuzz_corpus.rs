//! Every fuzz target over its committed corpus, and over each seed with single bytes changed.

#[path = "../../../fuzz/src/proto.rs"]
#[allow(unreachable_pub, reason = "the fuzz crate exports what this test only calls")]
mod targets;

use std::fs;
use std::path::Path;

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 5] = [
    ("client_frame", targets::client_frame),
    ("relay_frame", targets::relay_frame),
    ("roster_chain", targets::roster_chain),
    ("manifest", targets::manifest),
    ("attestation", targets::attestation),
];

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    fs::read_dir(folder).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn no_target_fails_on_its_corpus() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "no corpus for {name}");
        seeds.iter().for_each(|seed| target(seed));
    }
}

#[test]
fn no_target_fails_when_a_byte_of_a_seed_changes() {
    for (name, target) in TARGETS {
        for mut seed in seeds(name) {
            for at in 0..seed.len().min(300) {
                for change in [0x01, 0x80, 0xff] {
                    seed[at] ^= change;
                    target(&seed);
                    seed[at] ^= change;
                }
            }
        }
    }
}

//! Every fuzz target over its committed corpus, and over each seed with single bytes changed.

use std::fs;
use std::path::Path;

type Target = (&'static str, fn(&[u8]) -> bool);

const TARGETS: [Target; 5] = [
    ("eidetica", relay_compat::eidetica::fuzz_request),
    ("eidetica_settings", relay_compat::eidetica::fuzz_settings),
    ("graceful", relay_compat::graceful::fuzz_request),
    ("gun", relay_compat::gun::fuzz_message),
    ("plures", relay_compat::plures::fuzz_message),
];

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    fs::read_dir(folder).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn no_target_fails_on_its_corpus_or_a_changed_byte_of_it() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "no corpus for {name}");
        for mut seed in seeds {
            assert!(target(&seed), "{name}");
            for at in 0..seed.len() {
                for change in [0x01, 0x20, 0x80, 0xff] {
                    seed[at] ^= change;
                    assert!(target(&seed), "{name}: byte {at}");
                    seed[at] ^= change;
                }
            }
        }
    }
}

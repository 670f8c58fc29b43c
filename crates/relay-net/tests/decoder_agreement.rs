//! The decoder gives the same events however its input is cut, for any bytes.

use relay_net::websocket::{Violation, fuzz_decode};

/// Splitmix64: enough randomness for tests, reproducible from the seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// A frame that is nearly right, so that random inputs get past the first byte.
fn nearly_a_frame(random: &mut Random) -> Vec<u8> {
    let opcode = [0, 0, 2, 2, 2, 8, 9, 10, 1, 3][usize::try_from(random.below(10)).unwrap()];
    let first = if random.below(4) == 0 { opcode } else { 0x80 | opcode };
    let length = [0, 1, 5, 125, 126, 300, 4096, 5000][usize::try_from(random.below(8)).unwrap()];
    let mut frame = vec![first];
    match length {
        0..=125 => frame.push(0x80 | u8::try_from(length).unwrap()),
        length => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    frame.extend((0..4 + length).map(|_| random.next().to_le_bytes()[0]));
    if random.below(10) == 0 {
        let index = usize::try_from(random.below(frame.len() as u64)).unwrap();
        frame[index] ^= 1 << random.below(8);
    }
    frame
}

#[test]
fn whole_and_split_input_agree() {
    let mut random = Random(2);
    for round in 0..20_000 {
        let frames = 1 + random.below(4);
        let mut input = Vec::new();
        for _ in 0..frames {
            input.extend(nearly_a_frame(&mut random));
        }
        let kept = usize::try_from(random.below(input.len() as u64 + 1)).unwrap();
        input.truncate(if random.below(2) == 0 { kept } else { input.len() });
        assert!(fuzz_decode(&input), "round {round}: {input:?}");
    }
}

#[test]
fn every_violation_has_its_own_name_and_a_close_code_that_may_be_sent() {
    let mut names: Vec<_> = Violation::ALL.iter().map(|violation| violation.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Violation::ALL.len());
    for violation in Violation::ALL {
        assert!(relay_net::websocket::close::may_be_sent(violation.close_code()), "{violation:?}");
    }
}

#[test]
fn the_fuzz_target_holds_over_its_committed_corpus() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/websocket");
    let seeds: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|seed| std::fs::read(seed.unwrap().path()).unwrap()).collect();
    assert!(seeds.len() >= 8, "the corpus is not complete");
    for seed in &seeds {
        assert!(fuzz_decode(seed));
        for at in 0..seed.len() {
            let mut changed = seed.clone();
            changed[at] ^= 0x55;
            assert!(fuzz_decode(&changed));
        }
    }
}

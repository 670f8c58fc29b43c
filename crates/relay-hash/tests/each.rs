//! Whatever the lengths and the number of texts, each hash is the library's.

use proptest::prelude::*;
use relay_hash::{LANES, sha256_each};
use sha2::{Digest, Sha256};

fn one_by_one(texts: &[&[u8]]) -> Vec<[u8; 32]> {
    texts.iter().map(|text| Sha256::digest(text).into()).collect()
}

fn bytes(count: usize, seed: usize) -> Vec<u8> {
    (0..count).map(|at| u8::try_from((at * 31 + seed * 7 + at / 251) % 256).unwrap()).collect()
}

#[test]
fn every_length_around_the_ends_of_blocks() {
    for first in (0..=200).chain(1000..=1100) {
        let texts: Vec<Vec<u8>> = (0..LANES).map(|lane| bytes(first + lane / 5, lane)).collect();
        let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        assert_eq!(sha256_each(&texts), one_by_one(&texts), "from {first}");
    }
}

#[test]
fn every_number_of_texts() {
    let texts: Vec<Vec<u8>> = (0..70).map(|seed| bytes(100 + seed % 3, seed)).collect();
    for count in 0..=texts.len() {
        let texts: Vec<&[u8]> = texts[..count].iter().map(Vec::as_slice).collect();
        assert_eq!(sha256_each(&texts), one_by_one(&texts), "{count}");
    }
}

#[test]
fn short_ones_beside_long_ones() {
    let texts: Vec<Vec<u8>> = (0..40).map(|seed| bytes(if seed % 7 == 3 { 100_000 } else { seed }, seed)).collect();
    let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
    assert_eq!(sha256_each(&texts), one_by_one(&texts));
}

#[test]
fn the_vectors_of_the_standard() {
    let abc = sha256_each(&[b"abc".as_slice(); LANES]);
    let expected = [
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03,
        0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
    ];
    assert_eq!(abc, [expected; LANES]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn random_texts(texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..50)) {
        let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(sha256_each(&texts), one_by_one(&texts));
    }
}

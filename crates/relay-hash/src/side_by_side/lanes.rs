//! SHA-256 with AVX-512: a register holds the same word of sixteen texts, so each step of the algorithm (FIPS 180-4, 6.2.2) is done for
//! sixteen texts at once.

use super::text::Text;
use crate::block::{BLOCK_BYTES, INITIAL_STATE, NO_BLOCK};
use crate::{LANES, Sha256Hash};
use std::arch::x86_64::{
    __m512i, _mm_extract_epi32, _mm512_add_epi32, _mm512_extracti32x4_epi32, _mm512_ror_epi32, _mm512_set_epi64,
    _mm512_set1_epi32, _mm512_set4_epi32, _mm512_shuffle_epi8, _mm512_shuffle_i32x4, _mm512_srli_epi32,
    _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32,
    _mm512_unpacklo_epi64,
};

/// The round constants (FIPS 180-4, 4.2.2).
const K: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];

/// `a ^ b ^ c`, as the processor's instruction for three operands numbers it.
const XOR3: i32 = 0x96;
/// `a ? b : c`.
const CHOOSE: i32 = 0xca;
/// What two of three say.
const MAJORITY: i32 = 0xe8;

/// Whether this processor can.
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")
}

/// The hashes of at most [`LANES`] texts, in their order; on a processor that cannot by the library.
pub(super) fn hash(texts: &[Text<'_>]) -> [Sha256Hash; LANES] {
    if !is_available() {
        return std::array::from_fn(|lane| texts.get(lane).map(Text::hash).unwrap_or_default());
    }
    #[expect(unsafe_code, reason = "Rust cannot know what was asked of the processor one line before")]
    // SAFETY: the function asks nothing of its arguments; it is unsafe to call only where the processor has no AVX-512F and AVX-512BW,
    // and it was just found to have both.
    unsafe {
        hash_lanes(texts)
    }
}

/// The blocks that all texts have are hashed side by side, and what longer ones have beyond by the library.
#[target_feature(enable = "avx512f,avx512bw")]
fn hash_lanes(texts: &[Text<'_>]) -> [Sha256Hash; LANES] {
    let shared = texts.iter().map(Text::blocks).min().unwrap_or_default();
    let mut state = INITIAL_STATE.map(|word| _mm512_set1_epi32(word.cast_signed()));
    for index in 0..shared {
        let rows = std::array::from_fn(|lane| load(texts.get(lane).map_or(&NO_BLOCK, |text| text.block(index))));
        state = compress(state, transpose(rows));
    }
    let words = state.map(|register| words_of(register));
    let mut hashes = [Sha256Hash::default(); LANES];
    for (lane, (text, hash)) in texts.iter().zip(&mut hashes).enumerate() {
        *hash = text.hash_from(shared, words.map(|word| word[lane]));
    }
    hashes
}

/// One block of each text; `w` is its words, of all texts together.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn compress(state: [__m512i; 8], mut w: [__m512i; 16]) -> [__m512i; 8] {
    let (sixteens, _) = K.as_chunks();
    let mut next = rounds(state, &w, &sixteens[0]);
    for constants in &sixteens[1..] {
        w = schedule(w);
        next = rounds(next, &w, constants);
    }
    next.iter_mut().zip(state).for_each(|(word, before)| *word = _mm512_add_epi32(*word, before));
    next
}

/// Calls a macro for each of sixteen words: written out, so that all of them stay in registers.
macro_rules! for_each_word {
    ($step:ident) => {
        $step!(0, 1, 9, 14);
        $step!(1, 2, 10, 15);
        $step!(2, 3, 11, 0);
        $step!(3, 4, 12, 1);
        $step!(4, 5, 13, 2);
        $step!(5, 6, 14, 3);
        $step!(6, 7, 15, 4);
        $step!(7, 8, 0, 5);
        $step!(8, 9, 1, 6);
        $step!(9, 10, 2, 7);
        $step!(10, 11, 3, 8);
        $step!(11, 12, 4, 9);
        $step!(12, 13, 5, 10);
        $step!(13, 14, 6, 11);
        $step!(14, 15, 7, 12);
        $step!(15, 0, 8, 13);
    };
}

/// Sixteen rounds with the words as they are.
#[inline]
#[target_feature(enable = "avx512f")]
fn rounds(state: [__m512i; 8], w: &[__m512i; 16], constants: &[u32; 16]) -> [__m512i; 8] {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
    macro_rules! round {
        ($i:literal, $($_other:literal),+) => {
            let sigma_e = xor3(_mm512_ror_epi32::<6>(e), _mm512_ror_epi32::<11>(e), _mm512_ror_epi32::<25>(e));
            let chosen = _mm512_ternarylogic_epi32::<CHOOSE>(e, f, g);
            let constant = _mm512_add_epi32(w[$i], _mm512_set1_epi32(constants[$i].cast_signed()));
            let first = _mm512_add_epi32(_mm512_add_epi32(h, constant), _mm512_add_epi32(sigma_e, chosen));
            let sigma_a = xor3(_mm512_ror_epi32::<2>(a), _mm512_ror_epi32::<13>(a), _mm512_ror_epi32::<22>(a));
            let second = _mm512_add_epi32(sigma_a, _mm512_ternarylogic_epi32::<MAJORITY>(a, b, c));
            (h, g, f, e) = (g, f, e, _mm512_add_epi32(d, first));
            (d, c, b, a) = (c, b, a, _mm512_add_epi32(first, second));
        };
    }
    for_each_word!(round);
    [a, b, c, d, e, f, g, h]
}

/// The next sixteen words of the message schedule, each from those 16, 15, 7 and 2 before it.
#[inline]
#[target_feature(enable = "avx512f")]
fn schedule(mut w: [__m512i; 16]) -> [__m512i; 16] {
    macro_rules! word {
        ($i:literal, $by_15:literal, $by_7:literal, $by_2:literal) => {
            w[$i] = scheduled(w[$i], w[$by_15], w[$by_7], w[$by_2]);
        };
    }
    for_each_word!(word);
    w
}

/// A word of the message schedule, from those 16, 15, 7 and 2 before it.
#[inline]
#[target_feature(enable = "avx512f")]
fn scheduled(by_16: __m512i, by_15: __m512i, by_7: __m512i, by_2: __m512i) -> __m512i {
    let small = xor3(_mm512_ror_epi32::<7>(by_15), _mm512_ror_epi32::<18>(by_15), _mm512_srli_epi32::<3>(by_15));
    let large = xor3(_mm512_ror_epi32::<17>(by_2), _mm512_ror_epi32::<19>(by_2), _mm512_srli_epi32::<10>(by_2));
    _mm512_add_epi32(_mm512_add_epi32(by_16, small), _mm512_add_epi32(by_7, large))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor3(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<XOR3>(a, b, c)
}

/// The sixteen words of a block, most significant byte first.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load(block: &[u8; BLOCK_BYTES]) -> __m512i {
    let (pairs, _) = block.as_chunks();
    let pair = |at: usize| i64::from_le_bytes(pairs[at]);
    let words = _mm512_set_epi64(pair(7), pair(6), pair(5), pair(4), pair(3), pair(2), pair(1), pair(0));
    _mm512_shuffle_epi8(words, _mm512_set4_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203))
}

/// From a register for each text to one for each word.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose(rows: [__m512i; 16]) -> [__m512i; 16] {
    // In squares of 2, then 4, within each quarter of the registers; then the quarters themselves.
    let (mut twos, mut fours) = (rows, rows);
    for i in (0..16).step_by(2) {
        twos[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        twos[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    for i in (0..16).step_by(4) {
        fours[i] = _mm512_unpacklo_epi64(twos[i], twos[i + 2]);
        fours[i + 1] = _mm512_unpackhi_epi64(twos[i], twos[i + 2]);
        fours[i + 2] = _mm512_unpacklo_epi64(twos[i + 1], twos[i + 3]);
        fours[i + 3] = _mm512_unpackhi_epi64(twos[i + 1], twos[i + 3]);
    }
    quarters(quarters(fours, 4), 8)
}

/// Sorts even and odd quarters of registers that are `apart` from each other, all into the first and the second half of each `2 × apart`.
#[inline]
#[target_feature(enable = "avx512f")]
fn quarters(rows: [__m512i; 16], apart: usize) -> [__m512i; 16] {
    let mut sorted = rows;
    for at in (0..16).filter(|at| at & apart == 0) {
        sorted[at] = _mm512_shuffle_i32x4::<0x88>(rows[at], rows[at + apart]);
        sorted[at + apart] = _mm512_shuffle_i32x4::<0xdd>(rows[at], rows[at + apart]);
    }
    sorted
}

/// A register's words, one for each text.
#[inline]
#[target_feature(enable = "avx512f")]
fn words_of(register: __m512i) -> [u32; LANES] {
    let quarters = [
        _mm512_extracti32x4_epi32::<0>(register),
        _mm512_extracti32x4_epi32::<1>(register),
        _mm512_extracti32x4_epi32::<2>(register),
        _mm512_extracti32x4_epi32::<3>(register),
    ];
    let mut words = [0; LANES];
    for (four, quarter) in words.as_chunks_mut().0.iter_mut().zip(quarters) {
        *four = [
            _mm_extract_epi32::<0>(quarter).cast_unsigned(),
            _mm_extract_epi32::<1>(quarter).cast_unsigned(),
            _mm_extract_epi32::<2>(quarter).cast_unsigned(),
            _mm_extract_epi32::<3>(quarter).cast_unsigned(),
        ];
    }
    words
}

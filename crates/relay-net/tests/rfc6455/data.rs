//! Categories 1 and 9: messages of every interesting size, in one piece and in fragments.

use super::case::{Case, binary, closes, open};
use super::support::client::{BINARY, CONTINUATION, TEXT, frame, raw_frame};
use super::support::endpoints::MESSAGE_BYTES_MAX;

pub(crate) fn data_frames() -> Vec<Case> {
    let mut cases: Vec<_> = [0, 1, 2, 3, 7, 8, 125, 126, 127, 128, 65_535, 65_536, 70_000, 262_144, MESSAGE_BYTES_MAX]
        .into_iter()
        .map(|size| {
            let payload: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect();
            open(format!("1.2 / 9.2 binary of {size}"), &[frame(BINARY, &payload)], vec![binary(&payload)])
        })
        .collect();
    let text = "text_message";
    cases.push(closes("1.1.1 empty text", &[frame(TEXT, b"")], vec![], 1003, text));
    cases.push(closes("1.1.2 text", &[frame(TEXT, b"hello")], vec![], 1003, text));
    cases.push(closes("6.4.1 text that is not UTF-8", &[frame(TEXT, b"\xce\xba\xe1\xbd\xb9\xff")], vec![], 1003, text));
    cases.push(closes("6.1.2 fragmented text", &[raw_frame(TEXT, b"hel")], vec![], 1003, text));
    cases.push(closes("binary, then text", &[frame(BINARY, b"a"), frame(TEXT, b"b")], vec![binary(b"a")], 1003, text));
    cases
}

/// A message in fragments of `piece` bytes.
fn in_fragments(payload: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let count = payload.len().div_ceil(piece);
    let fragment = |(i, bytes): (usize, &[u8])| {
        let opcode = if i == 0 { BINARY } else { CONTINUATION };
        if i + 1 == count { frame(opcode, bytes) } else { raw_frame(opcode, bytes) }
    };
    payload.chunks(piece).enumerate().map(fragment).collect()
}

pub(crate) fn fragmented_sizes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (size, piece) in
        [(65_536, 1_024), (65_536, 4_096), (262_144, 16_384), (MESSAGE_BYTES_MAX, 65_536), (5_000, 127)]
    {
        let payload: Vec<u8> = (0..size).map(|i| u8::try_from(i % 253).unwrap()).collect();
        let name = format!("9.4 binary of {size} in fragments of {piece}");
        cases.push(open(name, &in_fragments(&payload, piece), vec![binary(&payload)]));
    }
    cases
}

pub(crate) fn many_messages() -> Vec<Case> {
    [(0, 1_000), (16, 1_000), (64, 1_000), (256, 500), (1_024, 250), (4_096, 100)]
        .into_iter()
        .map(|(size, count)| {
            let payload = vec![0x5a; size];
            let sent = vec![frame(BINARY, &payload); count];
            open(format!("9.8 {count} messages of {size}"), &sent, vec![binary(&payload); count])
        })
        .collect()
}

//! Lengths, masks and limits, decided on what a header declares.

use super::case::{Case, binary, closes, open};
use super::support::client::{BINARY, CLOSE, CONTINUATION, PING, TEXT, frame, raw_frame};
use super::support::endpoints::{MESSAGE_BYTES_MAX, SMALL_BYTES_MAX};

pub(crate) fn lengths_and_masks() -> Vec<Case> {
    let header = |bytes: &[u8]| vec![bytes.to_vec()];
    let mut cases = Vec::new();
    for length in [0_u16, 1, 125] {
        let [a, b] = length.to_be_bytes();
        let sent = header(&[0x82, 0x80 | 126, a, b, 1, 2, 3, 4]);
        cases.push(closes(format!("16-bit length for {length}"), &sent, vec![], 1002, "non_minimal_length"));
    }
    for length in [0_u64, 125, 126, 65_535] {
        let sent = [&[0x82, 0x80 | 127][..], &length.to_be_bytes()].concat();
        cases.push(closes(format!("64-bit length for {length}"), &header(&sent), vec![], 1002, "non_minimal_length"));
    }
    for length in [1 << 63, u64::MAX] {
        let sent = [&[0x82, 0x80 | 127][..], &length.to_be_bytes()].concat();
        cases.push(closes(format!("length {length}"), &header(&sent), vec![], 1002, "length_overflow"));
    }
    let one_more = MESSAGE_BYTES_MAX as u64 + 1;
    for length in [one_more, u64::from(u32::MAX) + 1, u64::MAX >> 1] {
        let sent = [&[0x82, 0x80 | 127][..], &length.to_be_bytes(), &[1, 2, 3, 4]].concat();
        let name = format!("too big, decided on the declared length {length}");
        cases.push(closes(name, &header(&sent), vec![], 1009, "message_too_big"));
    }
    let half = vec![7; MESSAGE_BYTES_MAX / 2 + 1];
    let sum = [raw_frame(BINARY, &half), frame(CONTINUATION, &half)];
    cases.push(closes("fragments that sum to too much", &sum, vec![], 1009, "message_too_big"));
    let fits = vec![8; SMALL_BYTES_MAX];
    let shrunk = [frame(BINARY, b"!small"), frame(BINARY, &fits), frame(BINARY, &[8; SMALL_BYTES_MAX + 1])].concat();
    let name = "too big for the endpoint's present state, all in one write";
    cases.push(closes(name, &[shrunk], vec![binary(&fits)], 1009, "message_too_big"));
    for opcode in [BINARY, PING, CLOSE, TEXT, CONTINUATION] {
        let sent = header(&[0x80 | opcode, 0]);
        cases.push(closes(format!("unmasked opcode {opcode}"), &sent, vec![], 1002, "unmasked_frame"));
    }
    let unmasked = header(&[0x82, 5, b'h', b'e', b'l', b'l', b'o']);
    cases.push(closes("unmasked message", &unmasked, vec![], 1002, "unmasked_frame"));
    let zero_mask = header(&[0x82, 0x82, 0, 0, 0, 0, b'o', b'k']);
    cases.push(open("a mask of zeros", &zero_mask, vec![binary(b"ok")]));
    cases
}

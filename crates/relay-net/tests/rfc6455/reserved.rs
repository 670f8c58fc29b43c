//! Categories 3 and 4: reserved bits and opcodes.

use super::case::{Case, binary, closes};
use super::support::client::{BINARY, CLOSE, PING, frame, raw_frame};

pub(crate) fn reserved() -> Vec<Case> {
    let mut cases = Vec::new();
    for bits in [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70] {
        for opcode in [BINARY, PING, CLOSE] {
            cases.push(closes(
                format!("3.x reserved bits {bits:#x} on opcode {opcode}"),
                &[frame(BINARY, b"first"), raw_frame(0x80 | bits | opcode, b"")],
                vec![binary(b"first")],
                1002,
                "reserved_bits",
            ));
        }
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        for payload in [&b""[..], b"payload"] {
            cases.push(closes(
                format!("4.x reserved opcode {opcode}"),
                &[frame(BINARY, b"first"), frame(opcode, payload)],
                vec![binary(b"first")],
                1002,
                "reserved_opcode",
            ));
        }
    }
    cases
}

//! Category 6: UTF-8. Text messages are refused whatever they hold; the reason of a close frame is where text is read.

use super::case::{Case, closes};
use super::support::client::{CLOSE, CONTINUATION, Frame, TEXT, close_payload, frame, raw_frame};

/// The sequences of the Autobahn cases 6.2 to 6.23 (after Markus Kuhn's stress test), as texts.
const VALID: [&str; 34] = [
    "Hello-\u{b5}@\u{df}\u{f6}\u{e4}\u{fc}\u{e0}\u{e1}-UTF-8!!",
    "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}",
    "\u{0}",
    "\u{80}",
    "\u{800}",
    "\u{10000}",
    "\u{7f}",
    "\u{7ff}",
    "\u{ffff}",
    "\u{10ffff}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{fffd}",
    "\u{fffe}",
    "\u{1fffe}",
    "\u{1ffff}",
    "\u{2fffe}",
    "\u{2ffff}",
    "\u{3fffe}",
    "\u{3ffff}",
    "\u{4fffe}",
    "\u{4ffff}",
    "\u{5fffe}",
    "\u{5ffff}",
    "\u{6fffe}",
    "\u{6ffff}",
    "\u{7fffe}",
    "\u{7ffff}",
    "\u{8fffe}",
    "\u{8ffff}",
    "\u{9fffe}",
    "\u{9ffff}",
    "\u{ffffe}",
    "\u{10fffe}",
];

/// Bytes that are no UTF-8: lone continuations, cut sequences, impossible bytes, overlong forms, surrogates, too great.
const INVALID: [&[u8]; 58] = [
    b"\x80",
    b"\xbf",
    b"\x80\xbf",
    b"\x80\xbf\x80",
    b"\x80\xbf\x80\xbf",
    b"\x80\xbf\x80\xbf\x80",
    b"\x80\xbf\x80\xbf\x80\xbf",
    b"\xc0 \xc1 \xc2 ",
    b"\xe0 \xe1 \xe2 ",
    b"\xf0 \xf1 \xf2 ",
    b"\xf8 \xf9 \xfa ",
    b"\xfc \xfd ",
    b"\xc0",
    b"\xe0\x80",
    b"\xf0\x80\x80",
    b"\xf8\x80\x80\x80",
    b"\xfc\x80\x80\x80\x80",
    b"\xdf",
    b"\xef\xbf",
    b"\xf7\xbf\xbf",
    b"\xfb\xbf\xbf\xbf",
    b"\xfd\xbf\xbf\xbf\xbf",
    b"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80",
    b"\xfe",
    b"\xff",
    b"\xfe\xfe\xff\xff",
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xf8\x80\x80\x80\xaf",
    b"\xfc\x80\x80\x80\x80\xaf",
    b"\xc1\xbf",
    b"\xe0\x9f\xbf",
    b"\xf0\x8f\xbf\xbf",
    b"\xf8\x87\xbf\xbf\xbf",
    b"\xfc\x83\xbf\xbf\xbf\xbf",
    b"\xc0\x80",
    b"\xe0\x80\x80",
    b"\xf0\x80\x80\x80",
    b"\xf8\x80\x80\x80\x80",
    b"\xfc\x80\x80\x80\x80\x80",
    b"\xed\xa0\x80",
    b"\xed\xad\xbf",
    b"\xed\xae\x80",
    b"\xed\xaf\xbf",
    b"\xed\xb0\x80",
    b"\xed\xbe\x80",
    b"\xed\xbf\xbf",
    b"\xed\xa0\x80\xed\xb0\x80",
    b"\xed\xa0\x80\xed\xbf\xbf",
    b"\xed\xad\xbf\xed\xb0\x80",
    b"\xed\xaf\xbf\xed\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\xf7\xbf\xbf\xbf",
    b"\xf5\x80\x80\x80",
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited",
    b"a\xe2\x82",
    b"\xe2\x28\xa1",
];

fn close_with(reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, &close_payload(1000, reason))
}

pub(crate) fn reasons() -> Vec<Case> {
    let answer = |code, reason: &[u8]| vec![Frame { opcode: CLOSE, payload: close_payload(code, reason) }];
    let valid = VALID.iter().map(|text| Case {
        name: format!("6.x reason {}", text.escape_unicode()),
        sent: close_with(text.as_bytes()),
        answers: answer(1000, b""),
    });
    let invalid = INVALID.iter().map(|bytes| Case {
        name: format!("6.x reason {}", bytes.escape_ascii()),
        sent: close_with(bytes),
        answers: answer(1007, b"close_reason"),
    });
    valid.chain(invalid).collect()
}

pub(crate) fn texts() -> Vec<Case> {
    let bytes = VALID.iter().map(|text| text.as_bytes()).chain(INVALID);
    bytes
        .flat_map(|bytes| {
            let shown = bytes.escape_ascii();
            let cut = bytes.len() / 2;
            let pieces = [raw_frame(TEXT, &bytes[..cut]), frame(CONTINUATION, &bytes[cut..])];
            [
                closes(format!("6.x text {shown}"), &[frame(TEXT, bytes)], vec![], 1003, "text_message"),
                closes(format!("6.x text in two fragments {shown}"), &pieces, vec![], 1003, "text_message"),
            ]
        })
        .collect()
}

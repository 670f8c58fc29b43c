//! Category 7: the closing handshake.

use super::case::{Case, binary};
use super::support::client::{BINARY, CLOSE, Frame, PING, close_payload, frame};

pub(crate) fn closing() -> Vec<Case> {
    let echo =
        |payload: &[u8], answer: &[u8]| (frame(CLOSE, payload), Frame { opcode: CLOSE, payload: answer.to_vec() });
    let mut cases = Vec::new();
    let mut add = |name: String, sent: Vec<u8>, answer: Frame| cases.push(Case { name, sent, answers: vec![answer] });
    let (sent, answer) = echo(b"", b"");
    add("7.3.1 close without payload".to_owned(), sent, answer);
    let (sent, answer) = echo(&close_payload(1000, &[b'x'; 123]), &close_payload(1000, b""));
    add("7.3.5 longest reason".to_owned(), sent, answer);
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        let (sent, answer) = echo(&close_payload(code, b"why"), &close_payload(code, b""));
        add(format!("7.7 valid code {code}"), sent, answer);
    }
    let answer = |code, reason: &str| Frame { opcode: CLOSE, payload: close_payload(code, reason.as_bytes()) };
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        add(format!("7.9 invalid code {code}"), frame(CLOSE, &close_payload(code, b"")), answer(1002, "close_code"));
    }
    add("7.3.2 close of one byte".to_owned(), frame(CLOSE, b"x"), answer(1002, "close_length"));
    let bad_reason = close_payload(1000, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80");
    add("7.5.1 reason that is not UTF-8".to_owned(), frame(CLOSE, &bad_reason), answer(1007, "close_reason"));
    let oversized = [vec![0x88, 0x80 | 126, 0, 126, 1, 2, 3, 4], vec![0; 126]].concat();
    add("7.3.6 close of 126".to_owned(), oversized, answer(1002, "oversized_control"));
    let twice = [frame(CLOSE, &close_payload(1000, b"")), frame(CLOSE, &close_payload(1001, b""))].concat();
    add("7.1.2 two closes".to_owned(), twice, answer(1000, ""));
    let then_ping = [frame(CLOSE, &close_payload(1000, b"")), frame(PING, b"p")].concat();
    add("7.1.3 ping after close".to_owned(), then_ping, answer(1000, ""));
    let then_message = [frame(CLOSE, &close_payload(1000, b"")), frame(BINARY, b"m")].concat();
    add("7.1.4 message after close".to_owned(), then_message, answer(1000, ""));
    let then_flood = [frame(CLOSE, &close_payload(1000, b"")), frame(BINARY, &vec![1; 262_144])].concat();
    add("7.1.6 much after close".to_owned(), then_flood, answer(1000, ""));
    let after_message = [frame(BINARY, b""), frame(CLOSE, b"")].concat();
    cases.push(Case {
        name: "7.1.1 message, then close".to_owned(),
        sent: after_message,
        answers: vec![binary(b""), Frame { opcode: CLOSE, payload: vec![] }],
    });
    cases
}

//! Category 2: pings and pongs.

use super::case::{Case, binary, closes, open, pong};
use super::support::client::{BINARY, PING, PONG, frame};

pub(crate) fn pings() -> Vec<Case> {
    let long = [0xfe; 125];
    let ten: Vec<_> = (0..10_u8).map(|i| frame(PING, &[i])).collect();
    let oversized = [vec![0x89, 0x80 | 126, 0, 126, 1, 2, 3, 4], vec![0; 126]].concat();
    vec![
        open("2.1 empty ping", &[frame(PING, b"")], vec![pong(b"")]),
        open("2.2 ping with text", &[frame(PING, b"Hello, world!")], vec![pong(b"Hello, world!")]),
        open("2.3 ping with bytes", &[frame(PING, b"\0\xff\xfe\xfd")], vec![pong(b"\0\xff\xfe\xfd")]),
        open("2.4 ping of 125", &[frame(PING, &long)], vec![pong(&long)]),
        closes("2.5 ping of 126", &[oversized], vec![], 1002, "oversized_control"),
        open("2.7 unsolicited pong", &[frame(PONG, b"")], vec![]),
        open("2.8 unsolicited pong with payload", &[frame(PONG, b"unasked")], vec![]),
        open("2.9 pong, then ping", &[frame(PONG, b"a"), frame(PING, b"b")], vec![pong(b"b")]),
        open("2.10 ten pings in order", &ten, (0..10_u8).map(|i| pong(&[i])).collect()),
        open(
            "ping between messages",
            &[frame(BINARY, b"a"), frame(PING, b"p"), frame(BINARY, b"b")],
            vec![binary(b"a"), pong(b"p"), binary(b"b")],
        ),
    ]
}

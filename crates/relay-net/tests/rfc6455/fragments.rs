//! Category 5: fragmentation.

use super::case::{Case, binary, closes, open, pong};
use super::support::client::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame, raw_frame};

pub(crate) fn fragments() -> Vec<Case> {
    let (begin, go_on) = (raw_frame(BINARY, b"frag"), raw_frame(CONTINUATION, b"men"));
    let end = frame(CONTINUATION, b"ts");
    let whole = || vec![binary(b"fragments")];
    let orphan = "unexpected_continuation";
    let inside = "interleaved_message";
    vec![
        open("5.3 two fragments", &[raw_frame(BINARY, b"frag"), frame(CONTINUATION, b"ments")], whole()),
        open("three fragments", &[begin.clone(), go_on.clone(), end.clone()], whole()),
        open(
            "5.6 ping inside",
            &[begin.clone(), frame(PING, b"p"), go_on.clone(), end.clone()],
            vec![pong(b"p"), binary(b"fragments")],
        ),
        open("pong inside", &[begin.clone(), frame(PONG, b"p"), go_on.clone(), end.clone()], whole()),
        open(
            "5.19 pings inside, several",
            &[begin.clone(), frame(PING, b"1"), go_on.clone(), frame(PING, b"2"), end.clone()],
            vec![pong(b"1"), pong(b"2"), binary(b"fragments")],
        ),
        open(
            "6.1.2 empty fragments",
            &[raw_frame(BINARY, b""), raw_frame(CONTINUATION, b""), frame(CONTINUATION, b"")],
            vec![binary(b"")],
        ),
        open(
            "6.1.3 payload in the middle only",
            &[raw_frame(BINARY, b""), raw_frame(CONTINUATION, b"middle"), frame(CONTINUATION, b"")],
            vec![binary(b"middle")],
        ),
        open(
            "two fragmented messages",
            &[begin.clone(), frame(CONTINUATION, b"1"), begin.clone(), frame(CONTINUATION, b"2")],
            vec![binary(b"frag1"), binary(b"frag2")],
        ),
        closes("5.1 fragmented ping", &[raw_frame(PING, b"a")], vec![], 1002, "fragmented_control"),
        closes("5.2 fragmented pong", &[raw_frame(PONG, b"a")], vec![], 1002, "fragmented_control"),
        closes("fragmented close", &[raw_frame(CLOSE, b"")], vec![], 1002, "fragmented_control"),
        closes("5.9 continuation of nothing", &[frame(CONTINUATION, b"x")], vec![], 1002, orphan),
        closes("5.12 open continuation of nothing", &[raw_frame(CONTINUATION, b"x")], vec![], 1002, orphan),
        closes(
            "5.15 continuation after the end",
            &[begin.clone(), end.clone(), end.clone()],
            vec![binary(b"fragts")],
            1002,
            orphan,
        ),
        closes("5.18 binary inside", &[begin.clone(), frame(BINARY, b"x")], vec![], 1002, inside),
        closes("text inside", &[begin.clone(), frame(TEXT, b"x")], vec![], 1002, inside),
        closes(
            "5.20 ping, then binary inside",
            &[begin.clone(), frame(PING, b"p"), raw_frame(BINARY, b"x")],
            vec![pong(b"p")],
            1002,
            inside,
        ),
        closes("too many fragments", &[begin, vec![go_on; 64].concat()], vec![], 1008, "too_many_fragments"),
    ]
}

//! RFC 6455 case by case, byte by byte, on real sockets. The numbers in the names follow the Autobahn test suite where it
//! has the case; text messages are refused here, so its text cases expect 1003.

mod support;

use relay_net::{NetLimits, NetStats};
use support::client::{BINARY, CLOSE, CONTINUATION, Client, Frame, PING, PONG, TEXT, close_payload, frame, raw_frame};
use support::endpoints::{Behaviour, MESSAGE_BYTES_MAX, SMALL_BYTES_MAX};
use support::relay;

struct Case {
    name: String,
    sent: Vec<u8>,
    answers: Vec<Frame>,
}

fn binary(payload: &[u8]) -> Frame {
    Frame { opcode: BINARY, payload: payload.to_vec() }
}

fn pong(payload: &[u8]) -> Frame {
    Frame { opcode: PONG, payload: payload.to_vec() }
}

/// A case that leaves the connection open; the runner then closes it.
fn open(name: impl Into<String>, sent: &[Vec<u8>], answers: Vec<Frame>) -> Case {
    let mut sent = sent.concat();
    sent.extend(frame(CLOSE, &close_payload(1000, b"done")));
    let mut answers = answers;
    answers.push(Frame { opcode: CLOSE, payload: close_payload(1000, b"") });
    Case { name: name.into(), sent, answers }
}

/// A case that ends with the server's close frame.
fn closes(name: impl Into<String>, sent: &[Vec<u8>], answers: Vec<Frame>, code: u16, reason: &str) -> Case {
    let mut answers = answers;
    answers.push(Frame { opcode: CLOSE, payload: close_payload(code, reason.as_bytes()) });
    Case { name: name.into(), sent: sent.concat(), answers }
}

fn data_frames() -> Vec<Case> {
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

fn pings() -> Vec<Case> {
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

fn reserved() -> Vec<Case> {
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

fn fragments() -> Vec<Case> {
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

fn closing() -> Vec<Case> {
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

fn lengths_and_masks() -> Vec<Case> {
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

fn all_cases() -> Vec<Case> {
    [data_frames(), pings(), reserved(), fragments(), closing(), lengths_and_masks()].into_iter().flatten().collect()
}

fn limits() -> NetLimits {
    NetLimits { message_fragments_max: 64, ..NetLimits::default() }
}

async fn run(pieces: impl Fn(&Case) -> Option<usize>) -> (usize, NetStats) {
    let relay = relay(Behaviour::Echo, limits()).await;
    let mut bystander = relay.client().await;
    let mut ran = 0;
    for case in all_cases() {
        let Some(piece) = pieces(&case) else { continue };
        let mut client: Client = relay.client().await;
        for piece in case.sent.chunks(piece) {
            client.send(piece).await;
        }
        let answers = client.rest().await;
        assert_eq!(answers, case.answers, "{}", case.name);
        bystander.echoes(case.name.as_bytes()).await;
        ran += 1;
    }
    drop(bystander);
    let stats =
        relay.until("every connection is gone", |stats| stats.connections_open == 0 && stats.partial_bytes == 0).await;
    assert_eq!(relay.factory.seen.opened(), relay.factory.seen.closed());
    (ran, stats)
}

#[tokio::test]
async fn every_case_sent_at_once() {
    let (ran, stats) = run(|case| Some(case.sent.len())).await;
    assert!(ran >= 120, "{ran} cases");
    for (violation, count) in &stats.protocol_errors_by_kind {
        assert!(*count > 0, "no case commits {violation:?}");
    }
    let sum: u64 = stats.protocol_errors_by_kind.iter().map(|(_, count)| count).sum();
    assert_eq!(stats.protocol_errors_total, sum);
}

#[tokio::test]
async fn every_short_case_sent_byte_by_byte() {
    let (ran, _) = run(|case| (case.sent.len() < 2_000).then_some(1)).await;
    assert!(ran >= 100, "{ran} cases");
}

#[tokio::test]
async fn every_case_sent_in_odd_pieces() {
    run(|case| (case.sent.len() < 300_000).then_some(997)).await;
}

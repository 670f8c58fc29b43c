//! Sessions and requests whose sockets a program owns: windows in both directions, limits, closes, drain.

mod support;

use relay_net::{BatchError, Clock, Embedded, Endpoints, ForeignServices, FrameRoute, NetLimits, Route, RouteKind};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::NATIVE;
use support::endpoints::{Behaviour, Factory, MESSAGE_BYTES_MAX};
use tokio::sync::Notify;

const OPEN_SESSION: u8 = 1;
const OPEN_REQUEST: u8 = 2;
const DATA: u8 = 3;
const END: u8 = 4;
const GONE: u8 = 5;
const TAKEN: u8 = 6;

const HEAD_OUT: u8 = 1;
const DATA_OUT: u8 = 2;
const END_OUT: u8 = 3;
const CLOSE_OUT: u8 = 4;
const CUT_OUT: u8 = 5;
const TAKEN_OUT: u8 = 6;
const PING_OUT: u8 = 7;

const HEADER_BYTES: usize = 9;

#[derive(Debug, PartialEq, Eq)]
struct Said {
    kind: u8,
    stream: u32,
    payload: Vec<u8>,
}

struct Program {
    embedded: Arc<Embedded>,
    factory: Arc<Factory>,
    woken: Arc<Notify>,
    said: VecDeque<Said>,
}

fn program(limits: NetLimits) -> Program {
    let factory = Factory::new(Behaviour::Echo);
    let endpoints =
        Endpoints { native: factory.clone(), http: factory.clone(), blobs: None, foreign: ForeignServices::new() };
    let woken = Arc::new(Notify::new());
    let waking = Arc::clone(&woken);
    let routes = vec![
        Route { path: NATIVE.to_owned(), kind: RouteKind::Native },
        Route { path: "/v1/frames".to_owned(), kind: RouteKind::Frames(FrameRoute::Frames) },
    ];
    let wake = Arc::new(move || waking.notify_one());
    let embedded = Embedded::start(routes, limits, endpoints, Clock::start(), wake).unwrap();
    Program { embedded: Arc::new(embedded), factory, woken, said: VecDeque::new() }
}

fn record(kind: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut record = vec![kind];
    record.extend(stream.to_be_bytes());
    record.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    record.extend(payload);
    record
}

impl Program {
    fn say(&self, kind: u8, stream: u32, payload: &[u8]) {
        self.embedded.receive(&record(kind, stream, payload)).unwrap();
    }

    /// The next thing the relay says beside its credits.
    async fn next(&mut self) -> Said {
        loop {
            while let Some(said) = self.said.pop_front() {
                if said.kind != TAKEN_OUT {
                    return said;
                }
            }
            self.more().await;
        }
    }

    /// Waits for output, unless some is there.
    async fn more(&mut self) {
        if !self.take() {
            tokio::time::timeout(Duration::from_secs(8), self.woken.notified()).await.expect("the relay says nothing");
            self.take();
        }
    }

    fn take(&mut self) -> bool {
        let mut any = false;
        while let Some(piece) = self.embedded.take() {
            any = true;
            let mut rest = &piece[..];
            while !rest.is_empty() {
                let length = u32::from_be_bytes(rest[5..9].try_into().unwrap()) as usize;
                let stream = u32::from_be_bytes(rest[1..5].try_into().unwrap());
                self.said.push_back(Said { kind: rest[0], stream, payload: rest[9..9 + length].to_vec() });
                rest = &rest[9 + length..];
            }
        }
        any
    }

    /// What is said until nothing more comes for a while.
    async fn settle(&mut self) -> Vec<Said> {
        let mut seen = Vec::new();
        while tokio::time::timeout(Duration::from_millis(200), self.more()).await.is_ok() {
            seen.extend(self.said.drain(..));
        }
        seen
    }

    async fn until_closed(&self) {
        let start = Instant::now();
        while self.factory.seen.closed() == 0 {
            assert!(start.elapsed() < Duration::from_secs(8), "the endpoint was never closed");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn said(kind: u8, stream: u32, payload: &[u8]) -> Said {
    Said { kind, stream, payload: payload.to_vec() }
}

fn closing(stream: u32, code: u16, reason: &str) -> Said {
    said(CLOSE_OUT, stream, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

#[tokio::test]
async fn one_batch_carries_many_sessions_and_every_byte_is_credited() {
    let mut program = program(NetLimits::default());
    let mut batch = Vec::new();
    for stream in 1..=50 {
        batch.extend(record(OPEN_SESSION, stream, b""));
        batch.extend(record(DATA, stream, format!("hello {stream}").as_bytes()));
    }
    program.embedded.receive(&batch).unwrap();
    let all = program.settle().await;
    for stream in 1..=50 {
        let hello = format!("hello {stream}");
        assert!(all.contains(&said(DATA_OUT, stream, hello.as_bytes())), "{stream}");
        let cost = u32::try_from(HEADER_BYTES + hello.len()).unwrap();
        assert!(all.contains(&said(TAKEN_OUT, stream, &cost.to_be_bytes())), "{stream}");
    }
    assert_eq!(program.embedded.stats().websockets_open, 50);
}

#[tokio::test]
async fn a_socket_that_takes_nothing_is_given_one_window_and_the_rest_when_it_does() {
    let limits = NetLimits::default();
    let window = limits.write_queue_bytes_max;
    let mut program = program(limits);
    program.say(OPEN_SESSION, 1, b"");
    program.say(DATA, 1, b"!flood");
    let cost = |all: &[Said]| -> usize {
        all.iter().filter(|said| said.kind == DATA_OUT).map(|said| HEADER_BYTES + said.payload.len()).sum()
    };
    let first = cost(&program.settle().await);
    assert!(first >= window && first < window + 2048, "{first} of {window}");
    program.say(TAKEN, 1, &10_000_u32.to_be_bytes());
    let second = cost(&program.settle().await);
    assert!((8000..12_100).contains(&second), "{second}");
    assert!(program.embedded.stats().slow_consumers_total >= 1);
}

#[tokio::test]
async fn a_socket_that_takes_nothing_for_too_long_is_cut() {
    let mut program = program(NetLimits { write_stall_timeout_ms: 150, ..NetLimits::default() });
    program.say(OPEN_SESSION, 1, b"");
    program.say(DATA, 1, b"!flood");
    let all = program.settle().await;
    assert_eq!(all.last(), Some(&said(CUT_OUT, 1, b"")));
    program.until_closed().await;
    assert_eq!(program.embedded.stats().write_stalls_total, 1);
}

#[tokio::test]
async fn what_the_endpoint_does_not_take_waits_and_a_program_without_patience_is_cut() {
    let mut program = program(NetLimits::default());
    program.say(OPEN_SESSION, 1, b"");
    program.say(DATA, 1, b"!pause-quietly");
    program.say(DATA, 1, b"afterwards");
    assert_eq!(program.next().await, said(DATA_OUT, 1, b"afterwards"));
    program.say(DATA, 1, b"!flood");
    for _ in 0..6 {
        program.say(DATA, 1, &vec![0; MESSAGE_BYTES_MAX]);
    }
    let all = program.settle().await;
    assert!(all.contains(&closing(1, 1008, "input_window")), "more than the window was taken");
}

#[tokio::test]
async fn the_endpoints_close_its_panic_and_a_message_too_large_end_the_session() {
    let mut program = program(NetLimits::default());
    for (stream, message, expected) in [
        (1, b"!close".to_vec(), closing(1, 4400, "asked")),
        (2, b"!panic".to_vec(), closing(2, 1011, "internal")),
        (3, vec![0; MESSAGE_BYTES_MAX + 1], closing(3, 1009, "message_too_large")),
    ] {
        program.say(OPEN_SESSION, stream, b"");
        program.say(DATA, stream, &message);
        assert_eq!(program.next().await, expected);
        program.say(GONE, stream, b"");
    }
    assert_eq!(program.factory.seen.closed(), 3);
    assert_eq!(program.embedded.stats().endpoint_panics_total, 1);
}

#[tokio::test]
async fn a_silent_peer_is_pinged_and_then_closed() {
    let mut program = program(NetLimits { heartbeat_ms: 100, ..NetLimits::default() });
    program.say(OPEN_SESSION, 1, b"");
    assert_eq!(program.next().await, said(PING_OUT, 1, b""));
    assert_eq!(program.next().await, closing(1, 1001, "heartbeat"));
}

#[tokio::test]
async fn a_socket_that_went_releases_its_endpoint() {
    let program = program(NetLimits::default());
    program.say(OPEN_SESSION, 1, b"");
    program.say(GONE, 1, b"");
    program.until_closed().await;
    program.say(DATA, 1, b"nobody listens");
    assert_eq!(program.embedded.stats().connections_open, 0);
}

#[tokio::test]
async fn beyond_the_limit_of_connections_sessions_and_requests_are_refused() {
    let mut program = program(NetLimits { connections_max: 1, ..NetLimits::default() });
    program.say(OPEN_SESSION, 1, b"");
    program.say(OPEN_SESSION, 2, b"");
    assert_eq!(program.next().await, closing(2, 1013, "too_many_connections"));
    program.say(OPEN_REQUEST, 3, b"POST /v1/frames\nhost: a");
    assert!(program.next().await.payload.starts_with(b"503\n"));
    assert_eq!(program.embedded.stats().refused_total, 2);
}

#[tokio::test]
async fn a_drain_tells_every_session_and_opens_nothing_more() {
    let mut program = program(NetLimits::default());
    program.say(OPEN_SESSION, 1, b"");
    program.say(DATA, 1, b"a");
    assert_eq!(program.next().await, said(DATA_OUT, 1, b"a"));
    let draining = Arc::clone(&program.embedded);
    let drained = tokio::spawn(async move { draining.drain(Duration::from_secs(8)).await });
    assert_eq!(program.next().await, said(DATA_OUT, 1, b"goaway"));
    assert_eq!(program.next().await, closing(1, 1012, "drain"));
    program.say(OPEN_SESSION, 2, b"");
    assert_eq!(program.next().await, closing(2, 1012, "drain"));
    program.say(GONE, 1, b"");
    drained.await.unwrap();
    assert_eq!(program.factory.seen.drained(), 1);
}

#[tokio::test]
async fn a_request_is_answered_in_pieces_and_its_body_is_credited() {
    let mut program = program(NetLimits::default());
    program.say(OPEN_REQUEST, 7, b"POST /v1/frames\nhost: a\nauthorization: Bearer x");
    let frame = [&3_u32.to_be_bytes()[..], b"abc"].concat();
    program.say(DATA, 7, &frame[..5]);
    program.say(DATA, 7, &frame[5..]);
    program.say(END, 7, b"");
    let head = program.next().await;
    assert_eq!((head.kind, head.stream), (HEAD_OUT, 7));
    let text = String::from_utf8(head.payload).unwrap();
    assert!(text.starts_with("200\n") && text.contains("\ncontent-type: application/octet-stream"), "{text}");
    let mut body = Vec::new();
    loop {
        match program.next().await {
            Said { kind: DATA_OUT, payload, .. } => body.extend(payload),
            end => break assert_eq!(end, said(END_OUT, 7, b"")),
        }
    }
    assert_eq!(body, frame);
}

#[tokio::test]
async fn requests_for_what_is_not_served_and_heads_that_are_none_are_refused() {
    let mut program = program(NetLimits::default());
    for (stream, head, status) in [
        (1, "GET /other\nhost: a", "404"),
        (2, "GET /test/native\nhost: a", "404"),
        (3, "no head", "400"),
        (4, "GET /v1/frames\nhost: a", "405"),
        (5, "POST /v1/frames", "400"),
    ] {
        program.say(OPEN_REQUEST, stream, head.as_bytes());
        program.say(END, stream, b"");
        let answer = program.next().await;
        assert!(answer.payload.starts_with(status.as_bytes()), "{head}");
        let text = String::from_utf8(answer.payload).unwrap();
        assert!(text.contains("\ncontent-length: "), "{text}");
        while program.next().await.kind != END_OUT {}
    }
    assert_eq!(program.embedded.receive(&[1, 2, 3]), Err(BatchError));
}

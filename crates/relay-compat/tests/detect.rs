//! Two protocols on one path: the first frame decides, nothing is said before it, and either may be missing.

mod support;

use relay_compat::detect::FirstFrame;
use relay_compat::graceful::{GracefulOptions, GracefulParts, GracefulService};
use relay_compat::plures::{PluresOptions, PluresService};
use relay_core::documents::MemoryDocuments;
use relay_core::foreign::ForeignService;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use support::{Counting, Socket, StillClock, at};

/// A service whose sockets greet, as the text one.
fn greeting() -> Arc<dyn ForeignService> {
    let options = GracefulOptions { tokenless: true, ..GracefulOptions::default() };
    let (documents, clock) = (Arc::new(MemoryDocuments::new()), Arc::new(StillClock::default()));
    let parts = GracefulParts { documents, clock, seats: Arc::default(), rates: Arc::default(), options };
    Arc::new(GracefulService::new(parts))
}

fn silent() -> Arc<dyn ForeignService> {
    let (entropy, clock) = (Arc::new(Counting(AtomicU64::new(0))), Arc::new(StillClock::default()));
    Arc::new(PluresService::new(PluresOptions::default(), Arc::default(), entropy, clock))
}

const PATH: &str = "/gun?device_id=d";

#[test]
fn nothing_is_said_until_the_first_frame_decides() {
    let service = FirstFrame { text: Some(greeting()), binary: Some(silent()) };
    let [mut text, mut binary, mut other] = [0; 3].map(|_| Socket::open(&service, PATH, &[]).unwrap());
    for socket in [&mut text, &mut binary, &mut other] {
        socket.turn(at(0));
        assert_eq!(socket.texts(), Vec::<String>::new());
    }
    text.text(r#"{"type":"ping"}"#, at(1));
    let said = text.texts();
    assert!(said[0].contains("subscribe") && said[1].contains("pong"), "it is greeted before it is answered: {said:?}");
    other.binary(b"first", at(1));
    binary.binary(b"opaque", at(1));
    other.turn(at(1));
    assert_eq!(other.texts(), ["opaque"]);
    assert_eq!((binary.texts(), text.texts()), (vec![], vec![]));
}

#[test]
fn a_frame_of_a_protocol_that_is_missing_closes() {
    let service = FirstFrame { text: None, binary: Some(silent()) };
    let mut socket = Socket::open(&service, PATH, &[]).unwrap();
    socket.text("{}", at(0));
    assert_eq!(socket.out.closed.as_ref().map(|close| close.code), Some(1003));
}

#[test]
fn a_socket_that_neither_takes_is_answered_by_the_one_that_says_why() {
    let refused =
        |service: &FirstFrame| Socket::open(service, "/gun", &[]).err().map(|answer| answer.status().as_u16());
    assert_eq!(refused(&FirstFrame { text: Some(greeting()), binary: None }), Some(400));
    assert_eq!(refused(&FirstFrame { text: None, binary: None }), Some(404));
    let mut socket = Socket::open(&FirstFrame { text: Some(greeting()), binary: Some(silent()) }, "/gun", &[]).unwrap();
    socket.binary(b"welcome here", at(0));
    assert_eq!(socket.out.closed, None, "who may not use the one may still use the other");
}

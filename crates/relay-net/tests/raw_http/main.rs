//! Raw HTTP/1.1 (RFC 9112) against the port, byte by byte: what is answered, and what the control plane gets to see of it.
//! What is refused ends its connection; nothing of a refused request is ever passed on or taken for the next request.
#![cfg(unix)]

mod backend;
mod bodies;
mod case;
mod heads;
mod lane;
#[path = "../support/mod.rs"]
mod support;
mod upgrades;

use backend::Seen;
use case::Case;
use relay_net::{ControlPlane, FrameRoute, NetLimits, ProxySecret, Route, RouteKind};
use std::net::SocketAddr;
use support::client::{Client, PATIENCE};
use support::endpoints::Behaviour;
use support::{Relay, config, relay_with};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

fn all_cases() -> Vec<Case> {
    let families = [
        heads::request_lines(),
        heads::hosts(),
        heads::header_lines(),
        heads::sizes(),
        bodies::lengths(),
        bodies::codings(),
        bodies::chunk_lines(),
        bodies::smuggling(),
        bodies::pipelines(),
        upgrades::upgrades(),
    ];
    families.into_iter().flatten().collect()
}

struct Setup {
    relay: Relay,
    seen: Seen,
    _folder: TempDir,
}

async fn setup() -> Setup {
    let folder = TempDir::new().unwrap();
    let socket_path = folder.path().join("control.sock");
    let seen = backend::listen(&socket_path);
    let mut config = config(NetLimits::default());
    let secret = ProxySecret::new("boot-secret".to_owned()).unwrap();
    config.control_plane = Some(ControlPlane { socket_path, secret });
    config.routes.push(Route { path: lane::PATH.to_owned(), kind: RouteKind::Frames(FrameRoute::Push) });
    Setup { relay: relay_with(Behaviour::Echo, config).await, seen, _folder: folder }
}

/// Sends bytes in pieces and reads up to the end of the connection.
async fn answers(address: SocketAddr, request: &[u8], piece: usize) -> String {
    let mut client = Client { socket: TcpStream::connect(address).await.unwrap() };
    client.socket.set_nodelay(true).unwrap();
    for piece in request.chunks(piece) {
        client.send(piece).await;
    }
    let mut bytes = Vec::new();
    let end = timeout(PATIENCE, client.socket.read_to_end(&mut bytes)).await;
    let answers = String::from_utf8(bytes).unwrap();
    match end {
        Ok(Ok(_)) => answers,
        Ok(Err(error)) => format!("{error} behind {answers}"),
        Err(_) => format!("no end behind {answers}"),
    }
}

/// The status of each answer; a body may end right before the next status line.
fn statuses(answers: &str) -> Vec<u16> {
    let starts = answers.match_indices("HTTP/1.").filter(|(at, _)| *at == 0 || !answers[..*at].ends_with([' ', '"']));
    starts.filter_map(|(at, _)| answers.get(at + 9..at + 12)?.parse().ok()).collect()
}

async fn verdict(address: SocketAddr, seen: &Seen, case: &Case, piece: usize) -> Result<(), String> {
    let answers = answers(address, &case.sent, piece).await;
    let mut forwarded = std::mem::take(&mut *seen.lock().unwrap());
    forwarded.retain(|line| !line.ends_with(backend::CUT));
    if statuses(&answers) == case.statuses && forwarded == case.forwarded {
        return Ok(());
    }
    Err(format!("{}: {answers:?}, passed on: {forwarded:?}", case.name))
}

async fn failures(address: SocketAddr, seen: &Seen, cases: Vec<Case>, piece: impl Fn(&Case) -> usize) -> Vec<String> {
    let mut failures = Vec::new();
    for case in cases {
        failures.extend(verdict(address, seen, &case, piece(&case)).await.err());
    }
    failures
}

#[tokio::test]
async fn every_case_sent_at_once() {
    let setup = setup().await;
    assert!(all_cases().len() >= 150, "{}", all_cases().len());
    let mut bystander = setup.relay.client().await;
    let failures = failures(setup.relay.address(), &setup.seen, all_cases(), |case| case.sent.len()).await;
    assert!(failures.is_empty(), "{} cases: {failures:#?}", failures.len());
    bystander.echoes(b"undisturbed").await;
    drop(bystander);
    setup.relay.until("all are gone", |stats| stats.connections_open == 0).await;
}

#[tokio::test]
async fn every_case_sent_in_pieces() {
    let setup = setup().await;
    let failures = failures(setup.relay.address(), &setup.seen, all_cases(), |case| case.sent.len().div_ceil(40)).await;
    assert!(failures.is_empty(), "{} cases: {failures:#?}", failures.len());
}

#[tokio::test]
async fn the_lane_for_pushes_is_as_strict_as_the_general_server() {
    let setup = setup().await;
    let address = setup.relay.address();
    assert!(lane::cases().len() >= 250, "{}", lane::cases().len());
    let whole = failures(address, &setup.seen, lane::cases(), |case| case.sent.len()).await;
    assert!(whole.is_empty(), "{} cases: {whole:#?}", whole.len());
    let in_pieces = failures(address, &setup.seen, lane::cases(), |case| case.sent.len().div_ceil(40)).await;
    assert!(in_pieces.is_empty(), "{} cases: {in_pieces:#?}", in_pieces.len());
}

#[tokio::test]
async fn control_a_server_that_serves_everything_fails_every_refusal() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = vec![0; 2 << 20];
            let _ = timeout(PATIENCE, socket.read(&mut buffer)).await;
            let _ = tokio::io::AsyncWriteExt::write_all(&mut socket, b"HTTP/1.1 200 OK\r\n\r\n").await;
        }
    });
    let seen = Seen::default();
    let refusals: Vec<_> = all_cases().into_iter().filter(|case| case.statuses != [200]).collect();
    assert!(refusals.len() >= 120, "{}", refusals.len());
    for case in refusals.iter().filter(|case| case.sent.len() < 16 * 1024) {
        assert!(verdict(address, &seen, case, case.sent.len()).await.is_err(), "not caught: {}", case.name);
    }
}

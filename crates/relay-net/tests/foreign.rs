//! Foreign protocols on the port: whole requests within limits, WebSockets with text, patterns of paths, drain.

mod support;

use relay_net::{ForeignKind, ForeignRoute, NetLimits, Route, RouteKind};
use std::net::SocketAddr;
use std::time::Duration;
use support::client::{BINARY, CLOSE, Client, PATIENCE, TEXT, frame, raw_frame};
use support::endpoints::Behaviour;
use support::foreign::{BODY_BYTES_MAX, MESSAGE_BYTES_MAX, SERVICE};
use support::{Relay, config, relay_with};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

const REQUESTS: &str = "/echo";
const SOCKETS: &str = "/sock";

async fn foreign_relay(limits: NetLimits) -> Relay {
    let mut config = config(limits);
    for (path, takes) in
        [(REQUESTS, ForeignKind::Requests), (SOCKETS, ForeignKind::Sockets), ("/*", ForeignKind::Sockets)]
    {
        let kind = RouteKind::Foreign(ForeignRoute { service: SERVICE, takes });
        config.routes.push(Route { path: path.to_owned(), kind });
    }
    relay_with(Behaviour::Echo, config).await
}

async fn answer(address: SocketAddr, request: &[u8]) -> String {
    let mut client = Client { socket: TcpStream::connect(address).await.unwrap() };
    client.send(request).await;
    let mut bytes = Vec::new();
    timeout(PATIENCE, client.socket.read_to_end(&mut bytes)).await.expect("the server hangs up").unwrap();
    String::from_utf8(bytes).unwrap()
}

fn post(query: &str, declared: usize, body: &str) -> String {
    format!(
        "POST {REQUESTS}{query} HTTP/1.1\r\nHost: relay.test\r\nConnection: close\r\nContent-Length: {declared}\r\n\r\n{body}"
    )
}

fn chunked(body: &str) -> String {
    format!(
        "POST {REQUESTS} HTTP/1.1\r\nHost: relay.test\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    )
}

#[tokio::test]
async fn a_request_waits_until_it_is_known_whose_it_is_and_no_longer_than_for_an_answer() {
    let relay = foreign_relay(NetLimits { foreign_answer_timeout_ms: 300, ..NetLimits::default() }).await;
    for (query, known) in [("?who-later", "known true"), ("?who-never", "known false"), ("?who-panic", "known false")] {
        let said = answer(relay.address(), post(query, 0, "").as_bytes()).await;
        assert!(said.starts_with("HTTP/1.1 200") && said.ends_with(known), "{query}: {said}");
    }
    let mut socket = Client::open(relay.address(), &format!("{SOCKETS}?who-later")).await;
    assert_eq!(next_data(&mut socket).await.1, format!("{SOCKETS}?who-later").into_bytes(), "it was known by then");
}

#[tokio::test]
async fn a_service_gets_whole_requests_and_the_transport_ends_the_others() {
    let limits = NetLimits { message_grace_ms: 300, foreign_answer_timeout_ms: 300, ..NetLimits::default() };
    let relay = foreign_relay(limits).await;
    let (fits, large) = ("x".repeat(BODY_BYTES_MAX), "x".repeat(BODY_BYTES_MAX + 1));
    for (name, request, status) in [
        ("a body", post("", 5, "hello"), "200"),
        ("no body", post("", 0, ""), "200"),
        ("a body in chunks", chunked("hello"), "200"),
        ("the largest body", post("", fits.len(), &fits), "200"),
        ("the largest body in chunks", chunked(&fits), "200"),
        ("answered on another thread", post("?later", 0, ""), "200"),
        ("a declared length over the limit", post("", large.len(), &large), "413"),
        ("chunks over the limit", chunked(&large), "413"),
        ("a body that does not come", post("", 5, "hel"), "408"),
        ("a service that panics", post("?panic", 0, ""), "500"),
        ("a service that lets go of the request", post("?drop", 0, ""), "500"),
        ("a service that does not answer", post("?keep", 0, ""), "500"),
        ("a socket's path without an upgrade", post("", 0, "").replace(REQUESTS, SOCKETS), "426"),
        ("a pattern's path without an upgrade", post("", 0, "").replace(REQUESTS, "/other"), "404"),
    ] {
        let answer = answer(relay.server.local_addr(), request.as_bytes()).await;
        assert_eq!(answer.get(9..12), Some(status), "{name}: {answer}");
        if status == "200" && !name.contains("thread") {
            let body = answer.split("\r\n\r\n").nth(1).unwrap();
            assert!(request.contains(body), "{name}: the body is echoed");
        }
    }
    let stats = relay.until("nothing is held", |stats| stats.partial_bytes == 0).await;
    assert_eq!((stats.foreign_requests_total, stats.endpoint_panics_total), (12, 1));
}

#[tokio::test]
async fn bodies_share_the_budget_of_partial_bytes_and_requests_have_a_limit() {
    let budget = NetLimits { partial_bytes_max: 10_000, ..NetLimits::default() };
    let relay = foreign_relay(budget).await;
    let body = "x".repeat(50_000);
    let refused = answer(relay.server.local_addr(), post("", body.len(), &body).as_bytes()).await;
    assert_eq!(refused.get(9..12), Some("503"), "{refused}");
    let relay = foreign_relay(NetLimits { foreign_requests_max: 1, ..NetLimits::default() }).await;
    let mut first = Client { socket: TcpStream::connect(relay.server.local_addr()).await.unwrap() };
    first.send(post("?keep", 0, "").as_bytes()).await;
    relay.until("the first one is under way", |stats| stats.foreign_requests_total == 1).await;
    let second = answer(relay.server.local_addr(), post("", 0, "").as_bytes()).await;
    assert_eq!(second.get(9..12), Some("503"), "{second}");
}

async fn next_data(client: &mut Client) -> (u8, Vec<u8>) {
    loop {
        let frame = client.next().await.expect("a frame before the end");
        assert_ne!(frame.opcode, CLOSE, "{:?}", frame.close_code());
        if frame.opcode < CLOSE {
            return (frame.opcode, frame.payload);
        }
    }
}

#[tokio::test]
async fn sockets_take_text_and_binary_at_exact_paths_and_patterns() {
    let relay = foreign_relay(NetLimits::default()).await;
    for target in ["/sock?a=b", "/", "/any/where?t=1"] {
        let mut client = Client::open(relay.server.local_addr(), target).await;
        assert_eq!(next_data(&mut client).await, (TEXT, target.as_bytes().to_vec()), "the service sees path and query");
        client.send(&frame(TEXT, "grüße".as_bytes())).await;
        assert_eq!(next_data(&mut client).await, (TEXT, "grüße".as_bytes().to_vec()));
        client.send(&frame(BINARY, &[0, 255])).await;
        assert_eq!(next_data(&mut client).await, (BINARY, vec![0, 255]));
        client.send(&[raw_frame(TEXT, b"in "), raw_frame(0, b"three "), frame(0, b"pieces")].concat()).await;
        assert_eq!(next_data(&mut client).await, (TEXT, b"in three pieces".to_vec()));
        let large = vec![b'x'; MESSAGE_BYTES_MAX];
        client.send(&frame(TEXT, &large)).await;
        assert_eq!(next_data(&mut client).await, (TEXT, large));
        client.send(&frame(TEXT, b"close")).await;
        assert_eq!(client.closed_with().await, Some(4001));
    }
    let mut client = Client::open(relay.server.local_addr(), "/sock").await;
    client.send(&frame(TEXT, &[0xc3, 0x28])).await;
    assert_eq!(client.closed_with().await, Some(1007), "text is UTF-8");
    // The control: the native route takes no text.
    let mut native = relay.client().await;
    native.send(&frame(TEXT, b"text")).await;
    assert_eq!(native.closed_with().await, Some(1003));
}

#[tokio::test]
async fn a_service_refuses_sockets_and_its_panics_stay_its_own() {
    let relay = foreign_relay(NetLimits::default()).await;
    for (query, status) in [("?refuse", "403"), ("?panic", "500")] {
        let mut client = Client { socket: TcpStream::connect(relay.server.local_addr()).await.unwrap() };
        client.send(support::client::upgrade_request(&format!("{SOCKETS}{query}")).as_bytes()).await;
        let head = client.read_head().await;
        assert_eq!(head.get(9..12), Some(status), "{head}");
    }
    assert_eq!(relay.server.stats().upgrades_refused_total, 2);
}

#[tokio::test]
async fn silent_sockets_stay_while_they_answer_pings_and_a_drain_closes_them() {
    let limits = NetLimits { handshake_timeout_ms: 100, heartbeat_ms: 200, ..NetLimits::default() };
    let relay = foreign_relay(limits).await;
    let mut client = Client::open(relay.server.local_addr(), "/sock").await;
    next_data(&mut client).await;
    let end = tokio::time::Instant::now() + Duration::from_millis(900);
    while tokio::time::Instant::now() < end {
        let frame = client.next().await.expect("pings");
        client.send(&support::client::frame(support::client::PONG, &frame.payload)).await;
    }
    let (closed, ()) = tokio::join!(client.closed_with(), relay.server.drain(PATIENCE));
    assert_eq!(closed, Some(1012));
}

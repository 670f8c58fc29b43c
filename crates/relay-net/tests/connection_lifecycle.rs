//! How a connection lives and ends: independent clients, deadlines, panics, pauses, heartbeats, time-outs.

mod support;

use relay_net::NetLimits;
use std::time::{Duration, Instant};
use support::client::{BINARY, CLOSE, PING, PONG, close_payload, frame, raw_frame};
use support::endpoints::Behaviour;
use support::{NATIVE, relay};
use tokio_websockets::{ClientBuilder, CloseCode, Message};

#[tokio::test]
async fn an_independent_client_talks_to_it() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let uri = format!("ws://{}{NATIVE}", relay.address());
    let (mut socket, _) = ClientBuilder::new().uri(&uri).unwrap().connect().await.unwrap();
    for size in [0, 1, 125, 126, 65_535, 65_536, 1_000_000] {
        let payload = vec![0x5c_u8; size];
        exchange(&mut socket, &payload).await;
    }
    send(&mut socket, Message::text("text")).await;
    let closed = next(&mut socket).await.unwrap();
    assert_eq!(closed.as_close().unwrap().0, CloseCode::UNSUPPORTED_DATA);
    let stats = relay.until("the close", |stats| stats.websockets_open == 0).await;
    assert_eq!((stats.messages_in_total, stats.messages_out_total), (7, 7));
    assert!(stats.bytes_in_total > 1_131_000 && stats.bytes_out_total > 1_131_000, "{stats:?}");
    assert_eq!(stats.upgraded_total, 1);
}

type Socket = tokio_websockets::WebSocketStream<tokio_websockets::MaybeTlsStream<tokio::net::TcpStream>>;

async fn exchange(socket: &mut Socket, payload: &[u8]) {
    send(socket, Message::binary(payload.to_vec())).await;
    assert_eq!(next(socket).await.unwrap().as_payload().as_ref(), payload);
}

async fn send(socket: &mut Socket, message: Message) {
    use futures_sink::Sink;
    use std::pin::Pin;
    std::future::poll_fn(|cx| Pin::new(&mut *socket).poll_ready(cx)).await.unwrap();
    Pin::new(&mut *socket).start_send(message).unwrap();
    std::future::poll_fn(|cx| Pin::new(&mut *socket).poll_flush(cx)).await.unwrap();
}

async fn next(socket: &mut Socket) -> Option<Message> {
    use futures_core::Stream;
    use std::pin::Pin;
    std::future::poll_fn(|cx| Pin::new(&mut *socket).poll_next(cx)).await.map(Result::unwrap)
}

#[tokio::test]
async fn the_endpoint_closes_with_its_own_code_and_the_handshake_completes() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let mut client = relay.client().await;
    client.send(&[frame(BINARY, b"last"), frame(BINARY, b"!close"), frame(BINARY, b"late")].concat()).await;
    assert_eq!(client.message().await, b"last");
    let close = client.next().await.unwrap();
    assert_eq!((close.opcode, close.payload), (CLOSE, close_payload(4400, b"asked")));
    client.send(&frame(CLOSE, &close_payload(4400, b""))).await;
    assert_eq!(client.next().await, None);
    let stats = relay.until("the end", |stats| stats.connections_open <= 1).await;
    assert_eq!(stats.endpoint_closes_total, 1);
    assert_eq!(relay.factory.seen.messages(), 2, "nothing reaches the endpoint after it closed");
}

#[tokio::test]
async fn a_close_that_is_not_answered_ends_in_time() {
    let limits = NetLimits { close_timeout_ms: 100, ..NetLimits::default() };
    let relay = relay(Behaviour::Echo, limits).await;
    let mut client = relay.client().await;
    let start = Instant::now();
    client.send(&frame(BINARY, b"!close")).await;
    assert_eq!(client.closed_with().await, Some(4400));
    assert_eq!(client.next().await, None);
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_panicking_endpoint_closes_its_own_connection_only() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let mut bystander = relay.client().await;
    for command in [&b"!panic"[..], b"!panic-deadline"] {
        let mut client = relay.client().await;
        client.send(&frame(BINARY, command)).await;
        assert_eq!(client.closed_with().await, Some(1011));
        bystander.echoes(b"still here").await;
    }
    let stats = relay.until("both are gone", |_| relay.factory.seen.closed() == 2).await;
    assert_eq!(stats.endpoint_panics_total, 2);
}

#[tokio::test]
async fn an_endpoint_that_panics_while_opening_closes_its_connection() {
    let relay = relay(Behaviour::Unopenable, NetLimits::default()).await;
    assert_eq!(relay.client().await.closed_with().await, Some(1011));
    assert_eq!(relay.server.stats().endpoint_panics_total, 1);
}

#[tokio::test]
async fn an_endpoint_is_polled_at_its_deadline() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let mut client = relay.client().await;
    let start = Instant::now();
    client.echoes(b"now").await;
    client.send(&frame(BINARY, b"!later")).await;
    assert_eq!(client.message().await, b"later");
    let waited = start.elapsed();
    assert!(waited >= Duration::from_millis(150) && waited < Duration::from_secs(2), "{waited:?}");
}

#[tokio::test]
async fn paused_reading_delivers_nothing_until_it_resumes() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let mut client = relay.client().await;
    // The endpoint asserts that nothing reaches it while it has paused, within one read and across reads.
    client.send(&[frame(BINARY, b"!pause"), frame(BINARY, b"a"), frame(BINARY, b"b")].concat()).await;
    client.send(&frame(BINARY, b"c")).await;
    for expected in [&b"later"[..], b"a", b"b", b"c"] {
        assert_eq!(client.message().await, expected);
    }
    // Bytes that are kept back several times in a row keep their order and are not lost.
    let pauses: Vec<_> = (0..4_u8).map(|i| [frame(BINARY, b"!pause"), frame(BINARY, &[i])].concat()).collect();
    client.send(&pauses.concat()).await;
    for i in 0..4_u8 {
        assert_eq!(client.message().await, b"later");
        assert_eq!(client.message().await, [i]);
    }
    // Resuming alone must wake the reading, without any output that would.
    client.send(&frame(BINARY, b"!pause-quietly")).await;
    relay.until("it paused", |stats| stats.messages_in_total == 13).await;
    let start = Instant::now();
    client.echoes(b"d").await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(relay.server.stats().endpoint_panics_total, 0);
}

#[tokio::test]
async fn pings_come_each_period_and_silence_ends_the_connection() {
    let limits = NetLimits { heartbeat_ms: 100, close_timeout_ms: 100, ..NetLimits::default() };
    let relay = relay(Behaviour::Echo, limits).await;
    let mut alive = relay.client().await;
    let mut silent = relay.client().await;
    for _ in 0..6 {
        let ping = alive.next().await.unwrap();
        assert_eq!(ping.opcode, PING);
        alive.send(&frame(PONG, &ping.payload)).await;
    }
    assert_eq!(silent.closed_with().await, Some(1001));
    assert_eq!(silent.next().await, None);
    alive.echoes(b"alive").await;
    let stats = relay.server.stats();
    assert_eq!(stats.heartbeat_timeouts_total, 1);
    assert!(stats.pings_total >= 6, "{stats:?}");
}

#[tokio::test]
async fn a_connection_without_a_first_message_is_closed() {
    let limits = NetLimits { handshake_timeout_ms: 100, ..NetLimits::default() };
    let relay = relay(Behaviour::Echo, limits).await;
    let mut client = relay.client().await;
    // Control frames and half a message are no message.
    client.send(&[frame(PING, b""), raw_frame(BINARY, b"half")].concat()).await;
    assert_eq!(client.closed_with().await, Some(1008));
    assert_eq!(relay.server.stats().handshake_timeouts_total, 1);
    let mut spoke = relay.client().await;
    spoke.echoes(b"first").await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    spoke.echoes(b"second").await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_only_if_asked_for() {
    let limits = NetLimits { idle_timeout_ms: 200, ..NetLimits::default() };
    let relay = relay(Behaviour::Echo, limits).await;
    let mut client = relay.client().await;
    for _ in 0..4 {
        client.echoes(b"busy").await;
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    assert_eq!(client.closed_with().await, Some(1001));
    assert_eq!(relay.server.stats().idle_timeouts_total, 1);
}

#[tokio::test]
async fn a_message_that_arrives_too_slowly_ends_its_connection() {
    let limits = NetLimits { message_grace_ms: 150, message_rate_bytes_min: 1_000_000, ..NetLimits::default() };
    let relay = relay(Behaviour::Echo, limits).await;
    let mut slow = relay.client().await;
    let mut header_only = relay.client().await;
    let mut bystander = relay.client().await;
    let message = frame(BINARY, &[1; 1000]);
    slow.send(&message[..500]).await;
    header_only.send(&message[..1]).await;
    assert_eq!(slow.closed_with().await, Some(1008));
    assert_eq!(header_only.closed_with().await, Some(1008));
    bystander.echoes(b"fine").await;
    assert_eq!(relay.server.stats().message_timeouts_total, 2);
}

#[tokio::test]
async fn a_peer_that_vanishes_is_counted_and_released() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let mut client = relay.client().await;
    client.echoes(b"here").await;
    client.send(&frame(BINARY, &[1; 1000])[..500]).await;
    relay.until("the half message is held", |stats| stats.partial_bytes > 0).await;
    drop(client);
    let stats = relay.until("it is gone", |stats| stats.connections_open == 0).await;
    assert_eq!((stats.resets_total, stats.websockets_open, stats.partial_bytes), (1, 0, 0));
    assert_eq!(relay.factory.seen.closed(), 1);
}

#[tokio::test]
async fn peers_that_close_are_counted() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let mut client = relay.client().await;
    client.send(&frame(CLOSE, &close_payload(1000, b""))).await;
    assert_eq!(client.closed_with().await, Some(1000));
    assert_eq!(relay.server.stats().peer_closes_total, 1);
}

#[tokio::test]
async fn bytes_sent_with_the_handshake_are_not_lost() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let socket = tokio::net::TcpStream::connect(relay.address()).await.unwrap();
    let mut client = support::client::Client { socket };
    let request = support::client::upgrade_request(NATIVE);
    client.send(&[request.as_bytes(), &frame(BINARY, b"early"), &frame(BINARY, b"half")[..3]].concat()).await;
    assert!(client.read_head().await.starts_with("HTTP/1.1 101 "));
    assert_eq!(client.message().await, b"early");
    client.send(&frame(BINARY, b"half")[3..]).await;
    assert_eq!(client.message().await, b"half");
}

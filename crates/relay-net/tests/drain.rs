//! The orderly end: everyone is told, what is queued arrives, and nothing hangs on peers that do not answer.

mod support;

use relay_net::NetLimits;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::client::{BINARY, CLOSE, Client, Frame, close_payload, frame};
use support::endpoints::Behaviour;
use support::hub::Hub;
use support::{LIVE, relay};
use tokio::net::TcpStream;

#[tokio::test]
async fn every_endpoint_is_told_and_every_peer_gets_1012() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let address = relay.server.local_addr();
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = relay.client().await;
        client.send(&frame(BINARY, b"before")).await;
        clients.push(client);
    }
    relay.until("all spoke", |stats| stats.messages_in_total == 20).await;
    let peers = async {
        for client in &mut clients {
            assert_eq!(client.message().await, b"before");
            assert_eq!(client.message().await, b"goaway");
            assert_eq!(client.closed_with().await, Some(1012));
            client.send(&frame(CLOSE, &close_payload(1012, b""))).await;
            assert_eq!(client.next().await, None);
        }
        clients.clear();
    };
    let start = Instant::now();
    tokio::join!(relay.server.drain(Duration::from_secs(8)), peers);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let stats = relay.server.stats();
    assert_eq!((stats.connections_open, stats.drained_total, stats.aborted_total), (0, 20, 0));
    assert_eq!((relay.factory.seen.drained(), relay.factory.seen.closed()), (20, 20));
    assert!(TcpStream::connect(address).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn answers_under_way_arrive_before_the_close() {
    let relay = relay(Behaviour::Echo, NetLimits { drain_linger_ms: 400, ..NetLimits::default() }).await;
    let mut client = relay.client().await;
    client.send(&frame(BINARY, b"!later")).await;
    relay.until("it asked", |stats| stats.messages_in_total == 1).await;
    let peer = async {
        let frames = client.rest().await;
        drop(client);
        frames
    };
    let ((), frames) = tokio::join!(relay.server.drain(Duration::from_secs(8)), peer);
    let expected = [
        Frame { opcode: BINARY, payload: b"goaway".to_vec() },
        Frame { opcode: BINARY, payload: b"later".to_vec() },
        Frame { opcode: CLOSE, payload: close_payload(1012, b"drain") },
    ];
    assert_eq!(frames, expected);
}

#[tokio::test]
async fn queues_are_flushed_to_readers_that_lag() {
    let hub = Arc::new(Hub::default());
    let relay = relay(Behaviour::Subscriber(hub.clone()), NetLimits::default()).await;
    let mut client = relay.client().await;
    relay.until("subscribed", |stats| stats.websockets_open == 1).await;
    for _ in 0..100 {
        hub.append(&[5; 1000]);
    }
    hub.wake();
    let peer = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut messages = 0;
        while let Some(frame) = client.next().await {
            messages += usize::from(frame.opcode == BINARY);
            if frame.opcode == CLOSE {
                client.send(&frame_close()).await;
            }
        }
        drop(client);
        messages
    };
    let ((), messages) = tokio::join!(relay.server.drain(Duration::from_secs(8)), peer);
    assert_eq!(messages, 100);
}

fn frame_close() -> Vec<u8> {
    frame(CLOSE, &close_payload(1012, b""))
}

#[tokio::test]
async fn what_does_not_go_is_aborted_at_the_deadline() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let mut stuck = relay.client().await;
    stuck.send(&frame(BINARY, b"!flood")).await;
    let half_head = TcpStream::connect(relay.address()).await.unwrap();
    half_head.try_write(b"GET / HTTP/1.1\r\n").unwrap();
    relay.until("both are open", |stats| stats.connections_open == 2 && stats.bytes_out_total > 100_000).await;
    let start = Instant::now();
    relay.server.drain(Duration::from_millis(300)).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let stats = relay.server.stats();
    assert_eq!(stats.connections_open, 0);
    assert!(stats.aborted_total >= 1, "{stats:?}");
    assert_eq!(relay.factory.seen.closed(), 1);
}

#[tokio::test]
async fn idle_http_connections_do_not_hold_up_a_drain() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let connect = async || Client { socket: TcpStream::connect(relay.address()).await.unwrap() };
    let silent = connect().await;
    let mut kept_alive = connect().await;
    kept_alive.send(b"GET /test/live HTTP/1.1\r\nHost: r\r\n\r\n").await;
    assert!(kept_alive.read_head().await.contains("200"));
    relay.until("both are open", |stats| stats.connections_open == 2).await;
    let start = Instant::now();
    let peers = async {
        for mut client in [silent, kept_alive] {
            // Reads to the end; the server hangs up, though its peers do not.
            assert!(!client.read_head().await.contains("HTTP/1.1"));
        }
    };
    tokio::join!(relay.server.drain(Duration::from_secs(8)), peers);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert_eq!(relay.server.stats().aborted_total, 0);
}

#[tokio::test]
async fn dropping_the_server_ends_everything() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let address = relay.server.local_addr();
    let mut client = relay.client().await;
    client.echoes(b"open").await;
    let seen = relay.factory.seen.clone();
    drop(relay);
    assert_eq!(client.next().await, None);
    assert_eq!(seen.closed(), 1);
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Runs on one thread, so that nothing is accepted between the connects and the drain.
#[tokio::test]
async fn who_was_connected_before_the_port_closes_is_answered() {
    use std::io::{Read, Write};
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let address = relay.server.local_addr();
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let mut socket = std::net::TcpStream::connect(address).unwrap();
            write!(socket, "GET {LIVE} HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
            socket
        })
        .collect();
    assert_eq!(relay.server.stats().accepted_total, 0, "the control: nothing was accepted yet");
    relay.server.drain(Duration::from_secs(8)).await;
    assert!(std::net::TcpStream::connect(address).is_err(), "the port is closed");
    let stats = relay.server.stats();
    assert_eq!((stats.accepted_total, stats.liveness_total, stats.aborted_total), (5, 5, 0), "{stats:#?}");
    for mut socket in waiting {
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("the connection was not reset");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

//! TLS on the public port: every kind of traffic gets through, and nothing else does.

mod support;

use bytes::Bytes;
use relay_net::tls::TlsConfig;
use relay_net::{FrameRoute, GateConfig, NetLimits, Route, RouteKind, ServerConfig};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::client::{BINARY, Client, PATIENCE, frame};
use support::endpoints::Behaviour;
use support::fountain::Fountain;
use support::hub::Hub;
use support::tls::{Authority, connect, tls_config};
use support::{LIVE, Relay, config, relay_over_tls, relay_with};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::{ProtocolVersion, version};

const PUSH: &str = "/v1/push";

fn with_pushes(limits: NetLimits) -> ServerConfig {
    let mut config = config(limits);
    config.routes.push(Route { path: PUSH.to_owned(), kind: RouteKind::Frames(FrameRoute::Push) });
    config
}

async fn secure(limits: NetLimits, change: impl FnOnce(&mut TlsConfig)) -> (Relay, Authority) {
    let authority = Authority::new();
    let mut tls = tls_config(authority.issue(-1, 30).certificate());
    change(&mut tls);
    let relay = relay_with(Behaviour::Echo, ServerConfig { tls: Some(tls), ..with_pushes(limits) }).await;
    (relay, authority)
}

#[tokio::test]
async fn messages_of_every_size_come_back_as_they_were_sent() {
    let relay = relay_over_tls(Behaviour::Echo, config(NetLimits::default())).await;
    let mut client = relay.client().await;
    for size in [0, 1, 125, 16_383, 16_384, 16_385, 65_535, 65_536, 200_000, 1 << 20] {
        let payload: Vec<u8> = (0..size).map(|index: u32| index.to_le_bytes()[0] ^ index.to_le_bytes()[1]).collect();
        client.echoes(&payload).await;
    }
    let stats = relay.server.stats();
    assert_eq!((stats.tls_handshakes_total, stats.tls_handshake_failures_total), (1, 0));
}

#[tokio::test]
async fn a_reader_that_stops_and_goes_on_gets_everything_in_order_past_the_endpoint_too() {
    const MESSAGES: u64 = 4000;
    let fountain = Arc::new(Fountain::default());
    let relay = relay_over_tls(Behaviour::Fed(Arc::clone(&fountain)), config(NetLimits::default())).await;
    let mut client = relay.client().await;
    client.send(&frame(BINARY, b"hello")).await;
    assert_eq!(client.message().await[..], *b"hello");
    for index in 0..MESSAGES {
        let mut payload = vec![0; 4096];
        payload[..8].copy_from_slice(&index.to_be_bytes());
        fountain.spout(&payload);
        if index % 64 == 0 {
            tokio::task::yield_now().await;
        }
    }
    relay.until("the socket is full", |stats| stats.slow_consumers_total > 0).await;
    for index in 0..MESSAGES {
        assert_eq!(client.message().await[..8], index.to_be_bytes());
    }
    assert!(fountain.fed() > 0, "some of it past the endpoint");
}

#[tokio::test]
async fn a_peer_that_never_reads_is_cut_and_costs_no_more_than_its_queue() {
    let limits = NetLimits { write_stall_timeout_ms: 300, ..NetLimits::default() };
    let hub = Arc::new(Hub::default());
    let relay = relay_over_tls(Behaviour::Subscriber(hub.clone()), config(limits)).await;
    let stuck = relay.client().await;
    relay.until("subscribed", |stats| stats.websockets_open == 1).await;
    for _ in 0..20_000 {
        hub.append(&[5; 1000]);
    }
    hub.wake();
    relay.until("it is cut", |stats| stats.write_stalls_total == 1 && stats.connections_open == 0).await;
    drop(stuck);
}

#[tokio::test]
async fn an_answer_that_nobody_reads_holds_no_connection() {
    let limits = NetLimits { write_stall_timeout_ms: 200, close_timeout_ms: 200, ..NetLimits::default() };
    let relay = relay_over_tls(Behaviour::Echo, with_pushes(limits)).await;
    let mut client = Client { socket: TcpStream::connect(relay.address()).await.unwrap() };
    // Echoed frame by frame, through the general server, because the lane takes no body of this size.
    let frame = [&1_000_000_u32.to_be_bytes()[..], &[7; 1_000_000]].concat();
    let head = format!(
        "POST {PUSH} HTTP/1.1\r\nHost: relay.test\r\nAuthorization: Bearer YWJj\r\nContent-Length: {}\r\n\r\n",
        16 * frame.len()
    );
    client.send(head.as_bytes()).await;
    let (_reading, mut writing) = client.socket.split();
    let sending = async {
        for _ in 0..16 {
            if writing.write_all(&frame).await.is_err() {
                return;
            }
        }
        std::future::pending().await
    };
    let cut = relay.until("it is cut", |stats| stats.http_stalls_total == 1 && stats.connections_open == 0);
    tokio::select! { _ = sending => {}, _ = cut => {} }
    let stats = relay.server.stats();
    assert_eq!((stats.http_stalls_total, stats.connections_open), (1, 0));
}

#[tokio::test]
async fn pushes_in_the_lane_and_requests_behind_them_share_a_connection() {
    let relay = relay_over_tls(Behaviour::Echo, with_pushes(NetLimits::default())).await;
    let mut client = Client { socket: TcpStream::connect(relay.address()).await.unwrap() };
    let body = [&9000_u32.to_be_bytes()[..], &[7; 9000]].concat();
    let head = format!(
        "POST {PUSH} HTTP/1.1\r\nHost: relay.test\r\nAuthorization: Bearer YWJj\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    for _ in 0..3 {
        client.send(&[head.as_bytes(), &body].concat()).await;
        assert!(client.read_head().await.starts_with("HTTP/1.1 200 OK\r\n"));
        let mut answer = vec![0; body.len()];
        timeout(PATIENCE, client.socket.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(answer, body);
    }
    client.send(format!("GET {LIVE} HTTP/1.1\r\nHost: relay.test\r\nConnection: close\r\n\r\n").as_bytes()).await;
    let mut rest = String::new();
    timeout(PATIENCE, client.socket.read_to_string(&mut rest)).await.unwrap().unwrap();
    assert!(rest.starts_with("HTTP/1.1 200 OK\r\n"), "{rest}");
    assert_eq!(relay.server.stats().frame_requests_total, 3);
}

#[tokio::test]
async fn a_drain_reaches_sockets_handshakes_and_what_is_queued() {
    let relay = relay_over_tls(Behaviour::Echo, config(NetLimits::default())).await;
    let mut client = relay.client().await;
    client.echoes(b"before").await;
    let half_way = TcpStream::connect(relay.server.local_addr()).await.unwrap();
    half_way.try_write(&[22, 3, 1]).unwrap();
    relay.until("both are open", |stats| stats.connections_open == 2).await;
    let peer = async {
        assert_eq!(client.message().await, b"goaway");
        let code = client.closed_with().await;
        drop(client);
        code
    };
    let start = Instant::now();
    let ((), code) = tokio::join!(relay.server.drain(Duration::from_secs(8)), peer);
    assert_eq!(code, Some(1012));
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert_eq!((relay.server.stats().connections_open, relay.server.stats().aborted_total), (0, 0));
    drop(half_way);
}

#[tokio::test]
async fn the_end_of_a_connection_is_said_before_it_is_closed() {
    let (relay, authority) = secure(NetLimits::default(), |_| {}).await;
    let mut stream = connect(relay.server.local_addr(), authority.client_13()).await.unwrap();
    stream
        .write_all(format!("GET {LIVE} HTTP/1.1\r\nHost: relay.test\r\nConnection: close\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    // The library reports a connection that ends without that word as an error.
    timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn only_tls_1_3_is_spoken_and_the_protocol_is_named() {
    let (relay, authority) = secure(NetLimits::default(), |_| {}).await;
    let mut client = (*authority.client(&[&version::TLS13])).clone();
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = connect(relay.server.local_addr(), Arc::new(client)).await.unwrap();
    let (_, session) = stream.get_ref();
    assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
    // What a client of TLS 1.2 says first, with one suite and one kind of signature.
    let mut old = TcpStream::connect(relay.server.local_addr()).await.unwrap();
    let hello = [
        &[22, 3, 1, 0, 55, 1, 0, 0, 51, 3, 3][..],
        &[9; 32],
        &[0, 0, 2, 0xc0, 0x2f, 1, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3],
    ]
    .concat();
    old.write_all(&hello).await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, old.read_to_end(&mut answer)).await.unwrap().unwrap();
    // A fatal alert: protocol_version.
    assert_eq!(answer, [21, 3, 3, 0, 2, 2, 70]);
    let stats = relay.until("it is counted", |stats| stats.tls_handshake_failures_total == 1).await;
    assert_eq!(stats.tls_handshakes_total, 1);
}

#[tokio::test]
async fn a_handshake_that_does_not_go_on_is_given_up_in_time() {
    let limits = NetLimits { tls_handshake_timeout_ms: 200, ..NetLimits::default() };
    let (relay, _authority) = secure(limits, |_| {}).await;
    let mut silent = TcpStream::connect(relay.server.local_addr()).await.unwrap();
    let mut slow = TcpStream::connect(relay.server.local_addr()).await.unwrap();
    slow.write_all(&[22, 3, 1, 0]).await.unwrap();
    for socket in [&mut silent, &mut slow] {
        let mut end = Vec::new();
        let _ = timeout(PATIENCE, socket.read_to_end(&mut end)).await.expect("the relay hangs up");
        assert!(end.is_empty());
    }
    relay
        .until("both are counted", |stats| stats.tls_handshake_timeouts_total == 2 && stats.connections_open == 0)
        .await;
}

#[tokio::test]
async fn plain_http_is_told_what_to_speak() {
    let (relay, _authority) = secure(NetLimits::default(), |_| {}).await;
    let mut plain = TcpStream::connect(relay.server.local_addr()).await.unwrap();
    plain.write_all(format!("GET {LIVE} HTTP/1.1\r\nHost: relay.test\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, plain.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 400 Bad Request\r\n") && answer.contains(r#""code":"tls_needed""#),
        "{answer}"
    );
}

#[tokio::test]
async fn rubbish_ends_its_own_connection_only() {
    let (relay, authority) = secure(NetLimits::default(), |_| {}).await;
    let mut bystander = connect(relay.server.local_addr(), authority.client_13()).await.unwrap();
    for rubbish in [
        vec![0; 100],
        vec![0xff; 70_000],
        vec![22, 3, 1, 0x40, 0],
        [vec![22, 3, 3, 0, 4, 1, 0, 0, 0], vec![22; 5000]].concat(),
    ] {
        let mut socket = TcpStream::connect(relay.server.local_addr()).await.unwrap();
        let _ = socket.write_all(&rubbish).await;
        let _ = socket.shutdown().await;
        let _ = timeout(PATIENCE, socket.read_to_end(&mut Vec::new())).await.expect("the relay hangs up");
    }
    // Inside an established connection: a record that nobody made with its keys.
    let mut stream = connect(relay.server.local_addr(), authority.client_13()).await.unwrap();
    alive(&mut stream).await;
    let (mut tcp, session) = stream.into_inner();
    tcp.write_all(&[23, 3, 3, 0, 40]).await.unwrap();
    tcp.write_all(&[1; 40]).await.unwrap();
    timeout(PATIENCE, tcp.read_to_end(&mut Vec::new())).await.expect("the relay hangs up").unwrap();
    drop(session);
    alive(&mut bystander).await;
    relay.until("only the bystander is left", |stats| stats.connections_open == 1).await;
    assert_eq!(relay.server.stats().tls_handshake_failures_total, 4);
}

/// A request is answered on this connection.
async fn alive(stream: &mut TlsStream<TcpStream>) {
    stream.write_all(format!("GET {LIVE} HTTP/1.1\r\nHost: r\r\n\r\n").as_bytes()).await.unwrap();
    let mut start = [0; 15];
    timeout(PATIENCE, stream.read_exact(&mut start)).await.unwrap().unwrap();
    assert_eq!(&start, b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn browsers_are_told_to_insist_on_it_if_the_operator_wants() {
    let (relay, authority) = secure(NetLimits::default(), |tls| tls.hsts_max_age_s = 600).await;
    let push = format!(
        "POST {PUSH} HTTP/1.1\r\nHost: r\r\nAuthorization: Bearer YWJj\r\nContent-Length: 4\r\nConnection: close\r\n\r\n\0\0\0\0"
    );
    for request in [
        format!("GET {LIVE} HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n"),
        "GET /nothing HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n".to_owned(),
        push,
    ] {
        let mut stream = connect(relay.server.local_addr(), authority.client_13()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.contains("strict-transport-security: max-age=600\r\n"), "{answer}");
    }
    let (silent, authority) = secure(NetLimits::default(), |_| {}).await;
    let mut stream = connect(silent.server.local_addr(), authority.client_13()).await.unwrap();
    stream.write_all(format!("GET {LIVE} HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(!answer.contains("strict-transport-security"), "{answer}");
}

#[tokio::test]
async fn plain_http_on_the_port_beside_it_is_sent_to_tls_until_the_drain() {
    let (relay, _authority) = secure(NetLimits::default(), |tls| tls.redirect = Some(([127, 0, 0, 1], 0).into())).await;
    let address = relay.server.redirect_addr().unwrap();
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET /a?b HTTP/1.1\r\nHost: relay.test\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, plain.read_to_string(&mut answer)).await.unwrap().unwrap();
    let location = format!("location: https://relay.test:{}/a?b\r\n", relay.server.local_addr().port());
    assert!(answer.starts_with("HTTP/1.1 308 ") && answer.contains(&location), "{answer}");
    relay.server.drain(Duration::from_secs(1)).await;
    let closed = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, closed).await.expect("the port is closed");
}

#[tokio::test]
async fn two_hundred_connections_echo_at_once() {
    let relay = relay_over_tls(Behaviour::Echo, config(NetLimits::default())).await;
    let relay = Arc::new(relay);
    let tasks: Vec<_> = (0..200_u8)
        .map(|index| {
            let relay = Arc::clone(&relay);
            tokio::spawn(async move {
                let mut client = relay.client().await;
                let payload = Bytes::from(vec![index; 100 * usize::from(index)]);
                for _ in 0..5 {
                    client.echoes(&payload).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(relay.server.stats().tls_handshakes_total, 200);
}

#[tokio::test]
async fn connections_over_a_limit_are_told_so_over_tls() {
    let of_open = GateConfig { connections_max: 1, ..GateConfig::default() };
    let of_rate = GateConfig { connections_per_minute: 1, ..GateConfig::default() };
    for (gate, status, says) in [(of_open, "503", "too_many_connections"), (of_rate, "429", "retry-after: 60")] {
        let authority = Authority::new();
        let tls = Some(tls_config(authority.issue(-1, 30).certificate()));
        let relay = relay_with(Behaviour::Echo, ServerConfig { tls, gate, ..with_pushes(NetLimits::default()) }).await;
        let _held = connect(relay.server.local_addr(), authority.client_13()).await.unwrap();
        let mut refused = connect(relay.server.local_addr(), authority.client_13()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, refused.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(says), "{answer}");
        let stats = relay.server.stats();
        assert_eq!((stats.refusals_untold_total, stats.connections_open), (0, 1));
    }
}

#[tokio::test]
async fn who_is_refused_too_often_is_closed_without_a_handshake_and_counted() {
    let authority = Authority::new();
    let gate = GateConfig { connections_per_minute: 1, ..GateConfig::default() };
    let tls = Some(tls_config(authority.issue(-1, 30).certificate()));
    let relay = relay_with(Behaviour::Echo, ServerConfig { tls, gate, ..with_pushes(NetLimits::default()) }).await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(TcpStream::connect(relay.server.local_addr()).await.unwrap());
    }
    relay.until("some are closed", |stats| stats.refusals_untold_total >= 20).await;
    assert_eq!(relay.server.stats().tls_handshakes_total, 0);
}

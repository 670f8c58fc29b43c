//! Requests passed on to the control plane over a Unix domain socket.
#![cfg(unix)]

mod support;

use relay_net::{ControlPlane, NetLimits, ProxySecret};
use std::path::Path;
use std::time::Duration;
use support::client::PATIENCE;
use support::endpoints::Behaviour;
use support::{Relay, config, relay_with};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener};
use tokio::time::timeout;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Sealrelay-Private: 1\r\nX-Public: 2\r\n\r\nhello";

/// A control plane that reads a whole request, then sends `answer`; it hands every request to the test.
fn control_plane(path: &Path, answer: &'static str) -> tokio::sync::mpsc::Receiver<String> {
    let listener = UnixListener::bind(path).unwrap();
    let (seen, requests) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let seen = seen.clone();
            tokio::spawn(async move {
                let request = read_request(&mut socket).await;
                let _ = seen.send(request).await;
                if answer == "never" {
                    std::future::pending::<()>().await;
                }
                let _ = socket.write_all(answer.as_bytes()).await;
            });
        }
    });
    requests
}

/// A head and its body, which ends by its length, its last chunk or the connection.
async fn read_request(socket: &mut tokio::net::UnixStream) -> String {
    let mut text = String::new();
    let mut buffer = vec![0; 65_536];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let is_chunked = head.contains("transfer-encoding: chunked");
            let is_complete = match length {
                Some(length) => body.len() >= length.parse::<usize>().unwrap(),
                None => !is_chunked || body.ends_with("0\r\n\r\n"),
            };
            if is_complete {
                return text;
            }
        }
        match socket.read(&mut buffer).await {
            Ok(count) if count > 0 => text.push_str(std::str::from_utf8(&buffer[..count]).unwrap()),
            _ => return text,
        }
    }
}

struct Setup {
    relay: Relay,
    _folder: TempDir,
    requests: Option<tokio::sync::mpsc::Receiver<String>>,
}

async fn setup(answer: Option<&'static str>, limits: NetLimits) -> Setup {
    let folder = TempDir::new().unwrap();
    let socket_path = folder.path().join("control.sock");
    let requests = answer.map(|answer| control_plane(&socket_path, answer));
    let mut config = config(limits);
    let secret = ProxySecret::new("boot-secret".to_owned()).unwrap();
    config.control_plane = Some(ControlPlane { socket_path, secret });
    Setup { relay: relay_with(Behaviour::Echo, config).await, _folder: folder, requests }
}

impl Setup {
    async fn ask(&self, request: &[u8]) -> String {
        let mut socket = TcpStream::connect(self.relay.address()).await.unwrap();
        let _ = socket.write_all(request).await;
        let mut bytes = Vec::new();
        timeout(PATIENCE, socket.read_to_end(&mut bytes)).await.expect("an end in time").expect("no reset");
        String::from_utf8(bytes).unwrap()
    }
}

fn get(more: &str) -> String {
    format!("GET /status?full=1 HTTP/1.1\r\nHost: relay.test:8080\r\nConnection: close\r\n{more}\r\n")
}

#[tokio::test]
async fn a_request_arrives_with_the_cores_headers_and_the_answer_comes_back() {
    let mut setup = setup(Some(OK), NetLimits::default()).await;
    let request = get(
        "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Sealrelay-Secret: guess\r\nAccept: text/html\r\nUpgrade: h2c\r\n",
    );
    let answer = setup.ask(request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nhello"), "{answer}");
    assert!(answer.contains("x-public: 2") && !answer.contains("x-sealrelay"), "{answer}");
    let seen = setup.requests.as_mut().unwrap().recv().await.unwrap();
    assert!(seen.starts_with("GET /status?full=1 HTTP/1.1\r\n"), "{seen}");
    for line in [
        "host: relay.test:8080",
        "accept: text/html",
        "x-forwarded-for: 127.0.0.1",
        if support::is_over_tls() { "x-forwarded-proto: https" } else { "x-forwarded-proto: http" },
        "x-forwarded-host: relay.test:8080",
        "x-sealrelay-secret: boot-secret",
    ] {
        assert!(seen.lines().any(|seen| seen == line), "{line} in {seen}");
    }
    for word in ["6.6.6.6", "guess", "upgrade"] {
        assert!(!seen.contains(word), "{word} in {seen}");
    }
    let stats = setup.relay.server.stats();
    assert_eq!((stats.proxied_total, stats.proxy_errors_total), (1, 0));
}

#[tokio::test]
async fn bodies_pass_whole_and_chunked() {
    let mut setup = setup(Some(OK), NetLimits::default()).await;
    let body = "b".repeat(300_000);
    let length = body.len();
    let whole = format!("POST /a HTTP/1.1\r\nHost: r\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    assert!(setup.ask(whole.as_bytes()).await.ends_with("hello"));
    let requests = setup.requests.as_mut().unwrap();
    assert!(requests.recv().await.unwrap().ends_with(&body));
    let chunked = "POST /a HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\nTrailer: x-sealrelay-secret\r\n\r\n\
         5\r\nhello\r\n0\r\nx-sealrelay-secret: smuggled\r\n\r\n";
    assert!(setup.ask(chunked.as_bytes()).await.ends_with("hello"));
    let seen = setup.requests.as_mut().unwrap().recv().await.unwrap();
    assert!(seen.contains("5\r\nhello\r\n") && !seen.contains("smuggled"), "{seen}");
}

#[tokio::test]
async fn bodies_that_are_too_large_get_413() {
    let setup = setup(Some(OK), NetLimits { http_body_bytes_max: 1000, ..NetLimits::default() }).await;
    let declared = "POST /a HTTP/1.1\r\nHost: r\r\nContent-Length: 1001\r\n\r\n";
    assert!(setup.ask(declared.as_bytes()).await.starts_with("HTTP/1.1 413 "));
    let body = format!("3e9\r\n{}\r\n0\r\n\r\n", "b".repeat(1001));
    let chunked = format!("POST /a HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    let answer = setup.ask(chunked.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("body_too_large"), "{answer}");
    // The answer arrives although the client goes on sending: what nobody wants is taken and thrown away.
    let head = b"POST /a HTTP/1.1\r\nHost: r\r\nContent-Length: 900000\r\n\r\n";
    let mut socket = TcpStream::connect(setup.relay.address()).await.unwrap();
    socket.write_all(head).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, socket.read_to_string(&mut answer)).await.expect("an end in time").expect("no reset");
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    for _ in 0..3 {
        socket.write_all(&[b'b'; 100_000]).await.expect("the server does not reset the connection");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let stats = setup.relay.server.stats();
    assert_eq!((stats.proxy_errors_total, stats.http_errors_total), (0, 3));
}

#[tokio::test]
async fn a_body_that_does_not_arrive_gets_408() {
    let setup = setup(Some(OK), NetLimits { http_body_timeout_ms: 150, ..NetLimits::default() }).await;
    let half = "POST /a HTTP/1.1\r\nHost: r\r\nContent-Length: 100\r\n\r\nhalf";
    let answer = setup.ask(half.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("body_too_slow"), "{answer}");
}

#[tokio::test]
async fn a_control_plane_that_is_not_there_gets_502() {
    let setup = setup(None, NetLimits::default()).await;
    let answer = setup.ask(get("").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("control_plane_unreachable"), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert_eq!(setup.relay.server.stats().proxy_errors_total, 1);
}

#[tokio::test]
async fn a_control_plane_that_hangs_up_gets_502() {
    let setup = setup(Some(""), NetLimits::default()).await;
    let answer = setup.ask(get("").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
}

#[tokio::test]
async fn a_control_plane_that_does_not_answer_gets_504_and_holds_nobody_else() {
    let limits = NetLimits { proxy_response_timeout_ms: 400, proxy_requests_max: 1, ..NetLimits::default() };
    let setup = setup(Some("never"), limits).await;
    let request = get("");
    let silent = setup.ask(request.as_bytes());
    let busy = async {
        setup.relay.until("the first is under way", |stats| stats.proxied_total == 1).await;
        let mut client = setup.relay.client().await;
        client.echoes(b"the data plane goes on").await;
        setup.ask(request.as_bytes()).await
    };
    let (silent, busy) = tokio::join!(silent, busy);
    assert!(silent.starts_with("HTTP/1.1 504 ") && silent.contains("control_plane_silent"), "{silent}");
    assert!(busy.starts_with("HTTP/1.1 503 ") && busy.contains("control_plane_busy"), "{busy}");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_cut() {
    let big: &'static str = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", "x".repeat(16 << 20)).leak();
    let setup = setup(Some(big), NetLimits { write_stall_timeout_ms: 200, ..NetLimits::default() }).await;
    let mut socket = TcpStream::connect(setup.relay.address()).await.unwrap();
    socket.write_all(get("").as_bytes()).await.unwrap();
    let stats = setup.relay.until("the stall is seen", |stats| stats.http_stalls_total == 1).await;
    assert_eq!(stats.proxied_total, 1);
    setup.relay.until("it is released", |stats| stats.connections_open == 0).await;
}

/// A control plane that keeps its connections, and says how many there were.
fn keeping_control_plane(path: &Path) -> std::sync::Arc<std::sync::atomic::AtomicUsize> {
    let listener = UnixListener::bind(path).unwrap();
    let connections = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            tokio::spawn(async move {
                while !read_request(&mut socket).await.is_empty() {
                    socket.write_all(OK.as_bytes()).await.unwrap();
                }
            });
        }
    });
    connections
}

#[tokio::test]
async fn connections_to_the_control_plane_are_kept_and_given_up_when_they_rested_too_long() {
    let folder = TempDir::new().unwrap();
    let socket_path = folder.path().join("control.sock");
    let connections = keeping_control_plane(&socket_path);
    let mut config = config(NetLimits { proxy_idle_ms_max: 1_000, ..NetLimits::default() });
    let secret = ProxySecret::new("boot-secret".to_owned()).unwrap();
    config.control_plane = Some(ControlPlane { socket_path, secret });
    let setup = Setup { relay: relay_with(Behaviour::Echo, config).await, _folder: folder, requests: None };
    for _ in 0..10 {
        assert!(setup.ask(get("").as_bytes()).await.ends_with("hello"));
    }
    assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), 1);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert!(setup.ask(get("").as_bytes()).await.ends_with("hello"));
    assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_kept_connection_that_died_costs_no_request() {
    // This one closes every connection after its answer, without a word.
    let mut setup = setup(Some(OK), NetLimits::default()).await;
    for _ in 0..20 {
        let answer = setup.ask(get("").as_bytes()).await;
        assert!(answer.ends_with("hello"), "{answer}");
        setup.requests.as_mut().unwrap().recv().await.unwrap();
    }
    assert_eq!(setup.relay.server.stats().proxy_errors_total, 0);
}

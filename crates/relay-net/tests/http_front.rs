//! What the port answers to HTTP, right and wrong, byte by byte.

mod support;

use relay_net::{Clock, ControlPlane, LivenessProbe, NetLimits, ProxySecret, RequestClass};
use std::net::SocketAddr;
use std::time::Duration;
use support::client::{Client, KEY, PATIENCE};
use support::endpoints::Behaviour;
use support::{LIVE, NATIVE, config, relay, relay_with};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Sends bytes and reads everything up to the end of the connection.
async fn answer(address: SocketAddr, request: &[u8]) -> String {
    let mut client = Client { socket: TcpStream::connect(address).await.unwrap() };
    client.send(request).await;
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, client.socket.read_to_end(&mut bytes)).await.expect("the server hangs up");
    read.expect("the connection is not reset");
    String::from_utf8(bytes).unwrap()
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or("")
}

fn upgrade(replace: &str, by: &str) -> String {
    let request = format!(
        "GET {NATIVE} HTTP/1.1\r\nHost: relay.test\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    );
    assert!(request.contains(replace), "{replace}");
    request.replacen(replace, by, 1)
}

fn get(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: relay.test\r\nConnection: close\r\n{more}\r\n")
}

/// A few of each kind, for the counters; the whole set is in raw_http.
fn table() -> Vec<(&'static str, String, &'static str)> {
    vec![
        ("liveness", get(LIVE, ""), "200"),
        ("liveness with a query", get(&format!("{LIVE}?x=1"), ""), "200"),
        ("liveness HEAD", get(LIVE, "").replacen("GET", "HEAD", 1), "200"),
        ("liveness POST", get(LIVE, "").replacen("GET", "POST", 1), "405"),
        ("unknown path without a control plane", get("/nothing", ""), "404"),
        ("no Host", format!("GET {LIVE} HTTP/1.1\r\nConnection: close\r\n\r\n"), "400"),
        ("binary", "\u{1}\u{2}\u{3}\r\n\r\n".into(), "400"),
        ("unknown expectation", get(LIVE, "Expect: miracles\r\n"), "417"),
        ("upgrade by POST", upgrade("GET", "POST"), "405"),
        ("upgrade version 8", upgrade("Version: 13", "Version: 8"), "426"),
        ("upgrade without key", upgrade(&format!("Sec-WebSocket-Key: {KEY}\r\n"), ""), "400"),
        ("upgrade with two Hosts", upgrade("Host: relay.test\r\n", "Host: a\r\nHost: a\r\n"), "400"),
    ]
}

#[tokio::test]
async fn every_request_gets_its_status_and_disturbs_nobody() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let mut bystander = relay.client().await;
    let (mut errors, mut refused_upgrades) = (0, 0);
    for (name, request, expected) in table() {
        let answer = answer(relay.address(), request.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{name}: {answer}");
        if expected == "426" {
            assert!(answer.to_lowercase().contains("sec-websocket-version: 13"), "{name}: {answer}");
        }
        errors += u64::from(expected != "200");
        refused_upgrades += u64::from(name.starts_with("upgrade") && !name.ends_with("two Hosts"));
        bystander.echoes(name.as_bytes()).await;
    }
    let stats = relay.until("all are gone", |stats| stats.connections_open == 1).await;
    assert_eq!(stats.http_errors_total, errors);
    assert_eq!(stats.upgrades_refused_total, refused_upgrades);
    assert_eq!(stats.liveness_total, 3);
    assert_eq!(stats.accepted_total, table().len() as u64 + 1);
    let requests = relay.server.requests();
    let control =
        requests.iter().find(|(class, _)| *class == RequestClass::Control).map(|(_, figures)| figures).unwrap();
    assert_eq!((control.client_errors, control.relay_errors), (1, 0), "probes and upgrades are not measured");
    assert!(requests.iter().all(|(_, figures)| figures.ok.count() == 0));
}

/// More than the sockets of both sides hold by themselves.
const UNREAD_BODY_BYTES: usize = 32 * 1024 * 1024;

#[tokio::test]
async fn a_client_that_sends_all_of_a_body_nobody_reads_gets_its_answer() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let head = format!("POST {LIVE} HTTP/1.1\r\nHost: relay.test\r\nContent-Length: {UNREAD_BODY_BYTES}\r\n\r\n");
    let mut request = head.into_bytes();
    request.resize(request.len() + UNREAD_BODY_BYTES, b'x');
    let answer = answer(relay.address(), &request).await;
    assert_eq!(status(&answer), "405", "{answer}");
}

#[tokio::test]
async fn a_chunked_request_is_the_last_of_its_connection() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let smuggled = format!("GET {LIVE} HTTP/1.1\r\nHost: relay.test\r\n\r\n");
    let heads = [
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", smuggled.len() + 5),
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n".to_owned(),
        "Transfer-Encoding: chunked\r\n".to_owned(),
    ];
    for head in heads {
        let request = format!("POST /x HTTP/1.1\r\nHost: relay.test\r\n{head}\r\n0\r\n\r\n{smuggled}");
        let answer = answer(relay.address(), request.as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    assert_eq!(relay.server.stats().liveness_total, 0);
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut_and_pipelined_requests_are_answered_in_order() {
    let limits = NetLimits { http_header_timeout_ms: 150, ..NetLimits::default() };
    let relay = relay(Behaviour::Echo, limits).await;
    let answer_to_half = answer(relay.address(), b"GET / HTTP/1.1\r\nHost: rel").await;
    assert!(!answer_to_half.contains("200"), "{answer_to_half}");
    let two = format!("GET {LIVE} HTTP/1.1\r\nHost: relay.test\r\n\r\n{}", get("/nothing", ""));
    let answers = answer(relay.address(), two.as_bytes()).await;
    let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.get(..3)).collect();
    assert_eq!(statuses, ["200", "404"]);
    relay.until("nothing is left", |stats| stats.connections_open == 0).await;
}

#[tokio::test]
async fn problems_are_json_that_says_what_is_wrong() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let answer = answer(relay.address(), get("/nothing", "").as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/problem+json"), "{head}");
    assert_eq!(
        body,
        r#"{"type":"about:blank","title":"Not Found","status":404,"code":"not_found","detail":"Nothing is served at this path."}"#
    );
}

#[tokio::test]
async fn liveness_follows_the_control_planes_beat() {
    let clock = Clock::start();
    let probe = LivenessProbe::new();
    let mut config = config(NetLimits { liveness_silence_ms_max: 200, ..NetLimits::default() });
    config.liveness = Some(probe.clone());
    let relay = relay_with(Behaviour::Echo, config).await;
    let ask = || answer(relay.address(), b"GET /test/live HTTP/1.0\r\n\r\n");
    assert!(ask().await.ends_with(r#"{"status":"ok"}"#));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let silent = ask().await;
    assert_eq!(status(&silent), "503", "{silent}");
    assert!(silent.ends_with(r#"{"status":"control_plane_silent"}"#));
    probe.beat(clock.now());
    assert_eq!(status(&ask().await), "200");
}

#[tokio::test]
async fn routes_come_from_the_caller() {
    let mut config = config(NetLimits::default());
    for route in &mut config.routes {
        route.path = format!("/renamed{}", route.path);
    }
    let relay = relay_with(Behaviour::Echo, config).await;
    let address = relay.address();
    let mut client = Client::open(address, &format!("/renamed{NATIVE}")).await;
    client.echoes(b"renamed").await;
    assert_eq!(status(&answer(address, upgrade("GET", "GET").as_bytes()).await), "404");
    assert_eq!(status(&answer(address, get(LIVE, "").as_bytes()).await), "404");
    assert_eq!(status(&answer(address, get(&format!("/renamed{LIVE}"), "").as_bytes()).await), "200");
}

#[tokio::test]
async fn connections_above_the_limit_are_told_so() {
    if support::is_over_tls() {
        return;
    }
    let limits = NetLimits { connections_max: 2, ..NetLimits::default() };
    let relay = relay(Behaviour::Echo, limits).await;
    let mut first = relay.client().await;
    let second = relay.client().await;
    for _ in 0..3 {
        let answer = answer(relay.address(), get(LIVE, "").as_bytes()).await;
        assert_eq!(status(&answer), "503", "{answer}");
        assert!(answer.contains("too_many_connections") && answer.contains("retry-after"), "{answer}");
    }
    first.echoes(b"untouched").await;
    drop(second);
    relay.until("one place is free", |stats| stats.connections_open == 1).await;
    relay.client().await.echoes(b"admitted").await;
    assert_eq!(relay.server.stats().refused_total, 3);
}

#[tokio::test]
async fn start_errors_name_the_address_and_the_fix() {
    let relay = relay(Behaviour::Echo, NetLimits::default()).await;
    let taken = relay.address();
    let bind = |change: &dyn Fn(&mut relay_net::ServerConfig)| {
        let mut config = config(NetLimits::default());
        change(&mut config);
        relay_net::Server::bind(config)
    };
    let error = bind(&|config| config.bind = taken).unwrap_err();
    let expected = format!(
        "cannot listen on {taken}: the port is taken; stop the program that uses this port, or choose another port"
    );
    assert_eq!(error.to_string(), expected);
    assert!(error.is_temporary());
    let error = bind(&|config| config.bind = ([203, 0, 113, 1], 0).into()).unwrap_err();
    assert!(error.to_string().contains("choose an address this machine has"), "{error}");
    let error = bind(&|config| config.routes.push(config.routes[0].clone())).unwrap_err();
    assert!(error.to_string().contains("it is there twice; correct the route table"), "{error}");
    assert!(ProxySecret::new(String::new()).is_err());
    assert!(ProxySecret::new("a\nb".to_owned()).is_err());
    let secret = ProxySecret::new("hidden".to_owned()).unwrap();
    let shown = format!("{:?}", ControlPlane { socket_path: "/x".into(), secret });
    assert!(!shown.contains("hidden"), "{shown}");
}

//! Who is let in: rates and connections of an address, and clients behind proxies.

mod support;

use relay_net::{
    ForeignKind, ForeignRoute, FrameRoute, GateConfig, NetLimits, NetStats, ProxyHeader, Route, RouteKind,
    ServerConfig, TrustedProxies,
};
use support::client::{Client, PATIENCE};
use support::endpoints::Behaviour;
use support::foreign::SERVICE;
use support::{LIVE, NATIVE, READY, Relay, config, relay_in_clear, relay_with};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PUSH: &str = "/test/push";

fn config_of(gate: GateConfig) -> ServerConfig {
    let mut config = config(NetLimits::default());
    config.routes.push(Route { path: PUSH.to_owned(), kind: RouteKind::Frames(FrameRoute::Push) });
    config.gate = gate;
    config
}

async fn relay(gate: GateConfig) -> Relay {
    relay_with(Behaviour::Echo, config_of(gate)).await
}

fn trusting_loopback() -> TrustedProxies {
    TrustedProxies::parse(["127.0.0.0/8"], ProxyHeader::default()).unwrap()
}

/// The whole answer, in lower case.
async fn ask(relay: &Relay, request: &str) -> String {
    let mut socket = TcpStream::connect(relay.address()).await.unwrap();
    let _ = socket.write_all(request.as_bytes()).await;
    let mut answer = String::new();
    timeout(PATIENCE, socket.read_to_string(&mut answer)).await.expect("an end in time").expect("no reset");
    answer.to_lowercase()
}

async fn get(relay: &Relay, path: &str, more: &str) -> String {
    ask(relay, &format!("GET {path} HTTP/1.1\r\nHost: r\r\nConnection: close\r\n{more}\r\n")).await
}

async fn push(relay: &Relay, more: &str) -> String {
    let head = format!("POST {PUSH} HTTP/1.1\r\nHost: r\r\nConnection: close\r\nAuthorization: Bearer dG9r\r\n{more}");
    ask(relay, &format!("{head}Content-Length: 5\r\n\r\n\0\0\0\u{1}x")).await
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap_or_default().parse().unwrap_or_default()
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    answer.lines().take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn refused(stats: &NetStats) -> [u64; 4] {
    let NetStats { requests_limited_total, native_requests_limited_total, connections_limited_total, .. } = stats;
    let of_address = stats.address_connections_refused_total;
    [*requests_limited_total, *native_requests_limited_total, *connections_limited_total, of_address]
}

#[tokio::test]
async fn requests_of_an_address_are_counted_down_and_refused() {
    let relay = relay(GateConfig { requests_per_minute: 3, ..GateConfig::default() }).await;
    for remaining in ["2", "1", "0"] {
        let answer = get(&relay, "/health", "").await;
        assert_eq!((status(&answer), header(&answer, "x-ratelimit-limit")), (404, Some("3")), "{answer}");
        assert_eq!(header(&answer, "x-ratelimit-remaining"), Some(remaining));
        assert_eq!(header(&answer, "retry-after"), None);
    }
    let answer = get(&relay, "/regions", "").await;
    assert_eq!((status(&answer), header(&answer, "retry-after")), (429, Some("20")), "{answer}");
    assert_eq!(header(&answer, "content-type"), Some("application/problem+json"));
    assert!(answer.contains(r#""code":"rate_limited""#), "{answer}");
    let reset_ms: u128 = header(&answer, "x-ratelimit-reset").unwrap().parse().unwrap();
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    assert!((now_ms + 50_000..=now_ms + 60_000).contains(&reset_ms), "{reset_ms} at {now_ms}");
    let spoofed = get(&relay, "/health", "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n").await;
    assert_eq!(status(&spoofed), 429, "nobody is another one by saying so");
    for _ in 0..5 {
        let live = get(&relay, LIVE, "").await;
        assert_eq!((status(&live), header(&live, "x-ratelimit-limit")), (200, None), "liveness is never refused");
        let ready = get(&relay, READY, "").await;
        assert_eq!((status(&ready), header(&ready, "x-ratelimit-limit")), (404, None), "nor is a probe: {ready}");
    }
    assert_eq!(status(&push(&relay, "").await), 200, "another rate");
    assert_eq!(refused(&relay.server.stats()), [2, 0, 0, 0]);
}

#[tokio::test]
async fn pushes_of_the_lane_and_of_the_general_server_share_one_rate() {
    let relay = relay(GateConfig { native_requests_per_minute: 2, ..GateConfig::default() }).await;
    let fast = push(&relay, "").await;
    assert_eq!((status(&fast), header(&fast, "x-ratelimit-remaining")), (200, Some("1")), "{fast}");
    // Expect is not for the lane.
    let general = push(&relay, "Expect: 100-continue\r\n").await;
    assert!(general.contains("x-ratelimit-remaining: 0"), "{general}");
    for more in ["", "Expect: 100-continue\r\n", "Origin: https://app.test\r\n"] {
        let answer = push(&relay, more).await;
        assert!(answer.contains("429 too many requests") && answer.contains("retry-after: 30"), "{answer}");
        assert!(answer.contains("x-ratelimit-remaining: 0") && answer.contains("rate_limited"), "{answer}");
        assert_marked(&answer);
    }
    assert_marked(&fast);
    let upgrade = get(&relay, NATIVE, "").await;
    assert_eq!(status(&upgrade), 429, "a WebSocket is a request too: {upgrade}");
    assert_eq!(refused(&relay.server.stats())[1], 4);
}

/// Every path whose requests have a rate, asked rightly, wrongly and too often; and those that have none.
#[tokio::test]
async fn every_answer_of_a_limited_class_says_where_its_client_stands_and_all_say_how_long_they_took() {
    let gate = GateConfig { requests_per_minute: 3, native_requests_per_minute: 12, ..GateConfig::default() };
    let mut config = config_of(gate);
    let foreign = |takes| RouteKind::Foreign(ForeignRoute { service: SERVICE, takes });
    for (path, kind) in [
        ("/test/pull", RouteKind::Frames(FrameRoute::Pull)),
        ("/test/blobs/", RouteKind::Blobs),
        ("/test/foreign", foreign(ForeignKind::Requests)),
        ("/test/socket", foreign(ForeignKind::Sockets)),
    ] {
        config.routes.push(Route { path: path.to_owned(), kind });
    }
    let relay = relay_with(Behaviour::Echo, config).await;
    let long = format!("/test/pull?{}", "x".repeat(9000));
    let origin = "Origin: https://app.test\r\nAccess-Control-Request-Method: GET\r\n";
    let mut asked = 0;
    for (limit, paths) in [
        (Some("3"), vec!["/health", "/nothing", "/metrics/sla", "/health"]),
        (Some("12"), vec![NATIVE, "/test/pull", "/test/blobs/x", "/test/foreign", "/test/socket", PUSH, &long]),
        (Some("12"), vec![NATIVE, "/test/pull", "/test/blobs/x", "/test/foreign", "/test/socket", PUSH, &long]),
        (None, vec![LIVE, READY, LIVE, READY]),
    ] {
        for path in paths {
            for more in ["", origin] {
                asked += 1;
                let answer = get(&relay, path, more).await;
                let what = format!("request {asked}, {path:.40}: {answer}");
                assert_eq!(header(&answer, "x-ratelimit-limit"), limit, "{what}");
                assert_eq!(header(&answer, "x-ratelimit-remaining").is_some(), limit.is_some(), "{what}");
                assert_eq!(header(&answer, "x-ratelimit-reset").is_some(), limit.is_some(), "{what}");
                let is_too_fast = status(&answer) == 429;
                assert_eq!(header(&answer, "retry-after").is_some(), is_too_fast, "{what}");
                if is_too_fast && path != NATIVE {
                    let exposed = header(&answer, "access-control-expose-headers").unwrap_or_default();
                    assert!(exposed.contains("retry-after") && exposed.contains("x-ratelimit-reset"), "{what}");
                }
                assert_marked(&answer);
            }
        }
    }
    for more in ["", "Expect: 100-continue\r\n"] {
        let answer = push(&relay, more).await;
        assert_eq!(header(&answer, "x-ratelimit-limit"), Some("12"), "{answer}");
        assert_eq!((status(&answer), header(&answer, "x-ratelimit-remaining")), (429, Some("0")), "{answer}");
    }
    assert!(refused(&relay.server.stats())[..2].iter().all(|refused| *refused > 0), "both limits were reached");
}

/// What every answer of the core says.
fn assert_marked(answer: &str) {
    assert_eq!(header(answer, "x-content-type-options"), Some("nosniff"), "{answer}");
    let took = header(answer, "x-response-time").and_then(|took| took.strip_suffix("ms")?.parse::<u64>().ok());
    assert!(took.is_some(), "{answer}");
}

#[tokio::test]
async fn a_refused_push_leaves_its_connection_open() {
    let relay = relay(GateConfig { native_requests_per_minute: 1, ..GateConfig::default() }).await;
    let request = format!(
        "POST {PUSH} HTTP/1.1\r\nHost: r\r\nAuthorization: Bearer dG9r\r\nContent-Length: 5\r\n\r\n\0\0\0\u{1}x"
    );
    let last = request.replace("Host: r", "Host: r\r\nConnection: close");
    let answers = ask(&relay, &format!("{request}{request}{last}")).await;
    assert_eq!((answers.matches("200 ok").count(), answers.matches("429 too").count()), (1, 2), "{answers}");
}

#[tokio::test]
async fn what_a_proxy_brings_over_plain_http_is_refused_where_https_is_required_but_for_probes() {
    let required = |trusted_proxies| GateConfig { trusted_proxies, require_https: true, ..GateConfig::default() };
    let relay = relay_in_clear(Behaviour::Echo, config_of(required(trusting_loopback())));
    let (http, https) = ("X-Forwarded-Proto: http\r\n", "X-Forwarded-Proto: https\r\n");
    for said in [http, "", "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n"] {
        for answer in [push(&relay, said).await, get(&relay, NATIVE, said).await, get(&relay, "/health", said).await] {
            assert_eq!(status(&answer), 403, "{said}: {answer}");
            assert!(answer.contains(r#""code":"https_required""#), "{answer}");
            assert_eq!(header(&answer, "content-type"), Some("application/problem+json"), "{answer}");
        }
        assert_eq!(status(&get(&relay, LIVE, said).await), 200, "a probe comes from beside the proxy");
        assert_eq!(status(&get(&relay, READY, said).await), 404, "as does this one, which nobody answers here");
    }
    assert_eq!(relay.server.stats().frame_requests_total, 0, "nothing of a refused push was taken");
    assert_eq!(status(&push(&relay, https).await), 200);
    assert_eq!(status(&get(&relay, "/health", https).await), 404);
    // Who is no proxy is not believed.
    let strict = relay_in_clear(Behaviour::Echo, config_of(required(TrustedProxies::default())));
    assert_eq!(status(&push(&strict, https).await), 403);
    let lenient = relay_in_clear(
        Behaviour::Echo,
        config_of(GateConfig { require_https: false, ..required(trusting_loopback()) }),
    );
    assert_eq!(status(&push(&lenient, http).await), 200, "the control");
    let over_tls = support::relay_over_tls(Behaviour::Echo, config_of(required(TrustedProxies::default()))).await;
    assert_eq!(status(&push(&over_tls, http).await), 200, "TLS ends at the relay, whatever a client says");
}

#[tokio::test]
async fn new_connections_of_an_address_have_a_rate() {
    let relay = relay(GateConfig { connections_per_minute: 2, ..GateConfig::default() }).await;
    assert_eq!(status(&get(&relay, LIVE, "").await), 200);
    assert_eq!(status(&get(&relay, LIVE, "").await), 200);
    let answer = get(&relay, LIVE, "").await;
    assert_eq!((status(&answer), header(&answer, "retry-after")), (429, Some("30")), "{answer}");
    assert_eq!(refused(&relay.server.stats()), [0, 0, 1, 0]);
}

#[tokio::test]
async fn open_connections_of_an_address_are_limited() {
    let relay = relay(GateConfig { connections_max: 2, ..GateConfig::default() }).await;
    let first = relay.client().await;
    let _second = relay.client().await;
    let answer = get(&relay, LIVE, "").await;
    assert!(status(&answer) == 503 && answer.contains("too_many_connections"), "{answer}");
    assert_marked(&answer);
    drop(first);
    relay.until("a connection is gone", |stats| stats.connections_open == 1).await;
    assert_eq!(status(&get(&relay, LIVE, "").await), 200);
    assert_eq!(refused(&relay.server.stats()), [0, 0, 0, 1]);
}

#[tokio::test]
async fn clients_behind_a_proxy_have_a_rate_each() {
    let gate = GateConfig {
        requests_per_minute: 1,
        native_requests_per_minute: 1,
        connections_per_minute: 1,
        trusted_proxies: trusting_loopback(),
        ..GateConfig::default()
    };
    let relay = relay(gate).await;
    for _ in 0..3 {
        // The proxy's own connections are not held against anybody.
        assert_eq!(status(&get(&relay, LIVE, "").await), 200);
    }
    for (list, expected) in [
        ("198.51.100.1", 404),
        ("198.51.100.2", 404),
        ("198.51.100.1", 429),
        ("6.6.6.6, 198.51.100.1", 429),
        ("198.51.100.1, 127.0.0.9", 429),
        ("2001:db8::1", 404),
        ("2001:db8::2", 429),
    ] {
        let answer = get(&relay, "/health", &format!("X-Forwarded-For: {list}\r\n")).await;
        assert_eq!(status(&answer), expected, "{list}");
    }
    for (list, expected) in [("198.51.100.1", 200), ("198.51.100.2", 200), ("6.6.6.6, 198.51.100.1", 429)] {
        let answer = push(&relay, &format!("X-Forwarded-For: {list}\r\n")).await;
        assert_eq!(status(&answer), expected, "{list}: {answer}");
    }
    let lines = "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 198.51.100.2\r\n";
    assert_eq!(status(&push(&relay, lines).await), 429, "several lines are one list");
}

#[tokio::test]
async fn websockets_behind_a_proxy_are_counted_by_their_clients() {
    let gate = GateConfig { connections_max: 1, trusted_proxies: trusting_loopback(), ..GateConfig::default() };
    let relay = relay(gate).await;
    let address = relay.address();
    let upgrade = |client: &str| {
        format!(
            "GET {NATIVE} HTTP/1.1\r\nHost: r\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Forwarded-For: {client}\r\n\r\n"
        )
    };
    let open = async |client: &str| {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(upgrade(client).as_bytes()).await.unwrap();
        let mut answer = vec![0; 1024];
        let count = timeout(PATIENCE, socket.read(&mut answer)).await.unwrap().unwrap();
        (status(&String::from_utf8_lossy(&answer[..count])), Client { socket })
    };
    let (first, held) = open("198.51.100.1").await;
    let (again, _) = open("198.51.100.1").await;
    let (other, _other) = open("198.51.100.2").await;
    assert_eq!((first, again, other), (101, 503, 101));
    drop(held);
    relay.until("it is gone", |stats| stats.websockets_open == 1).await;
    relay.until("its place as well", |stats| stats.connections_open == 1).await;
    assert_eq!(open("198.51.100.1").await.0, 101);
}

/// A relay whose trusted proxies, all of loopback, speak the PROXY protocol.
fn behind_proxy_protocol(gate: GateConfig) -> Relay {
    let gate = GateConfig { trusted_proxies: trusting_loopback(), proxy_protocol: true, ..gate };
    relay_in_clear(Behaviour::Echo, config_of(gate))
}

fn proxied(header: &str, more: &str) -> String {
    format!("{header}GET /health HTTP/1.1\r\nHost: r\r\nConnection: close\r\n{more}\r\n")
}

#[tokio::test]
async fn a_proxy_protocol_header_says_whose_connection_it_is() {
    let relay = behind_proxy_protocol(GateConfig { requests_per_minute: 1, ..GateConfig::default() });
    let line = |client: &str| format!("PROXY TCP4 {client} 127.0.0.1 4711 443\r\n");
    for (client, more, expected) in [
        ("198.51.100.1", "", 404),
        ("198.51.100.2", "", 404),
        ("198.51.100.1", "", 429),
        ("198.51.100.1", "X-Forwarded-For: 203.0.113.9\r\n", 429),
    ] {
        let answer = ask(&relay, &proxied(&line(client), more)).await;
        assert_eq!(status(&answer), expected, "{client} {more}");
    }
    // A proxy that stands behind the first one and is trusted too is believed about its clients.
    let answer = ask(&relay, &proxied(&line("127.0.0.9"), "X-Forwarded-For: 198.51.100.1\r\n")).await;
    assert_eq!(status(&answer), 429);
    // What the proxy says for itself is not.
    let own = "PROXY UNKNOWN\r\n";
    assert_eq!(status(&ask(&relay, &proxied(own, "X-Forwarded-For: 203.0.113.1\r\n")).await), 404);
    assert_eq!(status(&ask(&relay, &proxied(own, "X-Forwarded-For: 203.0.113.2\r\n")).await), 429);
}

#[tokio::test]
async fn clients_behind_the_proxy_protocol_have_their_own_limits_of_connections() {
    let relay =
        behind_proxy_protocol(GateConfig { connections_per_minute: 1, connections_max: 1, ..GateConfig::default() });
    let line = |client: u8| format!("PROXY TCP4 198.51.100.{client} 127.0.0.1 4711 443\r\n");
    for (client, expected) in [(1, 404), (2, 404), (1, 429)] {
        let answer = ask(&relay, &proxied(&line(client), "")).await;
        assert_eq!(status(&answer), expected, "{client}: {answer}");
    }
    assert_eq!(relay.server.stats().connections_limited_total, 1);
}

#[tokio::test]
async fn nobody_but_a_trusted_proxy_writes_such_a_header_and_those_must() {
    let gate = GateConfig { proxy_protocol: true, ..GateConfig::default() };
    let relay = relay_in_clear(Behaviour::Echo, config_of(gate));
    let answer = ask(&relay, &proxied("PROXY TCP4 198.51.100.1 127.0.0.1 1 2\r\n", "")).await;
    assert_eq!(status(&answer), 400, "{answer}");
    let relay = behind_proxy_protocol(GateConfig::default());
    for silent in ["GET /health HTTP/1.1\r\nHost: r\r\n\r\n", "PROXY TCP4 nobody 127.0.0.1 1 2\r\nGET / HTTP/1.1\r\n"] {
        let answer = ask(&relay, silent).await;
        assert!(status(&answer) == 400 && answer.contains("proxy_header_needed"), "{answer}");
    }
    assert_eq!(relay.server.stats().proxy_headers_missing_total, 2);
}

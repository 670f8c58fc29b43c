//! Pages of other origins: which routes they may use, and what a browser is told.

mod support;

use relay_net::{AllowedOrigins, ForeignKind, ForeignRoute, FrameRoute, NetLimits, Route, RouteKind, ServerConfig};
use std::net::SocketAddr;
use support::client::{Client, PATIENCE};
use support::endpoints::Behaviour;
use support::foreign::SERVICE;
use support::{LIVE, NATIVE, config, relay_with};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

const PUSH: &str = "/test/push";
const PULL: &str = "/test/pull";
const BLOB: &str = "/test/blobs/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const ORIGIN: &str = "Origin: https://app.test\r\n";

fn routes() -> ServerConfig {
    let mut config = config(NetLimits::default());
    for (path, kind) in [
        (PUSH, RouteKind::Frames(FrameRoute::Push)),
        (PULL, RouteKind::Frames(FrameRoute::Pull)),
        ("/test/blobs/", RouteKind::Blobs),
    ] {
        config.routes.push(Route { path: path.to_owned(), kind });
    }
    config
}

/// The whole answer to a request that is the last of its connection, in lower case.
async fn answer(address: SocketAddr, method: &str, path: &str, more: &str, body: &str) -> String {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: relay.test\r\nConnection: close\r\n{more}Content-Length: {length}\r\n\r\n{body}"
    );
    let mut client = Client { socket: TcpStream::connect(address).await.unwrap() };
    client.send(request.as_bytes()).await;
    let mut bytes = Vec::new();
    timeout(PATIENCE, client.socket.read_to_end(&mut bytes)).await.expect("the server hangs up").unwrap();
    String::from_utf8_lossy(&bytes).to_lowercase()
}

/// The value of a header; it may be there once.
fn header(answer: &str, name: &str) -> Option<String> {
    let mut values = answer.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let value = values.next().map(str::to_owned);
    assert_eq!(values.next(), None, "{name} twice: {answer}");
    value
}

#[tokio::test]
async fn a_browser_that_asks_first_is_told_methods_and_headers() {
    let relay = relay_with(Behaviour::Echo, routes()).await;
    let address = relay.address();
    let asks =
        format!("{ORIGIN}Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: authorization\r\n");
    for (path, methods) in [(PUSH, "post"), (PULL, "get"), (BLOB, "get, head, put, delete")] {
        let answer = answer(address, "OPTIONS", path, &asks, "").await;
        assert!(answer.starts_with("http/1.1 204 "), "{path}: {answer}");
        assert_eq!(header(&answer, "access-control-allow-origin").as_deref(), Some("*"), "{path}");
        assert_eq!(header(&answer, "access-control-allow-methods").as_deref(), Some(methods), "{path}");
        assert_eq!(header(&answer, "access-control-max-age").as_deref(), Some("7200"), "{path}");
        let headers = header(&answer, "access-control-allow-headers").unwrap();
        assert!(headers.contains("authorization") && headers.contains("content-range"), "{path}: {headers}");
        assert_eq!(header(&answer, "access-control-allow-credentials"), None, "{path}");
    }
}

#[tokio::test]
async fn answers_may_be_read_by_any_page_refusals_too_and_nothing_else_may() {
    let relay = relay_with(Behaviour::Echo, routes()).await;
    let address = relay.address();
    let token = format!("{ORIGIN}Authorization: Bearer abc\r\n");
    let frame = "\0\0\0\u{1}x";
    for (what, method, path, more, body, status) in [
        ("a push in the lane", "POST", PUSH, token.as_str(), frame, "200"),
        (
            "a push that is no plain one",
            "POST",
            PUSH,
            "Origin: null\r\nAuthorization: Bearer abc\r\nTE: trailers\r\n",
            frame,
            "200",
        ),
        ("a wrong method", "GET", PUSH, ORIGIN, "", "405"),
        ("OPTIONS without a question", "OPTIONS", PUSH, ORIGIN, "", "405"),
        ("a refused pull", "GET", PULL, ORIGIN, "", "400"),
        ("a blob nobody may read", "GET", BLOB, ORIGIN, "", "404"),
    ] {
        let answer = answer(address, method, path, more, body).await;
        assert_eq!(answer.get(9..12), Some(status), "{what}: {answer}");
        assert_eq!(header(&answer, "access-control-allow-origin").as_deref(), Some("*"), "{what}: {answer}");
        let exposed = header(&answer, "access-control-expose-headers").unwrap();
        assert!(exposed.contains("retry-after") && exposed.contains("upload-offset"), "{what}: {exposed}");
    }
    for (method, path) in
        [("GET", LIVE), ("OPTIONS", LIVE), ("GET", NATIVE), ("OPTIONS", NATIVE), ("OPTIONS", "/nothing")]
    {
        let more = format!("{ORIGIN}Access-Control-Request-Method: GET\r\n");
        let answer = answer(address, method, path, &more, "").await;
        assert!(!answer.contains("access-control"), "{method} {path}: {answer}");
    }
}

/// Every way an answer comes about that pages may read, by the path, the lines and the body that lead to it.
#[tokio::test]
async fn where_origins_are_listed_pages_of_others_read_nothing() {
    let mut config = routes();
    config.gate.origins = AllowedOrigins::parse(["https://notes.test", "https://app.test"]).unwrap();
    let takes = ForeignKind::Requests;
    let kind = RouteKind::Foreign(ForeignRoute { service: SERVICE, takes });
    config.routes.push(Route { path: "/test/foreign".to_owned(), kind });
    let relay = relay_with(Behaviour::Echo, config).await;
    let address = relay.address();
    let token = "Authorization: Bearer abc\r\n";
    let asks = "Access-Control-Request-Method: PUT\r\n";
    for (what, method, path, more, body) in [
        ("a plain push", "POST", PUSH, token, "\0\0\0\u{1}x"),
        ("a push that is no plain one", "POST", PUSH, "Authorization: Bearer abc\r\nTE: trailers\r\n", "\0\0\0\u{1}x"),
        ("a refusal", "GET", PULL, "", ""),
        ("a blob", "GET", BLOB, "", ""),
        ("a question beforehand", "OPTIONS", BLOB, asks, ""),
        ("an answer of a foreign protocol", "GET", "/test/foreign?open", "", ""),
    ] {
        let from = async |origin: &str| answer(address, method, path, &format!("{origin}{more}"), body).await;
        let listed = from(ORIGIN).await;
        assert_eq!(header(&listed, "access-control-allow-origin").as_deref(), Some("https://app.test"), "{what}");
        assert_eq!(header(&listed, "vary").as_deref(), Some("origin"), "{what}: {listed}");
        for origin in ["Origin: https://evil.test\r\n", "Origin: null\r\n", "Origin: https://app.test.evil\r\n"] {
            let other = from(origin).await;
            assert!(!other.contains("access-control"), "{what}, {origin}: {other}");
            assert_eq!(header(&other, "vary").as_deref(), Some("origin"), "{what}: {other}");
            assert_eq!(other.get(9..12), listed.get(9..12), "{what}: it is the browser that keeps it from the page");
        }
    }
    let live = answer(address, "GET", LIVE, ORIGIN, "").await;
    assert!(!live.contains("access-control") && !live.contains("vary"), "nobody's page reads this: {live}");
}

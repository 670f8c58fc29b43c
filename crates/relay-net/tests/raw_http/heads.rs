//! Request lines, Host, header lines, sizes.

use super::case::{Case, get, refused, served, with_byte};

pub(crate) fn request_lines() -> Vec<Case> {
    let line = |line: &str| format!("{line}\r\nHost: relay.test\r\nConnection: close\r\n\r\n");
    let good = |name: &str, first: &str, seen: &str| served(name, line(first), &[seen]);
    let bad = |name: &str, first: &str, status: u16| refused(name, line(first), status);
    vec![
        good("plain", "GET /x HTTP/1.1", "GET /x"),
        good("a query", "GET /x?a=b&c HTTP/1.1", "GET /x?a=b&c"),
        good("percent", "GET /%00%2e%2e HTTP/1.1", "GET /%00%2e%2e"),
        good("a method of one's own", "BREW /x HTTP/1.1", "BREW /x"),
        good("absolute target", "GET http://relay.test/x HTTP/1.1", "GET /x"),
        good("empty lines before", "\r\nGET /x HTTP/1.1", "GET /x"),
        bad("absolute target of another host", "GET http://other.test/x HTTP/1.1", 400),
        bad("absolute target with user information", "GET http://a@relay.test/x HTTP/1.1", 400),
        bad("CONNECT", "CONNECT relay.test:80 HTTP/1.1", 400),
        bad("asterisk", "OPTIONS * HTTP/1.1", 400),
        bad("no slash", "GET x HTTP/1.1", 400),
        bad("empty target", "GET  HTTP/1.1", 400),
        bad("no target", "GET HTTP/1.1", 400),
        bad("two spaces", "GET  /x HTTP/1.1", 400),
        bad("tab instead of space", "GET\t/x HTTP/1.1", 400),
        bad("space in the target", "GET /x y HTTP/1.1", 400),
        bad("space behind the version", "GET /x HTTP/1.1 ", 400),
        bad("space before the method", " GET /x HTTP/1.1", 400),
        bad("no method", " /x HTTP/1.1", 400),
        bad("method with a bracket", "G(T /x HTTP/1.1", 400),
        bad("HTTP/0.9", "GET /x", 400),
        bad("HTTP/1", "GET /x HTTP/1", 400),
        bad("HTTP/1.", "GET /x HTTP/1.", 400),
        bad("HTTP/1.2", "GET /x HTTP/1.2", 400),
        bad("HTTP/01.1", "GET /x HTTP/01.1", 400),
        bad("HTTP/1.10", "GET /x HTTP/1.10", 400),
        bad("HTTP/2.0", "GET /x HTTP/2.0", 400),
        bad("HTTP/3.0", "GET /x HTTP/3.0", 400),
        bad("http/1.1", "GET /x http/1.1", 400),
        bad("HTTQ/1.1", "GET /x HTTQ/1.1", 400),
        bad("the preface of HTTP/2", "PRI * HTTP/2.0", 400),
        good("a fragment, which goes nowhere", "GET /x#top HTTP/1.1", "GET /x"),
        refused("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), 400),
        refused("binary", b"\x01\x02\x03\r\n\r\n".to_vec(), 400),
        refused("an answer instead", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec(), 400),
        refused("NUL in the target", with_target(0), 400),
        refused("DEL in the target", with_target(0x7f), 400),
    ]
}

fn with_target(byte: u8) -> Vec<u8> {
    [b"GET /x", &[byte][..], b"y HTTP/1.1\r\nHost: relay.test\r\nConnection: close\r\n\r\n"].concat()
}

pub(crate) fn hosts() -> Vec<Case> {
    let host = |value: &str| get("/x", "").replace("relay.test", value);
    let mut cases: Vec<_> = ["relay.test", "RELAY.test:80", "127.0.0.1", "[::1]:8080", "xn--bcher-kva.test"]
        .iter()
        .map(|value| served(format!("Host {value}"), host(value), &["GET /x"]))
        .collect();
    for value in [
        "",
        "a@relay.test",
        "relay.test/x",
        "relay test",
        "relay.test:port",
        "relay.test:99999",
        "relay.test,other.test",
        "relay.test?x",
        "relay.test#x",
        "http://relay.test",
        "[::1",
        "relay\\test",
        "relay<test>",
    ] {
        cases.push(refused(format!("Host {value:?}"), host(value), 400));
    }
    let more = |more: &str| get("/x", more);
    cases.extend([
        refused("no Host", "GET /x HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        refused("the same Host twice", more("Host: relay.test\r\n"), 400),
        refused("two Hosts", more("Host: other.test\r\n"), 400),
        refused("two Hosts in other cases", more("hOST: other.test\r\n"), 400),
        refused("Host with a space before the colon", more("Host : relay.test\r\n"), 400),
        refused("Host folded", get("/x", "").replace("Host: ", "Host:\r\n "), 400),
        refused("HTTP/1.0 with two Hosts", "GET /x HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        served("HTTP/1.0 without Host", "GET /x HTTP/1.0\r\n\r\n", &["GET /x"]),
    ]);
    cases
}

pub(crate) fn header_lines() -> Vec<Case> {
    let more = |more: &str| get("/x", more);
    let mut cases = vec![
        served("a tab in a value", with_byte("X-Value: a", 9, "b"), &["GET /x"]),
        served("bytes above 0x7f in a value", with_byte("X-Value: a", 0xe9, "b"), &["GET /x"]),
        served("an empty value", more("X-Empty:\r\n"), &["GET /x"]),
        served("spaces around a value", more("X-Padded:  \t a \t \r\n"), &["GET /x"]),
        refused("folded", more("X-Fold: a\r\n b\r\n"), 400),
        refused("folded by a tab", more("X-Fold: a\r\n\tb\r\n"), 400),
        refused("folded first line", "GET /x HTTP/1.1\r\n Host: relay.test\r\nHost: relay.test\r\n\r\n", 400),
        refused("space before the colon", more("X-Space : a\r\n"), 400),
        refused("tab before the colon", more("X-Tab\t: a\r\n"), 400),
        refused("no colon", more("nonsense\r\n"), 400),
        refused("no name", more(": a\r\n"), 400),
        refused("bare CR ends a line", more("X-Cr: a\rX-Other: b\r\n"), 400),
    ];
    for byte in (0..0x20).filter(|byte| !b"\t\r\n".contains(byte)).chain([0x7f]) {
        cases.push(refused(format!("byte {byte:#04x} in a value"), with_byte("X-Value: a", byte, "b"), 400));
    }
    for byte in *b"\0\t\x0b\x1f \"(),/;<=>?@[\\]{}\x7f\x80\xff" {
        cases.push(refused(format!("byte {byte:#04x} in a name"), with_byte("X-Na", byte, "me: a"), 400));
    }
    cases
}

pub(crate) fn sizes() -> Vec<Case> {
    let lines = |count: usize| (0..count).map(|i| format!("X-H{i}: v\r\n")).collect::<String>();
    let value = |bytes: usize| format!("X-Big: {}\r\n", "a".repeat(bytes));
    let name = |bytes: usize| format!("{}: v\r\n", "n".repeat(bytes));
    let target = |bytes: usize| format!("/{}", "a".repeat(bytes));
    vec![
        served("90 headers", get("/x", &lines(90)), &["GET /x"]),
        served("a header of 8 KiB", get("/x", &value(8 * 1024)), &["GET /x"]),
        refused("120 headers", get("/x", &lines(120)), 431),
        refused("2,500 headers", get("/x", &lines(2_500)), 431),
        refused("a header of 20 KiB", get("/x", &value(20 * 1024)), 431),
        refused("a header of 1 MiB", get("/x", &value(1024 * 1024)), 431),
        refused("a header name of 20 KiB", get("/x", &name(20 * 1024)), 431),
        refused("a target of 9 KiB", get(&target(9 * 1024), ""), 414),
        refused("a cookie of 64 KiB", get("/x", &format!("Cookie: {}\r\n", "c=d; ".repeat(13_000))), 431),
    ]
}

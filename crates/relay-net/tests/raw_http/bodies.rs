//! Where a body ends, and that what is in it is never taken for a request.

use super::case::{Case, post, refused, served};

const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: relay.test\r\n\r\n";

pub(crate) fn lengths() -> Vec<Case> {
    let length = |value: &str| post(&format!("Content-Length: {value}\r\n"), "abc");
    let mut cases = vec![
        served("a length", length("3"), &["POST /x abc"]),
        served("a length with zeros before", length("0003"), &["POST /x abc"]),
        served("no body", post("", ""), &["POST /x"]),
        served("a length of zero", post("Content-Length: 0\r\n", ""), &["POST /x"]),
        served("a body in a GET", post("Content-Length: 3\r\n", "abc").replacen("POST", "GET", 1), &["GET /x abc"]),
    ];
    for value in [
        "+3",
        "-3",
        "3, 4",
        "3 4",
        "0x3",
        "3.0",
        "3e0",
        "",
        "three",
        "18446744073709551616",
        "99999999999999999999999",
        "3;",
        "\"3\"",
        "３",
    ] {
        cases.push(refused(format!("Content-Length {value:?}"), length(value), 400));
    }
    let two = |a: &str, b: &str| post(&format!("Content-Length: {a}\r\nContent-Length: {b}\r\n"), "abcd");
    cases.extend([
        refused("two lengths", two("3", "4"), 400),
        refused("two lengths in other cases", two("3", "4").replacen("Content-L", "content-l", 1), 400),
        refused("a length above the limit", post("Content-Length: 2000000\r\n", "abc"), 413),
        refused("a length just above the limit", post("Content-Length: 1048577\r\n", "abc"), 413),
    ]);
    cases
}

pub(crate) fn codings() -> Vec<Case> {
    let chunked = "Transfer-Encoding: chunked\r\n";
    let chunks = |behind: &str| post(chunked, behind);
    let coding = |value: &str| post(&format!("Transfer-Encoding: {value}\r\n"), "0\r\n\r\n");
    let mut cases = vec![
        served("one chunk", chunks("3\r\nabc\r\n0\r\n\r\n"), &["POST /x abc"]),
        served("two chunks", chunks("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), &["POST /x abcde"]),
        served("no chunk", chunks("0\r\n\r\n"), &["POST /x"]),
        served(
            "hex in both cases",
            chunks("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"),
            &["POST /x 01234567890123456789a"],
        ),
        served("an extension", chunks("3;name=value\r\nabc\r\n0\r\n\r\n"), &["POST /x abc"]),
        served("a trailer", chunks("3\r\nabc\r\n0\r\nX-Trailer: a\r\n\r\n"), &["POST /x abc"]),
        served("Chunked", coding("Chunked"), &["POST /x"]),
    ];
    for value in [
        "gzip",
        "identity",
        "chunked, identity",
        "chunked, gzip",
        "xchunked",
        "chunkedx",
        "\"chunked\"",
        "chunked;q=1",
        "\x0bchunked",
        "chunked\x0b",
        "",
        ",",
    ] {
        cases.push(refused(format!("Transfer-Encoding {value:?}"), coding(value), 400));
    }
    cases.push(refused("chunked in HTTP/1.0", "POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400));
    cases
}

/// Chunk lines that are wrong: the body is refused, and nothing behind it is a request.
pub(crate) fn chunk_lines() -> Vec<Case> {
    let mut cases = Vec::new();
    for line in
        ["", "x", "-3", "+3", "0x3", "3 3", " 3", "g", "\"3\"", "10000000000000000", "fffffffffffffffff", "3\n", ";"]
    {
        let behind = format!("{line}\r\nabc\r\n0\r\n\r\n{HIDDEN}");
        cases.push(refused(format!("chunk line {line:?}"), post("Transfer-Encoding: chunked\r\n", &behind), 400));
    }
    for (name, behind) in [
        ("a chunk longer than said", "3\r\nabcdef\r\n0\r\n\r\n"),
        ("no line end behind a chunk", "3\r\nabc0\r\n\r\n"),
        ("a bare LF behind a size", "3\nabc\r\n0\r\n\r\n"),
        ("a bare CR behind a size", "3\rabc\r\n0\r\n\r\n"),
        ("a bare LF behind a chunk", "3\r\nabc\n0\r\n\r\n"),
        ("a bare LF in an extension", "3;a\nb\r\nabc\r\n0\r\n\r\n"),
    ] {
        let behind = format!("{behind}{HIDDEN}");
        cases.push(refused(name, post("Transfer-Encoding: chunked\r\n", &behind), 400));
    }
    cases
}

/// Two ways to read one request: refused, or read in the safe way and the connection ended.
pub(crate) fn smuggling() -> Vec<Case> {
    let keep =
        |more: &str, behind: &str| format!("POST /x HTTP/1.1\r\nHost: relay.test\r\n{more}\r\n{behind}").into_bytes();
    let long = HIDDEN.len() + 5;
    let both = [
        ("length, then chunked", format!("Content-Length: {long}\r\nTransfer-Encoding: chunked\r\n")),
        ("chunked, then length", format!("Transfer-Encoding: chunked\r\nContent-Length: {long}\r\n")),
        ("chunked, then length 5", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n".to_owned()),
        ("length 4, then chunked", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n".to_owned()),
    ];
    // Chunks win, the length is dropped, and what is behind the last chunk is never read.
    let mut cases: Vec<_> = both
        .iter()
        .map(|(name, head)| served(*name, keep(head, &format!("0\r\n\r\n{HIDDEN}")), &["POST /x"]))
        .collect();
    for (name, head) in [
        ("chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        ("chunked, then identity", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
        ("a folded coding", "Transfer-Encoding:\r\n chunked\r\n"),
        ("a coding with a space before the colon", "Transfer-Encoding : chunked\r\n"),
        ("a coding with a NUL", "Transfer-Encoding: chunked\0\r\n"),
        ("a coding behind a bare LF", "X: a\nTransfer-Encoding: chunked\rX: b\r\n"),
    ] {
        cases.push(refused(name, keep(head, &format!("0\r\n\r\n{HIDDEN}")), 400));
    }
    let inside = format!("Content-Length: {}\r\nConnection: close\r\n", HIDDEN.len());
    let line = format!("POST /x {HIDDEN}");
    cases.push(served("a request inside a body", keep(&inside, HIDDEN), &[line.trim_end()]));
    cases
}

pub(crate) fn pipelines() -> Vec<Case> {
    let first = "GET /1 HTTP/1.1\r\nHost: relay.test\r\n\r\n";
    let body = "POST /2 HTTP/1.1\r\nHost: relay.test\r\nContent-Length: 3\r\n\r\nabc";
    let last = "GET /3 HTTP/1.1\r\nHost: relay.test\r\nConnection: close\r\n\r\n";
    let mut broken = served("good, then broken", format!("{first}G(T / HTTP/1.1\r\n\r\n{last}"), &["GET /1"]);
    broken.statuses.push(400);
    let mut short =
        served("good, then a bad length", format!("{first}{}{last}", post("Content-Length: x\r\n", "")), &["GET /1"]);
    short.statuses.push(400);
    vec![
        served("three in one write", format!("{first}{body}{last}"), &["GET /1", "POST /2 abc", "GET /3"]),
        served("nothing behind close", format!("{last}{first}"), &["GET /3"]),
        broken,
        short,
    ]
}

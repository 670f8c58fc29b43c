//! The same oddities at the path of pushes, where plain requests take the fast lane: as the first request of a connection,
//! and as the second, when the lane has served one already.

use super::case::{Case, refused};
use super::{bodies, heads};

pub(crate) const PATH: &str = "/v1/push";
const AUTHORIZATION: &str = "Authorization: Bearer YWJj\r\n";
/// One frame of one byte, behind its length.
const FRAMES: &str = "\0\0\0\x01a";

pub(crate) fn cases() -> Vec<Case> {
    let families = [heads::hosts(), heads::header_lines(), heads::sizes(), expectations()];
    let mut cases: Vec<_> = families.into_iter().flatten().filter_map(|case| at_lane(case, FRAMES)).collect();
    let refused_bodies = [bodies::lengths(), bodies::codings(), bodies::chunk_lines(), bodies::smuggling()];
    // A body of frames is read frame by frame, so that its whole length has no limit there.
    let is_refused = |case: &Case| case.forwarded.is_empty() && case.statuses != [413];
    cases.extend(refused_bodies.into_iter().flatten().filter(is_refused).filter_map(|case| at_lane(case, "")));
    cases.extend(served_bodies());
    cases.extend(targets());
    let second: Vec<_> = cases.iter().map(behind_a_push).collect();
    cases.extend(second);
    cases
}

/// A case as a push: with the path and a token, with `body` and its length unless it brings its own, and with nothing for
/// the control plane to see.
fn at_lane(case: Case, body: &str) -> Option<Case> {
    let rest = ["GET /x ", "POST /x "].into_iter().find_map(|start| case.sent.strip_prefix(start.as_bytes()))?;
    let line_end = rest.iter().position(|byte| *byte == b'\n')? + 1;
    let (version, lines) = rest.split_at(line_end);
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let start = format!("POST {PATH} ");
    let sent =
        [start.as_bytes(), version, AUTHORIZATION.as_bytes(), length.as_bytes(), lines, body.as_bytes()].concat();
    Some(Case { name: format!("push: {}", case.name), sent, statuses: case.statuses, forwarded: Vec::new() })
}

fn push(more: &str, behind: &str) -> String {
    format!("POST {PATH} HTTP/1.1\r\nHost: relay.test\r\nConnection: close\r\n{AUTHORIZATION}{more}\r\n{behind}")
}

/// Answered by the relay itself; nothing is passed on.
fn answered(name: &str, sent: String, statuses: &[u16]) -> Case {
    Case { name: format!("push: {name}"), sent: sent.into(), statuses: statuses.to_vec(), forwarded: Vec::new() }
}

fn expectations() -> Vec<Case> {
    let expect = |value: &str| super::case::get("/x", &format!("Expect: {value}\r\n"));
    vec![
        refused("an unknown expectation", expect("200-ok"), 417),
        refused("two expectations", expect("100-continue, 200-ok"), 417),
        refused("an empty expectation", expect(""), 417),
    ]
}

fn served_bodies() -> Vec<Case> {
    let length = |value: &str| push(&format!("Content-Length: {value}\r\n"), FRAMES);
    let chunked = format!("5\r\n{FRAMES}\r\n0\r\n\r\n");
    let hidden = "GET /hidden HTTP/1.1\r\nHost: relay.test\r\n\r\n";
    let both = |head: &str| push(head, &format!("{chunked}{hidden}"));
    vec![
        answered("a length", length("5"), &[200]),
        answered("a length with zeros before", length("0005"), &[200]),
        answered("a length with spaces around", length(" \t5 \t"), &[200]),
        answered("chunks", push("Transfer-Encoding: chunked\r\n", &chunked), &[200]),
        answered("length, then chunked", both("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), &[200]),
        answered("chunked, then length", both("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), &[200]),
        answered("nothing behind close", format!("{}{hidden}", length("5")), &[200]),
        answered("a tab for a space", push("", "").replace(" HTTP/1.1", "\tHTTP/1.1"), &[400]),
        answered("lines that end in a bare CR", length("5").replace("\r\n", "\r"), &[400]),
    ]
}

fn targets() -> Vec<Case> {
    let with_target = |target: &str| push("Content-Length: 5\r\n", FRAMES).replacen(PATH, target, 1);
    let with_version = |version: &str| push("Content-Length: 5\r\n", FRAMES).replacen("HTTP/1.1", version, 1);
    vec![
        answered("an absolute target", with_target("http://relay.test/v1/push"), &[200]),
        answered("an absolute target of another host", with_target("http://other.test/v1/push"), &[400]),
        answered("HTTP/1.0", with_version("HTTP/1.0"), &[200]),
        answered("HTTP/1.2", with_version("HTTP/1.2"), &[400]),
        answered("HTTP/2.0", with_version("HTTP/2.0"), &[400]),
        answered("http/1.1", with_version("http/1.1"), &[400]),
        answered("a space behind the version", with_version("HTTP/1.1 "), &[400]),
        answered("a space in the target", with_target("/v1/push x"), &[400]),
        answered("NUL in the target", with_target("/v1/push\0"), &[400]),
        answered("a space before the method", format!(" {}", with_target(PATH)), &[400]),
    ]
}

/// The same behind a push that the lane answers.
fn behind_a_push(case: &Case) -> Case {
    let first = push(&format!("Content-Length: {}\r\n", FRAMES.len()), FRAMES).replace("Connection: close\r\n", "");
    let statuses = std::iter::once(200).chain(case.statuses.iter().copied()).collect();
    let sent = [first.as_bytes(), &case.sent].concat();
    Case { name: format!("second {}", case.name), sent, statuses, forwarded: Vec::new() }
}

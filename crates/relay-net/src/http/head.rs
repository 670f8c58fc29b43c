//! What a request's head must be before anything looks at it, beyond what the parser already refuses.

use super::problem::Problem;
use crate::limits::NetLimits;
use http::header::{EXPECT, HOST, HeaderMap, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{StatusCode, Uri, Version, request::Parts};

const fn bad_request(code: &'static str, detail: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, detail)
}

/// Checks version, target, Host, Transfer-Encoding and Expect.
pub(crate) fn check(head: &Parts, limits: &NetLimits) -> Result<(), Problem> {
    if head.version != Version::HTTP_11 && head.version != Version::HTTP_10 {
        let detail = "This port speaks HTTP/1.1 and HTTP/1.0.";
        return Err(Problem::new(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "http_version", detail));
    }
    check_target(&head.uri, limits)?;
    check_host(&head.uri, &head.headers, head.version)?;
    check_transfer_encoding(&head.headers)?;
    let expects = head.headers.get_all(EXPECT);
    if expects.iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        let detail = "Only Expect: 100-continue is understood.";
        return Err(Problem::new(StatusCode::EXPECTATION_FAILED, "expectation", detail));
    }
    Ok(())
}

fn check_target(uri: &Uri, limits: &NetLimits) -> Result<(), Problem> {
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    if !target.starts_with('/') {
        return Err(bad_request("target", "The request target must be a path."));
    }
    if target.len() > limits.http_target_bytes_max {
        let detail = "The request target is too long.";
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "target_too_long", detail));
    }
    Ok(())
}

/// One Host, well formed, and the same as in an absolute target; HTTP/1.0 may leave it out.
fn check_host(uri: &Uri, headers: &HeaderMap, version: Version) -> Result<(), Problem> {
    let mut hosts = headers.get_all(HOST).iter();
    let Some(host) = hosts.next() else {
        let problem = bad_request("host_missing", "A Host header is needed.");
        return if version == Version::HTTP_10 { Ok(()) } else { Err(problem) };
    };
    if hosts.next().is_some() {
        return Err(bad_request("host_twice", "Exactly one Host header is needed."));
    }
    let malformed = bad_request("host", "The Host header is not a host and port.");
    let host = Authority::try_from(host.as_bytes()).map_err(|_| malformed)?;
    if !is_host_and_port(host.as_str()) {
        return Err(malformed);
    }
    if uri.authority().is_some_and(|authority| *authority != host) {
        return Err(bad_request("host_mismatch", "The request target names another host than the Host header."));
    }
    Ok(())
}

/// Names, IPv4 and bracketed IPv6 addresses, with a port or without; stricter than a URI's authority.
fn is_host_and_port(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte));
    is_name && port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

/// Nothing but one "chunked": the parser takes some lists that end in it, and what stands before it would be lost.
fn check_transfer_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else {
        return Ok(());
    };
    if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        return Err(bad_request("transfer_encoding", "The only transfer coding understood is chunked, once."));
    }
    Ok(())
}

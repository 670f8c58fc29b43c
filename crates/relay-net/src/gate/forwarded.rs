//! The client's address out of what proxies wrote, from right to left: each proxy adds the peer it saw at the right end, so what
//! stands left of an untrusted address may have been made up by it.

use super::client::Peer;
use super::trusted::{ProxyHeader, TrustedProxies};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const HTTP: HeaderValue = HeaderValue::from_static("http");
const HTTPS: HeaderValue = HeaderValue::from_static("https");

/// The client of a request that a trusted proxy brought.
pub(super) fn client_address(trusted: &TrustedProxies, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let lines = |name| headers.get_all(name).iter().rev().map(HeaderValue::as_bytes);
    match trusted.header() {
        ProxyHeader::XForwardedFor => rightmost_untrusted(trusted, peer, lines(X_FORWARDED_FOR)),
        ProxyHeader::Forwarded => {
            let hops = lines(FORWARDED).flat_map(|line| split_outside_quotes(line, b',').into_iter().rev());
            follow(trusted, peer, hops.map(forwarded_for))
        }
    }
}

/// The client according to lists of addresses, the last line first.
pub(super) fn rightmost_untrusted<'a>(
    trusted: &TrustedProxies,
    peer: IpAddr,
    lines: impl Iterator<Item = &'a [u8]>,
) -> IpAddr {
    follow(trusted, peer, lines.flat_map(|line| line.rsplit(|byte| *byte == b',')).map(address))
}

/// Whether the client spoke TLS to a trusted proxy, as that says; where none says anything, whether the relay itself did.
pub(super) fn scheme(trusted: &TrustedProxies, peer: Peer, headers: &HeaderMap, over_tls: bool) -> HeaderValue {
    let last = |name| headers.get_all(name).iter().next_back().map(HeaderValue::as_bytes);
    let of_forwarded = || match trusted.header() {
        ProxyHeader::Forwarded => last(FORWARDED).and_then(forwarded_proto),
        ProxyHeader::XForwardedFor => None,
    };
    let said = if peer.is_trusted { of_forwarded().or_else(|| last(X_FORWARDED_PROTO)) } else { None };
    let is_https = said.map_or(over_tls, |said| said.eq_ignore_ascii_case(b"https"));
    if is_https { HTTPS } else { HTTP }
}

/// Goes from hop to hop as long as each was named by one that is trusted; who names nothing that can be read was the last.
fn follow(trusted: &TrustedProxies, peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
    let mut client = peer;
    for hop in hops {
        match hop {
            Some(address) if trusted.contains(client) => client = address,
            _ => break,
        }
    }
    client
}

/// An address with or without a port, brackets or a zone.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bare = || text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text).parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// The `for` of one element of `Forwarded`.
fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    address(parameter(element, "for")?)
}

/// The `proto` of the last element of a line of `Forwarded`.
fn forwarded_proto(line: &[u8]) -> Option<&[u8]> {
    parameter(split_outside_quotes(line, b',').pop()?, "proto")
}

/// One parameter of an element of `Forwarded`, without its quotes.
fn parameter<'a>(element: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    split_outside_quotes(element, b';').into_iter().find_map(|pair| {
        let (name, value) = std::str::from_utf8(pair).ok()?.split_once('=')?;
        let value = value.trim();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        name.trim().eq_ignore_ascii_case(wanted).then_some(value.as_bytes())
    })
}

/// Header lines are short, so what they are split into is too.
fn split_outside_quotes(line: &[u8], separator: u8) -> Vec<&[u8]> {
    let mut quoted = false;
    line.split(|byte| {
        quoted ^= *byte == b'"';
        *byte == separator && !quoted
    })
    .collect()
}

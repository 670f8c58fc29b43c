use super::*;
use http::{HeaderName, HeaderValue};

fn gate(header: ProxyHeader) -> Gate {
    let trusted_proxies = TrustedProxies::parse(["10.0.0.0/8", "2001:db8:ffff::/48"], header).unwrap();
    Gate::new(GateConfig { trusted_proxies, ..GateConfig::default() })
}

fn client(header: ProxyHeader, peer: &str, lines: &[(&str, &str)]) -> String {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    }
    let gate = gate(header);
    let peer = gate.peer(peer.parse().unwrap());
    let client = gate.client(peer, &headers, false).address.to_string();
    if let [("x-forwarded-for", list)] = lines {
        let of_list = if peer.is_trusted { gate.client_of_list(peer, list.as_bytes()) } else { peer.address };
        assert_eq!(of_list.to_string(), client, "both ways to read a list agree");
    }
    client
}

fn x_forwarded_for(peer: &str, lists: &[&str]) -> String {
    let lines: Vec<_> = lists.iter().map(|list| ("x-forwarded-for", *list)).collect();
    client(ProxyHeader::XForwardedFor, peer, &lines)
}

#[test]
fn only_a_trusted_peer_is_believed() {
    assert_eq!(x_forwarded_for("203.0.113.5", &["198.51.100.1"]), "203.0.113.5");
    assert_eq!(x_forwarded_for("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
    assert_eq!(x_forwarded_for("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
    assert_eq!(x_forwarded_for("10.0.0.1", &[]), "10.0.0.1");
}

#[test]
fn what_a_client_wrote_to_the_left_is_not() {
    let spoofed = "1.1.1.1, 10.9.9.9, 198.51.100.1";
    assert_eq!(x_forwarded_for("10.0.0.1", &[spoofed]), "198.51.100.1");
    assert_eq!(x_forwarded_for("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"]), "198.51.100.1", "two proxies");
    assert_eq!(x_forwarded_for("10.0.0.1", &["1.1.1.1", "198.51.100.1", "10.0.0.2"]), "198.51.100.1", "several lines");
    assert_eq!(x_forwarded_for("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3", "trusted to the left end");
    for unreadable in ["1.1.1.1, unknown", "1.1.1.1, ", "1.1.1.1, 999.1.1.1", "1.1.1.1, \u{fffd}"] {
        assert_eq!(x_forwarded_for("10.0.0.1", &[unreadable]), "10.0.0.1", "{unreadable}");
    }
    assert_eq!(x_forwarded_for("10.0.0.1", &["198.51.100.1, oops, 10.0.0.2"]), "10.0.0.2");
}

#[test]
fn addresses_come_in_several_spellings() {
    for (text, expected) in [
        ("198.51.100.1:4711", "198.51.100.1"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        (" 2001:db8::7 ", "2001:db8::7"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
    ] {
        assert_eq!(x_forwarded_for("10.0.0.1", &[text]), expected, "{text}");
    }
}

#[test]
fn the_other_header_is_not_looked_at() {
    let both = [("forwarded", "for=1.1.1.1"), ("x-forwarded-for", "198.51.100.1"), ("x-real-ip", "2.2.2.2")];
    assert_eq!(client(ProxyHeader::XForwardedFor, "10.0.0.1", &both), "198.51.100.1");
    assert_eq!(client(ProxyHeader::Forwarded, "10.0.0.1", &both), "1.1.1.1");
    assert_eq!(client(ProxyHeader::Forwarded, "10.0.0.1", &both[1..]), "10.0.0.1");
}

#[test]
fn forwarded_is_read_by_its_grammar() {
    let forwarded = |line: &str| client(ProxyHeader::Forwarded, "10.0.0.1", &[("forwarded", line)]);
    for (line, expected) in [
        ("for=1.1.1.1, for=198.51.100.1", "198.51.100.1"),
        ("For=\"[2001:db8::7]:4711\";proto=https;by=10.0.0.1", "2001:db8::7"),
        ("proto=http;for=198.51.100.1", "198.51.100.1"),
        ("for=1.1.1.1, for=\"_gazonk\"", "10.0.0.1"),
        ("for=1.1.1.1;x=\"a, for=2.2.2.2\"", "1.1.1.1"),
        ("for=1.1.1.1, for=198.51.100.1;by=unknown, for=10.2.2.2", "198.51.100.1"),
    ] {
        assert_eq!(forwarded(line), expected, "{line}");
    }
}

#[test]
fn the_scheme_is_the_proxys_word_and_else_that_of_the_socket() {
    let scheme = |header, peer: &str, lines: &[(&str, &str)], over_tls| {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
        }
        let gate = gate(header);
        gate.client(gate.peer(peer.parse().unwrap()), &headers, over_tls).scheme
    };
    let (x, forwarded) = (ProxyHeader::XForwardedFor, ProxyHeader::Forwarded);
    let (proxy, stranger) = ("10.0.0.1", "203.0.113.5");
    let says = |proto| [("x-forwarded-proto", proto)];
    let both = [("forwarded", "for=1.1.1.1;proto=https, for=2.2.2.2;Proto=\"http\""), ("x-forwarded-proto", "https")];
    for (header, peer, lines, over_tls, expected) in [
        (x, proxy, &says("https")[..], false, "https"),
        (x, proxy, &says("HTTPS"), false, "https"),
        (x, proxy, &says("http"), true, "http"),
        (x, proxy, &says("http, https"), true, "http"),
        (x, proxy, &[], false, "http"),
        (x, proxy, &[], true, "https"),
        (x, stranger, &says("https"), false, "http"),
        (x, stranger, &says("http"), true, "https"),
        (x, proxy, &both, false, "https"),
        (forwarded, proxy, &both, true, "http"),
        (forwarded, proxy, &[("forwarded", "for=1.1.1.1;proto=https")], false, "https"),
        (forwarded, proxy, &says("https"), false, "https"),
    ] {
        assert_eq!(scheme(header, peer, lines, over_tls), expected, "{header:?} {peer} {lines:?} {over_tls}");
    }
}

//! Which headers cross the border to the control plane and back.
//!
//! Invariant: the control plane learns the client's address, scheme and host from the core alone, which believes of the first
//! two what trusted proxies say (`gate`); whatever else is said about them, or about the core itself, is gone.

use super::control_plane::ProxySecret;
use crate::gate::Client;
use http::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};

/// The header the control plane knows the core by.
pub(crate) const SECRET_HEADER: HeaderName = HeaderName::from_static("x-sealrelay-secret");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const OWN_PREFIX: &str = "x-sealrelay-";
const FORWARDED_PREFIX: &str = "x-forwarded-";
const CLAIMED_ADDRESS: [&str; 3] = ["forwarded", "x-real-ip", "x-client-ip"];
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The headers of a client's request as the control plane gets them.
pub(crate) fn request_headers(headers: &HeaderMap, client: &Client, secret: &ProxySecret) -> HeaderMap {
    let named = named_by_connection(headers);
    let mut passed: HeaderMap = headers
        .iter()
        .filter(|(name, _)| !is_hop_by_hop(name, &named) && !is_claim(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if let Some(host) = headers.get(HOST) {
        passed.insert(FORWARDED_HOST, host.clone());
    }
    if let Ok(client) = HeaderValue::from_str(&client.address.to_canonical().to_string()) {
        passed.insert(FORWARDED_FOR, client);
    }
    passed.insert(FORWARDED_PROTO, client.scheme.clone());
    passed.insert(SECRET_HEADER, secret.header_value());
    passed
}

/// Removes from the control plane's answer what is between it and the core.
pub(crate) fn clean_answer(headers: &mut HeaderMap) {
    let named = named_by_connection(headers);
    let private: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_hop_by_hop(name, &named) || name.as_str().starts_with(OWN_PREFIX))
        .cloned()
        .collect();
    for name in private {
        headers.remove(name);
    }
}

fn is_hop_by_hop(name: &HeaderName, named: &[String]) -> bool {
    HOP_BY_HOP.contains(name) || (named.iter().any(|other| other == name.as_str()) && *name != HOST)
}

fn is_claim(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with(OWN_PREFIX) || name.starts_with(FORWARDED_PREFIX) || CLAIMED_ADDRESS.contains(&name)
}

/// Header names listed in Connection, which therefore end here.
fn named_by_connection(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{clean_answer, request_headers};
    use crate::gate::{Client, Peer};
    use crate::http::control_plane::ProxySecret;
    use http::{HeaderMap, HeaderName, HeaderValue};
    use std::net::{IpAddr, Ipv4Addr};

    #[test]
    fn only_the_core_speaks_about_the_client() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "relay.example"),
            ("accept", "text/html"),
            ("connection", "keep-alive, X-Private"),
            ("x-private", "1"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "x"),
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-port", "1"),
            ("forwarded", "for=6.6.6.6"),
            ("x-real-ip", "6.6.6.6"),
            ("x-sealrelay-secret", "guess"),
            ("x-sealrelay-other", "guess"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let secret = ProxySecret::new("s3cret".to_owned()).unwrap();
        let address = IpAddr::V6(Ipv4Addr::new(203, 0, 113, 7).to_ipv6_mapped());
        let scheme = HeaderValue::from_static("https");
        let client = Client { peer: Peer { address, is_trusted: false }, address, scheme };
        let passed = request_headers(&headers, &client, &secret);
        let mut names: Vec<_> = passed.iter().map(|(n, v)| format!("{n}={}", v.to_str().unwrap())).collect();
        names.sort();
        let expected = [
            "accept=text/html",
            "host=relay.example",
            "x-forwarded-for=203.0.113.7",
            "x-forwarded-host=relay.example",
            "x-forwarded-proto=https",
            "x-sealrelay-secret=s3cret",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn answers_lose_what_is_private() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("connection", "x-hop"), ("x-hop", "1"), ("x-sealrelay-secret", "s"), ("content-type", "text/plain")]
        {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        clean_answer(&mut headers);
        assert_eq!(headers.len(), 1);
    }
}

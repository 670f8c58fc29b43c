//! The opening handshake of RFC 6455 section 4.2, as a function of the request's head.

use base64ct::{Base64, Encoding};
use http::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Method, Version};
use sha1::{Digest, Sha1};

/// The only version of the WebSocket protocol there is.
pub const VERSION: &str = "13";
/// Fixed by RFC 6455: proves that the answer was made by a WebSocket server.
const ACCEPT_GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY_BYTES: usize = 16;

/// Why a request is not a WebSocket handshake; always the client's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The method is not GET.
    Method,
    /// HTTP/1.0 knows no upgrade.
    HttpVersion,
    /// Not exactly one Host header.
    Host,
    /// The request does not ask for an upgrade to WebSocket.
    NotAnUpgrade,
    /// Sec-WebSocket-Version is not 13.
    Version,
    /// Sec-WebSocket-Key is not exactly one value of 16 bytes in base64.
    Key,
}

impl Refusal {
    /// The status the request is answered with.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Method => 405,
            Self::HttpVersion | Self::NotAnUpgrade | Self::Version => 426,
            Self::Host | Self::Key => 400,
        }
    }

    /// What to tell the client.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Method => "A WebSocket handshake is a GET request.",
            Self::HttpVersion => "A WebSocket handshake needs HTTP/1.1.",
            Self::Host => "Exactly one Host header is needed.",
            Self::NotAnUpgrade => "This address speaks WebSocket: send Connection: Upgrade and Upgrade: websocket.",
            Self::Version => "Only Sec-WebSocket-Version 13 is spoken.",
            Self::Key => "Sec-WebSocket-Key must be one value: 16 bytes in base64.",
        }
    }
}

/// Whether a request asks for an upgrade to WebSocket, rightly or not.
#[must_use]
pub fn is_asked_for(headers: &HeaderMap) -> bool {
    has_token(headers, &CONNECTION, "upgrade") && has_token(headers, &UPGRADE, "websocket")
}

/// Checks the head of a request and computes the value of Sec-WebSocket-Accept.
///
/// # Errors
/// The first [`Refusal`] that applies.
pub fn accept(method: &Method, version: Version, headers: &HeaderMap) -> Result<HeaderValue, Refusal> {
    if method != Method::GET {
        return Err(Refusal::Method);
    }
    if version != Version::HTTP_11 {
        return Err(Refusal::HttpVersion);
    }
    if only_value(headers, &HOST).is_none() {
        return Err(Refusal::Host);
    }
    if !is_asked_for(headers) {
        return Err(Refusal::NotAnUpgrade);
    }
    if only_value(headers, &SEC_WEBSOCKET_VERSION).is_none_or(|value| value.as_bytes() != VERSION.as_bytes()) {
        return Err(Refusal::Version);
    }
    let key = only_value(headers, &SEC_WEBSOCKET_KEY).ok_or(Refusal::Key)?.as_bytes();
    let mut decoded = [0; KEY_BYTES + 2];
    if Base64::decode(key, &mut decoded).map(<[u8]>::len) != Ok(KEY_BYTES) {
        return Err(Refusal::Key);
    }
    HeaderValue::from_str(&accept_key(key)).map_err(|_| Refusal::Key)
}

/// The value of Sec-WebSocket-Accept for a key as it was sent.
#[must_use]
pub fn accept_key(key: &[u8]) -> String {
    let digest = Sha1::new().chain_update(key).chain_update(ACCEPT_GUID).finalize();
    Base64::encode_string(digest.as_slice())
}

fn only_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

/// Whether a comma-separated header holds `token`, in any of its lines and any case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::{Refusal, accept, accept_key};
    use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};

    const GOOD: [(&str, &str); 5] = [
        ("host", "relay.example"),
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn the_example_of_the_rfc() {
        assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let answer = accept(&Method::GET, Version::HTTP_11, &headers(&GOOD)).unwrap();
        assert_eq!(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn every_refusal() {
        let with = |name: &'static str, value: &'static str| {
            let mut map = headers(&GOOD);
            map.insert(name, HeaderValue::from_static(value));
            map
        };
        let without = |name: &str| {
            let mut map = headers(&GOOD);
            map.remove(name);
            map
        };
        let doubled = |name: &'static str| {
            let mut map = headers(&GOOD);
            let value = map.get(name).unwrap().clone();
            map.append(name, value);
            map
        };
        let table = [
            (without("host"), Refusal::Host),
            (doubled("host"), Refusal::Host),
            (without("connection"), Refusal::NotAnUpgrade),
            (with("connection", "close"), Refusal::NotAnUpgrade),
            (with("connection", "upgraded"), Refusal::NotAnUpgrade),
            (without("upgrade"), Refusal::NotAnUpgrade),
            (with("upgrade", "h2c"), Refusal::NotAnUpgrade),
            (without("sec-websocket-version"), Refusal::Version),
            (with("sec-websocket-version", "8"), Refusal::Version),
            (with("sec-websocket-version", "13, 8"), Refusal::Version),
            (doubled("sec-websocket-version"), Refusal::Version),
            (without("sec-websocket-key"), Refusal::Key),
            (doubled("sec-websocket-key"), Refusal::Key),
            (with("sec-websocket-key", ""), Refusal::Key),
            (with("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ"), Refusal::Key),
            (with("sec-websocket-key", "dGhlIHNhbXBsZSBub25j"), Refusal::Key),
            (with("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZWU="), Refusal::Key),
            (with("sec-websocket-key", "****************************"), Refusal::Key),
        ];
        for (map, refusal) in table {
            assert_eq!(accept(&Method::GET, Version::HTTP_11, &map), Err(refusal), "{map:?}");
        }
        assert_eq!(accept(&Method::POST, Version::HTTP_11, &headers(&GOOD)), Err(Refusal::Method));
        assert_eq!(accept(&Method::GET, Version::HTTP_10, &headers(&GOOD)), Err(Refusal::HttpVersion));
    }
}

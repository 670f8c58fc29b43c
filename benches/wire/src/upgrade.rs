//! The HTTP/1.1 upgrade to a WebSocket, as little of it as two cooperating programs need.

use base64ct::{Base64, Encoding};
use sha1::{Digest, Sha1};

const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const HEAD_END: &[u8] = b"\r\n\r\n";

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeRequest {
    /// The request target.
    pub target: String,
    /// Value of `Sec-WebSocket-Key`.
    pub key: String,
}

/// Length of an HTTP head, its empty line included; `None` when it is not complete.
#[must_use]
pub fn head_bytes(bytes: &[u8]) -> Option<usize> {
    let at = bytes.windows(HEAD_END.len()).position(|window| window == HEAD_END)?;
    Some(at.saturating_add(HEAD_END.len()))
}

/// Reads a complete head; `None` when it asks for no WebSocket.
#[must_use]
pub fn parse_upgrade(head: &[u8]) -> Option<UpgradeRequest> {
    let text = std::str::from_utf8(head).ok()?;
    let mut lines = text.split("\r\n");
    let target = lines.next()?.strip_prefix("GET ")?.split(' ').next()?;
    let key = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim())
    })?;
    Some(UpgradeRequest { target: target.to_owned(), key: key.to_owned() })
}

/// The `Sec-WebSocket-Accept` of a key.
#[must_use]
pub fn accept_key(key: &str) -> String {
    let mut hasher = Sha1::new();
    hasher.update(key.as_bytes());
    hasher.update(GUID);
    Base64::encode_string(&hasher.finalize())
}

/// The server's head that accepts a key.
#[must_use]
pub fn switching_protocols(key: &str) -> String {
    let accept = accept_key(key);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

/// The client's head.
#[must_use]
pub fn upgrade_request(host: &str, target: &str, key: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    #[test]
    fn the_example_of_the_rfc() {
        assert_eq!(accept_key(KEY), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_request_is_read_back() {
        let head = upgrade_request("127.0.0.1:1", "/fan?pub", KEY);
        assert_eq!(head_bytes(head.as_bytes()), Some(head.len()));
        let request = parse_upgrade(head.as_bytes()).unwrap();
        assert_eq!(request, UpgradeRequest { target: "/fan?pub".to_owned(), key: KEY.to_owned() });
        assert_eq!(head_bytes(&head.as_bytes()[..head.len() - 1]), None);
        assert_eq!(parse_upgrade(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), None);
    }
}

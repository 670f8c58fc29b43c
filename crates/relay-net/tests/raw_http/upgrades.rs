//! Requests that ask for a WebSocket and must not get one.

use super::case::{Case, refused};
use super::support::NATIVE;
use super::support::client::KEY;

pub(crate) fn upgrades() -> Vec<Case> {
    let whole = format!(
        "GET {NATIVE} HTTP/1.1\r\nHost: relay.test\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    );
    let key_line = format!("Sec-WebSocket-Key: {KEY}\r\n");
    let changed = |name: &str, from: &str, to: &str, status: u16| {
        assert!(whole.contains(from), "{from}");
        refused(format!("upgrade {name}"), whole.replacen(from, to, 1), status)
    };
    vec![
        changed("by POST", "GET", "POST", 405),
        changed("by HEAD", "GET", "HEAD", 405),
        changed("with HTTP/1.0", "HTTP/1.1", "HTTP/1.0", 426),
        changed("without Upgrade", "Upgrade: websocket\r\n", "", 426),
        changed("to h2c", "Upgrade: websocket", "Upgrade: h2c", 426),
        changed("to websockets", "Upgrade: websocket", "Upgrade: websockets", 426),
        changed("without Connection", "Upgrade, close", "close", 426),
        changed("version 8", "Version: 13", "Version: 8", 426),
        changed("version 7", "Version: 13", "Version: 7", 426),
        changed("version 0", "Version: 13", "Version: 0", 426),
        changed("version 14", "Version: 13", "Version: 14", 426),
        changed("versions 13 and 8", "Version: 13", "Version: 13, 8", 426),
        changed("version 013", "Version: 13", "Version: 013", 426),
        changed("without version", "Sec-WebSocket-Version: 13\r\n", "", 426),
        changed("without key", &key_line, "", 400),
        changed("with an empty key", KEY, "", 400),
        changed("with a short key", KEY, "c2hvcnQ=", 400),
        changed("with a long key", KEY, "dGhlIHNhbXBsZSBub25jZXMh", 400),
        changed("with a key that is no base64", KEY, "************************", 400),
        changed("with a key without padding", KEY, KEY.trim_end_matches('='), 400),
        changed("with two keys", &key_line, &key_line.repeat(2), 400),
        changed("with two Hosts", "Host: relay.test\r\n", "Host: a\r\nHost: a\r\n", 400),
        changed("without Host", "Host: relay.test\r\n", "", 400),
    ]
}

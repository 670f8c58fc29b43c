//! WebSockets that this relay opens itself, to other relays: one per address, opened again for as long as it lasts. What is said there
//! is an endpoint's business, as it is on the connections of the port.

mod backoff;
mod connection;
mod stream;

use crate::clock::Clock;
use backoff::Backoff;
use connection::Connection;
use http::Uri;
use relay_core::endpoint::EndpointFactory;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_websockets::{ClientBuilder, Limits};

/// How long name resolution, connecting, TLS and handshake may take together, in milliseconds.
const DIAL_MS_MAX: u64 = 10_000;
/// Longest address, in bytes.
const ADDRESS_BYTES_MAX: usize = 2048;
/// How long a connection has to last so that the next wait is short again, in milliseconds.
const STEADY_MS: u64 = 10_000;

/// Where to connect: `ws`, `wss`, or `http` and `https` that mean them. It may hold a secret, so it never shows.
#[derive(Clone, PartialEq, Eq)]
pub struct DialAddress(Uri);

impl DialAddress {
    /// Path and query are those of the address.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.0
    }
}

impl fmt::Debug for DialAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DialAddress(…)")
    }
}

/// Text that is no address of a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongAddress;

impl FromStr for DialAddress {
    type Err = WrongAddress;

    fn from_str(text: &str) -> Result<Self, WrongAddress> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(WrongAddress)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => "ws",
            "https" | "wss" => "wss",
            _ => return Err(WrongAddress),
        };
        let uri: Uri = format!("{scheme}://{rest}").parse().map_err(|_| WrongAddress)?;
        let is_whole = uri.authority().is_some_and(|host| !host.host().is_empty() && !host.as_str().contains('@'));
        (is_whole && text.len() <= ADDRESS_BYTES_MAX).then_some(Self(uri)).ok_or(WrongAddress)
    }
}

/// Connections that were opened, and that could not be; of all dialers that share it.
#[derive(Debug, Default)]
pub struct DialStats {
    /// Connections open now.
    pub open: AtomicU64,
    /// Connections opened since the start.
    pub opened: AtomicU64,
    /// Attempts that failed since the start.
    pub failed: AtomicU64,
}

/// Falls when a connection ends, whatever ends it.
struct Open<'a>(&'a DialStats);

impl<'a> Open<'a> {
    fn new(stats: &'a DialStats) -> Self {
        stats.open.fetch_add(1, Ordering::Relaxed);
        stats.opened.fetch_add(1, Ordering::Relaxed);
        Self(stats)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Keeps a connection to an address, until the future is dropped; the endpoint is told of its end then, too.
pub async fn keep_dialed(address: DialAddress, factory: Arc<dyn EndpointFactory>, clock: Clock, stats: Arc<DialStats>) {
    let limits = Limits::default().max_payload_len(Some(factory.message_bytes_max()));
    let builder = ClientBuilder::from_uri(address.0).limits(limits);
    let mut backoff = Backoff::default();
    loop {
        let since = Instant::now();
        match timeout(Duration::from_millis(DIAL_MS_MAX), builder.connect()).await {
            Ok(Ok((stream, _))) => {
                let _open = Open::new(&stats);
                Connection::open(stream, &*factory, clock).run().await;
            }
            Ok(Err(_)) | Err(_) => {
                stats.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        if since.elapsed() >= Duration::from_millis(STEADY_MS) {
            backoff = Backoff::default();
        }
        sleep(backoff.next()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::DialAddress;

    #[test]
    fn addresses_are_those_of_websockets() {
        let read = |text: &str| text.parse::<DialAddress>().ok().map(|address| address.uri().to_string());
        for (text, expected) in [
            ("http://127.0.0.1:8765/peer", "ws://127.0.0.1:8765/peer"),
            (" HTTPS://relay.example/peer?t=x ", "wss://relay.example/peer?t=x"),
            ("ws://[::1]:1/peer", "ws://[::1]:1/peer"),
            ("wss://relay.example/peer?t=a@b", "wss://relay.example/peer?t=a@b"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        let long = format!("ws://a/{}", "x".repeat(super::ADDRESS_BYTES_MAX));
        for wrong in ["", "relay.example", "ftp://a/", "ws://", "ws:///peer", "ws://user:pass@a/", "ws://a b/", &long] {
            assert_eq!(read(wrong), None, "{wrong:.40}");
        }
        let secret: DialAddress = "ws://a/peer?t=secret".parse().unwrap();
        assert!(!format!("{secret:?}").contains("secret"));
    }
}

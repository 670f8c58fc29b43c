//! The small plain-HTTP listener beside TLS: every request is answered with the address it should have gone to.

use super::linger::linger;
use super::marks::LINES_AT_ONCE;
use crate::transport::Transport;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

/// Connections at a time; the next ones wait in the backlog.
const CONNECTIONS_MAX: usize = 64;
/// From the accept to the end of the answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest head.
const HEAD_BYTES_MAX: usize = 8 * 1024;
const HEADERS_MAX: usize = 100;
/// Time the client has to read the answer.
const LINGER: Duration = Duration::from_secs(1);
/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const BAD_REQUEST: &str = "HTTP/1.1 400 Bad Request\r\n";

/// Answers until `stop` turns true, then closes the port. `port` is where TLS is spoken.
pub(crate) async fn redirect_loop(listener: TcpListener, port: u16, mut stop: watch::Receiver<bool>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let accepting = async {
        loop {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((socket, _)) => {
                    tokio::spawn(async move {
                        // Who does not ask, or does not take the answer, goes without it.
                        let _ = timeout(REQUEST_TIMEOUT, answer(socket, port)).await;
                        drop(permit);
                    });
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
        }
    };
    unless_stopped(&mut stop, accepting).await;
}

async fn unless_stopped(stop: &mut watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => {}
        () = work => {}
    }
}

async fn answer(mut socket: TcpStream, port: u16) {
    let Some(head) = read_head(&mut socket).await else { return };
    let answer = location(&head, port).map_or_else(
        || BAD_REQUEST.to_owned(),
        |location| format!("HTTP/1.1 308 Permanent Redirect\r\nlocation: {location}\r\n"),
    );
    let answer = format!("{answer}{LINES_AT_ONCE}content-length: 0\r\nconnection: close\r\n\r\n");
    if socket.write_all(answer.as_bytes()).await.is_ok() {
        linger(Transport::Plain(socket), LINGER).await;
    }
}

/// A whole head, or as much as a head may be.
async fn read_head(socket: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::with_capacity(1024);
    loop {
        if socket.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
        if head.windows(4).any(|end| end == b"\r\n\r\n") || head.len() >= HEAD_BYTES_MAX {
            return Some(head);
        }
    }
}

/// The same address over TLS; none when the request does not name one that can be repeated without a doubt.
fn location(head: &[u8], port: u16) -> Option<String> {
    let mut lines = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut lines);
    if !matches!(request.parse(head), Ok(httparse::Status::Complete(_))) {
        return None;
    }
    let path = request.path.filter(|path| path.starts_with('/') && !path.starts_with("//"))?;
    let mut hosts = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("host"));
    let host = std::str::from_utf8(hosts.next()?.value).ok().filter(|_| hosts.next().is_none())?;
    let name = host_name(host)?;
    Some(if port == 443 { format!("https://{name}{path}") } else { format!("https://{name}:{port}{path}") })
}

/// The name of `name[:port]`, if nothing in it could mean something else in an answer.
fn host_name(host: &str) -> Option<&str> {
    let (name, rest) = match host.strip_prefix('[') {
        Some(inner) => host.split_at(inner.find(']')? + 2),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let port = rest.strip_prefix(':').unwrap_or(rest);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let is_address = |byte: u8| byte.is_ascii_hexdigit() || b":.".contains(&byte);
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let fine = bare.map_or_else(|| name.bytes().all(is_name), |bare| bare.bytes().all(is_address));
    (fine && !name.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::location;

    #[test]
    fn a_request_is_sent_to_the_same_place_over_tls() {
        let at = |target: &str, host: &str, port| {
            location(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes(), port)
        };
        assert_eq!(at("/a?b=c", "relay.example:80", 443).as_deref(), Some("https://relay.example/a?b=c"));
        assert_eq!(at("/", "127.0.0.1:8081", 8443).as_deref(), Some("https://127.0.0.1:8443/"));
        assert_eq!(at("/", "[::1]:80", 8443).as_deref(), Some("https://[::1]:8443/"));
        for (target, host) in [
            ("//evil.example/", "relay.example"),
            ("*", "relay.example"),
            ("/", "relay.example/@evil"),
            ("/", "user@relay.example"),
            ("/", "[evil.example"),
            ("/", "[::1]x"),
            ("/", "relay.example:x"),
            ("/", ""),
        ] {
            assert_eq!(at(target, host, 443), None, "{target} {host}");
        }
        assert_eq!(location(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 443), None);
        assert_eq!(location(b"GET / HTTP/1.1\r\n\r\n", 443), None);
    }
}

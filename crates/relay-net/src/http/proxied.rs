//! A connection that a trusted proxy brings with a header of the PROXY protocol: read before anything else, TLS included.

use super::exchange::Front;
use super::linger::linger;
use super::listener::take_seat;
use super::problem::Problem;
use super::refusals::Refusals;
use crate::connection::signal::Signal;
use crate::connections::ConnectionGuard;
use crate::gate::{Peer, proxy_protocol};
use crate::transport::Transport;
use http::StatusCode;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

const NEEDS_HEADER: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "proxy_header_needed",
    "Connections of this proxy must begin with a header of the PROXY protocol.",
);

/// Reads the header and gives the client its place; none when the connection is not served.
pub(super) async fn begin(
    front: &Arc<Front>,
    mut socket: TcpStream,
    proxy: Peer,
    guard: &ConnectionGuard,
) -> Option<(TcpStream, Peer)> {
    let limit = Duration::from_millis(front.shared.limits.http_header_timeout_ms);
    let read = tokio::select! {
        biased;
        () = stopped(&guard.signal) => return None,
        read = timeout(limit, proxy_protocol::read(&mut socket)) => read,
    };
    let Ok(Ok(source)) = read else {
        front.shared.stats.counters.proxy_headers_missing_total.add(1);
        if front.secure.is_none() {
            let time = Duration::from_millis(front.shared.limits.close_timeout_ms);
            // A peer that does not take the answer is dropped without it.
            let _ = timeout(time, refuse(socket, time)).await;
        }
        return None;
    };
    let peer = front.gate.proxied_peer(proxy, source);
    match take_seat(front, peer) {
        Ok(seat) => {
            guard.keep(seat);
            Some((socket, peer))
        }
        Err(answer) => {
            Refusals::tell(front, socket, answer);
            None
        }
    }
}

async fn refuse(mut socket: TcpStream, time: Duration) {
    if socket.write_all(&NEEDS_HEADER.raw()).await.is_ok() {
        linger(Transport::Plain(socket), time).await;
    }
}

/// Until the relay drains or aborts.
async fn stopped(signal: &Signal) {
    poll_fn(|cx| {
        signal.register(cx.waker());
        let requests = signal.requests();
        if requests.drain() || requests.abort() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

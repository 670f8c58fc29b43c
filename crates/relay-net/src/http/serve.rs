//! One accepted connection from its first byte to its last: HTTP, and WebSocket after an upgrade.

use super::exchange::{Accepted, Front};
use super::lane::{self, Left};
use super::linger::linger;
use super::proxied;
use super::stall::StallGuard;
use crate::connection::seat::Seated;
use crate::connections::ConnectionGuard;
use crate::gate::Peer;
use crate::limits::NetLimits;
use crate::transport::Transport;
use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use relay_core::endpoint::EndpointFactory;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// Read buffer of one HTTP connection at most, heads and body pieces.
const HTTP_BUFFER_BYTES_MAX: usize = 64 * 1024;

struct Upgraded {
    socket: Transport,
    first_bytes: Bytes,
    factory: Arc<dyn EndpointFactory>,
}

/// Serves the connection until it is over.
pub(crate) async fn serve(front: Arc<Front>, socket: TcpStream, peer: Peer, guard: ConnectionGuard) {
    let (socket, peer) = if front.gate.needs_proxy_header(peer) {
        match Box::pin(proxied::begin(&front, socket, peer, &guard)).await {
            Some(begun) => begun,
            None => return,
        }
    } else {
        (socket, peer)
    };
    let socket = match &front.secure {
        None => Transport::Plain(socket),
        Some(secure) => match Box::pin(secure.acceptor.accept(socket, &guard.signal, &front.shared)).await {
            Some(socket) => socket,
            None => return,
        },
    };
    let (socket, first) = match Box::pin(lane::serve(&front, socket, peer, &guard)).await {
        Left::Other(socket, first) => (socket, first),
        Left::Gone => return,
    };
    // Boxed, so that an upgraded connection does not carry the size of the HTTP state machine.
    let Some(upgraded) = Box::pin(serve_http(&front, (socket, first), peer, &guard)).await else {
        return;
    };
    let Upgraded { socket, first_bytes, factory } = upgraded;
    let (shared, pump) = (Arc::clone(&front.shared), front.pumps.assign());
    drop(front);
    let seated = Seated::new(socket, &first_bytes, factory, shared, guard, pump);
    // In a task of its own: this one is as large as everything a connection may need before it is upgraded.
    tokio::spawn(poll_fn(move |cx| seated.poll(cx)));
}

async fn serve_http(
    front: &Arc<Front>,
    (socket, first): (Transport, Bytes),
    peer: Peer,
    guard: &ConnectionGuard,
) -> Option<Upgraded> {
    let shared = &front.shared;
    let accepted = Arc::new(Accepted::new());
    // A drain ends a connection between requests; one that has not asked yet has a moment left to do so.
    let between_requests = AtomicBool::new(false);
    let mut moment: Option<Pin<Box<Sleep>>> = None;
    let service = service_fn(|request| {
        between_requests.store(true, Ordering::Relaxed);
        let (front, accepted) = (Arc::clone(front), Arc::clone(&accepted));
        Box::pin(async move { Ok::<_, Infallible>(front.exchange(request, peer, guard, &accepted).await) })
    });
    let socket = StallGuard::new(socket, first, shared.limits.write_stall_timeout_ms, Arc::clone(&shared.stats));
    let mut connection = builder(&shared.limits).serve_connection(TokioIo::new(socket), service);
    let result = poll_fn(|cx| {
        guard.signal.register(cx.waker());
        let requests = guard.signal.requests();
        if requests.abort() {
            shared.stats.counters.aborted_total.add(1);
            return Poll::Ready(None);
        }
        loop {
            if requests.drain() && !between_requests.load(Ordering::Relaxed) {
                let linger = Duration::from_millis(shared.limits.drain_linger_ms);
                let is_over = moment.get_or_insert_with(|| Box::pin(sleep(linger))).as_mut().poll(cx).is_ready();
                between_requests.store(is_over, Ordering::Relaxed);
            }
            let ends = requests.drain() && between_requests.load(Ordering::Relaxed);
            if ends {
                Pin::new(&mut connection).graceful_shutdown();
            }
            let polled = connection.poll_without_shutdown(cx);
            // The first request came in this very turn: now the end can be told.
            let ends_now = !ends && requests.drain() && between_requests.load(Ordering::Relaxed);
            if polled.is_ready() || !ends_now {
                return polled.map(Some);
            }
        }
    })
    .await?;
    let is_error = result.as_ref().is_err_and(|error| error.is_parse() || error.is_timeout());
    shared.stats.counters.http_errors_total.add(u64::from(is_error));
    let parts = connection.into_parts();
    let socket = parts.io.into_inner().into_inner();
    match accepted.get() {
        Some(factory) if result.is_ok() => {
            Some(Upgraded { socket, first_bytes: parts.read_buf, factory: Arc::clone(factory) })
        }
        _ => {
            linger(socket, Duration::from_millis(shared.limits.close_timeout_ms)).await;
            None
        }
    }
}

fn builder(limits: &NetLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits.http_header_timeout_ms))
        .max_header_size(limits.http_header_bytes_max)
        .max_headers(limits.http_headers_max)
        .max_buf_size(HTTP_BUFFER_BYTES_MAX.max(limits.http_header_bytes_max))
        .half_close(true);
    builder
}

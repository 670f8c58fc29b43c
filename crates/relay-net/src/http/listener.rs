//! The accept loop: admits connections up to the limit, tells the rest, and rests when the system has nothing to give.

use super::exchange::Front;
use super::problem::Problem;
use super::refusals::Refusals;
use super::reserve::Reserve;
use super::serve::serve;
use crate::connections::{ConnectionGuard, Connections};
use crate::gate::{OpenSeat, Peer, Refused, write_lines};
use crate::limits::{ACCEPT_BACKOFF_MIN, WAITING_MAX};
use crate::server::Listening;
use crate::start_error::StartError;
use http::StatusCode;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

pub(crate) const TOO_MANY: Problem = Problem::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "too_many_connections",
    "This relay has as many connections as it may; try again later.",
);

pub(super) const TOO_MANY_OF_ADDRESS: Problem = Problem::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "too_many_connections",
    "This address has as many connections open as it may; close one, or try again later.",
);
pub(super) const TOO_FAST: Problem = Problem::new(
    StatusCode::TOO_MANY_REQUESTS,
    "rate_limited",
    "Too many requests came from this address; try again after the given time.",
);

/// Opens the public port.
pub(crate) fn listen(address: SocketAddr, backlog: u32, listening: Listening) -> Result<TcpListener, StartError> {
    let open = || {
        if let Listening::Adopted(listener) = listening {
            listener.set_nonblocking(true)?;
            return TcpListener::from_std(listener);
        }
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Elsewhere the option would let two relays share a port; here it only skips the wait after a restart.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        #[cfg(unix)]
        socket.set_reuseport(matches!(listening, Listening::Beside))?;
        socket.bind(address)?;
        socket.listen(backlog)
    };
    open().map_err(|source| StartError::Listen { address, source })
}

/// Accepts until `stop` turns true, then closes the port.
pub(crate) async fn accept_loop(
    listener: TcpListener,
    front: Arc<Front>,
    connections: Arc<Connections>,
    mut stop: watch::Receiver<bool>,
) {
    let mut reserve = Reserve::new();
    let mut backoff = ACCEPT_BACKOFF_MIN;
    let backoff_max = Duration::from_millis(front.shared.limits.accept_backoff_ms_max);
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, client)) => {
                backoff = ACCEPT_BACKOFF_MIN;
                admit(&front, &connections, socket, client);
            }
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                front.shared.stats.counters.accept_errors_total.add(1);
                if Reserve::is_needed(&error) && reserve.turn_one_away(&listener).await {
                    front.shared.stats.counters.refused_total.add(1);
                }
                // A stop during the pause is seen right after it, at most one second later.
                let _ = timeout(backoff, stop.wait_for(|stop| *stop)).await;
                backoff = (backoff * 2).min(backoff_max);
            }
        }
    }
    take_waiting(listener, |socket, client| admit(&front, &connections, socket, client));
}

/// Connections whose handshake the system finished before the port closes: closing it would reset them. Asks the system itself,
/// because the runtime may not have looked since the newest came.
fn take_waiting(listener: TcpListener, mut take: impl FnMut(TcpStream, SocketAddr)) {
    let Ok(listener) = listener.into_std() else { return };
    for _ in 0..WAITING_MAX {
        let accepted = listener.accept().and_then(|(socket, client)| {
            socket.set_nonblocking(true)?;
            Ok((TcpStream::from_std(socket)?, client))
        });
        match accepted {
            Ok((socket, client)) => take(socket, client),
            Err(error) if concerns_one_connection(&error) => {}
            Err(_) => return,
        }
    }
}

/// The peer went between the kernel's accept and ours; the next accept may well succeed.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn admit(front: &Arc<Front>, connections: &Arc<Connections>, socket: TcpStream, client: SocketAddr) {
    let shared = &front.shared;
    shared.stats.counters.accepted_total.add(1);
    prepare(&socket, shared.limits.socket_unsent_bytes_max);
    let peer = front.gate.peer(client.ip());
    match let_in(front, connections, peer) {
        Ok(guard) => drop(tokio::spawn(serve(Arc::clone(front), socket, peer, guard))),
        Err(answer) => Refusals::tell(front, socket, answer),
    }
}

/// A place for the connection, or the answer that says why there is none.
fn let_in(front: &Front, connections: &Arc<Connections>, peer: Peer) -> Result<ConnectionGuard, Vec<u8>> {
    let shared = &front.shared;
    let seat = take_seat(front, peer)?;
    let guard = connections.admit().ok_or_else(|| {
        shared.stats.counters.refused_total.add(1);
        TOO_MANY.raw()
    })?;
    guard.keep(seat);
    Ok(guard)
}

/// A place among the connections of its address, or the answer that says why there is none.
pub(super) fn take_seat(front: &Front, peer: Peer) -> Result<Option<OpenSeat>, Vec<u8>> {
    let shared = &front.shared;
    front.gate.connect(peer, shared.clock.now(), &shared.stats.counters).map_err(|refused| match refused {
        Refused::TooMany => TOO_MANY_OF_ADDRESS.raw(),
        Refused::TooFast(verdict) => TOO_FAST.raw_with(|answer| write_lines(answer, &verdict), true),
    })
}

/// Both options only make things faster or smaller; a socket without them works.
fn prepare(socket: &TcpStream, unsent_bytes_max: u32) {
    let _ = socket.set_nodelay(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket2::SockRef::from(socket).set_tcp_notsent_lowat(unsent_bytes_max);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = unsent_bytes_max;
}

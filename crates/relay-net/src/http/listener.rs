//! The accept loop: admits connections up to the limit, tells the rest, and rests when the system has nothing to give.

use super::exchange::Front;
use super::linger::linger;
use super::problem::Problem;
use super::reserve::Reserve;
use super::serve::serve;
use crate::connections::{ConnectionGuard, Connections};
use crate::gate::{Peer, Refused, write_lines};
use crate::limits::{ACCEPT_BACKOFF_MIN, REFUSAL_TIMEOUT, REFUSALS_MAX, WAITING_MAX};
use crate::server::Listening;
use crate::start_error::StartError;
use crate::transport::Transport;
use http::StatusCode;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
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
    let refusals = Arc::new(Semaphore::new(REFUSALS_MAX));
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
                admit(&front, &connections, &refusals, socket, client);
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
    take_waiting(listener, |socket, client| admit(&front, &connections, &refusals, socket, client));
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

fn admit(
    front: &Arc<Front>,
    connections: &Arc<Connections>,
    refusals: &Arc<Semaphore>,
    socket: TcpStream,
    client: SocketAddr,
) {
    let shared = &front.shared;
    shared.stats.counters.accepted_total.add(1);
    prepare(&socket, shared.limits.socket_unsent_bytes_max);
    let peer = front.gate.peer(client.ip());
    let answer = match let_in(front, connections, peer) {
        Ok(guard) => {
            tokio::spawn(serve(Arc::clone(front), socket, peer, guard));
            return;
        }
        Err(answer) => answer,
    };
    if front.secure.is_some() {
        // To say it, there would have to be a handshake first.
        return;
    }
    let Ok(permit) = Arc::clone(refusals).try_acquire_owned() else {
        return;
    };
    tokio::spawn(async move {
        // A peer that does not take the answer is dropped without it.
        let _ = timeout(REFUSAL_TIMEOUT, refuse(socket, &answer)).await;
        drop(permit);
    });
}

/// A place for the connection, or the answer that says why there is none.
fn let_in(front: &Front, connections: &Arc<Connections>, peer: Peer) -> Result<ConnectionGuard, Vec<u8>> {
    let shared = &front.shared;
    let seat =
        front.gate.connect(peer, shared.clock.now(), &shared.stats.counters).map_err(|refused| match refused {
            Refused::TooMany => TOO_MANY_OF_ADDRESS.raw(),
            Refused::TooFast(verdict) => TOO_FAST.raw_with(|answer| write_lines(answer, &verdict), true),
        })?;
    let guard = connections.admit().ok_or_else(|| {
        shared.stats.counters.refused_total.add(1);
        TOO_MANY.raw()
    })?;
    guard.keep(seat);
    Ok(guard)
}

async fn refuse(mut socket: TcpStream, answer: &[u8]) {
    if socket.write_all(answer).await.is_ok() {
        linger(Transport::Plain(socket), REFUSAL_TIMEOUT).await;
    }
}

/// Both options only make things faster or smaller; a socket without them works.
fn prepare(socket: &TcpStream, unsent_bytes_max: u32) {
    let _ = socket.set_nodelay(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket2::SockRef::from(socket).set_tcp_notsent_lowat(unsent_bytes_max);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = unsent_bytes_max;
}

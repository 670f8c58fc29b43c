//! From an accepted socket to a transport: with TLS, the handshake and its time limit.

use super::Transport;
use super::tls_stream::TlsStream;
use crate::connection::Shared;
use crate::connection::signal::Signal;
use crate::http::linger::linger;
use crate::http::problem::Problem;
use crate::tls::{ACME_ALPN, ServedCertificate};
use http::StatusCode;
use rustls::ServerConfig;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

const NEEDS_TLS: Problem =
    Problem::new(StatusCode::BAD_REQUEST, "tls_needed", "This port speaks TLS only: use https or wss.");

/// What every handshake needs.
#[derive(Clone)]
pub(crate) struct TlsAcceptor {
    config: Arc<ServerConfig>,
}

/// How a handshake ended.
enum Ended {
    Done,
    /// The relay drains or aborts.
    Stopped,
}

impl TlsAcceptor {
    pub(crate) fn new(certificate: Arc<ServedCertificate>) -> Result<Self, rustls::Error> {
        Ok(Self { config: crate::tls::server_config(certificate)? })
    }

    /// Shakes hands; none when nothing came of it, which then is counted and the connection gone.
    pub(crate) async fn accept(&self, socket: TcpStream, signal: &Signal, shared: &Shared) -> Option<Transport> {
        let counters = &shared.stats.counters;
        let limit = Duration::from_millis(shared.limits.tls_handshake_timeout_ms);
        let close_time = Duration::from_millis(shared.limits.close_timeout_ms);
        let Ok(ended) = timeout(limit, self.shake_hands(socket, signal)).await else {
            counters.tls_handshake_timeouts_total.add(1);
            return None;
        };
        match ended {
            Ok((Ended::Done, stream)) if stream.alpn() == Some(ACME_ALPN) => {
                // The authority has seen the certificate it wanted to see; nothing else is said on such a connection.
                counters.tls_challenges_total.add(1);
                linger(Transport::Tls(stream), close_time).await;
                None
            }
            Ok((Ended::Done, stream)) => {
                counters.tls_handshakes_total.add(1);
                Some(Transport::Tls(stream))
            }
            Ok((Ended::Stopped, _)) => None,
            Err(Failed::Silent) => None,
            Err(Failed::Plain(socket)) => {
                counters.tls_handshake_failures_total.add(1);
                // A client that does not take the answer is dropped without it.
                let _ = timeout(close_time, refuse_plain(socket, close_time)).await;
                None
            }
            Err(Failed::Broken(stream)) => {
                counters.tls_handshake_failures_total.add(1);
                // The alert is sent; closing at once could make the kernel throw it away.
                linger(Transport::Tls(stream), close_time).await;
                None
            }
        }
    }

    async fn shake_hands(&self, socket: TcpStream, signal: &Signal) -> Result<(Ended, Box<TlsStream>), Failed> {
        let stopped = || {
            let requests = signal.requests();
            requests.abort() || requests.drain()
        };
        let mut first = [0];
        let came = poll_fn(|cx| {
            signal.register(cx.waker());
            if stopped() {
                return Poll::Ready(Ok(0));
            }
            socket.poll_peek(cx, &mut tokio::io::ReadBuf::new(&mut first))
        });
        if !matches!(came.await, Ok(1..)) {
            return Err(Failed::Silent);
        }
        if first.first().is_some_and(u8::is_ascii_uppercase) {
            return Err(Failed::Plain(socket));
        }
        let stream = TlsStream::new(socket, Arc::clone(&self.config)).map_err(|_| Failed::Silent)?;
        let mut stream = Box::new(stream);
        let ended: io::Result<Ended> = poll_fn(|cx| {
            signal.register(cx.waker());
            loop {
                if stopped() {
                    return Poll::Ready(Ok(Ended::Stopped));
                }
                if ready!(stream.poll_handshake(cx))? {
                    return Poll::Ready(Ok(Ended::Done));
                }
            }
        })
        .await;
        match ended {
            Ok(ended) => Ok((ended, stream)),
            Err(_) => Err(Failed::Broken(stream)),
        }
    }
}

/// Why a handshake came to nothing.
enum Failed {
    /// Nothing came at all, as from a monitor that looks whether the port is open.
    Silent,
    /// HTTP came.
    Plain(TcpStream),
    Broken(Box<TlsStream>),
}

async fn refuse_plain(mut socket: TcpStream, time: Duration) {
    if socket.write_all(&NEEDS_TLS.raw()).await.is_ok() {
        linger(Transport::Plain(socket), time).await;
    }
}

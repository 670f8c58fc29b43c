//! How the bytes of one client connection are read and written: plain, or as TLS records.
//!
//! Invariants:
//! 1. A plain connection pays one branch for the existence of TLS.
//! 2. A byte counts as written once the socket has taken the record it is in, so queues, stalls and drains mean the same
//!    with and without TLS. A writer that was told to wait comes back with the same bytes, as all writers here do.
//! 3. A connection holds no buffer of its own while nothing is under way.

pub(crate) mod handshake;
mod records;
mod tls_stream;

pub(crate) use tls_stream::WRITE_SCRATCH_BYTES as TLS_WRITE_SCRATCH_BYTES;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tls_stream::TlsStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// One client connection, ready for HTTP.
pub(crate) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
}

impl Transport {
    /// Sends what the socket takes now; the waker of nobody is registered.
    #[inline]
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.try_write(bytes),
            Self::Tls(stream) => stream.try_write(bytes),
        }
    }

    /// Reads bytes that nobody will look at, as they come from the socket.
    pub(crate) fn poll_discard(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let socket = match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.socket_mut(),
        };
        Pin::new(socket).poll_read(cx, buf)
    }

    /// Lets the kernel forget what it holds for the peer as soon as the connection is dropped.
    pub(crate) fn reset_on_drop(&self) {
        let socket = match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.socket(),
        };
        // If the option cannot be set, the kernel's own time-out forgets it later.
        let _ = socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO));
    }
}

impl AsyncRead for Transport {
    #[inline]
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Self::Tls(stream) => stream.poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Transport {
    #[inline]
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Tls(stream) => stream.poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, pieces),
            Self::Tls(stream) => {
                let first = pieces.iter().find(|piece| !piece.is_empty()).map_or(&[][..], |piece| piece);
                stream.poll_write(cx, first)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Tls(stream) => stream.poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(stream) => stream.poll_shutdown(cx),
        }
    }
}

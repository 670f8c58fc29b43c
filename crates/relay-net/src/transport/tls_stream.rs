//! A socket whose bytes are TLS records.

use super::records::{Progress, RECORD_BYTES_MAX, Records, protected_bytes_max};
use crate::scratch;
use rustls::ServerConfig;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Content that is made into records at a time.
const WRITE_BYTES_MAX: usize = 64 * 1024;
/// Room for the alert that nothing follows.
const CLOSE_BYTES_MAX: usize = 64;

/// Sends some bytes; pending when the socket takes none now.
type Send<'a> = &'a mut dyn FnMut(&mut TcpStream, &[u8]) -> Poll<io::Result<usize>>;

/// See the module. Every buffer is empty, and without memory, while nothing is under way.
pub(crate) struct TlsStream {
    socket: TcpStream,
    records: Records,
    /// The beginning of a record.
    incoming: Vec<u8>,
    /// Content for which the reader had no room.
    plain: Vec<u8>,
    /// Records the socket has not taken.
    unsent: Vec<u8>,
    /// How much of `unsent` it has.
    unsent_from: usize,
    /// Content in `unsent` that the writer was not told of; at least one byte of it as long as there is some.
    owed: usize,
    /// Content that was sent by a flush, and that the writer was not told of.
    credit: usize,
    peer_closed: bool,
    /// The peer broke the protocol; what comes from it means nothing any more.
    broken: bool,
    close_queued: bool,
}

impl TlsStream {
    pub(super) fn new(socket: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        Ok(Self {
            socket,
            records: Records::new(config)?,
            incoming: Vec::new(),
            plain: Vec::new(),
            unsent: Vec::new(),
            unsent_from: 0,
            owed: 0,
            credit: 0,
            peer_closed: false,
            broken: false,
            close_queued: false,
        })
    }

    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    pub(super) fn socket_mut(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    pub(super) fn alpn(&self) -> Option<&[u8]> {
        self.records.alpn()
    }

    /// One step of the handshake: what was to be sent is sent, then something is read. `true` once it is done.
    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        ready!(self.poll_flush(cx))?;
        let mut nothing = ReadBuf::new(&mut []);
        let progress = ready!(self.poll_take_in(cx, &mut nothing))?;
        Poll::Ready(match progress {
            None => Err(io::ErrorKind::UnexpectedEof.into()),
            Some(Progress::PeerClosed) => Err(io::ErrorKind::ConnectionAborted.into()),
            Some(progress) => Ok(progress == Progress::Established),
        })
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if !self.plain.is_empty() {
            let count = buf.remaining().min(self.plain.len());
            buf.put_slice(self.plain.get(..count).unwrap_or_default());
            self.plain.drain(..count);
            if self.plain.is_empty() {
                self.plain = Vec::new();
            }
            return Poll::Ready(Ok(()));
        }
        while !self.peer_closed && buf.filled().len() == before {
            if ready!(self.poll_take_in(cx, buf))?.is_none() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once; none at the end of the stream.
    fn poll_take_in(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<Option<Progress>>> {
        let taken = ready!(scratch::with_tls_read(|scratch| self.poll_take_in_with(cx, buf, scratch)));
        if !self.unsent.is_empty() && self.owed == 0 {
            // What answers the protocol itself goes out now if it can, else in front of what is written next.
            let _ = self.poll_send_unsent(&mut |socket, bytes| Pin::new(socket).poll_write(cx, bytes))?;
        }
        Poll::Ready(taken)
    }

    fn poll_take_in_with(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
        scratch: &mut [u8],
    ) -> Poll<io::Result<Option<Progress>>> {
        if self.broken {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let held = self.incoming.len();
        // Not much more than the reader has room for, so that little has to wait in `plain`.
        let room = buf.remaining().max(RECORD_BYTES_MAX).saturating_add(held).min(scratch.len());
        let mut read = ReadBuf::new(scratch.get_mut(held..room).unwrap_or_default());
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut read))?;
        let arrived = read.filled().len();
        if arrived == 0 {
            return Poll::Ready(Ok(None));
        }
        let records = scratch.get_mut(..held + arrived).unwrap_or_default();
        if let Some(beginning) = records.get_mut(..held) {
            beginning.copy_from_slice(&self.incoming);
        }
        self.incoming = Vec::new();
        let Self { records: protocol, plain, unsent, .. } = self;
        let mut put = |content: &[u8]| {
            let fits = if plain.is_empty() { buf.remaining().min(content.len()) } else { 0 };
            let (now, later) = content.split_at(fits);
            buf.put_slice(now);
            plain.extend_from_slice(later);
        };
        let (used, progress) = match protocol.take_in(records, &mut put, unsent) {
            Ok(taken) => taken,
            Err(error) => {
                self.broken = true;
                let _ = self.poll_send_unsent(&mut |socket, bytes| Pin::new(socket).poll_write(cx, bytes));
                return Poll::Ready(Err(error));
            }
        };
        self.incoming.extend_from_slice(records.get(used..).unwrap_or_default());
        self.peer_closed = progress == Progress::PeerClosed;
        Poll::Ready(Ok(Some(progress)))
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.write_with(bytes, &mut |socket, bytes| Pin::new(socket).poll_write(cx, bytes))
    }

    /// Sends what the socket takes now.
    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut sent = 0;
        while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
            match self.write_with(rest, &mut |socket, bytes| unless_full(socket.try_write(bytes))) {
                Poll::Ready(Ok(count)) => sent += count,
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending if sent == 0 => return Err(io::ErrorKind::WouldBlock.into()),
                Poll::Pending => break,
            }
        }
        Ok(sent)
    }

    fn write_with(&mut self, bytes: &[u8], send: Send<'_>) -> Poll<io::Result<usize>> {
        if self.broken {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        while !self.unsent.is_empty() {
            let told = ready!(self.poll_send_unsent(send))?;
            self.credit += told;
            if self.credit > 0 {
                break;
            }
        }
        if self.credit > 0 || bytes.is_empty() {
            let told = self.credit.min(bytes.len());
            self.credit -= told;
            return Poll::Ready(Ok(told));
        }
        let bytes = bytes.get(..WRITE_BYTES_MAX).unwrap_or(bytes);
        scratch::with_tls_write(|scratch| {
            let length = self.records.protect(bytes, &mut self.incoming, scratch)?;
            let records = scratch.get(..length).unwrap_or_default();
            let taken = match send(&mut self.socket, records) {
                Poll::Ready(Ok(taken)) if taken == length => return Poll::Ready(Ok(bytes.len())),
                Poll::Ready(Ok(taken)) => taken,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => 0,
            };
            self.unsent.extend_from_slice(records);
            self.owed = bytes.len();
            match self.account(taken) {
                0 => Poll::Pending,
                told => Poll::Ready(Ok(told)),
            }
        })
    }

    /// One send of what is unsent; how much content the writer can be told of.
    fn poll_send_unsent(&mut self, send: Send<'_>) -> Poll<io::Result<usize>> {
        let rest = self.unsent.get(self.unsent_from..).unwrap_or_default();
        match ready!(send(&mut self.socket, rest))? {
            0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            taken => Poll::Ready(Ok(self.account(taken))),
        }
    }

    /// The socket took `taken` bytes of `unsent`.
    fn account(&mut self, taken: usize) -> usize {
        self.unsent_from += taken;
        let told = if self.unsent_from < self.unsent.len() {
            taken.min(self.owed.saturating_sub(1))
        } else {
            self.unsent = Vec::new();
            self.unsent_from = 0;
            self.owed
        };
        self.owed -= told;
        told
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let told = ready!(self.poll_send_unsent(&mut |socket, bytes| Pin::new(socket).poll_write(cx, bytes)))?;
            self.credit += told;
        }
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.close_queued && !self.broken {
            self.close_queued = true;
            let mut alert = [0; CLOSE_BYTES_MAX];
            // A connection that cannot say it any more is just closed.
            if let Ok(length) = self.records.close(&mut self.incoming, &mut alert) {
                self.unsent.extend_from_slice(alert.get(..length).unwrap_or_default());
            }
        }
        ready!(self.poll_flush(cx))?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// The answer of a socket that does not wait.
fn unless_full(sent: io::Result<usize>) -> Poll<io::Result<usize>> {
    match sent {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        sent => Poll::Ready(sent),
    }
}

/// Bytes of the scratch into which records are written.
pub(crate) const WRITE_SCRATCH_BYTES: usize = protected_bytes_max(WRITE_BYTES_MAX);

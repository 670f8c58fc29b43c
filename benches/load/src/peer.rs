//! One connection in the event loop: whole messages in, frames out.

use crate::clock::Clock;
use crate::failure::Failure;
use crate::framing::{Framing, Piece};
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::io::{ErrorKind, Read, Write};

/// Read at once, in bytes; also the largest message.
pub(crate) const SCRATCH_BYTES: usize = 4 * 1024 * 1024;
/// Bytes that may wait to be written before a sender pauses.
pub(crate) const OUT_BYTES_MAX: usize = 256 * 1024;

/// A socket and what is half done on it.
pub(crate) struct Peer {
    socket: TcpStream,
    framing: Framing,
    pending: Vec<u8>,
    /// What came while connecting has not been looked at.
    unseen: bool,
    out: Vec<u8>,
    out_sent: usize,
    blocked: bool,
}

impl Peer {
    /// A connected socket and what was read of it already.
    pub(crate) fn new(socket: TcpStream, framing: Framing, pending: Vec<u8>) -> Self {
        Self { socket, framing, unseen: !pending.is_empty(), pending, out: Vec::new(), out_sent: 0, blocked: false }
    }

    pub(crate) fn register(&mut self, registry: &Registry, key: usize) -> Result<(), Failure> {
        Ok(registry.register(&mut self.socket, Token(key), Interest::READABLE | Interest::WRITABLE)?)
    }

    /// For a receiver that is never read: the server is to notice soon.
    #[cfg(unix)]
    pub(crate) fn shrink_receive_buffer(&self, bytes: usize) {
        use std::os::fd::AsFd;
        bench_wire::shrink_receive_buffer(self.socket.as_fd(), bytes);
    }

    /// Elsewhere the kernel's default stays.
    #[cfg(not(unix))]
    pub(crate) fn shrink_receive_buffer(&self, bytes: usize) {
        bench_wire::shrink_receive_buffer(&self.socket, bytes);
    }

    /// Whether another message may be queued.
    pub(crate) fn has_room(&self) -> bool {
        self.out.len().saturating_sub(self.out_sent) < OUT_BYTES_MAX
    }

    /// Queues one message.
    pub(crate) fn queue(&mut self, message: &[u8]) {
        self.framing.write(&mut self.out, message);
    }

    /// Writes what is queued, as far as the socket takes it.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        while !self.blocked && self.out_sent < self.out.len() {
            match self.socket.write(self.out.get(self.out_sent..).unwrap_or_default()) {
                Ok(n) => self.out_sent = self.out_sent.saturating_add(n),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.blocked = true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        if self.out_sent == self.out.len() {
            self.out.clear();
            self.out_sent = 0;
        }
        Ok(())
    }

    /// Reads all there is and hands out whole messages with the time at which they were read.
    pub(crate) fn on_event(
        &mut self,
        event: &Event,
        scratch: &mut [u8],
        clock: Clock,
        mut take: impl FnMut(&[u8], u64) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if event.is_writable() {
            self.blocked = false;
        }
        if !event.is_readable() && !event.is_read_closed() && !self.unseen {
            return Ok(());
        }
        while self.read_once(scratch, clock, &mut take)? {}
        Ok(())
    }

    /// One read and what follows from it; true: there may be more at once.
    fn read_once(
        &mut self,
        scratch: &mut [u8],
        clock: Clock,
        take: &mut impl FnMut(&[u8], u64) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        let held = self.pending.len();
        let Some((before, room)) = scratch.split_at_mut_checked(held).filter(|(_, room)| !room.is_empty()) else {
            return Err(Failure::new(format!("a message is longer than {SCRATCH_BYTES} bytes")));
        };
        let size = room.len();
        let n = match self.socket.read(room) {
            Ok(0) => return Err(Failure::new("the server ended a connection")),
            Ok(n) => n,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock && self.unseen => 0,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        self.unseen = false;
        before.copy_from_slice(&self.pending);
        let input = scratch.get(..held.saturating_add(n)).unwrap_or_default();
        let used = self.take_frames(input, clock.now_ns(), take)?;
        self.pending.clear();
        self.pending.extend_from_slice(input.get(used..).unwrap_or_default());
        Ok(n == size)
    }

    fn take_frames(
        &mut self,
        input: &[u8],
        now_ns: u64,
        take: &mut impl FnMut(&[u8], u64) -> Result<(), Failure>,
    ) -> Result<usize, Failure> {
        let mut used: usize = 0;
        while let Some((length, piece)) = self.framing.next(input.get(used..).unwrap_or_default())? {
            match piece {
                Piece::Message(message) => take(message, now_ns)?,
                Piece::Reply(bytes) => self.out.extend_from_slice(&bytes),
                Piece::Ignored => {}
            }
            used = used.saturating_add(length);
        }
        Ok(used)
    }
}

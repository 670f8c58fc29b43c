//! Connecting, one after the other and blocking: what happens before the clock runs need not be fast.

use crate::failure::Failure;
use crate::framing::{Framing, Piece};
use crate::peer::Peer;
use bench_wire::{accept_key, head_bytes, upgrade_request};
use bytes::Bytes;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for one answer while connecting.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
const READ_BYTES: usize = 64 * 1024;
/// Any 16 bytes do: the key only shows that the server read it.
const KEY: &str = "c2VhbHJlbGF5LWJlbmNoLQ==";

/// A connection that is still used blocking.
pub(crate) struct Line {
    stream: TcpStream,
    framing: Framing,
    held: Vec<u8>,
}

impl Line {
    /// Connects.
    pub(crate) fn connect(address: SocketAddr, framing: Framing) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address)
            .map_err(|error| Failure::new(format!("cannot connect to {address}: {error}")))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WAIT))?;
        stream.set_write_timeout(Some(ANSWER_WAIT))?;
        Ok(Self { stream, framing, held: Vec::new() })
    }

    /// Connects and upgrades to a WebSocket.
    pub(crate) fn open(address: SocketAddr, path: &str) -> Result<Self, Failure> {
        let mut line = Self::connect(address, Framing::WebSocket)?;
        line.write(upgrade_request(&address.to_string(), path, KEY).as_bytes())?;
        let head_length = loop {
            if let Some(length) = head_bytes(&line.held) {
                break length;
            }
            line.fill()?;
        };
        let head: Vec<u8> = line.held.drain(..head_length).collect();
        let head = String::from_utf8_lossy(&head);
        if !head.starts_with("HTTP/1.1 101 ") || !head.contains(&accept_key(KEY)) {
            let first = head.lines().next().unwrap_or_default();
            return Err(Failure::new(format!("{address}{path} did not upgrade: {first}")));
        }
        Ok(line)
    }

    /// From now on with messages of this kind.
    pub(crate) fn with_framing(self, framing: Framing) -> Self {
        Self { framing, ..self }
    }

    /// Sends one message.
    pub(crate) fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        let mut frame = Vec::with_capacity(message.len().saturating_add(16));
        self.framing.write(&mut frame, message);
        self.write(&frame)
    }

    /// Sends bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.stream.write_all(bytes)?)
    }

    /// The next message.
    pub(crate) fn receive(&mut self) -> Result<Bytes, Failure> {
        loop {
            if let Some(message) = self.step()? {
                return Ok(message);
            }
        }
    }

    /// Lets one piece pass, whatever it is.
    pub(crate) fn skip(&mut self) -> Result<(), Failure> {
        self.step().map(|_| ())
    }

    /// Waits for one whole piece; a message comes back.
    fn step(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some((used, piece)) = self.framing.next(&self.held)? {
                let message = match piece {
                    Piece::Message(message) => Some(Bytes::copy_from_slice(message)),
                    Piece::Reply(_) | Piece::Ignored => None,
                };
                self.held.drain(..used);
                return Ok(message);
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<(), Failure> {
        let mut piece = vec![0; READ_BYTES];
        let n = self.stream.read(&mut piece)?;
        if n == 0 {
            return Err(Failure::new("the server ended the connection while it was being opened"));
        }
        self.held.extend_from_slice(piece.get(..n).unwrap_or_default());
        Ok(())
    }

    /// From here on without blocking.
    pub(crate) fn into_peer(self) -> Result<Peer, Failure> {
        self.stream.set_nonblocking(true)?;
        Ok(Peer::new(mio::net::TcpStream::from_std(self.stream), self.framing, self.held))
    }
}

/// A wait that a signal cut short is a short wait.
pub(crate) fn ignore_interrupt(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::Interrupted { Ok(()) } else { Err(error) }
}

//! Connecting, one after the other and blocking: what happens before the clock runs need not be fast.

use crate::failure::Failure;
use crate::peer::Peer;
use bench_wire::{BINARY, CLOSE, PING, accept_key, head_bytes, parse_header, upgrade_request, write_client_frame};
use bytes::Bytes;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for one answer while connecting.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
const READ_BYTES: usize = 64 * 1024;
/// Any 16 bytes do: the key only shows that the server read it.
const KEY: &str = "c2VhbHJlbGF5LWJlbmNoLQ==";

/// A WebSocket that is still used blocking.
pub(crate) struct Line {
    stream: TcpStream,
    held: Vec<u8>,
}

impl Line {
    /// Connects and upgrades.
    pub(crate) fn open(address: SocketAddr, path: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address)
            .map_err(|error| Failure::new(format!("cannot connect to {address}: {error}")))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WAIT))?;
        stream.set_write_timeout(Some(ANSWER_WAIT))?;
        let mut line = Self { stream, held: Vec::new() };
        line.stream.write_all(upgrade_request(&address.to_string(), path, KEY).as_bytes())?;
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

    /// Sends one binary message.
    pub(crate) fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        let mut frame = Vec::with_capacity(message.len().saturating_add(16));
        write_client_frame(&mut frame, BINARY, message);
        Ok(self.stream.write_all(&frame)?)
    }

    /// The next binary message.
    pub(crate) fn receive(&mut self) -> Result<Bytes, Failure> {
        loop {
            let whole = parse_header(&self.held)?.filter(|header| self.held.len() >= header.frame_bytes());
            let Some(header) = whole else {
                self.fill()?;
                continue;
            };
            let frame: Vec<u8> = self.held.drain(..header.frame_bytes()).collect();
            match header.opcode {
                BINARY => return Ok(Bytes::from(frame).slice(header.header_bytes..)),
                PING => {}
                CLOSE => return Err(Failure::new("the server closed the connection while it was being opened")),
                other => return Err(Failure::new(format!("the server sent a frame of opcode {other}"))),
            }
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
        Ok(Peer::new(mio::net::TcpStream::from_std(self.stream), self.held))
    }
}

/// A wait that a signal cut short is a short wait.
pub(crate) fn ignore_interrupt(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::Interrupted { Ok(()) } else { Err(error) }
}

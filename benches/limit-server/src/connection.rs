//! One socket: what it is for, what was read of it and not used, what it is owed.

use crate::tail::Tail;
use mio::net::TcpStream;
use std::io::{self, ErrorKind, Read, Write};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Its head has not arrived.
    Upgrading,
    /// Its messages go to the subscribers of this channel.
    Publisher(usize),
    /// It gets everything of this channel after this position.
    Subscriber(usize, u64),
    /// Its messages are stored.
    Log,
    /// The bodies of its requests are stored.
    Posts,
    /// Its messages come back.
    Echo,
}

/// A socket and its state.
pub(crate) struct Connection {
    pub(crate) socket: TcpStream,
    pub(crate) role: Role,
    pub(crate) generation: u64,
    /// Read and not yet used.
    pub(crate) pending: Vec<u8>,
    /// Messages stored for it.
    pub(crate) stored: u64,
    /// Owed before anything of the tail.
    pub(crate) out: Vec<u8>,
    out_sent: usize,
    blocked: bool,
}

/// What reading found.
pub(crate) enum Taken {
    /// So many bytes; more may follow at once when the second is set.
    Bytes(usize, bool),
    /// Nothing for now.
    Nothing,
    /// The end.
    End,
}

impl Connection {
    pub(crate) fn new(socket: TcpStream, generation: u64) -> Self {
        Self {
            socket,
            role: Role::Upgrading,
            generation,
            pending: Vec::new(),
            stored: 0,
            out: Vec::new(),
            out_sent: 0,
            blocked: false,
        }
    }

    /// Reads into `room`.
    pub(crate) fn read(&mut self, room: &mut [u8]) -> Taken {
        let size = room.len();
        match self.socket.read(room) {
            Ok(0) => Taken::End,
            Ok(n) => Taken::Bytes(n, n == size),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Taken::Nothing,
            Err(error) if error.kind() == ErrorKind::Interrupted => Taken::Bytes(0, true),
            Err(_) => Taken::End,
        }
    }

    /// The socket takes bytes again.
    pub(crate) fn unblock(&mut self) {
        self.blocked = false;
    }

    /// Sends what it is owed, of the tail of its channel too; false: the connection is over.
    pub(crate) fn flush(&mut self, tail: Option<&Tail>) -> bool {
        while !self.blocked && self.out_sent < self.out.len() {
            match send(&mut self.socket, self.out.get(self.out_sent..).unwrap_or_default()) {
                Ok(Some(n)) => self.out_sent = self.out_sent.saturating_add(n),
                Ok(None) => self.blocked = true,
                Err(_) => return false,
            }
        }
        if self.out_sent == self.out.len() {
            self.out.clear();
            self.out_sent = 0;
        }
        let (Role::Subscriber(channel, mut cursor), Some(tail)) = (self.role, tail) else {
            return true;
        };
        while !self.blocked && cursor < tail.head() {
            match send(&mut self.socket, tail.after(cursor)) {
                Ok(Some(n)) => cursor = cursor.saturating_add(u64::try_from(n).unwrap_or(u64::MAX)),
                Ok(None) => self.blocked = true,
                Err(_) => return false,
            }
        }
        self.role = Role::Subscriber(channel, cursor);
        true
    }
}

fn send(socket: &mut TcpStream, bytes: &[u8]) -> io::Result<Option<usize>> {
    match socket.write(bytes) {
        Ok(0) => Err(ErrorKind::WriteZero.into()),
        Ok(n) => Ok(Some(n)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(Some(0)),
        Err(error) => Err(error),
    }
}

//! The event loop: read and use what arrived, then flush every subscriber that is behind, then start a commit.

use crate::args::Args;
use crate::channels::Channels;
use crate::connection::{Connection, Role, Taken};
use crate::posts;
use crate::wal::{Owner, Wal};
use bench_wire::{
    BINARY, CLOSE, Header, PING, PONG, TEXT, head_bytes, parse_header, parse_upgrade, switching_protocols, unmask_onto,
    write_server_header,
};
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

const LISTENER: Token = Token(usize::MAX);
const COMMITTED: Token = Token(usize::MAX - 1);
const EVENTS_MAX: usize = 4096;
/// Read at once, in bytes.
const SCRATCH_BYTES: usize = 1024 * 1024;
/// Largest frame taken, in bytes.
const FRAME_BYTES_MAX: usize = SCRATCH_BYTES / 2;

/// What using a piece of input came to.
struct Used {
    bytes: usize,
    alive: bool,
}

/// Everything but the event buffer.
pub(crate) struct Server {
    poll: Poll,
    listener: TcpListener,
    connections: Slab<Connection>,
    generations: u64,
    channels: Channels,
    wal: Option<Wal>,
    scratch: Vec<u8>,
}

impl Server {
    /// Listens on the loopback address.
    pub(crate) fn bind(args: &Args) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)))?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), COMMITTED)?);
        let wal = args.wal_dir.as_deref().map(|dir| Wal::open(dir, args, &waker)).transpose()?;
        Ok(Self {
            poll,
            listener,
            connections: Slab::new(),
            generations: 0,
            channels: Channels::default(),
            wal,
            scratch: vec![0; SCRATCH_BYTES],
        })
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> io::Result<u16> {
        Ok(self.listener.local_addr()?.port())
    }

    /// Serves until something fails that concerns all connections.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    COMMITTED => self.acknowledge()?,
                    Token(key) => {
                        if event.is_writable() {
                            self.on_writable(key);
                        }
                        if event.is_readable() || event.is_read_closed() {
                            self.on_readable(key);
                        }
                    }
                }
            }
            while self.fan_out() {}
            if let Some(wal) = &mut self.wal {
                wal.kick()?;
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            socket.set_nodelay(true)?;
            self.generations = self.generations.saturating_add(1);
            let entry = self.connections.vacant_entry();
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut socket, Token(entry.key()), both)?;
            entry.insert(Connection::new(socket, self.generations));
        }
    }

    fn drop_connection(&mut self, key: usize) {
        if let Some(connection) = self.connections.try_remove(key) {
            self.channels.leave(connection.role, key);
        }
    }

    fn on_writable(&mut self, key: usize) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.unblock();
            self.flush(key);
        }
    }

    fn flush(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if !connection.flush(self.channels.tail_of(connection.role)) {
            self.drop_connection(key);
        }
    }

    fn on_readable(&mut self, key: usize) {
        let mut scratch = std::mem::take(&mut self.scratch);
        while self.read_once(key, &mut scratch) {}
        self.scratch = scratch;
    }

    /// One read and what follows from it; true: there may be more at once.
    fn read_once(&mut self, key: usize, scratch: &mut [u8]) -> bool {
        let Some(connection) = self.connections.get_mut(key) else {
            return false;
        };
        let held = connection.pending.len();
        let Some((before, room)) = scratch.split_at_mut_checked(held) else {
            return false;
        };
        if held > FRAME_BYTES_MAX {
            return false;
        }
        let (n, more) = match connection.read(room) {
            Taken::Bytes(n, more) => (n, more),
            Taken::Nothing => return false,
            Taken::End => {
                self.drop_connection(key);
                return false;
            }
        };
        before.copy_from_slice(&connection.pending);
        let filled = held.saturating_add(n);
        self.use_input(key, scratch.get(..filled).unwrap_or_default()) && more
    }

    /// Uses whole messages and keeps the rest; false: the connection is over.
    fn use_input(&mut self, key: usize, input: &[u8]) -> bool {
        let used = self.take_messages(key, input);
        if !used.alive {
            self.drop_connection(key);
            return false;
        }
        if let Some(connection) = self.connections.get_mut(key) {
            connection.pending.clear();
            connection.pending.extend_from_slice(input.get(used.bytes..).unwrap_or_default());
            if !connection.out.is_empty() {
                self.flush(key);
            }
        }
        true
    }

    /// Stores the bodies of whole requests.
    fn take_posts(&mut self, key: usize, input: &[u8]) -> Used {
        let mut used = 0;
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let post = match posts::parse(rest) {
                Ok(Some(post)) if post.end <= FRAME_BYTES_MAX => post,
                Ok(None) => return Used { bytes: used, alive: true },
                Ok(Some(_)) | Err(()) => return Used { bytes: used, alive: false },
            };
            let (Some(body), Some(connection)) = (rest.get(post.body_from..post.end), self.connections.get(key)) else {
                return Used { bytes: used, alive: true };
            };
            let owner = Owner { key, generation: connection.generation };
            let Some(wal) = &mut self.wal else {
                return Used { bytes: used, alive: false };
            };
            wal.add(owner, body.len()).extend_from_slice(body);
            used = used.saturating_add(post.end);
        }
    }

    fn take_messages(&mut self, key: usize, input: &[u8]) -> Used {
        let mut used = 0;
        let role = self.connections.get(key).map(|connection| connection.role);
        if role == Some(Role::Upgrading) && posts::is_post(input) {
            if let Some(connection) = self.connections.get_mut(key) {
                connection.role = Role::Posts;
            }
            return self.take_posts(key, input);
        }
        if role == Some(Role::Posts) {
            return self.take_posts(key, input);
        }
        if self.connections.get(key).is_some_and(|connection| connection.role == Role::Upgrading) {
            match head_bytes(input) {
                None => return Used { bytes: 0, alive: true },
                Some(head) if self.upgrade(key, input.get(..head).unwrap_or_default()) => used = head,
                Some(_) => return Used { bytes: 0, alive: false },
            }
        }
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let header = match parse_header(rest) {
                Ok(Some(header)) if header.frame_bytes() <= FRAME_BYTES_MAX && header.mask.is_some() => header,
                Ok(None) => return Used { bytes: used, alive: true },
                Ok(Some(_)) | Err(_) => return Used { bytes: used, alive: false },
            };
            let Some(payload) = rest.get(header.header_bytes..header.frame_bytes()) else {
                return Used { bytes: used, alive: true };
            };
            match self.take_message(key, header, payload) {
                Some(true) => used = used.saturating_add(header.frame_bytes()),
                Some(false) => return Used { bytes: used, alive: true },
                None => return Used { bytes: used, alive: false },
            }
        }
    }

    fn upgrade(&mut self, key: usize, head: &[u8]) -> bool {
        let (Some(request), Some(connection)) = (parse_upgrade(head), self.connections.get_mut(key)) else {
            return false;
        };
        connection.role = match request.target.as_str() {
            "/wal" if self.wal.is_some() => Role::Log,
            "/echo" => Role::Echo,
            target => match target.strip_prefix("/fan") {
                Some(channel) => self.channels.join(channel, key),
                None => return false,
            },
        };
        connection.out.extend_from_slice(switching_protocols(&request.key).as_bytes());
        true
    }

    /// `Some(false)`: not now, the tail is full; `None`: the connection is over.
    fn take_message(&mut self, key: usize, header: Header, payload: &[u8]) -> Option<bool> {
        let mask = header.mask?;
        let connection = self.connections.get_mut(key)?;
        match (header.opcode, connection.role) {
            (CLOSE, _) => return None,
            (PING, _) => {
                write_server_header(&mut connection.out, PONG, payload.len());
                unmask_onto(&mut connection.out, payload, mask);
            }
            (TEXT | BINARY, Role::Publisher(channel)) => {
                let Some(end) = self.channels.end_of(channel, key, header.frame_bytes()) else {
                    return Some(false);
                };
                write_server_header(end, header.opcode, payload.len());
                unmask_onto(end, payload, mask);
            }
            (TEXT | BINARY, Role::Log) => {
                let owner = Owner { key, generation: connection.generation };
                unmask_onto(self.wal.as_mut()?.add(owner, payload.len()), payload, mask);
            }
            (TEXT | BINARY, Role::Echo) => {
                write_server_header(&mut connection.out, header.opcode, payload.len());
                unmask_onto(&mut connection.out, payload, mask);
            }
            _ => {}
        }
        Some(true)
    }

    /// Sends every subscriber of a grown channel what it lacks, then lets stopped publishers go on; true: they added something.
    fn fan_out(&mut self) -> bool {
        self.channels.take_grown();
        for index in self.channels.take_dirty() {
            let Some(channel) = self.channels.get_mut(index) else {
                continue;
            };
            let mut low = channel.tail.head();
            let mut failed = Vec::new();
            for key in &channel.subscribers {
                let Some(connection) = self.connections.get_mut(*key) else {
                    continue;
                };
                if !connection.flush(Some(&channel.tail)) {
                    failed.push(*key);
                } else if let Role::Subscriber(_, cursor) = connection.role {
                    low = low.min(cursor);
                }
            }
            channel.tail.forget(low);
            let stopped = std::mem::take(&mut channel.stopped);
            for key in failed {
                self.drop_connection(key);
            }
            self.go_on(stopped);
        }
        self.channels.take_grown()
    }

    /// Publishers whose channel has room again: what they sent is used, then they are read on.
    fn go_on(&mut self, stopped: Vec<usize>) {
        for key in stopped {
            let Some(connection) = self.connections.get_mut(key) else {
                continue;
            };
            let held = std::mem::take(&mut connection.pending);
            if self.use_input(key, &held) && !self.channels.is_stopped(key) {
                self.on_readable(key);
            }
        }
    }

    fn acknowledge(&mut self) -> io::Result<()> {
        while let Some(group) = self.wal.as_mut().map(Wal::next_done).transpose()?.flatten() {
            for owner in group.owners() {
                if let Some(connection) = self.owner(*owner) {
                    connection.stored = connection.stored.saturating_add(1);
                    if connection.role == Role::Posts {
                        posts::write_answer(&mut connection.out, connection.stored);
                        continue;
                    }
                    let stored = connection.stored.to_be_bytes();
                    write_server_header(&mut connection.out, BINARY, stored.len());
                    connection.out.extend_from_slice(&stored);
                }
            }
            for owner in group.owners() {
                if self.owner(*owner).is_some_and(|connection| !connection.out.is_empty()) {
                    self.flush(owner.key);
                }
            }
            if let Some(wal) = &mut self.wal {
                wal.recycle(group);
            }
        }
        Ok(())
    }

    fn owner(&mut self, owner: Owner) -> Option<&mut Connection> {
        self.connections.get_mut(owner.key).filter(|connection| connection.generation == owner.generation)
    }
}

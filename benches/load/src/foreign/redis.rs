//! Redis: `SET` with an append-only file that is synced before each answer, and pub/sub.

use crate::failure::Failure;
use crate::framing::{Framing, Piece, decimal, line};
use crate::peer::Peer;
use crate::setup::Line;
use std::net::SocketAddr;

const CHANNEL: &str = "bench";

/// A connection that sends.
pub(crate) fn open(address: SocketAddr) -> Result<Peer, Failure> {
    Line::connect(address, Framing::Redis)?.into_peer()
}

/// A connection that receives what is published in a group.
pub(crate) fn subscribe(address: SocketAddr, group: usize) -> Result<Peer, Failure> {
    let mut line = Line::connect(address, Framing::Redis)?;
    line.write(&command(&[b"SUBSCRIBE", channel(group).as_bytes()]))?;
    line.skip()?;
    line.into_peer()
}

/// Stores under a key of the connection's own: the memory stays bounded, the file takes every value.
pub(crate) fn set(connection: u64, payload: &[u8]) -> Vec<u8> {
    command(&[b"SET", format!("bench:{connection}").as_bytes(), payload])
}

/// Publishes to a group.
pub(crate) fn publish(group: usize, payload: &[u8]) -> Vec<u8> {
    command(&[b"PUBLISH", channel(group).as_bytes(), payload])
}

fn channel(group: usize) -> String {
    format!("{CHANNEL}{group}")
}

fn command(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", parts.len()).into_bytes();
    for part in parts {
        out.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// One reply: a status is an empty message, an error ends the run, a pushed message is its payload.
pub(crate) fn next(input: &[u8]) -> Result<Option<(usize, Piece<'_>)>, Failure> {
    let Some((head, text)) = line(input) else {
        return Ok(None);
    };
    match text.split_first() {
        Some((b'+', _)) => Ok(Some((head, Piece::Message(&[])))),
        Some((b':', _)) => Ok(Some((head, Piece::Ignored))),
        Some((b'*', b"3")) => next_push(input, head),
        _ => Err(Failure::new(format!("redis says {}", String::from_utf8_lossy(text)))),
    }
}

/// `message`, channel, payload; or `subscribe`, channel, count.
fn next_push(input: &[u8], head: usize) -> Result<Option<(usize, Piece<'_>)>, Failure> {
    let (Some((kind, at)), true) = (bulk(input, head)?, head < input.len()) else {
        return Ok(None);
    };
    let Some((_, at)) = bulk(input, at)? else {
        return Ok(None);
    };
    if kind != b"message" {
        let rest = input.get(at..).unwrap_or_default();
        return Ok(line(rest).map(|(length, _)| (at.saturating_add(length), Piece::Ignored)));
    }
    Ok(bulk(input, at)?.map(|(payload, end)| (end, Piece::Message(payload))))
}

/// A bulk string and where it ends.
fn bulk(input: &[u8], at: usize) -> Result<Option<(&[u8], usize)>, Failure> {
    let Some((head, text)) = line(input.get(at..).unwrap_or_default()) else {
        return Ok(None);
    };
    let length = decimal(text.strip_prefix(b"$").unwrap_or_default())?;
    let from = at.saturating_add(head);
    let until = from.saturating_add(length);
    let end = until.saturating_add(2);
    Ok(input.get(from..until).filter(|_| end <= input.len()).map(|bytes| (bytes, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_and_pushes_are_told_apart_and_a_cut_one_waits() {
        let push = b"*3\r\n$7\r\nmessage\r\n$6\r\nbench0\r\n$5\r\nhe\r\no\r\n";
        assert_eq!(next(push).unwrap(), Some((push.len(), Piece::Message(b"he\r\no"))));
        for cut in 0..push.len() {
            assert_eq!(next(&push[..cut]).unwrap(), None, "{cut}");
        }
        let joined = b"*3\r\n$9\r\nsubscribe\r\n$6\r\nbench0\r\n:1\r\n";
        assert_eq!(next(joined).unwrap(), Some((joined.len(), Piece::Ignored)));
        assert_eq!(next(b"+OK\r\n+OK").unwrap(), Some((5, Piece::Message(b""))));
        assert!(next(b"-ERR no\r\n").is_err());
    }
}

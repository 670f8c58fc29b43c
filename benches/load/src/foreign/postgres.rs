//! PostgreSQL: one prepared INSERT per transaction, its commit awaited.

use crate::failure::Failure;
use crate::framing::{Framing, Piece};
use crate::number::to_u64;
use crate::peer::Peer;
use crate::setup::Line;
use std::net::SocketAddr;

const PROTOCOL: u32 = 196_608;
const TABLE: &[u8] = b"CREATE TABLE IF NOT EXISTS entry (seq bigserial PRIMARY KEY, sealed bytea NOT NULL)\0";
const INSERT: &[u8] = b"put\0INSERT INTO entry (sealed) VALUES ($1)\0\0\0";

/// A connection with its statement prepared; the first one makes the table.
pub(crate) fn open(address: SocketAddr, connection: u64) -> Result<Peer, Failure> {
    let mut line = Line::connect(address, Framing::Postgres)?;
    let mut hello = PROTOCOL.to_be_bytes().to_vec();
    hello.extend_from_slice(b"user\0bench\0database\0postgres\0\0");
    line.write(&with_length(&hello))?;
    line.receive()?;
    if connection == 0 {
        line.write(&message(b'Q', TABLE))?;
        line.receive()?;
    }
    line.write(&message(b'P', INSERT))?;
    line.write(&message(b'S', &[]))?;
    line.receive()?;
    line.into_peer()
}

/// Binds, executes, syncs: a transaction of its own.
pub(crate) fn insert(payload: &[u8]) -> Vec<u8> {
    // Portal "", statement "put", one format: binary, one parameter.
    let mut bind = b"\0put\0\0\x01\0\x01\0\x01".to_vec();
    bind.extend_from_slice(&length_of(payload.len()));
    bind.extend_from_slice(payload);
    bind.extend_from_slice(&[0, 0]);
    let mut out = message(b'B', &bind);
    out.extend_from_slice(&message(b'E', &[0, 0, 0, 0, 0]));
    out.extend_from_slice(&message(b'S', &[]));
    out
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    out.extend_from_slice(&with_length(body));
    out
}

/// A length counts itself.
fn with_length(body: &[u8]) -> Vec<u8> {
    let mut out = length_of(body.len().saturating_add(4)).to_vec();
    out.extend_from_slice(body);
    out
}

fn length_of(n: usize) -> [u8; 4] {
    u32::try_from(to_u64(n)).unwrap_or(u32::MAX).to_be_bytes()
}

/// Ready-for-query is the answer; an error ends the run.
pub(crate) fn next(input: &[u8]) -> Result<Option<(usize, Piece<'_>)>, Failure> {
    let Some((tag, rest)) = input.split_first() else {
        return Ok(None);
    };
    let Some(length) = rest.first_chunk().map(|length| u32::from_be_bytes(*length)) else {
        return Ok(None);
    };
    let end = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(1);
    let Some(body) = input.get(5..end) else {
        return Ok(None);
    };
    match tag {
        b'Z' => Ok(Some((end, Piece::Message(&[])))),
        b'E' => Err(Failure::new(format!("postgres says {}", String::from_utf8_lossy(body).replace('\0', " ")))),
        _ => Ok(Some((end, Piece::Ignored))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ready_for_query_is_an_answer() {
        let complete = message(b'C', b"INSERT 0 1\0");
        assert_eq!(next(&complete).unwrap(), Some((complete.len(), Piece::Ignored)));
        assert_eq!(next(&complete[..complete.len() - 1]).unwrap(), None);
        assert_eq!(next(&message(b'Z', b"I")).unwrap(), Some((6, Piece::Message(b""))));
        assert!(next(&message(b'E', b"SFATAL\0")).is_err());
    }
}

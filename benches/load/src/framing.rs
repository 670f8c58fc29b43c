//! How a server's bytes fall into messages, per protocol. Only what the programs of a bench send to each other.

use crate::failure::Failure;
use crate::foreign::{nats, postgres, redis};
use bench_wire::{BINARY, CLOSE, PING, PONG, TEXT, parse_header, write_client_frame};

/// A protocol on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// RFC 6455: one binary frame is one message.
    WebSocket,
    /// The same with text.
    WebSocketText,
    /// RESP: a reply or a pushed message.
    Redis,
    /// The text protocol of NATS.
    Nats,
    /// Version 3 of PostgreSQL's protocol: one ready-for-query is one answer.
    Postgres,
}

/// What stands at the start of what was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Something for the bench.
    Message(&'a [u8]),
    /// To be answered with these bytes, for the connection's sake.
    Reply(Vec<u8>),
    /// Nothing that matters.
    Ignored,
}

impl Framing {
    /// The first whole piece and its length; `None` when it is not complete.
    pub(crate) fn next<'a>(self, input: &'a [u8]) -> Result<Option<(usize, Piece<'a>)>, Failure> {
        match self {
            Self::WebSocket | Self::WebSocketText => next_frame(input),
            Self::Redis => redis::next(input),
            Self::Nats => nats::next(input),
            Self::Postgres => postgres::next(input),
        }
    }

    /// Appends one message as the protocol frames it; the other protocols' messages are whole requests already.
    pub(crate) fn write(self, out: &mut Vec<u8>, message: &[u8]) {
        match self {
            Self::WebSocket => write_client_frame(out, BINARY, message),
            Self::WebSocketText => write_client_frame(out, TEXT, message),
            Self::Redis | Self::Nats | Self::Postgres => out.extend_from_slice(message),
        }
    }
}

fn next_frame(input: &[u8]) -> Result<Option<(usize, Piece<'_>)>, Failure> {
    let Some(header) = parse_header(input)? else {
        return Ok(None);
    };
    let Some(payload) = input.get(header.header_bytes..header.frame_bytes()) else {
        return Ok(None);
    };
    let piece = match header.opcode {
        TEXT | BINARY => Piece::Message(payload),
        PING => {
            let mut pong = Vec::new();
            write_client_frame(&mut pong, PONG, payload);
            Piece::Reply(pong)
        }
        CLOSE => {
            let code = payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code));
            return Err(Failure::new(format!("the server closed a connection with code {code}")));
        }
        _ => Piece::Ignored,
    };
    Ok(Some((header.frame_bytes(), piece)))
}

/// A line without its end, and its length with it; `None` when it is not complete.
pub(crate) fn line(input: &[u8]) -> Option<(usize, &[u8])> {
    let at = input.windows(2).position(|pair| pair == b"\r\n")?;
    Some((at.saturating_add(2), input.get(..at)?))
}

/// A decimal number in a line.
pub(crate) fn decimal(text: &[u8]) -> Result<usize, Failure> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| Failure::new("the server sent a length that is no number"))
}

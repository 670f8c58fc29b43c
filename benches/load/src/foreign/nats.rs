//! NATS: plain publish and subscribe, and JetStream, whose acknowledgement comes to an inbox of the connection.

use crate::failure::Failure;
use crate::framing::{Framing, Piece, decimal, line};
use crate::peer::Peer;
use crate::setup::Line;
use std::net::SocketAddr;

const CONNECT: &[u8] = b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";
const STREAM: &str = r#"{"name":"BENCH","subjects":["stored"],"storage":"file"}"#;

/// A connection that publishes.
pub(crate) fn open(address: SocketAddr) -> Result<Peer, Failure> {
    hello(address, "")?.into_peer()
}

/// A connection that receives what is published in a group.
pub(crate) fn subscribe(address: SocketAddr, group: usize) -> Result<Peer, Failure> {
    hello(address, &format!("SUB bench{group} 1\r\n"))?.into_peer()
}

/// A connection that stores into a stream with files, which the first one makes.
pub(crate) fn open_stream(address: SocketAddr, connection: u64) -> Result<Peer, Failure> {
    let mut line = hello(address, &format!("SUB _INBOX.{connection} 1\r\n"))?;
    if connection == 0 {
        let length = STREAM.len();
        line.write(format!("PUB $JS.API.STREAM.CREATE.BENCH _INBOX.0 {length}\r\n{STREAM}\r\n").as_bytes())?;
        let made = line.receive()?;
        let text = String::from_utf8_lossy(&made);
        if text.contains("\"error\"") && !text.contains("already in use") {
            return Err(Failure::new(format!("JetStream refuses: {text}")));
        }
    }
    line.into_peer()
}

fn hello(address: SocketAddr, subscription: &str) -> Result<Line, Failure> {
    let mut line = Line::connect(address, Framing::Nats)?;
    line.skip()?;
    line.write(CONNECT)?;
    line.write(subscription.as_bytes())?;
    line.write(b"PING\r\n")?;
    line.skip()?;
    Ok(line)
}

/// Publishes to a group.
pub(crate) fn publish(group: usize, payload: &[u8]) -> Vec<u8> {
    with_payload(format!("PUB bench{group} {}\r\n", payload.len()), payload)
}

/// Publishes into the stream and asks for the acknowledgement.
pub(crate) fn store(connection: u64, payload: &[u8]) -> Vec<u8> {
    with_payload(format!("PUB stored _INBOX.{connection} {}\r\n", payload.len()), payload)
}

fn with_payload(head: String, payload: &[u8]) -> Vec<u8> {
    let mut out = head.into_bytes();
    out.extend_from_slice(payload);
    out.extend_from_slice(b"\r\n");
    out
}

/// The number JetStream gave a stored message.
pub(crate) fn stored_number(ack: &[u8]) -> Result<u64, Failure> {
    let text = String::from_utf8_lossy(ack);
    let found = text.split_once("\"seq\":").map(|(_, rest)| rest.trim_start());
    let digits = found.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default());
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(number) if !text.contains("\"error\"") => Ok(number),
        _ => Err(Failure::new(format!("JetStream says {text}"))),
    }
}

/// One operation of the server.
pub(crate) fn next(input: &[u8]) -> Result<Option<(usize, Piece<'_>)>, Failure> {
    let Some((head, text)) = line(input) else {
        return Ok(None);
    };
    if text == b"PING" {
        return Ok(Some((head, Piece::Reply(b"PONG\r\n".to_vec()))));
    }
    if text.starts_with(b"-ERR") {
        return Err(Failure::new(format!("nats says {}", String::from_utf8_lossy(text))));
    }
    if !text.starts_with(b"MSG ") {
        return Ok(Some((head, Piece::Ignored)));
    }
    let length = decimal(text.rsplit(|byte| *byte == b' ').next().unwrap_or_default())?;
    let until = head.saturating_add(length);
    let end = until.saturating_add(2);
    Ok(input.get(head..until).filter(|_| end <= input.len()).map(|payload| (end, Piece::Message(payload))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_whole_and_pings_answered() {
        let message = b"MSG bench0 1 5\r\nhe\r\no\r\n";
        assert_eq!(next(message).unwrap(), Some((message.len(), Piece::Message(b"he\r\no"))));
        for cut in 0..message.len() {
            assert_eq!(next(&message[..cut]).unwrap(), None, "{cut}");
        }
        assert_eq!(next(b"PING\r\n").unwrap(), Some((6, Piece::Reply(b"PONG\r\n".to_vec()))));
        assert_eq!(next(b"INFO {}\r\n").unwrap(), Some((9, Piece::Ignored)));
        assert!(next(b"-ERR 'no'\r\n").is_err());
        assert_eq!(stored_number(br#"{"stream":"BENCH", "seq":17}"#).unwrap(), 17);
        assert!(stored_number(br#"{"error":{"code":503},"seq":0}"#).is_err());
    }
}

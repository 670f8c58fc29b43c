//! GUN: puts that are acknowledged one by one, and gets that subscribe. Peers join messages in lists as they like.

use crate::failure::Failure;
use crate::framing::Framing;
use crate::payload::{Payload, Stamp};
use crate::peer::Peer;
use crate::setup::Line;
use base64ct::{Base64UrlUnpadded, Encoding};
use std::net::SocketAddr;
use std::sync::OnceLock;

const PATH: &str = "/gun";
/// States lie in the past, so that no clock is asked.
const STATE_BASE: u64 = 1_700_000_000_000;
/// Before a payload; nothing else begins so.
const VALUE_START: &[u8] = b"\"bench:";
const ACK: &[u8] = b"\"ok\":";
const REFUSAL: &[u8] = b"\"err\":";

/// In the names of this run: peers remember ids and nodes of the one before.
fn run() -> u32 {
    static RUN: OnceLock<u32> = OnceLock::new();
    *RUN.get_or_init(|| getrandom::u32().unwrap_or_else(|_| std::process::id()))
}

/// A connection that sends.
pub(crate) fn open(address: SocketAddr) -> Result<Peer, Failure> {
    Line::open(address, PATH)?.with_framing(Framing::WebSocketText).into_peer()
}

/// A connection that is told of what is published in a group.
pub(crate) fn subscribe(address: SocketAddr, group: usize, reader: usize) -> Result<Peer, Failure> {
    let mut line = Line::open(address, PATH)?.with_framing(Framing::WebSocketText);
    let (id, soul) = (format!("g{:08x}{group:04x}{reader:04x}", run()), fan_soul(group));
    line.send(format!("{{\"#\":\"{id}\",\"get\":{{\"#\":\"{soul}\"}}}}").as_bytes())?;
    // It is subscribed once it is answered.
    while !contains(&line.receive()?, id.as_bytes()) {}
    line.into_peer()
}

/// A node of its own. Ids are all of one length: stock peers take one that continues another for a part of it.
pub(crate) fn put(connection: u64, number: u64, payload: &[u8]) -> Vec<u8> {
    let soul = format!("bench/{:08x}/{connection:04x}/{number:08x}", run());
    message(&format!("p{:08x}{connection:04x}{number:08x}", run()), &soul, "value", number, payload)
}

/// A property of its own in the node of a group. Keys in order of their numbers, because peers sort them.
pub(crate) fn publish(group: usize, number: u64, payload: &[u8]) -> Vec<u8> {
    let id = format!("f{:08x}{group:04x}{number:08x}", run());
    message(&id, &fan_soul(group), &format!("k{number:08x}"), number, payload)
}

fn fan_soul(group: usize) -> String {
    format!("fan/{:08x}/{group}", run())
}

fn message(id: &str, soul: &str, key: &str, number: u64, payload: &[u8]) -> Vec<u8> {
    let (state, value) = (STATE_BASE.saturating_add(number), Base64UrlUnpadded::encode_string(payload));
    let node = format!("{{\"_\":{{\"#\":\"{soul}\",\">\":{{\"{key}\":{state}}}}},\"{key}\":\"bench:{value}\"}}");
    format!("{{\"#\":\"{id}\",\"put\":{{\"{soul}\":{node}}},\"ok\":{{\"@\":9,\"/\":1}}}}").into_bytes()
}

/// Acknowledgements in a message; a refusal ends the run.
pub(crate) fn acknowledged(message: &[u8]) -> Result<u64, Failure> {
    if contains(message, REFUSAL) {
        return Err(Failure::new(format!("a peer says {}", String::from_utf8_lossy(message))));
    }
    let acks = message.windows(ACK.len()).filter(|window| *window == ACK).count();
    Ok(crate::number::to_u64(acks))
}

/// The payloads in a message, with their stamps.
pub(crate) fn payloads<'a>(message: &'a [u8], payload: &'a Payload) -> impl Iterator<Item = Stamp> + 'a {
    let mut rest = message;
    std::iter::from_fn(move || {
        let start = position(rest, VALUE_START)?.saturating_add(VALUE_START.len());
        rest = rest.get(start..)?;
        let end = position(rest, b"\"")?;
        let text = std::str::from_utf8(rest.get(..end)?).ok()?;
        rest = rest.get(end..)?;
        payload.stamp_of(&Base64UrlUnpadded::decode_vec(text).ok()?)
    })
}

fn contains(message: &[u8], part: &[u8]) -> bool {
    position(message, part).is_some()
}

fn position(message: &[u8], part: &[u8]) -> Option<usize> {
    message.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_and_acknowledgements_are_found_in_lists() {
        let mut payload = Payload::new(32).unwrap();
        let stamps = [1, 2].map(|number| Stamp { number, word: 7 });
        let messages = stamps.map(|stamp| String::from_utf8(publish(0, stamp.number, payload.stamped(stamp))).unwrap());
        let list = format!("[{},{}]", messages[0], messages[1]);
        assert_eq!(payloads(list.as_bytes(), &payload).collect::<Vec<_>>(), stamps);
        assert_eq!(payloads(b"{\"#\":\"x\",\"@\":\"g\"}", &payload).count(), 0);
        assert_eq!(acknowledged(b"[{\"@\":\"a\",\"ok\":true},{\"@\":\"b\",\"ok\":true}]").unwrap(), 2);
        assert_eq!(acknowledged(b"{\"dam\":\"?\"}").unwrap(), 0);
        assert!(acknowledged(b"{\"@\":\"a\",\"err\":\"no\"}").is_err());
    }
}

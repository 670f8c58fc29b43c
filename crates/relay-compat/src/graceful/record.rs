//! Keys and values of a tenant.
//!
//! ```text
//! s                         → receive time of the newest change, u64
//! c <receive time u64>      → 1 · device bytes u16 · device · JSON of the change as others get it; or 0 · id: it went, and is remembered; or 2 · SHA-256 of
//!                             entity · id: the same, and what is known of its entity goes with it
//! i <id>                    → receive time u64 · SHA-256 of its content
//! f <timestamp u64> <receive time u64> → nothing: a change whose own time was ahead of its receive time
//! e <SHA-256 of entity>     → greatest own time, f64 · receive time of that change, u64 (written in strict mode only)
//! a <receive time u64> <device> → nothing: this device holds it
//! D                         → JSON list of the declared devices
//! ```

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

/// A change as it was pushed; its content is never looked into.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Change {
    pub(super) id: String,
    pub(super) entity_type: String,
    pub(super) entity_id: String,
    pub(super) operation: String,
    pub(super) encrypted_payload: String,
    pub(super) version_vector: Map<String, Value>,
    pub(super) timestamp: Number,
}

impl Change {
    /// As others get it: with the device it comes from.
    pub(super) fn json(&self, device_id: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct Sent<'a> {
            #[serde(flatten)]
            change: &'a Change,
            device_id: &'a str,
        }
        // Strings, numbers and maps with string keys always serialize.
        serde_json::to_vec(&Sent { change: self, device_id }).unwrap_or_default()
    }

    pub(super) fn timestamp_ms(&self) -> f64 {
        self.timestamp.as_f64().unwrap_or_default()
    }
}

pub(super) const NEWEST: &[u8] = b"s";
pub(super) const DEVICES: &[u8] = b"D";
pub(super) const CHANGES: u8 = b'c';
pub(super) const FUTURE: u8 = b'f';
const ENTITIES: u8 = b'e';
const HASH_BYTES: usize = 32;

fn with(prefix: u8, parts: &[&[u8]]) -> Bytes {
    let mut key = vec![prefix];
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key.into()
}

pub(super) fn change_key(received_ms: u64) -> Bytes {
    with(CHANGES, &[&received_ms.to_be_bytes()])
}

pub(super) fn id_key(id: &str) -> Bytes {
    with(b'i', &[id.as_bytes()])
}

pub(super) fn entity_key(entity_type: &str, entity_id: &str) -> Bytes {
    let length = (entity_type.len() as u64).to_be_bytes();
    let digest = Sha256::new().chain_update(length).chain_update(entity_type).chain_update(entity_id).finalize();
    with(ENTITIES, &[&digest])
}

/// What strict mode knows of an entity: the greatest own time, and which change had it.
pub(super) fn entity_value(timestamp_ms: f64, received_ms: u64) -> Bytes {
    [timestamp_ms.to_be_bytes(), received_ms.to_be_bytes()].concat().into()
}

/// The greatest own time of an entity.
pub(super) fn newest_of_entity(value: &[u8]) -> Option<f64> {
    Some(f64::from_be_bytes(*value.first_chunk()?))
}

/// Which change an entity's time is of; `None` where only the time was kept.
pub(super) fn received_of_entity(value: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*value.get(8..)?.first_chunk()?))
}

pub(super) fn future_key(timestamp_ms: f64, received_ms: u64) -> Bytes {
    with(FUTURE, &[&whole_ms(timestamp_ms).to_be_bytes(), &received_ms.to_be_bytes()])
}

pub(super) fn held_prefix(received_ms: u64) -> Bytes {
    with(b'a', &[&received_ms.to_be_bytes()])
}

pub(super) fn held_key(received_ms: u64, device_id: &str) -> Bytes {
    with(b'a', &[&received_ms.to_be_bytes(), device_id.as_bytes()])
}

/// Own times are numbers of any kind; for order whole milliseconds are enough.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturating is what is meant")]
pub(super) fn whole_ms(timestamp_ms: f64) -> u64 {
    timestamp_ms.max(0.0) as u64
}

/// The receive time in the key of a change.
pub(super) fn received_of(key: &[u8]) -> Option<u64> {
    let (CHANGES, rest) = key.split_first().map(|(prefix, rest)| (*prefix, rest))? else { return None };
    Some(u64::from_be_bytes(*rest.first_chunk()?))
}

/// The receive time in the key of a change that is ahead of it.
pub(super) fn received_of_future(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*key.get(9..)?.first_chunk()?))
}

pub(super) fn number_of(value: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*value.first_chunk()?))
}

/// The value of an id: where its change is, and what it was.
pub(super) fn id_value(received_ms: u64, hash: &[u8]) -> Bytes {
    [&received_ms.to_be_bytes()[..], hash].concat().into()
}

/// What makes a retry the same: the content and the device.
pub(super) fn hash_of(json: &[u8]) -> [u8; 32] {
    Sha256::digest(json).into()
}

/// A stored change.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stored {
    Live { device_id: String, json: Bytes },
    Gone { id: String, entity: Option<Bytes> },
}

pub(super) fn live_value(device_id: &str, json: &[u8]) -> Bytes {
    // Names are limited far below.
    let length = u16::try_from(device_id.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[1][..], &length, device_id.as_bytes(), json].concat().into()
}

/// `entity` is the key of what is known of its entity, if anything is.
pub(super) fn gone_value(id: &str, entity: Option<&[u8]>) -> Bytes {
    match entity.and_then(|key| key.get(1..)) {
        Some(hash) => [&[2][..], hash, id.as_bytes()].concat().into(),
        None => [&[0][..], id.as_bytes()].concat().into(),
    }
}

pub(super) fn stored(value: &Bytes) -> Option<Stored> {
    let (kind, rest) = value.split_first()?;
    let id = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    match kind {
        0 => return Some(Stored::Gone { id: id(rest)?, entity: None }),
        2 => {
            let (hash, rest) = rest.split_first_chunk::<HASH_BYTES>()?;
            return Some(Stored::Gone { id: id(rest)?, entity: Some(with(ENTITIES, &[hash])) });
        }
        _ => {}
    }
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (device_id, json) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let device_id = std::str::from_utf8(device_id).ok()?.to_owned();
    Some(Stored::Live { device_id, json: value.slice_ref(json) })
}

/// The names in a stored change.
#[derive(serde::Deserialize)]
pub(super) struct Named {
    pub(super) id: String,
    entity_type: String,
    entity_id: String,
}

impl Named {
    pub(super) fn of(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    pub(super) fn entity_key(&self) -> Bytes {
        entity_key(&self.entity_type, &self.entity_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again() {
        let live = stored(&live_value("dé", b"{}"));
        assert_eq!(live, Some(Stored::Live { device_id: "dé".to_owned(), json: Bytes::from_static(b"{}") }));
        let entity = entity_key("a", "b");
        for entity in [None, Some(entity)] {
            let gone = stored(&gone_value("x", entity.as_deref()));
            assert_eq!(gone, Some(Stored::Gone { id: "x".to_owned(), entity }));
        }
        let newest = entity_value(5.5, 77);
        assert_eq!((newest_of_entity(&newest), received_of_entity(&newest)), (Some(5.5), Some(77)));
        assert_eq!(received_of_entity(&5.5_f64.to_be_bytes()), None);
        assert_eq!(stored(&Bytes::new()), None);
        assert_eq!(received_of(&change_key(77)), Some(77));
        assert_eq!(received_of_future(&future_key(5.5, 77)), Some(77));
        assert!(change_key(255) < change_key(256));
        assert!(entity_key("a", "bc") != entity_key("ab", "c"));
    }
}

//! Strict Ed25519: S < L, canonical encodings of R and of the key, neither of small order.

use crate::hash::Domain;
use crate::ids::{DeviceKey, LogId, Signature, SpaceId};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use std::fmt;

/// Encoding of the base point: a sound key that nobody signs with, for checks that must cost the same without a key.
const BASE_POINT: [u8; 32] = {
    let mut bytes = [0x66; 32];
    bytes[0] = 0x58;
    bytes
};

/// A key pair. `Debug` prints the public prefix; the secret is wiped when the pair is dropped.
#[derive(Clone)]
pub struct KeyPair(SigningKey);

impl KeyPair {
    /// The pair of an Ed25519 seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// The public key as that of a device.
    #[must_use]
    pub fn device(&self) -> DeviceKey {
        DeviceKey(self.public())
    }

    /// The public key as that of a space.
    #[must_use]
    pub fn space(&self) -> SpaceId {
        SpaceId(self.public())
    }

    /// The public key as that of a log.
    #[must_use]
    pub fn log_id(&self) -> LogId {
        LogId(self.public())
    }

    /// Signs `D(domain) ‖ parts`.
    #[must_use]
    pub fn sign(&self, domain: Domain, parts: &[&[u8]]) -> Signature {
        Signature(self.0.sign(&signing_text(domain, parts)).to_bytes())
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({:?})", self.device())
    }
}

/// Whether bytes may be named as a key: a point, canonically encoded, not of small order.
#[must_use]
pub fn is_sound_key(key: &[u8; 32]) -> bool {
    parse_key(key).is_some()
}

/// Whether `signature` is `key`'s over `D(domain) ‖ parts`, strictly.
#[must_use]
pub fn verify(key: &[u8; 32], domain: Domain, parts: &[&[u8]], signature: &Signature) -> bool {
    parse_key(key).is_some_and(|key| verify_with(&key, domain, parts, signature))
}

/// Whether `signature` is `key`'s over exactly `text`, strictly: for texts that were signed elsewhere.
#[must_use]
pub fn verify_text(key: &[u8; 32], text: &[u8], signature: &Signature) -> bool {
    parse_key(key).is_some_and(|key| verify_text_with(&key, text, signature))
}

/// The same, but always at the cost of one verification, also when the bytes are no key.
#[must_use]
pub fn verify_or_dummy(key: &[u8; 32], domain: Domain, parts: &[&[u8]], signature: &Signature) -> bool {
    let parsed = parse_key(key);
    let used = parsed.or_else(|| VerifyingKey::from_bytes(&BASE_POINT).ok());
    let holds = used.is_some_and(|used| verify_with(&used, domain, parts, signature));
    parsed.is_some() & holds
}

fn verify_with(key: &VerifyingKey, domain: Domain, parts: &[&[u8]], signature: &Signature) -> bool {
    verify_text_with(key, &signing_text(domain, parts), signature)
}

fn verify_text_with(key: &VerifyingKey, text: &[u8], signature: &Signature) -> bool {
    key.verify_strict(text, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok()
}

fn parse_key(bytes: &[u8; 32]) -> Option<VerifyingKey> {
    if !is_canonical(bytes) {
        return None;
    }
    VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak())
}

/// Whether the y coordinate is below 2^255 − 19. (The other non-canonical encodings, x = 0 with a sign, are of small
/// order.)
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = bytes;
    last & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff) || *first < 0xed
}

/// `D(domain) ‖ parts`: the bytes that are signed, for a signer that keeps its key to itself.
#[must_use]
pub fn signing_text(domain: Domain, parts: &[&[u8]]) -> Vec<u8> {
    let tag = domain.tag();
    let length = parts.iter().fold(tag.len(), |sum, part| sum.saturating_add(part.len()));
    let mut text = Vec::with_capacity(length);
    text.extend_from_slice(tag);
    for part in parts {
        text.extend_from_slice(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_verifies_per_domain() {
        let pair = KeyPair::from_seed(&[7; 32]);
        let signature = pair.sign(Domain::Ack, &[b"a", b"b"]);
        assert!(verify(&pair.public(), Domain::Ack, &[b"ab"], &signature));
        assert!(!verify(&pair.public(), Domain::Roster, &[b"ab"], &signature));
        assert!(verify_or_dummy(&pair.public(), Domain::Ack, &[b"ab"], &signature));
        assert!(!verify_or_dummy(&[0xff; 32], Domain::Ack, &[b"ab"], &signature));
    }

    #[test]
    fn unsound_keys_are_refused() {
        let mut one = [0; 32];
        one[0] = 1;
        let mut p_plus_one = [0xff; 32];
        p_plus_one[0] = 0xee;
        p_plus_one[31] = 0x7f;
        // y = p + 3: the non-canonical form of y = 3, which is a point of large order.
        let mut p_plus_three = p_plus_one;
        p_plus_three[0] = 0xf0;
        let mut three = [0; 32];
        three[0] = 3;
        assert!(VerifyingKey::from_bytes(&p_plus_three).is_ok());
        assert!(is_sound_key(&three));
        for key in [[0; 32], one, p_plus_one, p_plus_three, [0xff; 32]] {
            assert!(!is_sound_key(&key), "{key:02x?}");
        }
        assert!(is_sound_key(&BASE_POINT));
    }

    #[test]
    fn a_large_s_is_refused() {
        let pair = KeyPair::from_seed(&[7; 32]);
        let mut signature = pair.sign(Domain::Ack, &[]);
        signature.0[63] |= 0xe0;
        assert!(!verify(&pair.public(), Domain::Ack, &[], &signature));
    }
}

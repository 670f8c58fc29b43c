//! Ed25519 keys as this system writes them: the relay's own, and those of others.

use base64ct::{Base64, Encoding};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::fmt;

/// Length of the seed of a key, in bytes.
pub const SEED_BYTES: usize = 32;
/// How a public key begins.
const PREFIX: &str = "ed25519:";
/// Bytes of a public key.
pub(super) const PUBLIC_BYTES: usize = 32;
/// Bytes of a signature.
pub(super) const SIGNATURE_BYTES: usize = 64;

/// A public key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct PublicKey(pub(super) [u8; PUBLIC_BYTES]);

impl PublicKey {
    /// Reads `ed25519:` and base64 with padding.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut bytes = [0; PUBLIC_BYTES];
        let read = Base64::decode(text.strip_prefix(PREFIX)?, &mut bytes).ok()?;
        (read.len() == PUBLIC_BYTES).then_some(Self(bytes))
    }

    /// As text.
    pub(super) fn text(self) -> String {
        format!("{PREFIX}{}", Base64::encode_string(&self.0))
    }

    /// Whether this key signed the message.
    pub(super) fn has_signed(self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

/// The bytes of a signature as entries carry it.
pub(super) fn signature_of(text: &str) -> Option<[u8; SIGNATURE_BYTES]> {
    let mut bytes = [0; SIGNATURE_BYTES];
    let read = Base64::decode(text, &mut bytes).ok()?;
    (read.len() == SIGNATURE_BYTES).then_some(bytes)
}

/// The relay's key: who it is to peers. It proves that in handshakes, and signs nothing else.
pub struct RelayKey {
    pair: Ed25519KeyPair,
    text: String,
}

impl RelayKey {
    /// Of a seed; `None` only if the library refuses it.
    #[must_use]
    pub fn new(seed: &[u8; SEED_BYTES]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let public = PublicKey(pair.public_key().as_ref().try_into().ok()?);
        Some(Self { text: public.text(), pair })
    }

    /// The public half as text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for RelayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayKey").field("public", &self.text).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written_and_proves_what_it_signed() {
        let key = RelayKey::new(&[7; SEED_BYTES]).unwrap();
        assert_eq!(key.text(), "ed25519:6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=");
        let public = PublicKey::read(key.text()).unwrap();
        assert!(public.has_signed(b"challenge", &key.sign(b"challenge")));
        assert!(!public.has_signed(b"another", &key.sign(b"challenge")));
        for wrong in ["", "ed25519:", "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=", "ed25519:AAAA", "*"] {
            assert_eq!(PublicKey::read(wrong), None, "{wrong}");
        }
    }
}

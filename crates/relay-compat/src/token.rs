//! A secret that opens a service, and never shows.

use sha2::{Digest, Sha256};
use std::fmt;

/// Kept as its hash: comparing hashes tells nothing about where two secrets differ.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl Token {
    /// Of a secret.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Whether this is the secret.
    #[must_use]
    pub fn is(&self, secret: Option<&[u8]>) -> bool {
        secret.is_some_and(|secret| Self::new(secret) == *self)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

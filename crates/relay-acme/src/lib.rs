//! Certificates from a certificate authority that speaks ACME (RFC 8555), checked by TLS-ALPN-01 (RFC 8737) on the relay's
//! own port, so that no second port has to be reachable.
//!
//! Nothing here serves anything: what an authority is to be shown is handed to [`Challenges`], what it issued to the caller.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod account;
mod challenge;
mod error;
mod folder;
mod order;
mod schedule;

pub use challenge::Challenges;
pub use error::AcmeError;
pub use folder::Folder;
pub use order::obtain;
pub use schedule::{Retry, renewal_delay};

use std::path::PathBuf;

/// Domains of one certificate at most; authorities take 100.
pub const DOMAINS_MAX: usize = 100;

/// What is asked for, of whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeConfig {
    /// URL of the authority's directory.
    pub directory: String,
    /// Names the certificate is for; the first one is its main name.
    pub domains: Vec<String>,
    /// Where the authority may write to about the account.
    pub email: Option<String>,
    /// Root certificate (PEM) that the authority's own HTTPS is checked against; none: the system's roots.
    pub ca: Option<PathBuf>,
}

/// A certificate with its key, both PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// The certificate and the intermediate ones.
    pub chain: String,
    /// The private key, PKCS#8.
    pub key: String,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Issued { chain: …, key: … }")
    }
}

//! The certificate that is served now, and what certificate authorities are shown that check a domain.

use super::ACME_ALPN;
use super::certificate::Certificate;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

/// Domains that can be under check at a time.
pub(super) const CHALLENGES_MAX: usize = 100;

/// What is known of the certificate that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// When it ceases to hold, in seconds since 1970.
    pub not_after_unix_s: u64,
    /// How long that is from now, in seconds; negative afterwards.
    pub left_s: i64,
}

/// Handed to every handshake; changes while the server runs, for handshakes that begin after the change.
#[derive(Debug, Default)]
pub struct ServedCertificate {
    current: RwLock<Option<Certificate>>,
    challenges: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl ServedCertificate {
    /// Serves `certificate`; without one every handshake is refused until [`Self::set`].
    #[must_use]
    pub fn new(certificate: Option<Certificate>) -> Arc<Self> {
        Arc::new(Self { current: RwLock::new(certificate), challenges: Mutex::default() })
    }

    /// Serves another one from now on.
    pub fn set(&self, certificate: Certificate) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(certificate);
    }

    /// None while there is no certificate.
    #[must_use]
    pub fn facts(&self, now: SystemTime) -> Option<CertificateFacts> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let not_after = current.as_ref()?.not_after;
        let unix_s = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let signed = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
        Some(CertificateFacts {
            not_after_unix_s: unix_s(not_after),
            left_s: signed(unix_s(not_after)).saturating_sub(signed(unix_s(now))),
        })
    }

    /// The first name the certificate is for, if it names a host.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).as_ref()?.name.clone()
    }

    /// Shows `certificate` to who checks `domain`, until [`Self::end_challenge`]; `false` if too many are under way.
    #[must_use]
    pub fn begin_challenge(&self, domain: &str, certificate: &Certificate) -> bool {
        let mut challenges = self.challenges();
        if challenges.len() >= CHALLENGES_MAX {
            return false;
        }
        challenges.insert(domain.to_ascii_lowercase(), Arc::clone(&certificate.key));
        true
    }

    /// The check of `domain` is over.
    pub fn end_challenge(&self, domain: &str) {
        self.challenges().remove(&domain.to_ascii_lowercase());
    }

    fn challenges(&self) -> MutexGuard<'_, HashMap<String, Arc<CertifiedKey>>> {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for ServedCertificate {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_check = hello.alpn().is_some_and(|mut names| names.any(|name| name == ACME_ALPN));
        if is_check {
            let domain = hello.server_name()?.to_ascii_lowercase();
            return self.challenges().get(&domain).cloned();
        }
        self.current.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|served| Arc::clone(&served.key))
    }
}

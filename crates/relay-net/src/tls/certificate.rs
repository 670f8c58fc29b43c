//! A certificate with its key, checked before it is served.

use super::error::TlsError;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

const DAY_S: u64 = 86_400;
/// Certificates of one chain at most; what is sent of more would only slow every handshake down.
const CHAIN_MAX: usize = 10;

/// A chain, the key of its first certificate, and the time in which it holds.
#[derive(Clone)]
pub struct Certificate {
    pub(super) key: Arc<CertifiedKey>,
    pub(super) not_before: SystemTime,
    pub(super) not_after: SystemTime,
    /// The first name that is one host's.
    pub(super) name: Option<String>,
}

impl Certificate {
    /// Reads a chain and a key, both PEM. The names say in errors where each came from.
    ///
    /// # Errors
    /// [`TlsError`] if they cannot be understood or do not belong together. Time is not looked at.
    pub fn from_pem(chain: (&[u8], &str), key: (&[u8], &str)) -> Result<Self, TlsError> {
        let certificate = Self::of_check(chain, key)?;
        match certificate.key.keys_match() {
            Ok(()) => Ok(certificate),
            Err(rustls::Error::InconsistentKeys(_)) => {
                Err(TlsError::Mismatch { certificate: chain.1.to_owned(), key: key.1.to_owned() })
            }
            Err(error) => Err(TlsError::Malformed { origin: chain.1.to_owned(), problem: error.to_string() }),
        }
    }

    /// The same for what an authority is shown that checks a domain. It has a critical extension (RFC 8737) that no client
    /// understands, and the library neither, so it is not asked whether the key fits.
    ///
    /// # Errors
    /// [`TlsError`] if they cannot be understood.
    pub fn of_check((chain, chain_origin): (&[u8], &str), (key, key_origin): (&[u8], &str)) -> Result<Self, TlsError> {
        let malformed = |problem: String| TlsError::Malformed { origin: chain_origin.to_owned(), problem };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|error| malformed(error.to_string()))?;
        let Some(first) = chain.first() else {
            return Err(TlsError::NoCertificate { origin: chain_origin.to_owned() });
        };
        if chain.len() > CHAIN_MAX {
            return Err(malformed(format!("a chain of {} is longer than {CHAIN_MAX}", chain.len())));
        }
        let Clear { not_before, not_after, name } = clear(first).map_err(malformed)?;
        let no_key = || TlsError::NoKey { origin: key_origin.to_owned() };
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| no_key())?;
        let signing = default_provider().key_provider.load_private_key(key).map_err(|_| no_key())?;
        Ok(Self { key: Arc::new(CertifiedKey::new(chain, signing)), not_before, not_after, name })
    }

    /// Whether the certificate holds at `now`.
    ///
    /// # Errors
    /// [`TlsError::Expired`] or [`TlsError::NotYetValid`].
    pub fn check_time(&self, now: SystemTime, origin: &str) -> Result<(), TlsError> {
        if now < self.not_before {
            return Err(TlsError::NotYetValid { origin: origin.to_owned() });
        }
        match now.duration_since(self.not_after) {
            Ok(over) if over > Duration::ZERO => {
                Err(TlsError::Expired { origin: origin.to_owned(), days: over.as_secs() / DAY_S })
            }
            _ => Ok(()),
        }
    }

    /// When it begins and ceases to hold.
    #[must_use]
    pub fn validity(&self) -> (SystemTime, SystemTime) {
        (self.not_before, self.not_after)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Certificate").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

/// What of a certificate matters here.
struct Clear {
    not_before: SystemTime,
    not_after: SystemTime,
    name: Option<String>,
}

fn clear(certificate: &CertificateDer<'_>) -> Result<Clear, String> {
    let (_, parsed) = parse_x509_certificate(certificate).map_err(|error| error.to_string())?;
    let validity = parsed.validity();
    let names = parsed.subject_alternative_name().ok().flatten();
    let mut names = names.iter().flat_map(|names| &names.value.general_names);
    let name = names.find_map(|name| match name {
        GeneralName::DNSName(name) if !name.starts_with('*') => Some((*name).to_owned()),
        _ => None,
    });
    Ok(Clear { not_before: at(validity.not_before.timestamp()), not_after: at(validity.not_after.timestamp()), name })
}

/// A time before 1970 is the beginning of it.
fn at(unix_s: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(unix_s).unwrap_or(0))
}

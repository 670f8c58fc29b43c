//! What the authority is shown while it checks a domain.

use crate::Issued;
use crate::error::AcmeError;
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use std::sync::Arc;

/// Shows certificates to who asks for them with the protocol `acme-tls/1`.
pub trait Challenges: Send + Sync {
    /// Shows `certificate` for `domain` until [`Self::end`]; `false` if that cannot be done.
    fn begin(&self, domain: &str, certificate: &Issued) -> bool;
    /// The check is over.
    fn end(&self, domain: &str);
}

/// The domains under check; dropping it ends all of them.
pub(crate) struct Shown {
    by: Arc<dyn Challenges>,
    domains: Vec<String>,
}

impl Shown {
    pub(crate) fn new(by: Arc<dyn Challenges>) -> Self {
        Self { by, domains: Vec::new() }
    }

    /// Shows what proves that this relay asked for the check; `digest` is the SHA-256 of the key authorization.
    pub(crate) fn show(&mut self, domain: &str, digest: &[u8]) -> Result<(), AcmeError> {
        let certificate = proof(domain, digest)?;
        self.domains.push(domain.to_owned());
        if self.by.begin(domain, &certificate) {
            return Ok(());
        }
        Err(AcmeError::Key("what proves a domain cannot be shown".to_owned()))
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        for domain in &self.domains {
            self.by.end(domain);
        }
    }
}

/// RFC 8737 section 3.
fn proof(domain: &str, digest: &[u8]) -> Result<Issued, AcmeError> {
    const DIGEST_BYTES: usize = 32;
    let failed = |error: rcgen::Error| AcmeError::Key(error.to_string());
    if digest.len() != DIGEST_BYTES {
        return Err(AcmeError::Key(format!("a digest of {} bytes", digest.len())));
    }
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::new(vec![domain.to_owned()]).map_err(failed)?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok(Issued { chain: certificate.pem(), key: key.serialize_pem() })
}

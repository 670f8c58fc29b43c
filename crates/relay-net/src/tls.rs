//! TLS 1.3 on the public port: which certificate is served, where it comes from, and what is accepted.

mod certificate;
mod error;
mod key_files;
mod served;

pub use certificate::Certificate;
pub use error::TlsError;
pub use key_files::{KeyFiles, Look};
pub use served::{CertificateFacts, ServedCertificate};

use rustls::ServerConfig;
use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::server::NoServerSessionStorage;
use std::net::SocketAddr;
use std::sync::Arc;

/// What a client that speaks HTTP asks for.
const HTTP_ALPN: &[u8] = b"http/1.1";
/// What a certificate authority asks for that checks a domain, RFC 8737.
pub(crate) const ACME_ALPN: &[u8] = b"acme-tls/1";
/// Tickets for a quicker return that a client gets; the sockets of one client rarely come back together.
const TICKETS: usize = 1;

/// What a server is told about TLS.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// The certificate, which can change while the server runs.
    pub certificate: Arc<ServedCertificate>,
    /// How long browsers are to insist on HTTPS, in seconds; zero does not say so.
    pub hsts_max_age_s: u64,
    /// Where plain HTTP is answered with the address it should have gone to.
    pub redirect: Option<SocketAddr>,
}

/// TLS 1.3, HTTP/1.1, no early data.
pub(crate) fn server_config(certificate: Arc<ServedCertificate>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![HTTP_ALPN.to_vec(), ACME_ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = Ticketer::new()?;
    config.send_tls13_tickets = TICKETS;
    Ok(Arc::new(config))
}

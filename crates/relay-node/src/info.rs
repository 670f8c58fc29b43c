//! What does not change while a relay runs.

use napi_derive::napi;

/// Facts about a running relay, for the banner and for `/version`.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Clone)]
pub struct RelayInfo {
    /// IP address the relay listens on.
    pub host: String,
    /// Port the relay listens on.
    pub port: u16,
    /// Public key of the relay, base64url without padding: what a relay address pins.
    pub log_id: String,
    /// Whether that port speaks TLS.
    pub tls: bool,
    /// The first name the certificate is for, or null.
    pub certificate_name: Option<String>,
    /// Port on which plain HTTP is sent to HTTPS, or null.
    pub redirect_port: Option<u16>,
}

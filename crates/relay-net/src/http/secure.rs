//! What TLS changes about requests and answers: browsers are told to insist on it, the control plane hears of it.

use super::answer_body::Answer;
use crate::tls::TlsConfig;
use crate::transport::handshake::TlsAcceptor;
use http::header::{HeaderValue, STRICT_TRANSPORT_SECURITY};

/// TLS as the front sees it.
pub(crate) struct Secure {
    pub(crate) acceptor: TlsAcceptor,
    hsts: Option<Hsts>,
}

/// Strict-Transport-Security, RFC 6797, as a header and as a line.
struct Hsts {
    value: HeaderValue,
    line: String,
}

impl Secure {
    pub(crate) fn new(config: &TlsConfig, acceptor: TlsAcceptor) -> Self {
        let text = format!("max-age={}", config.hsts_max_age_s);
        let value = HeaderValue::from_str(&text).ok().filter(|_| config.hsts_max_age_s > 0);
        let hsts = value.map(|value| Hsts { value, line: format!("strict-transport-security: {text}\r\n") });
        Self { acceptor, hsts }
    }

    /// Adds what every answer over TLS says.
    pub(super) fn mark(&self, answer: &mut Answer) {
        if let Some(hsts) = &self.hsts {
            answer.headers_mut().insert(STRICT_TRANSPORT_SECURITY, hsts.value.clone());
        }
    }

    /// The same as a line, for answers that are made as bytes; empty for none.
    pub(super) fn line(&self) -> &str {
        self.hsts.as_ref().map_or("", |hsts| &hsts.line)
    }
}

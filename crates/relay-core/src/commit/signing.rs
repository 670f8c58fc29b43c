//! Statements of the log's key, made through the signer the relay was given.

use crate::environment::LogSigner;
use relay_proto::hash::Domain;
use relay_proto::ids::Signature;
use relay_proto::log_reset::LogReset;

/// The signer's signature over `D(domain) ‖ text`.
#[must_use]
pub fn sign(signer: &dyn LogSigner, domain: Domain, text: &[u8]) -> Signature {
    Signature(signer.sign(&[domain.tag(), text].concat()))
}

/// Names the signer's log in the statement and signs it.
#[must_use]
pub fn sign_log_reset(mut reset: LogReset, signer: &dyn LogSigner) -> LogReset {
    reset.log_id = signer.log_id();
    reset.signature = Signature(signer.sign(&reset.signing_text()));
    reset
}

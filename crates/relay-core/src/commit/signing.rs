//! Statements of the log's key, made through the signer the relay was given.

use crate::environment::LogSigner;
use relay_proto::frame::Frame;
use relay_proto::hash::Domain;
use relay_proto::ids::{LogId, Signature};
use relay_proto::log_reset::LogReset;

/// The signer's signature over `D(domain) ‖ text`.
#[must_use]
pub fn sign(signer: &dyn LogSigner, domain: Domain, text: &[u8]) -> Signature {
    Signature(signer.sign(&[domain.tag(), text].concat()))
}

/// Names the signer's log in the statement and signs it.
#[must_use]
pub fn sign_log_reset(mut reset: LogReset, signer: &dyn LogSigner) -> LogReset {
    reset.log_id = LogId(signer.log_id().0);
    let frame = reset.encode();
    // The statement is the frame without its type byte and its signature.
    let text = frame.get(1..frame.len().saturating_sub(Signature::BYTES)).unwrap_or_default();
    reset.signature = sign(signer, Domain::LogReset, text);
    reset
}

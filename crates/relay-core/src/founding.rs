//! Who may found a space: asked once for each new space, outside of the rules, before the store learns of it.
//!
//! Invariant: whoever cannot be asked, or does not answer, founds nothing.

use crate::tenants::TenantId;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use relay_proto::ids::SpaceId;
use relay_proto::quota::QuotaDetail;
use sha2::{Digest, Sha256};

const CLAIM_BYTES: usize = 16;
/// Length of what an owner is called, in bytes.
const OWNER_BYTES: usize = 16;
const CLAIM_DOMAIN: &[u8] = b"sealrelay/v1/founding";

/// A device that would found a space; its statements hold and it has the root's word.
#[derive(Clone, Debug)]
pub struct FoundingRequest {
    /// The space.
    pub space: SpaceId,
    /// What it brought; not empty.
    pub admission: Bytes,
}

/// What the gatekeeper said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundingVerdict {
    /// It may, on this tenant's account if there is one.
    Admitted(Option<TenantId>),
    /// The token is no good.
    Refused,
    /// Its tenant has as many spaces as it may.
    Exceeded(QuotaDetail),
    /// It cannot be judged now.
    Unavailable,
}

/// Whom a token names: what the gatekeeper made of that name. Tokens of one owner all name the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(pub [u8; OWNER_BYTES]);

/// What the gatekeeper said about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recognition {
    /// It holds, and names this one.
    Known(Owner),
    /// It is no good.
    Refused,
    /// It cannot be judged now.
    Unavailable,
}

/// Receives that; called at most once, on any thread.
pub type RecognitionAnswer = Box<dyn FnOnce(Recognition) + Send>;

/// Receives the verdict; called at most once, on any thread.
pub type FoundingAnswer = Box<dyn FnOnce(FoundingVerdict) + Send>;

/// Judges who may found a space.
pub trait Gatekeeper: Send + Sync {
    /// Judges a request; must not block. An answer that is dropped is no answer: the handshake runs into its time limit.
    fn judge(&self, request: FoundingRequest, answer: FoundingAnswer);
    /// Says whom a token names, where tokens name somebody; must not block. By itself it says that it cannot.
    fn recognise(&self, token: &[u8], answer: RecognitionAnswer) {
        let _ = token;
        answer(Recognition::Unavailable);
    }
}

/// What a token was used for, for whoever knows the token and not the space: the same for the same space, so that a repeated
/// founding is told apart from another one.
#[must_use]
pub fn claim_of(request: &FoundingRequest) -> [u8; CLAIM_BYTES] {
    let mut block = [0; 64];
    let key: [u8; 32] = Sha256::digest(&request.admission).into();
    block.iter_mut().zip(key).for_each(|(to, from)| *to = from);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(CLAIM_DOMAIN);
    mac.update(&request.space.0);
    let digest: [u8; 32] = mac.finalize().into_bytes().into();
    let mut claim = [0; CLAIM_BYTES];
    claim.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    claim
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(space: u8, token: &'static [u8]) -> [u8; CLAIM_BYTES] {
        claim_of(&FoundingRequest { space: SpaceId([space; 32]), admission: Bytes::from_static(token) })
    }

    #[test]
    fn a_claim_is_of_one_space_and_one_token() {
        assert_eq!(claim(1, b"token"), claim(1, b"token"));
        assert_ne!(claim(1, b"token"), claim(2, b"token"));
        assert_ne!(claim(1, b"token"), claim(1, b"other"));
    }
}

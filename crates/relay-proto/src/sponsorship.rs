//! A sponsorship: what a device brings in the place of a token to found a space for a short while, on the word of a device that
//! may let others into a space of the same relay.

use crate::hash::{Domain, sha256};
use crate::ids::{DeviceKey, Hash, Signature, SpaceId};
use crate::signing::{self, KeyPair};
use crate::wire::{DecodeError, Reader, Writer};
use bytes::Bytes;

/// Begins a sponsorship, and no token, which is text.
const MARK: u8 = 0;
const SPONSORSHIP_BYTES: usize = 1 + 32 + 32 + 64;

/// The Hello and the Challenge of one handshake: what a sponsor signs is good for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferTranscript(Hash);

impl OfferTranscript {
    /// Of whole frames as they went over the wire.
    #[must_use]
    pub fn new(hello: &[u8], challenge: &[u8]) -> Self {
        let length = |frame: &[u8]| u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes();
        Self(sha256(&[Domain::Transcript.tag(), &length(hello), hello, &length(challenge), challenge]))
    }
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sponsorship {
    /// The space whose member vouches.
    pub space: SpaceId,
    /// That device, or the space id when it is the root.
    pub device: DeviceKey,
    /// Its signature.
    pub signature: Signature,
}

impl Sponsorship {
    /// Signs one.
    #[must_use]
    pub fn sign(sponsor: &KeyPair, space: SpaceId, offer: &OfferTranscript) -> Self {
        let signature = sponsor.sign(Domain::Sponsor, &[&offer.0.0, &space.0]);
        Self { space, device: sponsor.device(), signature }
    }

    /// Whether the device signed it for this handshake. It costs one verification whatever the key bytes are.
    #[must_use]
    pub fn verify(&self, offer: &OfferTranscript) -> bool {
        signing::verify_or_dummy(&self.device.0, Domain::Sponsor, &[&offer.0.0, &self.space.0], &self.signature)
    }

    /// What stands in the place of a token.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut w = Writer::with_capacity(SPONSORSHIP_BYTES);
        w.u8(MARK).raw(self.space).raw(self.device).raw(self.signature);
        w.into_bytes()
    }

    /// Reads it; `None` for a token.
    #[must_use]
    pub fn decode(admission: &[u8]) -> Option<Self> {
        let read = |mut r: Reader<'_>| -> Result<Option<Self>, DecodeError> {
            if r.u8()? != MARK {
                return Ok(None);
            }
            let read = Self { space: r.id()?, device: r.id()?, signature: r.id()? };
            r.finish()?;
            Ok(Some(read))
        };
        read(Reader::borrowed(admission)).ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_for_one_space_and_one_handshake_and_is_no_token() {
        let sponsor = KeyPair::from_seed(&[7; 32]);
        let (space, offer) = (SpaceId([1; 32]), OfferTranscript::new(b"hello", b"challenge"));
        let good = Sponsorship::sign(&sponsor, space, &offer);
        assert!(good.verify(&offer));
        for (hello, challenge) in [(&b"hell"[..], &b"ochallenge"[..]), (b"hello", b"challengf"), (b"", b"")] {
            assert!(!good.verify(&OfferTranscript::new(hello, challenge)));
        }
        assert!(!Sponsorship { space: SpaceId([2; 32]), ..good }.verify(&offer));
        assert!(!Sponsorship { device: DeviceKey([0xff; 32]), ..good }.verify(&offer));
        let bytes = good.encode();
        assert_eq!(Sponsorship::decode(&bytes), Some(good));
        assert_eq!(Sponsorship::decode(&bytes[..128]), None);
        assert_eq!(Sponsorship::decode(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(Sponsorship::decode(b"a token"), None);
        assert_eq!(Sponsorship::decode(b""), None);
    }
}

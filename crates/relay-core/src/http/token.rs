//! Session tokens: what a handshake found out, under a MAC.

use super::seal::{MAC_BYTES, Seal};
use crate::endpoint::Moment;
use crate::environment::Entropy;
use bytes::Bytes;
use relay_proto::frame::SessionToken;
use relay_proto::hash::Domain;
use relay_proto::ids::{DeviceKey, Hash, SpaceId};
use relay_proto::wire::{DecodeError, Reader, Writer};

/// Layout of the token's claims.
const FORMAT: u8 = 1;

/// What a token says. Rights are not among it: they are looked up.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) space: SpaceId,
    pub(crate) device: DeviceKey,
    /// The newest roster statement the client knew: (version, hash).
    pub(crate) told: (u64, Hash),
}

pub(crate) struct Tokens {
    seal: Seal,
    lifetime_ms: u64,
}

fn millis(moment: Moment) -> u64 {
    u64::try_from(moment.0.as_millis()).unwrap_or(u64::MAX)
}

impl Tokens {
    pub(crate) fn new(entropy: &dyn Entropy, lifetime_ms: u64) -> Self {
        Self { seal: Seal::new(entropy, Domain::SessionToken), lifetime_ms }
    }

    pub(crate) fn issue(&self, claims: &Claims, now: Moment) -> SessionToken {
        let mut w = Writer::with_capacity(160);
        w.u8(FORMAT).u64(millis(now) + self.lifetime_ms).raw(claims.space).raw(claims.device);
        w.u64(claims.told.0).raw(claims.told.1);
        let text = w.into_bytes();
        let mac = self.seal.mac(&[&text]);
        let expires_in_ms = u32::try_from(self.lifetime_ms).unwrap_or(u32::MAX);
        SessionToken { expires_in_ms, token: Bytes::from([text.as_ref(), &mac].concat()) }
    }

    /// What the token says and until when; `None` for one that this relay did not make since its start, or that has expired.
    pub(crate) fn open(&self, token: &[u8], now: Moment) -> Option<(Claims, Moment)> {
        let (text, mac) = token.split_at_checked(token.len().checked_sub(MAC_BYTES)?)?;
        if !self.seal.holds(&[text], mac) {
            return None;
        }
        let (claims, expires_at_ms) = read(text).ok()?;
        let expires_at = Moment(std::time::Duration::from_millis(expires_at_ms));
        (now < expires_at).then_some((claims, expires_at))
    }
}

fn read(text: &[u8]) -> Result<(Claims, u64), DecodeError> {
    let mut r = Reader::borrowed(text);
    if r.u8()? != FORMAT {
        return Err(DecodeError::UnknownValue);
    }
    let expires_at_ms = r.u64()?;
    let claims = Claims { space: r.id()?, device: r.id()?, told: (r.u64()?, r.id()?) };
    r.finish()?;
    Ok((claims, expires_at_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededEntropy;
    use std::time::Duration;

    #[test]
    fn a_token_says_what_was_put_in_until_it_expires_and_nothing_once_a_bit_was_changed() {
        let at = |ms| Moment(Duration::from_millis(ms));
        let tokens = Tokens::new(&SeededEntropy::new(1), 1000);
        let claims = Claims { space: SpaceId([1; 32]), device: DeviceKey([2; 32]), told: (3, Hash([4; 32])) };
        let token = tokens.issue(&claims, at(10)).token;
        assert!(tokens.open(&token, at(1009)) == Some((claims, at(1010))));
        assert!(tokens.open(&token, at(1010)).is_none());
        for bit in 0..token.len() * 8 {
            let mut other = token.to_vec();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(tokens.open(&other, at(11)).is_none(), "bit {bit}");
        }
        for length in 0..token.len() {
            assert!(tokens.open(&token[..length], at(11)).is_none(), "{length} bytes");
        }
        assert!(Tokens::new(&SeededEntropy::new(2), 1000).open(&token, at(11)).is_none(), "another start");
    }
}

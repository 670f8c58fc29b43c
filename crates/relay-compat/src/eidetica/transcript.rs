//! What peers of this project add to the handshake: both sides sign the same transcript, each in its role, so that neither
//! signature is good anywhere else. The relay remembers no challenge: it knows its own by their MAC.

use super::CHALLENGE_MS;
use super::key::PublicKey;
use ring::hmac;

const DOMAIN: &[u8] = b"sealrelay/eidetica/handshake/v1";
/// Bytes of the relay's challenge: its time, then a MAC.
pub(super) const CHALLENGE_BYTES: usize = 32;
const TIME_BYTES: usize = 8;

/// Who signs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Peer,
    Relay,
}

/// What both sides of a handshake sign.
pub(super) struct Transcript<'a> {
    pub(super) relay: &'a str,
    pub(super) peer: &'a str,
    pub(super) peer_challenge: &'a [u8],
    pub(super) relay_challenge: &'a [u8],
}

impl Transcript<'_> {
    /// Every field behind its length.
    pub(super) fn bytes(&self, role: Role) -> Vec<u8> {
        let role: &[u8] = match role {
            Role::Peer => b"peer",
            Role::Relay => b"relay",
        };
        let Self { relay, peer, peer_challenge, relay_challenge } = self;
        let fields = [DOMAIN, role, relay.as_bytes(), peer.as_bytes(), peer_challenge, relay_challenge];
        let mut out = Vec::new();
        for field in fields {
            out.extend_from_slice(&(field.len() as u64).to_be_bytes());
            out.extend_from_slice(field);
        }
        out
    }
}

/// Makes challenges and knows them again. The secret is that of this run.
pub(super) struct Challenges(hmac::Key);

impl Challenges {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// A challenge for a peer.
    pub(super) fn make(&self, peer: &str, now_ms: u64) -> [u8; CHALLENGE_BYTES] {
        let time = now_ms.to_be_bytes();
        let tag = hmac::sign(&self.0, &[&time[..], peer.as_bytes()].concat());
        let mut challenge = [0; CHALLENGE_BYTES];
        challenge.iter_mut().zip(time.iter().chain(tag.as_ref())).for_each(|(to, from)| *to = *from);
        challenge
    }

    /// Whether this was made for that peer, lately.
    fn is_own(&self, challenge: &[u8], peer: &str, now_ms: u64) -> bool {
        let Some(time) = challenge.first_chunk::<TIME_BYTES>() else { return false };
        let made_ms = u64::from_be_bytes(*time);
        let is_fresh = made_ms <= now_ms && now_ms - made_ms <= CHALLENGE_MS;
        is_fresh && self.make(peer, made_ms) == *challenge
    }

    /// The key of a peer that answered a challenge of this relay.
    pub(super) fn proven(&self, transcript: &Transcript<'_>, signature: &[u8], now_ms: u64) -> Option<PublicKey> {
        let key = PublicKey::read(transcript.peer)?;
        let is_own = self.is_own(transcript.relay_challenge, transcript.peer, now_ms);
        (is_own && key.has_signed(&transcript.bytes(Role::Peer), signature)).then_some(key)
    }
}

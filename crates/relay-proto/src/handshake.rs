//! The mutual handshake: transcripts over every byte exchanged, and one signature from each side over them.

use crate::frame::{FoundingProof, Frame, Proof, Welcome, WelcomeBody};
use crate::hash::Domain;
use crate::ids::{DeviceKey, Hash, LogId, Signature};
use crate::signing::{self, KeyPair};
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// `T1`: what the client signs and what `T2` starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientTranscript(Hash);

impl ClientTranscript {
    /// The transcript of whole frames as they went over the wire; the proof's signature, its last 64 bytes, is left out.
    #[must_use]
    pub fn new(hello: &[u8], challenge: &[u8], proof: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(Domain::Transcript.tag());
        for frame in [hello, challenge, without_signature(proof)] {
            hasher.update(u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes());
            hasher.update(frame);
        }
        Self(Hash(hasher.finalize().into()))
    }

    /// The value itself, for vectors and logs of test runs.
    #[must_use]
    pub const fn value(&self) -> Hash {
        self.0
    }

    /// Whether the device signed this transcript. It costs one verification whatever the key bytes are.
    #[must_use]
    pub fn verify_proof(&self, device: &DeviceKey, signature: &Signature) -> bool {
        signing::verify_or_dummy(&device.0, Domain::HandshakeClient, &[&self.0.0], signature)
    }

    /// `T2`, which covers `T1`, the proof's signature and the welcome without its signature.
    #[must_use]
    pub fn relay_value(&self, proof_signature: &Signature, welcome_unsigned: &[u8]) -> Hash {
        crate::hash::domain_hash(Domain::Transcript, &[&self.0.0, &proof_signature.0, welcome_unsigned])
    }

    /// The relay's answer: the welcome, signed.
    #[must_use]
    pub fn sign_welcome(&self, log_key: &KeyPair, proof_signature: &Signature, body: WelcomeBody) -> Welcome {
        let value = self.relay_value(proof_signature, &body.encode_unsigned());
        Welcome { body, signature: log_key.sign(Domain::HandshakeRelay, &[&value.0]) }
    }

    /// Whether the log id signed this welcome, given as the whole frame that arrived.
    #[must_use]
    pub fn verify_welcome(&self, log_id: &LogId, proof_signature: &Signature, welcome: &[u8]) -> bool {
        let Some((unsigned, signature)) = welcome.split_last_chunk::<64>() else {
            return false;
        };
        let value = self.relay_value(proof_signature, unsigned);
        signing::verify(&log_id.0, Domain::HandshakeRelay, &[&value.0], &Signature(*signature))
    }
}

/// The client's side: the proof over the hello it sent and the challenge it got, signed.
#[must_use]
pub fn sign_proof(device: &KeyPair, hello: &[u8], challenge: &[u8], chain: Vec<Bytes>, keyring: Bytes) -> Proof {
    let mut proof = Proof { chain, keyring, signature: Signature::ZERO };
    let transcript = ClientTranscript::new(hello, challenge, &proof.encode());
    proof.signature = device.sign(Domain::HandshakeClient, &[&transcript.0.0]);
    proof
}

/// The same with a token of the relay's operator.
#[must_use]
pub fn sign_founding_proof(
    device: &KeyPair,
    hello: &[u8],
    challenge: &[u8],
    mut proof: FoundingProof,
) -> FoundingProof {
    let transcript = ClientTranscript::new(hello, challenge, &proof.encode());
    proof.signature = device.sign(Domain::HandshakeClient, &[&transcript.0.0]);
    proof
}

fn without_signature(frame: &[u8]) -> &[u8] {
    frame.split_last_chunk::<64>().map_or(frame, |(unsigned, _)| unsigned)
}

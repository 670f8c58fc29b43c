//! Hello, challenge and proof: up to the one signature, before anything is looked up.

use super::authentication::{Authentication, Brought};
use super::io::Io;
use super::{State, after_ms};
use crate::endpoint::Moment;
use crate::http::{Ticket, Tickets};
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::frame::{
    Challenge, ErrorFrame, FoundingProof, Frame, FrameType, Hello, Proof, SessionTicket, encode_versions,
    hello_versions,
};
use relay_proto::handshake::ClientTranscript;
use relay_proto::ids::{DeviceKey, Hash, Signature, SpaceId};
use relay_proto::limits::{
    FEATURE_ADMISSION, FEATURE_SPONSORS, HANDSHAKE_FAILED_DELAY_MS, MESSAGE_BEFORE_OPEN_BYTES_MAX, PROOF_BYTES_MAX,
    VERSIONS,
};
use relay_proto::sponsorship::{OfferTranscript, Sponsorship};
use relay_proto::wire::DecodeError;

/// A hello and the challenge it was answered with, as they went over the wire.
pub(super) struct Offered {
    hello: Hello,
    hello_frame: Bytes,
    challenge_frame: Bytes,
    /// Of a handshake over HTTP: what it was brought back with, to be used up by the welcome.
    ticket: Option<Ticket>,
}

impl Offered {
    /// What a client brought back with a ticket that holds.
    pub(super) fn again(hello: Hello, hello_frame: Bytes, challenge_frame: Bytes, ticket: Ticket) -> Self {
        Self { hello, hello_frame, challenge_frame, ticket: Some(ticket) }
    }

    /// What no proof fits: checking one costs what it always costs, and fails.
    pub(super) fn unknown() -> Self {
        let hello = Hello {
            versions: Vec::new(),
            features: 0,
            space: SpaceId([0; 32]),
            // No point of the curve has this encoding, so no signature holds under it.
            device: DeviceKey([0xff; 32]),
            client_nonce: [0; 32],
            roster_version: 0,
            roster_hash: Hash::ZERO,
        };
        Self { hello, hello_frame: Bytes::new(), challenge_frame: Bytes::new(), ticket: None }
    }

    /// The ticket with which a client brings this back.
    pub(super) fn ticket(&self, tickets: &Tickets, now: Moment) -> SessionTicket {
        tickets.issue(&self.hello_frame, &self.challenge_frame, now)
    }
}

pub(super) fn on_hello(message: Bytes, until: Moment, io: &mut Io<'_>) -> State {
    if message.len() > MESSAGE_BEFORE_OPEN_BYTES_MAX {
        io.error(ErrorCode::FrameTooLarge, 0);
        return State::Closing;
    }
    match choose_version(&message) {
        Ok(Some(version)) => challenge(message, version, until, io),
        Ok(None) => {
            let code = ErrorCode::UnsupportedVersion;
            io.error_frame(code, ErrorFrame { detail: encode_versions(&VERSIONS), ..ErrorFrame::of(code) });
            State::Closing
        }
        Err(error) => {
            io.error(error.code_in_handshake(), 0);
            State::Closing
        }
    }
}

/// The highest version both speak; only the frozen prefix of the hello is read for it.
fn choose_version(message: &Bytes) -> Result<Option<u16>, DecodeError> {
    let offered = hello_versions(message)?;
    Ok(VERSIONS.iter().copied().filter(|version| offered.contains(version)).max())
}

fn challenge(message: Bytes, version: u16, until: Moment, io: &mut Io<'_>) -> State {
    let hello = match Hello::decode(&message) {
        Ok(hello) => hello,
        Err(error) => {
            io.error(error.code_in_handshake(), 0);
            return State::Closing;
        }
    };
    let mut relay_nonce = [0; 32];
    io.shared.entropy.fill(&mut relay_nonce);
    let challenge = Challenge {
        version,
        features: hello.features & io.shared.features(),
        log_id: io.shared.signer.log_id(),
        relay_nonce,
    };
    let challenge_frame = challenge.encode();
    io.send_bytes(challenge_frame.clone());
    // The message may be a slice of a large read buffer; the hello waits, so it is copied.
    let hello_frame = Bytes::copy_from_slice(&message);
    State::AwaitProof { until, offered: Box::new(Offered { hello, hello_frame, challenge_frame, ticket: None }) }
}

/// Whatever comes in place of the proof is checked at the cost of one verification and refused at the same moment.
pub(super) fn on_proof(offered: Offered, message: &Bytes, until: Moment, io: &mut Io<'_>) -> State {
    let refuse_at = after_ms(io.now, HANDSHAKE_FAILED_DELAY_MS);
    let proof = Some(message)
        .filter(|message| message.len() <= PROOF_BYTES_MAX)
        .and_then(|message| read_proof(message, offered.hello.features & io.shared.features()));
    let signature = proof.as_ref().map_or(Signature::ZERO, |proof| proof.signature);
    let transcript = ClientTranscript::new(&offered.hello_frame, &offered.challenge_frame, message);
    let holds = transcript.verify_proof(&offered.hello.device, &signature);
    match proof.filter(|_| holds) {
        Some(proof) => {
            let brought = brought(&proof.admission, &offered, io.shared.features());
            let authentication =
                Authentication::new(offered.hello, proof, brought, transcript, refuse_at, offered.ticket);
            super::authentication::begin(Box::new(authentication), until, io)
        }
        None => State::Refused { at: refuse_at, code: ErrorCode::HandshakeFailed },
    }
}

/// What is for the gatekeeper, and what for a sponsor's space to say. A slice of a large read buffer would keep all of it.
fn brought(admission: &Bytes, offered: &Offered, features: u64) -> Brought {
    if admission.is_empty() {
        return Brought::Nothing;
    }
    let agreed = offered.hello.features & features & FEATURE_SPONSORS != 0;
    match Sponsorship::decode(admission).filter(|_| agreed) {
        Some(sponsorship) => {
            let offer = OfferTranscript::new(&offered.hello_frame, &offered.challenge_frame);
            Brought::Sponsorship(Box::new((sponsorship, offer)))
        }
        None => Brought::Token(Bytes::copy_from_slice(admission)),
    }
}

/// A proof of either kind; one that brings nothing has an empty admission.
fn read_proof(message: &Bytes, features: u64) -> Option<FoundingProof> {
    if message.first() == Some(&FrameType::FoundingProof.number()) {
        return FoundingProof::decode(message).ok().filter(|_| features & FEATURE_ADMISSION != 0);
    }
    let Proof { chain, keyring, signature } = Proof::decode(message).ok()?;
    Some(FoundingProof { chain, keyring, admission: Bytes::new(), signature })
}

/// Which error a hello that cannot be read gets.
trait HandshakeCode {
    fn code_in_handshake(self) -> ErrorCode;
}

impl HandshakeCode for DecodeError {
    fn code_in_handshake(self) -> ErrorCode {
        match self {
            Self::UnknownFrame | Self::ReservedFrame | Self::WrongDirection => ErrorCode::UnexpectedFrame,
            // Before the session is open there is no request a "request_invalid" could speak of.
            _ => ErrorCode::MalformedFrame,
        }
    }
}

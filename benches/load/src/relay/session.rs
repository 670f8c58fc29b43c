//! The handshake as a device, with the checks a client owes: the pin, the welcome's signature, the attested head.

use super::space::{Space, fresh_bytes};
use super::{EPHEMERAL_FEATURE, ROUTE, refusal};
use crate::failure::Failure;
use crate::setup::Line;
use bytes::Bytes;
use relay_proto::LogId;
use relay_proto::frame::{Challenge, Frame, Hello, Ping, Pong, Welcome, WelcomeBody};
use relay_proto::handshake::{ClientTranscript, sign_proof};
use relay_proto::limits::{FEATURES, VERSIONS};
use std::net::SocketAddr;

/// An open session.
pub(crate) struct Session {
    pub(crate) line: Line,
    pub(crate) welcome: WelcomeBody,
    /// Feature bits of the session.
    pub(crate) features: u64,
}

/// Opens a session of a device. `introduce` sends the roster along: for the first session of a space.
pub(crate) fn open_session(
    address: SocketAddr,
    log_id: &LogId,
    space: &Space,
    device: usize,
    introduce: bool,
) -> Result<Session, Failure> {
    let pair = space.device(device)?;
    let mut line = Line::open(address, ROUTE)?;
    let hello = Hello {
        versions: VERSIONS.to_vec(),
        features: FEATURES | EPHEMERAL_FEATURE,
        space: space.id,
        device: pair.device(),
        client_nonce: fresh_bytes()?,
        roster_version: space.statement.fields().version,
        roster_hash: space.statement.hash(),
    }
    .encode();
    line.send(&hello)?;
    let challenge_bytes = receive(&mut line)?;
    let challenge = Challenge::decode(&challenge_bytes)?;
    if challenge.log_id != *log_id {
        return Err(Failure::new("the relay has another key than its address says"));
    }
    let (chain, keyring) = if introduce {
        (vec![space.statement.bytes().clone()], space.keyring.clone())
    } else {
        (Vec::new(), Bytes::new())
    };
    let proof = sign_proof(pair, &hello, &challenge_bytes, chain, keyring);
    let proof_bytes = proof.encode();
    line.send(&proof_bytes)?;
    let welcome_bytes = receive(&mut line)?;
    let welcome = Welcome::decode(&welcome_bytes)?;
    let transcript = ClientTranscript::new(&hello, &challenge_bytes, &proof_bytes);
    if !transcript.verify_welcome(log_id, &proof.signature, &welcome_bytes) {
        return Err(Failure::new("the welcome's signature does not hold"));
    }
    if !welcome.body.attestation.verify(&space.id, log_id) {
        return Err(Failure::new("the welcome's head is not attested"));
    }
    Ok(Session { line, welcome: welcome.body, features: challenge.features })
}

impl Session {
    /// Waits until the relay has used everything sent so far.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        self.line.send(&Ping { nonce: 1 }.encode())?;
        loop {
            let frame = receive(&mut self.line)?;
            if super::frame_number(&frame) == Pong::TYPE.number() {
                return Ok(());
            }
        }
    }
}

fn receive(line: &mut Line) -> Result<Bytes, Failure> {
    let frame = line.receive()?;
    refusal(&frame)?;
    Ok(frame)
}

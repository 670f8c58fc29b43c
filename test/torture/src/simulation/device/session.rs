//! From a new connection to a session that reads: handshake, welcome, and what the welcome proves.

use super::super::scheduler::{MS, SECOND};
use super::pushing::PushState;
use super::snapshots::{Bootstrap, Upload};
use super::{Device, Verifier};
use bytes::Bytes;
use relay_proto::frame::{Challenge, EphemeralListen, Frame, Hello, Ping, RelayFrame, Subscribe, Welcome, WelcomeBody};
use relay_proto::handshake::{ClientTranscript, sign_proof};
use relay_proto::ids::{LogId, Signature};
use relay_proto::limits::{FEATURE_EPHEMERAL, VERSIONS};
use std::collections::VecDeque;

/// How long a handshake may take, in microseconds.
const GREETING_US: u64 = 10 * SECOND;
/// Pongs remembered to see that the relay's clock moves.
const PONGS_MAX: usize = 16;

/// Where a connection stands.
pub(crate) enum Phase {
    Offline,
    Greeting(Box<Greeting>),
    Open(Box<Open>),
}

/// A handshake under way.
pub(crate) struct Greeting {
    pub(super) until_us: u64,
    hello: Bytes,
    proof: Option<(ClientTranscript, Signature)>,
}

/// An open session.
pub(crate) struct Open {
    pub(super) welcome: WelcomeBody,
    pub(super) push: PushState,
    pub(super) bootstrap: Bootstrap,
    pub(super) upload: Option<Upload>,
    /// (log epoch, size) acked in this session.
    pub(super) acked: Option<(u64, u64)>,
    pub(super) ack_not_before_us: u64,
    /// When an ack is due, if one is.
    pub(super) ack_at_us: Option<u64>,
    /// When a roster change is tried again.
    pub(super) change_at_us: Option<u64>,
    heartbeat_us: u64,
    heard_us: u64,
    attested_us: u64,
    pinged_us: u64,
    pongs: VecDeque<(u64, u64)>,
}

impl Open {
    fn new(welcome: WelcomeBody, push_from: u64, now_us: u64) -> Self {
        let heartbeat_us = u64::from(welcome.session_limits.heartbeat_ms) * MS;
        Self {
            push: PushState::new(push_from),
            welcome,
            bootstrap: Bootstrap::Resets,
            upload: None,
            acked: None,
            ack_not_before_us: now_us,
            ack_at_us: None,
            change_at_us: Some(now_us),
            heartbeat_us,
            heard_us: now_us,
            attested_us: now_us,
            pinged_us: now_us,
            pongs: VecDeque::new(),
        }
    }

    /// Whether the subscription has started.
    pub(super) const fn is_live(&self) -> bool {
        matches!(self.bootstrap, Bootstrap::Live)
    }

    /// What is due now was looked at now.
    pub(super) fn next_deadline(&self, now_us: u64) -> Option<u64> {
        let ping_us = Some(self.attested_us.max(self.pinged_us) + self.heartbeat_us);
        let silent_us = Some(self.heard_us + 2 * self.heartbeat_us);
        let due = [ping_us, silent_us, self.ack_at_us, self.push.retry_at_us(), self.change_at_us];
        due.into_iter().flatten().filter(|at_us| *at_us > now_us).min()
    }
}

impl Device {
    /// The transport is open.
    pub(crate) fn on_connected(&mut self, now_us: u64) {
        let mut client_nonce = [0; 32];
        client_nonce.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&self.dice.roll().to_be_bytes()));
        let hello = Hello {
            versions: VERSIONS.to_vec(),
            features: FEATURE_EPHEMERAL,
            space: self.cast.id,
            device: self.key,
            client_nonce,
            roster_version: self.roster.version(),
            roster_hash: self.roster.hash(),
        };
        let hello = hello.encode();
        self.out.push(hello.clone());
        self.phase = Phase::Greeting(Box::new(Greeting { until_us: now_us + GREETING_US, hello, proof: None }));
    }

    /// A frame of the relay.
    pub(crate) fn on_frame(&mut self, frame: &Bytes, now_us: u64, verifier: &mut Verifier) {
        if self.hangs_up {
            return;
        }
        let judged = match RelayFrame::decode(frame) {
            Ok(RelayFrame::ErrorFrame(error)) => self.on_error(&error, now_us),
            Ok(_) if matches!(self.phase, Phase::Greeting(_)) => self.greet(frame, now_us, verifier),
            Ok(decoded) => {
                self.note_heard(&decoded, now_us);
                self.on_session_frame(decoded, now_us, verifier)
            }
            Err(error) => Err(format!("protocol_violation: {error:?}")),
        };
        self.judge(judged);
        self.go_on(now_us);
    }

    fn note_heard(&mut self, frame: &RelayFrame, now_us: u64) {
        let Phase::Open(open) = &mut self.phase else { return };
        open.heard_us = now_us;
        if matches!(frame, RelayFrame::Entries(_) | RelayFrame::Receipt(_) | RelayFrame::Pong(_)) {
            open.attested_us = now_us;
        }
    }

    fn greet(&mut self, frame: &Bytes, now_us: u64, verifier: &mut Verifier) -> Result<(), String> {
        let Phase::Greeting(greeting) = &mut self.phase else { return Ok(()) };
        let Some((transcript, signature)) = &greeting.proof else {
            let challenge = Challenge::decode(frame).map_err(|error| format!("protocol_violation: {error:?}"))?;
            check_pin(&challenge, &self.log_id)?;
            let shows = self.show_chain || !self.roster.confirmed;
            let chain = if shows { self.roster.chain() } else { Vec::new() };
            let keyring = if shows { self.roster.keyring.clone() } else { Bytes::new() };
            let proof = sign_proof(&self.cast.devices[self.index].0, &greeting.hello, frame, chain, keyring);
            let bytes = proof.encode();
            greeting.proof = Some((ClientTranscript::new(&greeting.hello, frame, &bytes), proof.signature));
            self.out.push(bytes);
            return Ok(());
        };
        if !transcript.verify_welcome(&self.log_id, signature, frame) {
            return Err("welcome_invalid: not signed by the log".to_owned());
        }
        let welcome = Welcome::decode(frame).map_err(|error| format!("protocol_violation: {error:?}"))?;
        self.open(welcome.body, now_us, verifier)
    }

    fn open(&mut self, welcome: WelcomeBody, now_us: u64, verifier: &mut Verifier) -> Result<(), String> {
        self.show_chain = false;
        verifier.check(&welcome.attestation, &self.cast.id, &self.log_id)?;
        if self.check_roster(&welcome)? {
            self.roster.confirmed = false;
            self.hangs_up = true;
            self.retry_at_us = now_us + 10 * MS;
            return Ok(());
        }
        self.check_log(&welcome)?;
        self.log.admit(&welcome.attestation.claim)?;
        self.failures = 0;
        let same_epoch = welcome.log_epoch == self.log.epoch;
        // Some clients trust the welcome, others push again whatever they have no receipt for.
        let next = welcome.push_seq_high + 1;
        let unsure = self.outbox.first_unsent(1).filter(|_| self.dice.one_in(3));
        let push_from = unsure.map_or(next, |push_seq| push_seq.min(next));
        self.phase = Phase::Open(Box::new(Open::new(welcome, push_from, now_us)));
        if self.listens {
            self.send(&EphemeralListen { listen: true });
        }
        if same_epoch {
            self.begin_reading();
        } else {
            self.subscribe();
        }
        Ok(())
    }

    /// True when the relay came back from a backup with an older roster and must be shown the newest.
    fn check_roster(&mut self, welcome: &WelcomeBody) -> Result<bool, String> {
        let (known, shown) = (self.roster.version(), welcome.roster_version);
        if shown > known {
            return Ok(false);
        }
        if shown < known {
            if welcome.log_epoch > self.log.epoch {
                return Ok(true);
            }
            return Err(format!("roster_rollback: {shown} after {known}"));
        }
        if welcome.roster_hash != self.roster.hash() {
            return Err(format!("roster_fork: another roster of version {known}"));
        }
        self.roster.confirmed = true;
        Ok(false)
    }

    fn check_log(&self, welcome: &WelcomeBody) -> Result<(), String> {
        let claim = &welcome.attestation.claim;
        if claim.log_epoch != welcome.log_epoch {
            return Err("protocol_violation: a welcome of two log epochs".to_owned());
        }
        if welcome.log_epoch < self.log.epoch {
            return Err(format!("rollback: log epoch {} after {}", welcome.log_epoch, self.log.epoch));
        }
        let high = welcome.push_seq_high;
        if welcome.log_epoch == self.log.epoch {
            if claim.size < self.log.known_size() {
                return Err(format!("rollback: size {} after {}", claim.size, self.log.known_size()));
            }
            if high < self.outbox.stored() {
                return Err(format!("rollback: push_seq {high} after a receipt for {}", self.outbox.stored()));
            }
        }
        if high > self.outbox.len() {
            return Err(format!("push_seq_mismatch: {high} of {}", self.outbox.len()));
        }
        let own = self.outbox.get(high).map(|entry| entry.id);
        if !welcome.last_entry_id.is_zero() && own != Some(welcome.last_entry_id) {
            return Err(format!("push_seq_mismatch: another entry {high}"));
        }
        Ok(())
    }

    pub(super) fn subscribe(&mut self) {
        let (log_epoch, after) = (self.log.epoch, self.log.size());
        self.send(&Subscribe { log_epoch, after, omit_own: self.omits_own });
    }

    /// A pong: the relay's time must move.
    pub(super) fn on_pong_time(&mut self, time_ms: u64, now_us: u64) -> Result<(), String> {
        let Phase::Open(open) = &mut self.phase else { return Ok(()) };
        let old_enough = |(at_us, _): &&(u64, u64)| now_us - at_us >= 2 * open.heartbeat_us;
        if open.pongs.iter().rev().find(old_enough).is_some_and(|(_, old_ms)| time_ms <= *old_ms) {
            return Err("freeze: the attested time stands still".to_owned());
        }
        open.pongs.push_back((now_us, time_ms));
        if open.pongs.len() > PONGS_MAX {
            open.pongs.pop_front();
        }
        Ok(())
    }

    /// Time passed, or the app did something.
    pub(crate) fn on_time(&mut self, now_us: u64) {
        match &mut self.phase {
            Phase::Offline => {}
            Phase::Greeting(greeting) => self.hangs_up |= now_us >= greeting.until_us,
            Phase::Open(open) => {
                if now_us >= open.heard_us + 2 * open.heartbeat_us {
                    self.hangs_up = true;
                } else if now_us >= open.attested_us.max(open.pinged_us) + open.heartbeat_us {
                    open.pinged_us = now_us;
                    self.out.push(Ping { nonce: now_us }.encode());
                }
                self.go_on(now_us);
            }
        }
    }

    /// Sends whatever can be sent now.
    fn go_on(&mut self, now_us: u64) {
        if self.hangs_up || !matches!(self.phase, Phase::Open(_)) {
            return;
        }
        self.push_on(now_us);
        self.ack(now_us);
        self.change_roster(now_us);
        self.upload();
    }
}

fn check_pin(challenge: &Challenge, log_id: &LogId) -> Result<(), String> {
    if challenge.log_id == *log_id { Ok(()) } else { Err("relay_key_mismatch".to_owned()) }
}

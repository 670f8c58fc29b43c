//! Hello, Challenge, Proof, Welcome.

use super::{Frame, FrameType, roster::read_chain, roster::read_keyring};
use crate::attestation::Attestation;
use crate::ids::{DeviceKey, EntryId, Hash, LogId, PushSeq, Signature, SpaceId};
use crate::limits::{ADMISSION_BYTES_MAX, HELLO_VERSIONS_MAX};
use crate::wire::{DecodeError, Reader, Writer};
use bytes::Bytes;

/// The client's offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Versions it speaks, in order of preference.
    pub versions: Vec<u16>,
    /// Feature bits it offers.
    pub features: u64,
    /// The space.
    pub space: SpaceId,
    /// The device, or the space id when the root itself connects.
    pub device: DeviceKey,
    /// 32 fresh random bytes.
    pub client_nonce: [u8; 32],
    /// Version of the newest roster statement it knows; 0: none.
    pub roster_version: u64,
    /// Hash of that statement; zeros: none.
    pub roster_hash: Hash,
}

impl Frame for Hello {
    const TYPE: FrameType = FrameType::Hello;

    fn write(&self, w: &mut Writer) {
        write_versions(w, &self.versions);
        w.u64(self.features).raw(self.space).raw(self.device).raw(self.client_nonce);
        w.u64(self.roster_version).raw(self.roster_hash);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            versions: read_versions(r)?,
            features: r.bits()?,
            space: r.id()?,
            device: r.id()?,
            client_nonce: r.array()?,
            roster_version: r.u64()?,
            roster_hash: r.id()?,
        })
    }
}

/// The versions a Hello offers, whatever version wrote the rest of it: this prefix is frozen.
///
/// # Errors
/// [`DecodeError`] when the message does not start like a Hello.
pub fn hello_versions(message: &[u8]) -> Result<Vec<u16>, DecodeError> {
    let mut r = Reader::borrowed(message);
    if r.u8()? != FrameType::Hello.number() {
        return Err(DecodeError::UnknownFrame);
    }
    read_versions(&mut r)
}

/// The detail of the error `unsupported_version`: the versions spoken.
#[must_use]
pub fn encode_versions(versions: &[u16]) -> Bytes {
    let mut w = Writer::new();
    write_versions(&mut w, versions);
    w.into_bytes()
}

fn write_versions(w: &mut Writer, versions: &[u16]) {
    w.count_u8(versions.len());
    for version in versions {
        w.u16(*version);
    }
}

fn read_versions(r: &mut Reader<'_>) -> Result<Vec<u16>, DecodeError> {
    let count = usize::from(r.u8()?);
    if count == 0 {
        return Err(DecodeError::OutOfRange);
    }
    r.list(count, HELLO_VERSIONS_MAX, 2, Reader::u16)
}

/// The relay's choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The highest version both speak.
    pub version: u16,
    /// Feature bits the relay offers.
    pub features: u64,
    /// The ordering authority; the client checks it against its pin before anything else.
    pub log_id: LogId,
    /// 32 fresh random bytes.
    pub relay_nonce: [u8; 32],
}

impl Frame for Challenge {
    const TYPE: FrameType = FrameType::Challenge;

    fn write(&self, w: &mut Writer) {
        w.u16(self.version).u64(self.features).raw(self.log_id).raw(self.relay_nonce);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { version: r.u16()?, features: r.bits()?, log_id: r.id()?, relay_nonce: r.array()? })
    }
}

/// The device's proof, with roster statements the relay may not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Roster statements in order; none: nothing new.
    pub chain: Vec<Bytes>,
    /// Keyring of the chain's last statement; empty when the chain is.
    pub keyring: Bytes,
    /// The device's signature over the transcript.
    pub signature: Signature,
}

impl Frame for Proof {
    const TYPE: FrameType = FrameType::Proof;

    fn write(&self, w: &mut Writer) {
        super::roster::write_chain(w, &self.chain);
        w.bytes_u32(&self.keyring).raw(self.signature);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { chain: read_chain(r)?, keyring: read_keyring(r)?, signature: r.id()? })
    }
}

/// A proof that also brings what lets its device found a space on this relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundingProof {
    /// Roster statements in order; none: nothing new.
    pub chain: Vec<Bytes>,
    /// Keyring of the chain's last statement; empty when the chain is.
    pub keyring: Bytes,
    /// A token of the relay's operator, or a sponsorship; not empty.
    pub admission: Bytes,
    /// The device's signature over the transcript.
    pub signature: Signature,
}

impl Frame for FoundingProof {
    const TYPE: FrameType = FrameType::FoundingProof;

    fn write(&self, w: &mut Writer) {
        super::roster::write_chain(w, &self.chain);
        w.bytes_u32(&self.keyring).bytes_u16(&self.admission).raw(self.signature);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (chain, keyring) = (read_chain(r)?, read_keyring(r)?);
        let admission = r.bytes_u16(ADMISSION_BYTES_MAX)?;
        if admission.is_empty() {
            return Err(DecodeError::OutOfRange);
        }
        Ok(Self { chain, keyring, admission, signature: r.id()? })
    }
}

/// Limits of this session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Largest message, in bytes.
    pub message_bytes_max: u32,
    /// Largest sealed entry, in bytes.
    pub entry_bytes_max: u32,
    /// Most entries in one push.
    pub push_entries_max: u16,
    /// Push bytes in flight beyond which the relay stops reading.
    pub push_bytes_in_flight_max: u32,
    /// Period of keep-alive, in milliseconds.
    pub heartbeat_ms: u32,
}

/// What the relay promises about forgetting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long entries are held for devices that did not ack them, in milliseconds.
    pub retention_ms: u64,
    /// How long a device counts as live after its last contact, in milliseconds.
    pub device_lease_ms: u64,
}

/// Everything the welcome's signature covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WelcomeBody {
    /// The log epoch.
    pub log_epoch: u64,
    /// Version of the newest roster statement.
    pub roster_version: u64,
    /// Its hash.
    pub roster_hash: Hash,
    /// Highest push_seq of this device in any log epoch; 0: none.
    pub push_seq_high: PushSeq,
    /// Whether the next push must be exactly one above.
    pub push_seq_bound: bool,
    /// The device's entry at that push_seq; zeros when none or forgotten.
    pub last_entry_id: EntryId,
    /// Limits of this session.
    pub session_limits: SessionLimits,
    /// What the relay promises about forgetting.
    pub policy: Policy,
    /// The signed head.
    pub attestation: Attestation,
}

impl WelcomeBody {
    /// The Welcome frame up to its signature.
    #[must_use]
    pub fn encode_unsigned(&self) -> Bytes {
        let mut w = Writer::with_capacity(512);
        w.u8(FrameType::Welcome.number());
        self.write(&mut w);
        w.into_bytes()
    }

    fn write(&self, w: &mut Writer) {
        w.u64(self.log_epoch).u64(self.roster_version).raw(self.roster_hash);
        w.u64(self.push_seq_high).u8(u8::from(self.push_seq_bound)).raw(self.last_entry_id);
        let limits = &self.session_limits;
        w.u32(limits.message_bytes_max).u32(limits.entry_bytes_max).u16(limits.push_entries_max);
        w.u32(limits.push_bytes_in_flight_max).u32(limits.heartbeat_ms);
        w.u64(self.policy.retention_ms).u64(self.policy.device_lease_ms);
        self.attestation.write(w);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            log_epoch: r.u64()?,
            roster_version: r.u64()?,
            roster_hash: r.id()?,
            push_seq_high: r.u64()?,
            push_seq_bound: read_bool(r)?,
            last_entry_id: r.id()?,
            session_limits: SessionLimits {
                message_bytes_max: r.u32()?,
                entry_bytes_max: r.u32()?,
                push_entries_max: r.u16()?,
                push_bytes_in_flight_max: r.u32()?,
                heartbeat_ms: r.u32()?,
            },
            policy: Policy { retention_ms: r.u64()?, device_lease_ms: r.u64()? },
            attestation: Attestation::read(r)?,
        })
    }
}

fn read_bool(r: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::UnknownValue),
    }
}

/// The session is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// What is signed.
    pub body: WelcomeBody,
    /// The log id's signature over the transcript.
    pub signature: Signature,
}

impl Frame for Welcome {
    const TYPE: FrameType = FrameType::Welcome;

    fn write(&self, w: &mut Writer) {
        self.body.write(w);
        w.raw(self.signature);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { body: WelcomeBody::read(r)?, signature: r.id()? })
    }
}

//! One statement: its layout, and what holds within it alone.

use super::RosterError;
use crate::hash::{Domain, sha256};
use crate::ids::{DeviceKey, Hash, PushSeq, Signature, SpaceId};
use crate::limits::{ROSTER_DEVICES_MAX, ROSTER_FORMER_MAX};
use crate::signing::{self, KeyPair};
use crate::wire::{DecodeError, Reader, Writer};
use bytes::Bytes;

/// The statement format of this version.
const FORMAT: u8 = 1;
/// Length of the signature at the statement's end, in bytes.
const SIGNATURE_BYTES: usize = 64;
/// Length of a device: key, hpke, rights, not_after.
const DEVICE_BYTES: usize = 32 + 32 + 1 + 8;
/// Length of a former device: key, push_seq_max.
const FORMER_BYTES: usize = 32 + 8;

/// What a device may do; each includes the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Rights {
    /// Read.
    Read = 1,
    /// Read and write.
    Write = 3,
    /// Read, write and put rosters.
    Admin = 7,
}

impl Rights {
    /// Whether entries may be pushed.
    #[must_use]
    pub fn may_write(self) -> bool {
        self >= Self::Write
    }

    /// Whether rosters may be put.
    #[must_use]
    pub fn is_admin(self) -> bool {
        self == Self::Admin
    }
}

impl TryFrom<u8> for Rights {
    type Error = DecodeError;

    fn try_from(value: u8) -> Result<Self, DecodeError> {
        match value {
            1 => Ok(Self::Read),
            3 => Ok(Self::Write),
            7 => Ok(Self::Admin),
            _ => Err(DecodeError::UnknownValue),
        }
    }
}

/// A device of the space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its key.
    pub key: DeviceKey,
    /// Its X25519 key, to which epoch keys are sealed.
    pub hpke: [u8; 32],
    /// What it may do.
    pub rights: Rights,
    /// Until when, in Unix milliseconds; 0: for good.
    pub not_after_ms: u64,
}

impl Device {
    /// Whether `not_after` has passed.
    #[must_use]
    pub const fn expired(&self, now_ms: u64) -> bool {
        self.not_after_ms != 0 && now_ms > self.not_after_ms
    }
}

/// A device that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Former {
    /// Its key.
    pub key: DeviceKey,
    /// Its entries count up to this push_seq.
    pub push_seq_max: PushSeq,
}

/// What a statement says, without its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementFields {
    /// Entries go as soon as every live device acked them.
    pub queue_mode: bool,
    /// The space.
    pub space: SpaceId,
    /// From 1.
    pub version: u64,
    /// Hash of the complete previous statement; zeros for version 1.
    pub previous: Hash,
    /// Generation of the content keys, from 1.
    pub key_epoch: u32,
    /// Hash of the keyring.
    pub keyring_hash: Hash,
    /// X25519 key derived from the root secret.
    pub root_hpke: [u8; 32],
    /// Strictly ascending by key.
    pub devices: Vec<Device>,
    /// Strictly ascending by key.
    pub former: Vec<Former>,
    /// The root or a device.
    pub signer: DeviceKey,
}

impl StatementFields {
    /// Signs the statement; the signer named is replaced by the key that signs. Lists are sorted.
    #[must_use]
    pub fn sign(mut self, key: &KeyPair) -> Statement {
        self.signer = key.device();
        self.devices.sort_unstable_by_key(|device| device.key);
        self.former.sort_unstable_by_key(|former| former.key);
        let mut w = Writer::with_capacity(256 + self.devices.len() * DEVICE_BYTES + self.former.len() * FORMER_BYTES);
        self.write(&mut w);
        let signature = key.sign(Domain::Roster, &[w.as_slice()]);
        w.raw(signature);
        let bytes = w.into_bytes();
        Statement { fields: self, signature, hash: sha256(&[&bytes]), bytes }
    }

    fn write(&self, w: &mut Writer) {
        w.u8(FORMAT).u8(u8::from(self.queue_mode)).raw(self.space).u64(self.version).raw(self.previous);
        w.u32(self.key_epoch).raw(self.keyring_hash).raw(self.root_hpke).count_u16(self.devices.len());
        for device in &self.devices {
            w.raw(device.key).raw(device.hpke).u8(device.rights as u8).u64(device.not_after_ms);
        }
        w.count_u16(self.former.len());
        for former in &self.former {
            w.raw(former.key).u64(former.push_seq_max);
        }
        w.raw(self.signer);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if r.u8()? != FORMAT {
            return Err(DecodeError::UnknownValue);
        }
        Ok(Self {
            queue_mode: read_queue_mode(r)?,
            space: r.id()?,
            version: r.u64()?,
            previous: r.id()?,
            key_epoch: r.u32()?,
            keyring_hash: r.id()?,
            root_hpke: r.array()?,
            devices: {
                let count = usize::from(r.u16()?);
                r.list(count, ROSTER_DEVICES_MAX, DEVICE_BYTES, read_device)?
            },
            former: {
                let count = usize::from(r.u16()?);
                r.list(count, ROSTER_FORMER_MAX, FORMER_BYTES, |r| Ok(Former { key: r.id()?, push_seq_max: r.u64()? }))?
            },
            signer: r.id()?,
        })
    }

    fn check(&self) -> Result<(), RosterError> {
        let from_one = self.version >= 1 && self.key_epoch >= 1;
        let first_is_first = self.version != 1 || self.previous.is_zero();
        let root = self.space.as_device();
        let ordered = self.devices.is_sorted_by(|a, b| a.key < b.key) && self.former.is_sorted_by(|a, b| a.key < b.key);
        let both = self.former.iter().any(|former| self.device(&former.key).is_some());
        let root_listed = self.device(&root).is_some() || self.former(&root).is_some();
        if from_one && first_is_first && ordered && !both && !root_listed {
            Ok(())
        } else {
            Err(RosterError::Malformed)
        }
    }

    /// The device of a key.
    #[must_use]
    pub fn device(&self, key: &DeviceKey) -> Option<&Device> {
        let at = self.devices.binary_search_by_key(key, |device| device.key).ok()?;
        self.devices.get(at)
    }

    /// The former device of a key.
    #[must_use]
    pub fn former(&self, key: &DeviceKey) -> Option<&Former> {
        let at = self.former.binary_search_by_key(key, |former| former.key).ok()?;
        self.former.get(at)
    }

    /// Whether the root signed.
    #[must_use]
    pub fn is_root_signed(&self) -> bool {
        self.signer == self.space.as_device()
    }
}

fn read_queue_mode(r: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::UnknownFlags),
    }
}

fn read_device(r: &mut Reader<'_>) -> Result<Device, DecodeError> {
    Ok(Device { key: r.id()?, hpke: r.array()?, rights: r.u8()?.try_into()?, not_after_ms: r.u64()? })
}

/// A signed statement as it came, with its hash. Whether it may stand is for [`super::follow`] to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    fields: StatementFields,
    signature: Signature,
    hash: Hash,
    bytes: Bytes,
}

impl Statement {
    /// Parses a statement and checks what holds within it alone; keys and signature are checked by [`super::follow`].
    ///
    /// # Errors
    /// [`RosterError::Malformed`].
    pub fn parse(bytes: Bytes) -> Result<Self, RosterError> {
        let mut r = Reader::new(&bytes);
        let fields = StatementFields::read(&mut r)?;
        let signature = r.id()?;
        r.finish()?;
        fields.check()?;
        Ok(Self { fields, signature, hash: sha256(&[&bytes]), bytes })
    }

    /// What it says.
    #[must_use]
    pub const fn fields(&self) -> &StatementFields {
        &self.fields
    }

    /// The roster hash: over the complete statement.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The complete statement.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub(super) fn signature_holds(&self) -> bool {
        self.bytes
            .len()
            .checked_sub(SIGNATURE_BYTES)
            .and_then(|end| self.bytes.get(..end))
            .is_some_and(|text| signing::verify(&self.fields.signer.0, Domain::Roster, &[text], &self.signature))
    }
}

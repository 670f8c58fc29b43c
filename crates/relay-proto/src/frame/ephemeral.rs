//! Ephemeral frames: fanned out to the sessions that listen, never stored.

use super::{Frame, FrameType};
use crate::ids::{DeviceKey, SealedBytes};
use crate::limits::EPHEMERAL_BYTES_MAX;
use crate::wire::{DecodeError, Reader, Writer};

/// Starts or ends the ephemeral frames of the space's other sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EphemeralListen {
    /// Whether they are wanted from now on.
    pub listen: bool,
}

impl Frame for EphemeralListen {
    const TYPE: FrameType = FrameType::EphemeralListen;

    fn write(&self, w: &mut Writer) {
        w.u8(u8::from(self.listen));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            0 => Ok(Self { listen: false }),
            1 => Ok(Self { listen: true }),
            _ => Err(DecodeError::UnknownValue),
        }
    }
}

/// A frame for everyone who listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EphemeralSend {
    /// Generation of the content keys it was sealed under.
    pub key_epoch: u32,
    /// 1 to [`EPHEMERAL_BYTES_MAX`] bytes.
    pub sealed: SealedBytes,
}

impl Frame for EphemeralSend {
    const TYPE: FrameType = FrameType::EphemeralSend;

    fn write(&self, w: &mut Writer) {
        w.u32(self.key_epoch).bytes_u16(&self.sealed);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { key_epoch: r.u32()?, sealed: read_sealed(r)? })
    }
}

/// A frame of another session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ephemeral {
    /// The device of the session it came from, as the relay authenticated it.
    pub device: DeviceKey,
    /// Generation of the content keys it was sealed under.
    pub key_epoch: u32,
    /// As it was sent.
    pub sealed: SealedBytes,
}

impl Frame for Ephemeral {
    const TYPE: FrameType = FrameType::Ephemeral;

    fn write(&self, w: &mut Writer) {
        w.raw(self.device).u32(self.key_epoch).bytes_u16(&self.sealed);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { device: r.id()?, key_epoch: r.u32()?, sealed: read_sealed(r)? })
    }
}

/// So many ephemeral frames did not reach this session since it was last told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EphemeralMissed {
    /// At least 1.
    pub count: u64,
}

impl Frame for EphemeralMissed {
    const TYPE: FrameType = FrameType::EphemeralMissed;

    fn write(&self, w: &mut Writer) {
        w.u64(self.count);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u64()? {
            0 => Err(DecodeError::OutOfRange),
            count => Ok(Self { count }),
        }
    }
}

fn read_sealed(r: &mut Reader<'_>) -> Result<SealedBytes, DecodeError> {
    let sealed = r.bytes_u16(usize::from(u16::MAX))?;
    if sealed.is_empty() || sealed.len() > EPHEMERAL_BYTES_MAX {
        return Err(DecodeError::OutOfRange);
    }
    Ok(SealedBytes(sealed))
}

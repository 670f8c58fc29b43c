//! Ephemeral frames: fanned out to the sessions that listen, never stored.

use super::{Frame, FrameType};
use crate::ids::{DeviceKey, SealedBytes};
use crate::limits::EPHEMERAL_BYTES_MAX;
use crate::wire::{DecodeError, Reader, Writer, ws_binary_header};

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

/// An [`EphemeralSend`] where it was read, for a relay that copies it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EphemeralView<'a> {
    key_epoch: u32,
    sealed: &'a [u8],
}

impl<'a> EphemeralView<'a> {
    /// `None` when the message is another frame or a malformed one.
    #[must_use]
    pub fn of(message: &'a [u8]) -> Option<Self> {
        let mut r = Reader::borrowed(message);
        if r.u8().ok()? != FrameType::EphemeralSend.number() {
            return None;
        }
        let key_epoch = r.u32().ok()?;
        let length = usize::from(r.u16().ok()?);
        let sealed = r.take(length).ok()?;
        let fits = (1..=EPHEMERAL_BYTES_MAX).contains(&length) && r.remaining() == 0;
        fits.then_some(Self { key_epoch, sealed })
    }

    /// The view of a frame that was decoded.
    #[must_use]
    pub fn of_frame(frame: &'a EphemeralSend) -> Self {
        Self { key_epoch: frame.key_epoch, sealed: &frame.sealed.0 }
    }

    /// Sealed bytes.
    #[must_use]
    pub const fn sealed_bytes(&self) -> usize {
        self.sealed.len()
    }

    /// Length of what [`Self::append`] appends, at most.
    #[must_use]
    pub const fn encoded_bytes_max(&self) -> usize {
        4 + EPHEMERAL_HEAD_BYTES + self.sealed.len()
    }

    /// Appends the [`Ephemeral`] that everyone gets who listens, with its unmasked WebSocket header.
    pub fn append(&self, device: &DeviceKey, buffer: &mut Vec<u8>) {
        let (header, header_bytes) = ws_binary_header(EPHEMERAL_HEAD_BYTES + self.sealed.len());
        buffer.extend_from_slice(header.get(..header_bytes).unwrap_or_default());
        buffer.push(FrameType::Ephemeral.number());
        buffer.extend_from_slice(device.as_bytes());
        buffer.extend_from_slice(&self.key_epoch.to_be_bytes());
        buffer.extend_from_slice(&u16::try_from(self.sealed.len()).unwrap_or(u16::MAX).to_be_bytes());
        buffer.extend_from_slice(self.sealed);
    }
}

/// What an [`Ephemeral`] has in front of its sealed bytes: type, device, key epoch, length.
const EPHEMERAL_HEAD_BYTES: usize = 1 + 32 + 4 + 2;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::EncodedFrame;
    use bytes::Bytes;

    #[test]
    fn a_frame_that_is_passed_on_in_place_is_the_same_as_one_that_was_decoded() {
        let device = DeviceKey([3; 32]);
        let mut appended = Vec::new();
        let mut encoded = Vec::new();
        for length in [1, 86, 87, 128, EPHEMERAL_BYTES_MAX] {
            let send = EphemeralSend { key_epoch: 5, sealed: SealedBytes(Bytes::from(vec![7; length])) };
            let message = send.encode();
            let view = EphemeralView::of(&message).unwrap();
            assert_eq!(view, EphemeralView::of_frame(&send));
            let before = appended.len();
            view.append(&device, &mut appended);
            assert!(appended.len() - before <= view.encoded_bytes_max());
            encoded
                .extend_from_slice(&EncodedFrame::of(&Ephemeral { device, key_epoch: 5, sealed: send.sealed }).bytes);
        }
        assert_eq!(appended, encoded);
    }

    #[test]
    fn what_the_decoder_refuses_is_not_passed_on() {
        let frame =
            |sealed: usize| EphemeralSend { key_epoch: 5, sealed: SealedBytes(Bytes::from(vec![7; sealed])) }.encode();
        assert!(EphemeralView::of(&frame(9)).is_some());
        let whole = frame(9);
        for cut in 0..whole.len() {
            assert_eq!(EphemeralView::of(&whole[..cut]), None);
        }
        let longer = [&whole[..], &[0]].concat();
        for refused in
            [&longer[..], &frame(0), &frame(EPHEMERAL_BYTES_MAX + 1), &EphemeralListen { listen: true }.encode()]
        {
            assert_eq!(EphemeralView::of(refused), None);
        }
    }
}

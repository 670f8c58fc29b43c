//! Ping, Pong, Error, Goaway.

use super::{Frame, FrameType};
use crate::attestation::Attestation;
use crate::error_registry::ErrorCode;
use crate::limits::ERROR_DETAIL_BYTES_MAX;
use crate::wire::{DecodeError, Reader, Writer};
use bytes::Bytes;

/// Keep-alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Comes back in the pong.
    pub nonce: u64,
}

impl Frame for Ping {
    const TYPE: FrameType = FrameType::Ping;

    fn write(&self, w: &mut Writer) {
        w.u64(self.nonce);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { nonce: r.u64()? })
    }
}

/// The answer to a ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pong {
    /// The ping's nonce.
    pub nonce: u64,
    /// The head, signed at the relay's present time.
    pub attestation: Attestation,
}

impl Frame for Pong {
    const TYPE: FrameType = FrameType::Pong;

    fn write(&self, w: &mut Writer) {
        w.u64(self.nonce);
        self.attestation.write(w);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { nonce: r.u64()?, attestation: Attestation::read(r)? })
    }
}

/// An error. Its layout is frozen for all versions, so the number may be one this version does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorFrame {
    /// Number of the error; see [`ErrorCode::from_number`].
    pub code: u16,
    /// What it is about: a request, a push_seq; 0: the session.
    pub context: u64,
    /// Earliest useful retry, in milliseconds; 0: not said.
    pub retry_after_ms: u32,
    /// More, in a layout that depends on the error.
    pub detail: Bytes,
}

impl ErrorFrame {
    /// An error about the session, without detail.
    #[must_use]
    pub const fn of(code: ErrorCode) -> Self {
        Self { code: code.number(), context: 0, retry_after_ms: 0, detail: Bytes::new() }
    }

    /// An error about a request or a push.
    #[must_use]
    pub const fn about(code: ErrorCode, context: u64) -> Self {
        Self { code: code.number(), context, retry_after_ms: 0, detail: Bytes::new() }
    }
}

impl Frame for ErrorFrame {
    const TYPE: FrameType = FrameType::ErrorFrame;

    fn write(&self, w: &mut Writer) {
        w.u16(self.code).u64(self.context).u32(self.retry_after_ms).bytes_u16(&self.detail);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            code: r.u16()?,
            context: r.u64()?,
            retry_after_ms: r.u32()?,
            detail: r.bytes_u16(ERROR_DETAIL_BYTES_MAX)?,
        })
    }
}

/// The relay ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goaway {
    /// Number of the error that is the reason.
    pub reason: u16,
    /// Earliest reconnect, in milliseconds.
    pub reconnect_after_ms: u32,
    /// A random part of this is added, in milliseconds.
    pub reconnect_spread_ms: u32,
}

impl Frame for Goaway {
    const TYPE: FrameType = FrameType::Goaway;

    fn write(&self, w: &mut Writer) {
        w.u16(self.reason).u32(self.reconnect_after_ms).u32(self.reconnect_spread_ms);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { reason: r.u16()?, reconnect_after_ms: r.u32()?, reconnect_spread_ms: r.u32()? })
    }
}

//! What a session over HTTP needs beside the handshake: the ticket that joins its two requests, and the token it yields.

use super::{Frame, FrameType};
use crate::limits::SESSION_TOKEN_BYTES_MAX;
use crate::wire::{DecodeError, Reader, Writer};
use bytes::Bytes;

/// Length of a ticket, in bytes.
pub const TICKET_BYTES: usize = 40;

/// Follows the Challenge; the client gives it back with the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTicket {
    /// How long it is good for, in milliseconds.
    pub expires_in_ms: u32,
    /// Means something to the relay that made it only.
    pub ticket: [u8; TICKET_BYTES],
}

impl Frame for SessionTicket {
    const TYPE: FrameType = FrameType::SessionTicket;

    fn write(&self, w: &mut Writer) {
        w.u32(self.expires_in_ms).raw(self.ticket);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { expires_in_ms: r.u32()?, ticket: r.array()? })
    }
}

/// Follows the Welcome; every further request carries it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken {
    /// How long it is good for, in milliseconds.
    pub expires_in_ms: u32,
    /// Means something to the relay that made it only.
    pub token: Bytes,
}

impl std::fmt::Debug for SessionToken {
    // Whoever holds a token is the device until it expires, so none is ever printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionToken").field("expires_in_ms", &self.expires_in_ms).finish_non_exhaustive()
    }
}

impl Frame for SessionToken {
    const TYPE: FrameType = FrameType::SessionToken;

    fn write(&self, w: &mut Writer) {
        w.u32(self.expires_in_ms).bytes_u16(&self.token);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { expires_in_ms: r.u32()?, token: r.bytes_u16(SESSION_TOKEN_BYTES_MAX)? })
    }
}

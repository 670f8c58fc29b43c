//! Frames: one message each, `type u8` and a body. Directional enums, because a peer may only send its own kind.

mod client;
mod control;
mod entries_encoder;
mod ephemeral;
mod erasure;
mod frame_type;
mod handshake;
mod log;
mod log_items;
mod relay;
mod roster;
mod session_token;
mod snapshot;
mod topic;

pub use client::ClientFrame;
pub use control::{ErrorFrame, Goaway, Ping, Pong};
pub use entries_encoder::{EncodedFrame, EntriesEncoder};
pub use ephemeral::{Ephemeral, EphemeralListen, EphemeralMissed, EphemeralSend, EphemeralView};
pub use erasure::{Erase, Purge, Purged};
pub use frame_type::{Direction, FrameType};
pub use handshake::{
    Challenge, FoundingProof, Hello, Policy, Proof, SessionLimits, Welcome, WelcomeBody, encode_versions,
    hello_versions,
};
pub use log::{
    Ack, AckNotice, CursorExpired, EncodedReceipt, Leaves, Pull, PullLeaves, Push, Receipt, ReceiptStatus, Subscribe,
};
pub use log_items::{Entries, Item, ItemBody};
pub use relay::RelayFrame;
pub use roster::{RosterPut, RosterUpdate};
pub use session_token::{SessionTicket, SessionToken, TICKET_BYTES};
pub use snapshot::{
    SnapshotAck, SnapshotBegin, SnapshotChunk, SnapshotDue, SnapshotGet, SnapshotManifest, SnapshotState,
    SnapshotStatus,
};
pub use topic::{TopicCredit, TopicData, TopicJoin, TopicJoined, TopicLeave, TopicPeer, TopicSend};

use crate::wire::{DecodeError, Reader, Writer};
use bytes::Bytes;

/// A frame's body: reading and writing it side by side.
pub trait Frame: Sized {
    /// The frame's number.
    const TYPE: FrameType;

    /// Room taken at once for an encoded frame, in bytes: enough for the usual ones, and larger ones grow.
    const USUAL_BYTES: usize = 128;

    /// Appends the body.
    fn write(&self, w: &mut Writer);

    /// Reads the body; the caller checks that nothing is left.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no such body.
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// The whole frame.
    #[must_use]
    fn encode(&self) -> Bytes {
        let mut w = Writer::with_capacity(Self::USUAL_BYTES);
        w.u8(Self::TYPE.number());
        self.write(&mut w);
        w.into_bytes()
    }

    /// Reads a whole frame of this type.
    ///
    /// # Errors
    /// [`DecodeError`] when the message is no such frame.
    fn decode(message: &Bytes) -> Result<Self, DecodeError> {
        let mut r = Reader::new(message);
        if r.u8()? != Self::TYPE.number() {
            return Err(DecodeError::UnknownFrame);
        }
        let frame = Self::read(&mut r)?;
        r.finish()?;
        Ok(frame)
    }
}

/// Defines an enum over frames of one direction, its decoder and its encoder.
macro_rules! directional {
    ($(#[$doc:meta])* $name:ident, { $($variant:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("See [`", stringify!($variant), "`].")] $variant($variant),)*
        }

        impl $name {
            /// Decodes one message; bodies are slices of it.
            ///
            /// # Errors
            /// [`DecodeError`] when the message is no frame of this direction.
            pub fn decode(message: &Bytes) -> Result<Self, DecodeError> {
                let mut r = Reader::new(message);
                let frame_type = FrameType::try_from(r.u8()?)?;
                let frame = match frame_type {
                    $(FrameType::$variant => Self::$variant(<$variant as Frame>::read(&mut r)?),)*
                    other if other.direction() == Direction::Reserved => return Err(DecodeError::ReservedFrame),
                    _ => return Err(DecodeError::WrongDirection),
                };
                r.finish()?;
                Ok(frame)
            }

            /// The frame's number.
            #[must_use]
            pub const fn frame_type(&self) -> FrameType {
                match self {
                    $(Self::$variant(_) => FrameType::$variant,)*
                }
            }

            /// The whole frame.
            #[must_use]
            pub fn encode(&self) -> Bytes {
                match self {
                    $(Self::$variant(frame) => Frame::encode(frame),)*
                }
            }
        }

        $(impl From<$variant> for $name {
            fn from(frame: $variant) -> Self {
                Self::$variant(frame)
            }
        })*
    };
}
pub(crate) use directional;

//! The one table of frame numbers; a number is never reused.

use crate::wire::DecodeError;

/// Who sends a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Client to relay.
    Client,
    /// Relay to client.
    Relay,
    /// Both.
    Both,
    /// Nobody yet: the number is kept for a later feature.
    Reserved,
}

macro_rules! frame_types {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $way:ident;)*) => {
        /// Every frame number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum FrameType {
            $($(#[$doc])* $variant = $number,)*
        }

        impl FrameType {
            /// Every frame number, ascending.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Who sends it.
            #[must_use]
            pub const fn direction(self) -> Direction {
                match self {
                    $(Self::$variant => Direction::$way,)*
                }
            }

            /// The name in the vectors and in metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant),)*
                }
            }
        }

        impl TryFrom<u8> for FrameType {
            type Error = DecodeError;

            fn try_from(number: u8) -> Result<Self, DecodeError> {
                match number {
                    $($number => Ok(Self::$variant),)*
                    0x30..=0x67 => Err(DecodeError::ReservedFrame),
                    _ => Err(DecodeError::UnknownFrame),
                }
            }
        }
    };
}

frame_types! {
    /// The client's offer.
    Hello = 0x01, Client;
    /// The relay's choice and its nonce.
    Challenge = 0x02, Relay;
    /// The device's signature over the exchange.
    Proof = 0x03, Client;
    /// The relay's signature over the exchange; the session is open.
    Welcome = 0x04, Relay;
    /// An error of the registry.
    ErrorFrame = 0x05, Relay;
    /// The relay ends the connection and says when to return.
    Goaway = 0x06, Relay;
    /// Keep-alive.
    Ping = 0x07, Client;
    /// Its answer, with a fresh attestation.
    Pong = 0x08, Relay;
    /// A proof with a token that lets its device found a space.
    FoundingProof = 0x09, Client;
    /// Entries to be stored.
    Push = 0x10, Client;
    /// Entries are on disk.
    Receipt = 0x11, Relay;
    /// Read after a cursor, once.
    Pull = 0x12, Client;
    /// Read after a cursor and stay live.
    Subscribe = 0x13, Client;
    /// Entries read.
    Entries = 0x14, Relay;
    /// A device holds everything up to here.
    Ack = 0x15, Client;
    /// Another device's ack.
    AckNotice = 0x16, Relay;
    /// New roster statements.
    RosterPut = 0x17, Client;
    /// Roster statements the client may not know.
    RosterUpdate = 0x18, Relay;
    /// The log starts a new epoch.
    LogReset = 0x19, Relay;
    /// The cursor is below the floor.
    CursorExpired = 0x1a, Relay;
    /// Asks for leaf hashes.
    PullLeaves = 0x1b, Client;
    /// Leaf hashes.
    Leaves = 0x1c, Relay;
    /// Everything up to a size is to be gone.
    Purge = 0x1d, Client;
    /// The whole space is to be gone.
    Erase = 0x1e, Client;
    /// Everything up to a size is gone.
    Purged = 0x1f, Relay;
    /// Starts or resumes a snapshot.
    SnapshotBegin = 0x20, Client;
    /// A part of a snapshot.
    SnapshotChunk = 0x21, Both;
    /// How far a snapshot has come.
    SnapshotStatus = 0x22, Relay;
    /// Asks for a snapshot.
    SnapshotGet = 0x23, Client;
    /// What a snapshot is.
    SnapshotManifest = 0x24, Relay;
    /// A device opened a snapshot.
    SnapshotAck = 0x25, Client;
    /// A snapshot is wanted.
    SnapshotDue = 0x26, Relay;
    /// Starts or ends listening.
    EphemeralListen = 0x30, Client;
    /// A frame that is never stored.
    EphemeralSend = 0x31, Client;
    /// Another session's ephemeral frame.
    Ephemeral = 0x32, Relay;
    /// Ephemeral frames were dropped.
    EphemeralMissed = 0x33, Relay;
    /// Asks to be a peer of a topic.
    TopicJoin = 0x38, Client;
    /// Ends being one.
    TopicLeave = 0x39, Client;
    /// This session is a peer.
    TopicJoined = 0x3a, Relay;
    /// Another session came or went.
    TopicPeer = 0x3b, Relay;
    /// A message to peers.
    TopicSend = 0x3c, Client;
    /// A message of a peer.
    TopicData = 0x3d, Relay;
    /// A message was taken.
    TopicCredit = 0x3e, Both;
    /// Joins the two requests of a handshake over HTTP.
    SessionTicket = 0x60, Relay;
    /// What requests over HTTP carry instead of a handshake.
    SessionToken = 0x61, Relay;
}

impl FrameType {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip_and_reserved_ones_are_named() {
        for frame_type in FrameType::ALL {
            assert_eq!(FrameType::try_from(frame_type.number()), Ok(*frame_type));
        }
        assert_eq!(FrameType::try_from(0x00), Err(DecodeError::UnknownFrame));
        for number in [0x34, 0x3f, 0x40, 0x50, 0x62, 0x67] {
            assert_eq!(FrameType::try_from(number), Err(DecodeError::ReservedFrame));
        }
        assert_eq!(FrameType::try_from(0x68), Err(DecodeError::UnknownFrame));
    }
}

//! What a relay may send.

use super::{
    AckNotice, Challenge, CursorExpired, Direction, Entries, Ephemeral, EphemeralMissed, ErrorFrame, Frame, FrameType,
    Goaway, Leaves, Pong, Purged, Receipt, RosterUpdate, SessionTicket, SessionToken, SnapshotChunk, SnapshotDue,
    SnapshotManifest, SnapshotStatus, TopicCredit, TopicData, TopicJoined, TopicPeer, Welcome, directional,
};
use crate::log_reset::LogReset;
use crate::wire::{DecodeError, Reader};
use bytes::Bytes;

directional!(
    /// A frame from a relay to a client.
    RelayFrame,
    {
        Challenge, Welcome, ErrorFrame, Goaway, Pong, Receipt, Entries, AckNotice, RosterUpdate, LogReset,
        CursorExpired, Leaves, Purged, SnapshotChunk, SnapshotStatus, SnapshotManifest, SnapshotDue,
        SessionTicket, SessionToken,
        Ephemeral, EphemeralMissed, TopicJoined, TopicPeer, TopicData, TopicCredit,
    }
);

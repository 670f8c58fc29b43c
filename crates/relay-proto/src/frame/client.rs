//! What a client may send.

use super::{
    Ack, Direction, EphemeralListen, EphemeralSend, Erase, FoundingProof, Frame, FrameType, Hello, Ping, Proof, Pull,
    PullLeaves, Purge, Push, RosterPut, SnapshotAck, SnapshotBegin, SnapshotChunk, SnapshotGet, Subscribe, TopicCredit,
    TopicJoin, TopicLeave, TopicSend, directional,
};
use crate::wire::{DecodeError, Reader};
use bytes::Bytes;

directional!(
    /// A frame from a client to a relay.
    ClientFrame,
    {
        Hello, Proof, FoundingProof, Ping, Push, Pull, Subscribe, Ack, RosterPut, PullLeaves, Purge, Erase,
        SnapshotBegin, SnapshotChunk, SnapshotGet, SnapshotAck,
        EphemeralListen, EphemeralSend, TopicJoin, TopicLeave, TopicSend, TopicCredit,
    }
);

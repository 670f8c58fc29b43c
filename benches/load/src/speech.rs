//! How a message goes out, per dialect.

use crate::failure::Failure;
use crate::foreign::{gun, nats, postgres, redis};
use crate::peer::Peer;
use crate::relay;

/// What one connection says to send a message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Speech {
    /// The message itself.
    Plain,
    /// A Push of the relay; message 0 has this push_seq.
    Push {
        /// push_seq of message 0.
        base: u64,
    },
    /// A frame of the relay that is never stored.
    Ephemeral,
    /// `SET` of this connection's key.
    RedisSet(u64),
    /// `PUBLISH` to this group.
    RedisPublish(usize),
    /// Publish to this group.
    NatsPublish(usize),
    /// Publish into the stream, acknowledged to this connection.
    JetStream(u64),
    /// `INSERT`.
    Insert,
    /// A node of this connection.
    GunPut(u64),
    /// A property of the node of this group.
    GunPublish(usize),
}

impl Speech {
    /// Queues the message with this number.
    pub(crate) fn queue(self, peer: &mut Peer, number: u64, payload: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Plain => peer.queue(payload),
            Self::Push { base } => peer.queue(&relay::push_frame(base.saturating_add(number), payload)),
            Self::Ephemeral => peer.queue(&relay::ephemeral_frame(payload)?),
            Self::RedisSet(connection) => peer.queue(&redis::set(connection, payload)),
            Self::RedisPublish(group) => peer.queue(&redis::publish(group, payload)),
            Self::NatsPublish(group) => peer.queue(&nats::publish(group, payload)),
            Self::JetStream(connection) => peer.queue(&nats::store(connection, payload)),
            Self::GunPut(connection) => peer.queue(&gun::put(connection, number, payload)),
            Self::GunPublish(group) => peer.queue(&gun::publish(group, number, payload)),
            Self::Insert => peer.queue(&postgres::insert(payload)),
        }
        Ok(())
    }
}

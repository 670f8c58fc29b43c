//! Topics: byte pipes between the sessions that named the same key, nothing stored.

use super::{Frame, FrameType};
use crate::ids::{DeviceKey, SealedBytes, TopicKey};
use crate::limits::TOPIC_MESSAGE_BYTES_MAX;
use crate::wire::{DecodeError, Reader, Writer};

/// Asks to be a peer of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicJoin {
    /// Its rendezvous key.
    pub topic: TopicKey,
}

impl Frame for TopicJoin {
    const TYPE: FrameType = FrameType::TopicJoin;

    fn write(&self, w: &mut Writer) {
        w.raw(self.topic);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { topic: r.id()? })
    }
}

/// Ends being a peer of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicLeave {
    /// The topic's number.
    pub number: u32,
}

impl Frame for TopicLeave {
    const TYPE: FrameType = FrameType::TopicLeave;

    fn write(&self, w: &mut Writer) {
        w.u32(self.number);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { number: r.u32()? })
    }
}

/// This session is a peer of the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicJoined {
    /// The key that was asked for.
    pub topic: TopicKey,
    /// What stands for it in the other frames, the same for all peers.
    pub number: u32,
    /// This session's number in it.
    pub peer: u32,
}

impl Frame for TopicJoined {
    const TYPE: FrameType = FrameType::TopicJoined;

    fn write(&self, w: &mut Writer) {
        w.raw(self.topic).u32(self.number).u32(self.peer);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { topic: r.id()?, number: r.u32()?, peer: r.u32()? })
    }
}

/// Another session came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicPeer {
    /// The topic's number.
    pub number: u32,
    /// The session's number in it; numbers rise in the order in which sessions join and are not used again.
    pub peer: u32,
    /// The session's device, as the relay authenticated it.
    pub device: DeviceKey,
    /// Whether it is there.
    pub present: bool,
}

impl Frame for TopicPeer {
    const TYPE: FrameType = FrameType::TopicPeer;

    fn write(&self, w: &mut Writer) {
        w.u32(self.number).u32(self.peer).raw(self.device).u8(u8::from(self.present));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { number: r.u32()?, peer: r.u32()?, device: r.id()?, present: flag(r)? })
    }
}

/// A message into a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSend {
    /// The topic's number.
    pub number: u32,
    /// For every peer up to `peer` that the sender was told of, instead of that one.
    pub to_all: bool,
    /// The receiver, or the greatest number among the receivers.
    pub peer: u32,
    /// Generation of the content keys it was sealed under.
    pub key_epoch: u32,
    /// 1 to [`TOPIC_MESSAGE_BYTES_MAX`] bytes.
    pub sealed: SealedBytes,
}

impl Frame for TopicSend {
    const TYPE: FrameType = FrameType::TopicSend;

    fn write(&self, w: &mut Writer) {
        w.u32(self.number).u8(u8::from(self.to_all)).u32(self.peer).u32(self.key_epoch).bytes_u32(&self.sealed);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (number, to_all) = (r.u32()?, flag(r)?);
        Ok(Self { number, to_all, peer: r.u32()?, key_epoch: r.u32()?, sealed: read_sealed(r)? })
    }
}

/// A message of another session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicData {
    /// The topic's number.
    pub number: u32,
    /// The sender.
    pub peer: u32,
    /// Whether it went to every peer.
    pub to_all: bool,
    /// Generation of the content keys it was sealed under.
    pub key_epoch: u32,
    /// As it was sent.
    pub sealed: SealedBytes,
}

impl Frame for TopicData {
    const TYPE: FrameType = FrameType::TopicData;

    fn write(&self, w: &mut Writer) {
        w.u32(self.number).u32(self.peer).u8(u8::from(self.to_all)).u32(self.key_epoch).bytes_u32(&self.sealed);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (number, peer, to_all) = (r.u32()?, r.u32()?, flag(r)?);
        Ok(Self { number, peer, to_all, key_epoch: r.u32()?, sealed: read_sealed(r)? })
    }
}

/// From a receiver: it took so much of that peer's messages. From the relay: that peer took so much of this session's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicCredit {
    /// The topic's number.
    pub number: u32,
    /// The other end of the pipe.
    pub peer: u32,
    /// At least 1; counted as [`crate::limits::topic_charge_bytes`] does.
    pub bytes: u32,
}

impl Frame for TopicCredit {
    const TYPE: FrameType = FrameType::TopicCredit;

    fn write(&self, w: &mut Writer) {
        w.u32(self.number).u32(self.peer).u32(self.bytes);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match (r.u32()?, r.u32()?, r.u32()?) {
            (_, _, 0) => Err(DecodeError::OutOfRange),
            (number, peer, bytes) => Ok(Self { number, peer, bytes }),
        }
    }
}

fn flag(r: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::UnknownValue),
    }
}

fn read_sealed(r: &mut Reader<'_>) -> Result<SealedBytes, DecodeError> {
    let sealed = r.bytes_u32(usize::MAX)?;
    if sealed.is_empty() || sealed.len() > TOPIC_MESSAGE_BYTES_MAX {
        return Err(DecodeError::OutOfRange);
    }
    Ok(SealedBytes(sealed))
}

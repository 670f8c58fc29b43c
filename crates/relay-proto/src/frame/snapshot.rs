//! Snapshots on the wire; what a manifest says is in [`crate::snapshot`].

use super::{Frame, FrameType};
use crate::ids::{Seq, Signature, SnapshotId};
use crate::limits::{CHUNK_BYTES_MAX, MANIFEST_BYTES_MAX};
use crate::wire::{DecodeError, Reader, Writer, to_usize};
use bytes::Bytes;
use std::fmt;

/// Starts or resumes a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotBegin {
    /// The signed manifest.
    pub manifest: Bytes,
}

impl Frame for SnapshotBegin {
    const TYPE: FrameType = FrameType::SnapshotBegin;

    fn write(&self, w: &mut Writer) {
        w.bytes_u32(&self.manifest);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { manifest: r.bytes_u32(MANIFEST_BYTES_MAX)? })
    }
}

/// Whether a snapshot is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SnapshotState {
    /// More chunks are wanted.
    Wanted = 0,
    /// It is stored durably.
    Stored = 1,
}

impl TryFrom<u8> for SnapshotState {
    type Error = DecodeError;

    fn try_from(value: u8) -> Result<Self, DecodeError> {
        match value {
            0 => Ok(Self::Wanted),
            1 => Ok(Self::Stored),
            _ => Err(DecodeError::UnknownValue),
        }
    }
}

/// How far a snapshot has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotStatus {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// The next chunk wanted.
    pub next_chunk: u32,
    /// Whether it is complete.
    pub state: SnapshotState,
}

impl Frame for SnapshotStatus {
    const TYPE: FrameType = FrameType::SnapshotStatus;

    fn write(&self, w: &mut Writer) {
        w.raw(self.snapshot).u32(self.next_chunk).u8(self.state as u8);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { snapshot: r.id()?, next_chunk: r.u32()?, state: r.u8()?.try_into()? })
    }
}

/// A part of a snapshot, in either direction.
#[derive(Clone, PartialEq, Eq)]
pub struct SnapshotChunk {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// Position, from 0.
    pub index: u32,
    /// The sealed chunk.
    pub chunk: Bytes,
}

impl fmt::Debug for SnapshotChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SnapshotChunk({:?}, {}, {} bytes)", self.snapshot, self.index, self.chunk.len())
    }
}

impl Frame for SnapshotChunk {
    const TYPE: FrameType = FrameType::SnapshotChunk;

    fn write(&self, w: &mut Writer) {
        w.raw(self.snapshot).u32(self.index).bytes_u32(&self.chunk);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { snapshot: r.id()?, index: r.u32()?, chunk: r.bytes_u32(to_usize(CHUNK_BYTES_MAX))? })
    }
}

/// Asks for a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotGet {
    /// The snapshot; zeros: the newest.
    pub snapshot: SnapshotId,
    /// First chunk wanted.
    pub first_chunk: u32,
    /// Most chunks wanted; 0: the manifest only.
    pub chunks_max: u32,
}

impl Frame for SnapshotGet {
    const TYPE: FrameType = FrameType::SnapshotGet;

    fn write(&self, w: &mut Writer) {
        w.raw(self.snapshot).u32(self.first_chunk).u32(self.chunks_max);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { snapshot: r.id()?, first_chunk: r.u32()?, chunks_max: r.u32()? })
    }
}

/// What a snapshot is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotManifest {
    /// The signed manifest; empty: there is no such snapshot.
    pub manifest: Bytes,
}

impl Frame for SnapshotManifest {
    const TYPE: FrameType = FrameType::SnapshotManifest;

    fn write(&self, w: &mut Writer) {
        w.bytes_u32(&self.manifest);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { manifest: r.bytes_u32(MANIFEST_BYTES_MAX)? })
    }
}

/// A device opened another device's snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotAck {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// The session's device over the space and the snapshot.
    pub signature: Signature,
}

impl Frame for SnapshotAck {
    const TYPE: FrameType = FrameType::SnapshotAck;

    fn write(&self, w: &mut Writer) {
        w.raw(self.snapshot).raw(self.signature);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { snapshot: r.id()?, signature: r.id()? })
    }
}

/// Retention is half over: a snapshot is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotDue {
    /// The size it should cover.
    pub size: Seq,
}

impl Frame for SnapshotDue {
    const TYPE: FrameType = FrameType::SnapshotDue;

    fn write(&self, w: &mut Writer) {
        w.u64(self.size);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { size: r.u64()? })
    }
}

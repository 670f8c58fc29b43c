//! Snapshot manifests: what a client-sealed state covers, who made it, and how its chunks are checked.

use crate::hash::{Domain, sha256};
use crate::ids::{DeviceKey, Hash, LogId, Seq, Signature, SnapshotId, SpaceId};
use crate::limits::{CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, MANIFEST_BYTES_MAX, RANGE_HASHES_MAX};
use crate::merkle;
use crate::signing::{self, KeyPair};
use crate::wire::{DecodeError, Reader, Writer};
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// The manifest format of this version.
const FORMAT: u8 = 1;
/// Length of the signature at the manifest's end, in bytes.
const SIGNATURE_BYTES: usize = 64;

/// What a manifest says, without its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFields {
    /// The sealing suite.
    pub suite: u8,
    /// The space.
    pub space: SpaceId,
    /// The author.
    pub device: DeviceKey,
    /// Generation of the content keys.
    pub key_epoch: u32,
    /// The log it was made from.
    pub log_id: LogId,
    /// Its log epoch.
    pub log_epoch: u64,
    /// It covers everything up to this seq.
    pub size: Seq,
    /// The Merkle root at that size.
    pub head: Hash,
    /// The author's compact range at that size; it folds to `head`.
    pub range: Vec<Hash>,
    /// Length of all chunks together, in bytes.
    pub total_bytes: u64,
    /// Length of every chunk but the last, in bytes.
    pub chunk_bytes: u32,
    /// Hash over the hashes of the chunks.
    pub chunks_hash: Hash,
    /// Salt of the snapshot's key.
    pub salt: [u8; 32],
    /// Commitment to that key.
    pub commitment: [u8; 32],
    /// The author's clock, in Unix milliseconds.
    pub time_ms: u64,
}

impl ManifestFields {
    /// Signs the manifest.
    #[must_use]
    pub fn sign(self, device: &KeyPair) -> Manifest {
        let mut w = Writer::with_capacity(MANIFEST_BYTES_MAX);
        self.write(&mut w);
        let signature = device.sign(Domain::Snapshot, &[w.as_slice()]);
        w.raw(signature);
        let bytes = w.into_bytes();
        Manifest { fields: self, signature, id: SnapshotId(sha256(&[&bytes]).0), bytes }
    }

    fn write(&self, w: &mut Writer) {
        w.u8(FORMAT).u8(self.suite).raw(self.space).raw(self.device).u32(self.key_epoch).raw(self.log_id);
        w.u64(self.log_epoch).u64(self.size).raw(self.head).count_u8(self.range.len()).raw_each(&self.range);
        w.u64(self.total_bytes).u32(self.chunk_bytes).raw(self.chunks_hash);
        w.raw(self.salt).raw(self.commitment).u64(self.time_ms);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if r.u8()? != FORMAT {
            return Err(DecodeError::UnknownValue);
        }
        Ok(Self {
            suite: r.u8()?,
            space: r.id()?,
            device: r.id()?,
            key_epoch: r.u32()?,
            log_id: r.id()?,
            log_epoch: r.u64()?,
            size: r.u64()?,
            head: r.id()?,
            range: {
                let count = usize::from(r.u8()?);
                r.list(count, RANGE_HASHES_MAX, Hash::BYTES, Reader::id)?
            },
            total_bytes: r.u64()?,
            chunk_bytes: r.u32()?,
            chunks_hash: r.id()?,
            salt: r.array()?,
            commitment: r.array()?,
            time_ms: r.u64()?,
        })
    }

    /// Number of chunks; `None` when there are more than can be numbered.
    #[must_use]
    pub fn chunk_count(&self) -> Option<u32> {
        u32::try_from(self.total_bytes.div_ceil(u64::from(self.chunk_bytes.max(1)))).ok()
    }

    /// Length of the chunk at `index`, in bytes; `None` when there is none.
    #[must_use]
    pub fn chunk_len(&self, index: u32) -> Option<u32> {
        let start = u64::from(index).checked_mul(u64::from(self.chunk_bytes))?;
        let left = self.total_bytes.checked_sub(start).filter(|left| *left > 0)?;
        Some(u32::try_from(left).unwrap_or(u32::MAX).min(self.chunk_bytes))
    }
}

/// A signed manifest as it came, with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    fields: ManifestFields,
    signature: Signature,
    id: SnapshotId,
    bytes: Bytes,
}

impl Manifest {
    /// Parses a manifest and checks all that needs no key: format, ranges of its fields, and that `range` folds to
    /// `head`.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn parse(bytes: Bytes) -> Result<Self, DecodeError> {
        let mut r = Reader::new(&bytes);
        let fields = ManifestFields::read(&mut r)?;
        let signature = r.id()?;
        r.finish()?;
        check_ranges(&fields)?;
        Ok(Self { fields, signature, id: SnapshotId(sha256(&[&bytes]).0), bytes })
    }

    /// Whether the device named signed it.
    #[must_use]
    pub fn verify(&self) -> bool {
        self.bytes
            .len()
            .checked_sub(SIGNATURE_BYTES)
            .and_then(|end| self.bytes.get(..end))
            .is_some_and(|text| signing::verify(&self.fields.device.0, Domain::Snapshot, &[text], &self.signature))
    }

    /// What it says.
    #[must_use]
    pub const fn fields(&self) -> &ManifestFields {
        &self.fields
    }

    /// The snapshot's id.
    #[must_use]
    pub const fn id(&self) -> SnapshotId {
        self.id
    }

    /// The manifest's bytes.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

fn check_ranges(fields: &ManifestFields) -> Result<(), DecodeError> {
    let chunks_fit = (CHUNK_BYTES_MIN..=CHUNK_BYTES_MAX).contains(&fields.chunk_bytes);
    let folds = merkle::fold(&fields.range) == Some(fields.head);
    if !chunks_fit || !folds || fields.total_bytes == 0 || fields.chunk_count().is_none() {
        return Err(DecodeError::OutOfRange);
    }
    Ok(())
}

/// `H(H(chunk 0) ‖ H(chunk 1) ‖ …)`, grown chunk by chunk.
#[derive(Clone, Debug, Default)]
pub struct ChunksHasher(Sha256);

impl ChunksHasher {
    /// Adds the next chunk.
    pub fn push(&mut self, chunk: &[u8]) {
        self.0.update(sha256(&[chunk]).0);
    }

    /// The hash over all chunks.
    #[must_use]
    pub fn finish(self) -> Hash {
        Hash(self.0.finalize().into())
    }
}

/// A snapshot ack's signature, by the device that opened the snapshot.
#[must_use]
pub fn sign_snapshot_ack(device: &KeyPair, space: &SpaceId, snapshot: &SnapshotId) -> Signature {
    device.sign(Domain::SnapshotAck, &[&space.0, &snapshot.0])
}

/// Whether the device signed the snapshot ack.
#[must_use]
pub fn verify_snapshot_ack(device: &DeviceKey, space: &SpaceId, snapshot: &SnapshotId, signature: &Signature) -> bool {
    signing::verify(&device.0, Domain::SnapshotAck, &[&space.0, &snapshot.0], signature)
}

//! The sections of the file: `kind u8 | length u32 | body`, behind the magic, in the order of their kinds.

use crate::store::{SignedAck, StoredEntry};
use bytes::Bytes;
use relay_proto::ids::{BlobId, DeviceKey, EntryId, Hash, LogId, Seq, Signature, SpaceId};
use relay_proto::limits::{CHAIN_STATEMENTS_MAX, KEYRING_BYTES_MAX, LEAVES_PAGE_MAX};
use relay_proto::wire::{Reader, Writer};

/// What a file begins with; the last digit is the version of its grammar.
pub const MAGIC: [u8; 8] = *b"SRSPACE1";
/// Longest body, in bytes: the largest entry a relay can be told to take, and its fields.
pub const SECTION_BYTES_MAX: usize = 64 * 1024 * 1024 + 4096;
const SMALL_BYTES_MAX: usize = 64 * 1024;

/// Which log the file is of, and at which moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// When it was written, Unix ms.
    pub exported_ms: u64,
    /// The space.
    pub space: SpaceId,
    /// The log it comes from.
    pub log_id: LogId,
    /// Its log epoch.
    pub log_epoch: u64,
    /// Lowest seq still held.
    pub floor: Seq,
    /// Seq of the newest entry.
    pub size: Seq,
}

/// What the log knows of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The device.
    pub device: DeviceKey,
    /// Highest push_seq held.
    pub push_seq_high: u64,
    /// Its entry id, where it is known.
    pub last_entry: Option<EntryId>,
}

/// One blob; its bytes follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobHead {
    /// H(its bytes).
    pub id: BlobId,
    /// Who uploaded it.
    pub author: DeviceKey,
    /// Its length; never 0.
    pub total_bytes: u64,
    /// When it became durable, Unix ms.
    pub stored_at_ms: u64,
}

/// How much the file holds, and proof that it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Entries.
    pub entries: u64,
    /// SHA-256 of everything before this section.
    pub digest: Hash,
    /// The log id's signature over the digest.
    pub signature: Signature,
}

/// One section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Section {
    /// First.
    Head(Head),
    /// The head, signed by the log id, at the moment of the file.
    Attestation(Bytes),
    /// Log resets, oldest first.
    Reset(Bytes),
    /// The roster chain and the keyring, as stored.
    Roster {
        /// The statements, in order.
        chain: Vec<Bytes>,
        /// The newest keyring.
        keyring: Bytes,
    },
    /// Of each device that ever pushed.
    Mark(Mark),
    /// The newest ack of each device.
    Ack(SignedAck),
    /// Leaves of entries below the floor, as far as they are still known.
    Leaves {
        /// Seq of the first.
        first_seq: Seq,
        /// Consecutive.
        leaves: Vec<Hash>,
    },
    /// Entries from the floor on.
    Entry {
        /// Its place.
        seq: Seq,
        /// Its clear fields and sealed bytes.
        entry: StoredEntry,
    },
    /// Manifest of the newest snapshot; its chunks follow.
    Snapshot(Bytes),
    /// Its chunks, in order.
    SnapshotChunk(Bytes),
    /// A blob, ascending by id; only in files of spaces that have any.
    Blob(BlobHead),
    /// The next bytes of it.
    BlobPiece(Bytes),
    /// Last.
    End(Totals),
}

impl Section {
    /// Its number in the file.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Head(_) => 1,
            Self::Attestation(_) => 2,
            Self::Reset(_) => 3,
            Self::Roster { .. } => 4,
            Self::Mark(_) => 5,
            Self::Ack(_) => 6,
            Self::Leaves { .. } => 7,
            Self::Entry { .. } => 8,
            Self::Snapshot(_) => 9,
            Self::SnapshotChunk(_) => 10,
            Self::Blob(_) => 11,
            Self::BlobPiece(_) => 12,
            Self::End(_) => 255,
        }
    }

    /// Appends the section with its header.
    pub fn write(&self, w: &mut Writer) {
        let start = w.len();
        w.u8(self.kind()).u32(0);
        self.write_body(w);
        let length = u32::try_from(w.len() - start - 5).unwrap_or(u32::MAX);
        w.patch(start + 1, &length.to_be_bytes());
    }

    fn write_body(&self, w: &mut Writer) {
        match self {
            Self::Head(head) => {
                w.u64(head.exported_ms).raw(head.space).raw(head.log_id);
                w.u64(head.log_epoch).u64(head.floor).u64(head.size);
            }
            Self::Attestation(bytes)
            | Self::Reset(bytes)
            | Self::Snapshot(bytes)
            | Self::SnapshotChunk(bytes)
            | Self::BlobPiece(bytes) => {
                w.raw(bytes);
            }
            Self::Roster { chain, keyring } => {
                w.count_u16(chain.len());
                for statement in chain {
                    w.bytes_u32(statement);
                }
                w.bytes_u32(keyring);
            }
            Self::Mark(mark) => {
                w.raw(mark.device).u64(mark.push_seq_high).u8(u8::from(mark.last_entry.is_some()));
                w.raw(mark.last_entry.unwrap_or(EntryId::ZERO));
            }
            Self::Ack(ack) => {
                w.raw(ack.device).u64(ack.log_epoch).u64(ack.size).raw(ack.head).raw(ack.signature);
            }
            Self::Leaves { first_seq, leaves } => {
                w.u64(*first_seq).count_u16(leaves.len()).raw_each(leaves);
            }
            Self::Entry { seq, entry } => {
                w.u64(*seq).raw(entry.device).u64(entry.push_seq).u32(entry.key_epoch).raw(entry.id).raw(&entry.sealed);
            }
            Self::Blob(blob) => {
                w.raw(blob.id).raw(blob.author).u64(blob.total_bytes).u64(blob.stored_at_ms);
            }
            Self::End(totals) => {
                w.u64(totals.entries).raw(totals.digest).raw(totals.signature);
            }
        }
    }

    /// Reads a body; `None` when it breaks the grammar.
    #[must_use]
    pub fn read(kind: u8, body: &Bytes) -> Option<Self> {
        let mut r = Reader::new(body);
        let section = match kind {
            1 => Self::Head(read_head(&mut r)?),
            2 => Self::Attestation(rest(&mut r, SMALL_BYTES_MAX)?),
            3 => Self::Reset(rest(&mut r, SMALL_BYTES_MAX)?),
            4 => {
                let count = usize::from(r.u16().ok()?);
                let chain = r.list(count, CHAIN_STATEMENTS_MAX, 4, |r| r.bytes_u32(SECTION_BYTES_MAX)).ok()?;
                Self::Roster { chain, keyring: r.bytes_u32(KEYRING_BYTES_MAX).ok()? }
            }
            5 => {
                let (device, push_seq_high) = (r.id().ok()?, r.u64().ok()?);
                let (known, id) = (r.u8().ok()?, r.id().ok()?);
                Self::Mark(Mark { device, push_seq_high, last_entry: (known != 0).then_some(id) })
            }
            6 => Self::Ack(SignedAck {
                device: r.id().ok()?,
                log_epoch: r.u64().ok()?,
                size: r.u64().ok()?,
                head: r.id().ok()?,
                signature: r.array().ok()?,
            }),
            7 => {
                let first_seq = r.u64().ok()?;
                let count = usize::from(r.u16().ok()?);
                Self::Leaves { first_seq, leaves: r.list(count, LEAVES_PAGE_MAX, Hash::BYTES, Reader::id).ok()? }
            }
            8 => {
                let seq = r.u64().ok()?;
                let (device, push_seq) = (r.id().ok()?, r.u64().ok()?);
                let (key_epoch, id) = (r.u32().ok()?, r.id().ok()?);
                let sealed = rest(&mut r, SECTION_BYTES_MAX)?;
                Self::Entry { seq, entry: StoredEntry { device, push_seq, key_epoch, id, sealed } }
            }
            9 => Self::Snapshot(rest(&mut r, SMALL_BYTES_MAX)?),
            10 => Self::SnapshotChunk(rest(&mut r, SECTION_BYTES_MAX)?),
            11 => Self::Blob(BlobHead {
                id: r.id().ok()?,
                author: r.id().ok()?,
                total_bytes: r.u64().ok()?,
                stored_at_ms: r.u64().ok()?,
            }),
            12 => Self::BlobPiece(rest(&mut r, SECTION_BYTES_MAX)?),
            255 => Self::End(Totals { entries: r.u64().ok()?, digest: r.id().ok()?, signature: r.id().ok()? }),
            _ => return None,
        };
        r.finish().ok()?;
        Some(section)
    }
}

fn read_head(r: &mut Reader<'_>) -> Option<Head> {
    Some(Head {
        exported_ms: r.u64().ok()?,
        space: r.id().ok()?,
        log_id: r.id().ok()?,
        log_epoch: r.u64().ok()?,
        floor: r.u64().ok()?,
        size: r.u64().ok()?,
    })
}

fn rest(r: &mut Reader<'_>, bytes_max: usize) -> Option<Bytes> {
    let length = r.remaining();
    if length > bytes_max { None } else { r.bytes(length).ok() }
}

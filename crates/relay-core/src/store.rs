//! `trait Store`: the contract between the rules and whatever makes them durable. Every implementation runs
//! `conformance::run`; what is written here is what that suite proves.
//!
//! **Shape.** Submit and complete: every call returns at once, never blocks on a disk or a network, and hands its result
//! to a completion that may run on any thread, also inside the call. Completions must be short and must not call back
//! into the store synchronously with locks held.
//!
//! **Durability.** A completion with `Ok` of a call marked *durable* means: this, and everything the same store completed
//! before it, survives a power cut. After a failed write or sync the store is poisoned: it answers every later *durable*
//! call with [`StoreError::Poisoned`], and never acknowledges what it could not sync.
//!
//! **Order.** The store alone decides seq, head and the duplicate verdict, in one durable commit. For one space,
//! [`CommitListener::committed`] is called in seq order, without gaps, after the commit is durable and after the
//! completions of its pushes. Calls for one space by one caller take effect in call order.

mod failure;
mod stats;

use crate::erasure::{PurgePoint, Tombstone};
use bytes::Bytes;
use relay_proto::erasure::ErasureReason;
use relay_proto::ids::{DeviceKey, EntryId, Hash, LogId, SnapshotId, SpaceId};

pub use failure::{Refusal, StoreError};
pub use stats::StoreStats;

/// What a completion receives.
pub type Completion<T> = Box<dyn FnOnce(Result<T, StoreError>) + Send>;

/// The log's identity and its present epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogState {
    /// The ordering authority's key.
    pub log_id: LogId,
    /// Counts resets, from 1.
    pub log_epoch: u64,
}

/// What the store knows of a space; a snapshot of one moment.
#[derive(Clone, Debug)]
pub struct SpaceFacts {
    /// The newest roster statement's version.
    pub roster_version: u64,
    /// H(newest statement).
    pub roster_hash: Hash,
    /// The chain from the newest root-signed statement on, in order.
    pub chain: Vec<Bytes>,
    /// The newest keyring.
    pub keyring: Bytes,
    /// seq of the newest durable entry (0: none).
    pub size: u64,
    /// Lowest seq still held.
    pub floor: u64,
}

/// What a space holds of its log; a snapshot of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpaceUsage {
    /// seq of the newest entry that is counted.
    pub size: u64,
    /// Entries held.
    pub entries: u64,
    /// Their sealed bytes.
    pub bytes: u64,
}

/// What the store knows of one device in one space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct DeviceMark {
    /// Highest push_seq held in this or an earlier log epoch (0: none).
    pub push_seq_high: u64,
    /// True when the next push must be `push_seq_high + 1`.
    pub bound: bool,
    /// Entry id of `push_seq_high`, when known.
    pub last_entry: Option<EntryId>,
}

/// A push as the session hands it over: form and limits are checked, rights and order are the store's to decide.
#[derive(Clone, Debug)]
pub struct Push {
    /// The space.
    pub space: SpaceId,
    /// The authenticated device.
    pub device: DeviceKey,
    /// push_seq of the first entry.
    pub push_seq_first: u64,
    /// Key epoch of all entries.
    pub key_epoch: u32,
    /// Sealed bytes, in order; at least one.
    pub entries: Vec<Bytes>,
}

/// A run of entries of one push with one verdict and consecutive seqs.
#[derive(Clone, Debug)]
pub struct ReceiptRun {
    /// push_seq of the run's first entry.
    pub push_seq_first: u64,
    /// Number of entries.
    pub count: u16,
    /// What became of them.
    pub verdict: Verdict,
}

/// What became of a run of pushed entries.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Stored by this push.
    Stored {
        /// seq of the run's first entry.
        seq_first: u64,
        /// Place of the push leaf in the attestation's `pushes` root: index, number of leaves, path.
        index: u32,
        /// Number of push leaves.
        leaves: u32,
        /// RFC 9162 inclusion path.
        path: Vec<Hash>,
    },
    /// Held already, from an earlier push with the same bytes.
    Duplicate {
        /// seq of the run's first entry.
        seq_first: u64,
    },
    /// Held once, forgotten since.
    DuplicateForgotten,
}

/// Result of a durable push.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// The runs, covering the push in order.
    pub runs: Vec<ReceiptRun>,
    /// Encoded attestation whose size is at or above every seq named.
    pub attestation: Bytes,
}

/// One entry as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its author.
    pub device: DeviceKey,
    /// Its author's count.
    pub push_seq: u64,
    /// Its key epoch.
    pub key_epoch: u32,
    /// H(sealed).
    pub id: EntryId,
    /// The sealed bytes.
    pub sealed: Bytes,
}

/// A page of the log.
#[derive(Clone, Debug)]
pub struct Page {
    /// seq of the first entry; `after + 1` when the page is not empty.
    pub first_seq: u64,
    /// Consecutive entries. At least one when any is held above `after`, however large.
    pub entries: Vec<StoredEntry>,
    /// True when more is held already.
    pub more: bool,
    /// Encoded attestation of the newest durable head.
    pub attestation: Bytes,
}

/// Result of a read.
#[derive(Clone, Debug)]
pub enum ReadOutcome {
    /// A page, perhaps empty.
    Page(Page),
    /// `after + 1` is below the floor.
    BelowFloor {
        /// Encoded attestation that shows the floor.
        attestation: Bytes,
    },
    /// `after` is above the size.
    Ahead,
}

/// What one commit group added to one space.
#[derive(Clone, Debug)]
pub struct SpaceCommit {
    /// The space.
    pub space: SpaceId,
    /// seq of the first entry.
    pub first_seq: u64,
    /// Consecutive entries.
    pub entries: Vec<StoredEntry>,
    /// Encoded attestation whose size is the last entry's seq.
    pub attestation: Bytes,
}

/// A roster change that became durable.
#[derive(Clone, Debug)]
pub struct RosterCommit {
    /// The space.
    pub space: SpaceId,
    /// The statements this change added, in order.
    pub added: Vec<Bytes>,
    /// The newest keyring.
    pub keyring: Bytes,
    /// The newest version.
    pub roster_version: u64,
}

/// An ack as the device signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedAck {
    /// The device.
    pub device: DeviceKey,
    /// Log epoch the ack speaks of.
    pub log_epoch: u64,
    /// "I hold everything up to here."
    pub size: u64,
    /// The head at `size` as the device sees it.
    pub head: Hash,
    /// Its signature.
    pub signature: [u8; 64],
}

/// State of one snapshot upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotProgress {
    /// The chunk wanted next.
    pub next_chunk: u32,
    /// True when it is complete and durable.
    pub stored: bool,
}

/// A complete snapshot, for forgetting decisions.
#[derive(Clone, Debug)]
pub struct SnapshotFacts {
    /// H(manifest).
    pub id: SnapshotId,
    /// Its author.
    pub device: DeviceKey,
    /// The log size it covers.
    pub size: u64,
    /// When it became durable, Unix ms.
    pub stored_at_ms: u64,
    /// Devices that said they opened it.
    pub opened_by: Vec<DeviceKey>,
}

/// Everything a forgetting decision needs about a space.
#[derive(Clone, Debug)]
pub struct ForgettingFacts {
    /// Newest roster statement, encoded.
    pub roster: Bytes,
    /// Newest durable seq.
    pub size: u64,
    /// Lowest seq held.
    pub floor: u64,
    /// The newest ack of each device.
    pub acks: Vec<SignedAck>,
    /// Last contact of each device, Unix ms.
    pub contacts: Vec<(DeviceKey, u64)>,
    /// Complete snapshots, newest first.
    pub snapshots: Vec<SnapshotFacts>,
    /// (seq, commit time in Unix ms) marks, ascending: every seq at or below a mark's seq is at least that old.
    pub ages: Vec<(u64, u64)>,
}

/// Hears of what became durable. Called from the store's threads; must be short and must not block.
pub trait CommitListener: Send + Sync {
    /// Entries of one space; see *Order* above.
    fn committed(&self, commit: SpaceCommit);
    /// A space's roster changed; called before any later commit of the space can be read or is announced.
    fn roster_changed(&self, commit: RosterCommit);
    /// A log was purged: nothing of it that is kept in memory may be shown any more.
    fn purged(&self, space: SpaceId);
    /// A space is gone; its sessions are to be told the notice. Called once, after it is durable that it goes.
    fn space_erased(&self, space: SpaceId, notice: Bytes);
}

/// The store. See the module's contract.
pub trait Store: Send + Sync {
    /// The log's identity and epoch.
    fn log(&self) -> LogState;
    /// Sets who hears of commits. Called once, before the first push.
    fn listen(&self, listener: std::sync::Arc<dyn CommitListener>);

    /// Facts of a space; `None` when it is unknown.
    fn space(&self, space: SpaceId, done: Completion<Option<SpaceFacts>>);
    /// A device's mark in a known space; a device never seen has the default mark.
    fn device_mark(&self, space: SpaceId, device: DeviceKey, done: Completion<DeviceMark>);
    /// *Durable.* Adds roster statements (creating the space when the chain stands on its own), with the keyring of the last.
    /// Statements held already, byte for byte, are skipped; nothing new is `Ok` with the present facts.
    fn put_roster(&self, space: SpaceId, chain: Vec<Bytes>, keyring: Bytes, done: Completion<SpaceFacts>);
    /// *Durable.* Appends a push; all its entries or none.
    fn push(&self, push: Push, done: Completion<Pushed>);
    /// Reads after a cursor. Checksums are verified; damaged bytes are never returned: a page ends before them, and a read that
    /// would begin with them is [`StoreError::Damaged`].
    fn read(&self, space: SpaceId, after: u64, entries_max: u32, bytes_max: u32, done: Completion<ReadOutcome>);
    /// Leaf hashes from `first_seq` on, held or forgotten; fewer than `count` (perhaps none) when no longer known.
    fn leaves(&self, space: SpaceId, first_seq: u64, count: u32, done: Completion<Vec<Hash>>);
    /// What a space holds, counted from what is stored; asked again it counts only what changed.
    fn usage(&self, space: SpaceId, done: Completion<SpaceUsage>);
    /// An attestation of the newest durable head, signed now (reused for at most one second while the head stands still). An
    /// error when nothing can be signed now: an older one would make a relay that cannot write look like one that lies.
    fn attest(&self, space: SpaceId, done: Completion<Bytes>);
    /// The encoded LogReset statements of a space from log epoch `from` on, oldest first.
    fn log_resets(&self, space: SpaceId, from: u64, done: Completion<Vec<Bytes>>);

    /// Keeps a device's ack (only forward) and counts it as a contact. Not durable at once: losing it only delays forgetting.
    /// The signature was verified by the session; whether it can be true (`SpaceLedger::may_claim`) is for the store to say.
    fn put_ack(&self, space: SpaceId, ack: SignedAck, done: Completion<()>);
    /// The newest ack of every device.
    fn acks(&self, space: SpaceId, done: Completion<Vec<SignedAck>>);
    /// Notes a contact of a device. Not durable at once.
    fn touch(&self, space: SpaceId, device: DeviceKey, now_ms: u64);

    /// What a forgetting decision needs.
    fn forgetting_facts(&self, space: SpaceId, done: Completion<ForgettingFacts>);
    /// Known spaces, paged by id, for the forgetting sweep: up to `count` ids greater than `after`.
    fn spaces(&self, after: Option<SpaceId>, count: u32, done: Completion<Vec<SpaceId>>);
    /// The same of those of which something may be to be forgotten at `now_ms`; others may be among them.
    fn spaces_due(&self, after: Option<SpaceId>, count: u32, _now_ms: u64, done: Completion<Vec<SpaceId>>) {
        self.spaces(after, count, done);
    }
    /// Nothing of a space is to be forgotten before `due_ms`, as far as the facts say that were asked for last.
    fn judged(&self, _space: SpaceId, _due_ms: u64) {}
    /// *Durable.* Raises the floor; entries below it are never returned again, their leaves still are.
    fn trim(&self, space: SpaceId, floor: u64, done: Completion<()>);

    /// *Durable.* Forgets everything up to a point at once: the floor rises above it, and before this answers the sealed bytes
    /// below the floor are overwritten wherever the store keeps them. Leaves stay. Again for the same point: nothing is left to do.
    fn purge(&self, space: SpaceId, point: PurgePoint, done: Completion<()>);
    /// *Durable.* Erases a space: log, roster, acks, snapshots, and blobs where the store keeps them too. From the moment it is
    /// durable that the space goes it is unknown to every other call, and it is not founded anew; this answers when everything
    /// is overwritten as well. What a crash interrupts goes on at the next start. Again for the same space: the same answer.
    fn erase(&self, space: SpaceId, reason: ErasureReason, done: Completion<()>);
    /// What is left of an erased space; `None` for one that was not erased, or so long ago that it may be founded anew.
    fn erasure(&self, space: SpaceId, done: Completion<Option<Tombstone>>);

    /// *Durable once it answers.* Starts or resumes an upload; signature and author were verified by the session, the store
    /// refuses a manifest that covers more than the author's own ack or cannot be true of this log. A device has one upload:
    /// another manifest drops the one before.
    fn snapshot_begin(&self, space: SpaceId, manifest: Bytes, done: Completion<SnapshotProgress>);
    /// Adds the next chunk; the last one is *durable* and verified against chunks_hash. Kept are the newest snapshot and, of the
    /// others, the newest that a device other than its author opened (while there is none: the newest).
    fn snapshot_chunk(
        &self,
        space: SpaceId,
        snapshot: SnapshotId,
        index: u32,
        chunk: Bytes,
        done: Completion<SnapshotProgress>,
    );
    /// The manifest of a complete snapshot (`None`: the newest); `None` when there is none.
    fn snapshot_manifest(&self, space: SpaceId, snapshot: Option<SnapshotId>, done: Completion<Option<Bytes>>);
    /// One chunk of a complete snapshot.
    fn snapshot_read(&self, space: SpaceId, snapshot: SnapshotId, index: u32, done: Completion<Bytes>);
    /// Notes that a device opened a snapshot.
    fn snapshot_opened(&self, space: SpaceId, snapshot: SnapshotId, device: DeviceKey, done: Completion<()>);

    /// Counters.
    fn stats(&self) -> StoreStats;
    /// Flushes, marks the store as closed in order, refuses later calls. Blocks until done (called from a shutdown thread).
    fn close(&self);
}

//! How a device starts where history is forgotten or long, and how it makes snapshots for others.

use super::super::scheduler::SECOND;
use super::session::Phase;
use super::{Device, Link};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use relay_proto::frame::{
    CursorExpired, Leaves, PullLeaves, SnapshotAck, SnapshotBegin, SnapshotChunk, SnapshotGet, SnapshotState,
    SnapshotStatus,
};
use relay_proto::hash::sha256;
use relay_proto::ids::{DeviceKey, Hash, SnapshotId};
use relay_proto::limits::CHUNK_BYTES_MIN;
use relay_proto::merkle::entry_leaf;
use relay_proto::snapshot::{ChunksHasher, Manifest, ManifestFields, sign_snapshot_ack};
use std::collections::{BTreeMap, BTreeSet};

/// Wait of a device that finds no snapshot to start from, in microseconds.
const NO_SNAPSHOT_US: u64 = 5 * SECOND;

/// The way from an open session to a live subscription.
pub(crate) enum Bootstrap {
    /// Log resets are followed.
    Resets,
    /// The newest snapshot was asked for; it must reach this floor. `expired`: the own cursor is below it.
    Asked {
        floor: u64,
        expired: bool,
    },
    /// Its chunks come.
    Chunks {
        manifest: Box<Manifest>,
        chunks: Vec<Bytes>,
        expired: bool,
    },
    /// The leaves between the own log and the snapshot come.
    Leaves {
        manifest: Box<Manifest>,
        content: Content,
    },
    Live,
}

/// A snapshot that is being uploaded.
pub(crate) struct Upload {
    id: SnapshotId,
    chunks: Vec<Bytes>,
}

/// What a snapshot holds in the simulation: every entry its author's app has, and the newest of each device.
#[derive(Clone, Default)]
pub(crate) struct Content {
    state: Vec<(DeviceKey, u64)>,
    links: Vec<(DeviceKey, u64)>,
}

impl Content {
    fn encode(&self) -> Bytes {
        let mut bytes = BytesMut::new();
        bytes.put_u64(self.state.len() as u64);
        for (device, push_seq) in &self.state {
            bytes.put_slice(&device.0);
            bytes.put_u64(*push_seq);
        }
        for (device, push_seq) in &self.links {
            bytes.put_slice(&device.0);
            bytes.put_u64(*push_seq);
        }
        bytes.freeze()
    }

    fn decode(mut bytes: Bytes) -> Result<Self, String> {
        let short = |_| "snapshot_rejected: cut short".to_owned();
        let key = |bytes: &mut Bytes| {
            let mut key = [0; DeviceKey::BYTES];
            bytes.try_copy_to_slice(&mut key).map(|()| DeviceKey(key)).map_err(short)
        };
        let count = bytes.try_get_u64().map_err(short)?;
        let mut content = Self::default();
        for _ in 0..count {
            content.state.push((key(&mut bytes)?, bytes.try_get_u64().map_err(short)?));
        }
        while bytes.has_remaining() {
            let device = key(&mut bytes)?;
            content.links.push((device, bytes.try_get_u64().map_err(short)?));
        }
        Ok(content)
    }
}

impl Device {
    /// The log epoch is the relay's: a new device starts from a snapshot, others where they stand.
    pub(super) fn begin_reading(&mut self) {
        self.cover();
        let fresh = self.log.size() == 0 && self.log.verified.is_none_or(|claim| claim.size == 0);
        let Phase::Open(open) = &mut self.phase else { return };
        let claim = open.welcome.attestation.claim;
        if fresh && claim.size > 0 {
            self.ask_snapshot(claim.floor, false);
        } else {
            open.bootstrap = Bootstrap::Live;
            self.subscribe();
        }
    }

    /// What the welcome said about own entries that lie before a snapshot.
    fn cover(&mut self) {
        if let Phase::Open(open) = &self.phase {
            self.outbox.cover(open.welcome.push_seq_high, open.welcome.attestation.claim.size);
        }
    }

    fn ask_snapshot(&mut self, floor: u64, expired: bool) {
        if let Phase::Open(open) = &mut self.phase {
            open.bootstrap = Bootstrap::Asked { floor, expired };
            self.send(&SnapshotGet { snapshot: SnapshotId::ZERO, first_chunk: 0, chunks_max: u32::MAX });
        }
    }

    pub(super) fn on_cursor_expired(&mut self, expired: &CursorExpired) -> Result<(), String> {
        let claim = &expired.attestation.claim;
        if self.log.size() + 1 >= claim.floor {
            return Err(format!("false_cursor_expired: {} is not below the floor {}", self.log.size(), claim.floor));
        }
        self.ask_snapshot(claim.floor, true);
        Ok(())
    }

    pub(super) fn on_manifest(&mut self, manifest: Bytes, now_us: u64) -> Result<(), String> {
        let Phase::Open(open) = &mut self.phase else { return Ok(()) };
        let Bootstrap::Asked { floor, expired } = open.bootstrap else { return Ok(()) };
        let reaches = |manifest: &Manifest| manifest.fields().size + 1 >= floor;
        let held = (!manifest.is_empty()).then(|| Manifest::parse(manifest)).transpose();
        let held = held.map_err(|_| "snapshot_rejected: no manifest".to_owned())?;
        let allowed = |manifest: &Manifest| {
            self.roster.newest().is_some_and(|newest| {
                newest.device(&manifest.fields().device).is_some_and(|author| author.rights.may_write())
            })
        };
        let Some(manifest) = held.filter(|manifest| reaches(manifest) && allowed(manifest)) else {
            if floor <= 1 && !expired {
                open.bootstrap = Bootstrap::Live;
                self.subscribe();
            } else {
                self.retry_at_us = now_us + NO_SNAPSHOT_US;
                self.hangs_up = true;
            }
            return Ok(());
        };
        let fields = manifest.fields();
        if !manifest.verify() || fields.space != self.cast.id || fields.log_id != self.log_id {
            return Err("snapshot_rejected: not its author's, or of another log".to_owned());
        }
        let own = self.log.head_at(fields.log_epoch, fields.size);
        if own.is_some_and(|head| head != fields.head) {
            return Err(format!("fork: a snapshot with another head of size {}", fields.size));
        }
        open.bootstrap = Bootstrap::Chunks { manifest: Box::new(manifest), chunks: Vec::new(), expired };
        Ok(())
    }

    pub(super) fn on_chunk(&mut self, chunk: &SnapshotChunk) -> Result<(), String> {
        let Phase::Open(open) = &mut self.phase else { return Ok(()) };
        let Bootstrap::Chunks { manifest, chunks, expired } = &mut open.bootstrap else { return Ok(()) };
        if chunk.snapshot != manifest.id() || u64::from(chunk.index) != chunks.len() as u64 {
            return Err("protocol_violation: a chunk out of turn".to_owned());
        }
        chunks.push(chunk.chunk.clone());
        if Some(chunks.len()) != manifest.fields().chunk_count().and_then(|count| usize::try_from(count).ok()) {
            return Ok(());
        }
        let mut hasher = ChunksHasher::default();
        chunks.iter().for_each(|chunk| hasher.push(chunk));
        if hasher.finish() != manifest.fields().chunks_hash {
            return Err("snapshot_rejected: other chunks than its author sent".to_owned());
        }
        let content = Content::decode(Bytes::from(chunks.concat()))?;
        let (manifest, expired) = (manifest.clone(), *expired);
        if expired && self.log.size() > 0 {
            open.bootstrap = Bootstrap::Leaves { manifest, content };
            self.pull_leaves();
            return Ok(());
        }
        let fields = manifest.fields();
        self.log.start_from(fields.log_epoch, fields.size, fields.range.clone(), &self.resets)?;
        let size = fields.size;
        self.load(&manifest, content);
        self.outbox.skip(self.chains.get(&self.key).map_or(0, |link| link.push_seq), size);
        self.cover();
        Ok(())
    }

    fn pull_leaves(&mut self) {
        let Phase::Open(open) = &self.phase else { return };
        let Bootstrap::Leaves { manifest, .. } = &open.bootstrap else { return };
        let (first_seq, to) = (self.log.size() + 1, manifest.fields().size);
        let count = u32::try_from((to + 1).saturating_sub(first_seq)).unwrap_or(u32::MAX).clamp(1, 64);
        self.send(&PullLeaves { request: 1, first_seq, count });
    }

    /// Folds what was forgotten, and so proves that the log goes on from the own one.
    pub(super) fn on_leaves(&mut self, leaves: &Leaves) -> Result<(), String> {
        let Phase::Open(open) = &self.phase else { return Ok(()) };
        let Bootstrap::Leaves { manifest, content } = &open.bootstrap else { return Ok(()) };
        let (manifest, content) = (manifest.clone(), content.clone());
        let fields = manifest.fields();
        if leaves.leaves.is_empty() || leaves.first_seq != self.log.size() + 1 {
            return Err("history_withheld: leaves that must still be held".to_owned());
        }
        let own = self.own_leaves();
        for leaf in &leaves.leaves {
            if self.log.size() >= fields.size {
                break;
            }
            let seq = self.log.size() + 1;
            let push_seq = own.get(leaf).copied();
            self.outbox.reached_seq(seq, push_seq)?;
            self.told.push(super::Told::Folded { epoch: self.log.tree_epoch(), seq, leaf: *leaf });
            self.log.push(*leaf)?;
            if let Some(push_seq) = push_seq {
                self.outbox.found(push_seq, seq);
            }
        }
        if self.log.size() < fields.size {
            self.pull_leaves();
            return Ok(());
        }
        self.outbox.reached_size(self.log.size())?;
        if self.log.head_at(fields.log_epoch, fields.size) != Some(fields.head) {
            return Err(format!("fork: the author of a snapshot saw another head of size {}", fields.size));
        }
        self.load(&manifest, content);
        Ok(())
    }

    fn own_leaves(&self) -> BTreeMap<Hash, u64> {
        let own = (1..=self.outbox.len()).filter_map(|push_seq| Some((push_seq, self.outbox.get(push_seq)?)));
        own.map(|(push_seq, entry)| (entry_leaf(&self.key, push_seq, entry.key_epoch, &entry.id), push_seq)).collect()
    }

    /// The app takes the state of a snapshot; what it had beside it stays.
    fn load(&mut self, manifest: &Manifest, content: Content) {
        let fields = manifest.fields();
        let held: BTreeSet<_> = content.state.iter().copied().collect();
        let beside: Vec<_> = self.state.iter().copied().filter(|entry| !held.contains(entry)).collect();
        self.state = content.state;
        self.state.extend(beside);
        let before = std::mem::take(&mut self.chains);
        // Of a device that the author never saw, the app may have entries from before a log reset, which the device pushes again.
        let unseen = |link: &Link| Link { push_seq: 0, epoch: 0, ..*link };
        self.chains = before.iter().map(|(device, link)| (*device, unseen(link))).collect();
        for (device, push_seq) in content.links {
            let known = before.get(&device).map_or(0, |link| link.delivered);
            // After a log reset the author may know an entry of a device that the device has still to push again.
            let epoch = if fields.log_epoch == 1 { 1 } else { 0 };
            let link = Link { push_seq, epoch, delivered: push_seq.max(known) };
            self.chains.insert(device, link);
        }
        if fields.device != self.key {
            let (snapshot, key) = (manifest.id(), &self.cast.devices[self.index].0);
            let signature = sign_snapshot_ack(key, &self.cast.id, &snapshot);
            self.send(&SnapshotAck { snapshot, signature });
        }
        if let Phase::Open(open) = &mut self.phase {
            open.bootstrap = Bootstrap::Live;
        }
        self.subscribe();
    }

    /// Starts an upload when one is wished for and everything shown is read, compared and acked.
    pub(super) fn upload(&mut self) {
        let Phase::Open(open) = &mut self.phase else { return };
        let position = (self.log.epoch, self.log.size());
        let ready = open.is_live() && self.log.is_caught_up() && open.acked == Some(position);
        if !self.snapshot_due || !ready || open.upload.is_some() || !self.roster.confirmed {
            return;
        }
        self.snapshot_due = false;
        // What the app has of a device, also where the device has still to push it again: a reader's app gets it with the state.
        let newest = self.chains.iter().map(|(device, link)| (*device, link.push_seq.max(link.delivered)));
        let links = newest.filter(|(_, push_seq)| *push_seq > 0).collect();
        let bytes = Content { state: self.state.clone(), links }.encode();
        let chunk_bytes = CHUNK_BYTES_MIN;
        let chunks: Vec<Bytes> = bytes.chunks(chunk_bytes as usize).map(|chunk| bytes.slice_ref(chunk)).collect();
        let mut hasher = ChunksHasher::default();
        chunks.iter().for_each(|chunk| hasher.push(chunk));
        let fields = ManifestFields {
            suite: 1,
            space: self.cast.id,
            device: self.key,
            key_epoch: self.roster.key_epoch(),
            log_id: self.log_id,
            log_epoch: self.log.epoch,
            size: self.log.size(),
            head: self.log.head(),
            range: self.log.range(),
            total_bytes: bytes.len() as u64,
            chunk_bytes,
            chunks_hash: hasher.finish(),
            salt: sha256(&[&self.dice.roll().to_be_bytes()]).0,
            commitment: [1; 32],
            time_ms: 0,
        };
        let manifest = fields.sign(&self.cast.devices[self.index].0);
        open.upload = Some(Upload { id: manifest.id(), chunks });
        self.send(&SnapshotBegin { manifest: manifest.bytes().clone() });
    }

    pub(super) fn on_upload_status(&mut self, status: &SnapshotStatus) {
        let Phase::Open(open) = &mut self.phase else { return };
        let Some(upload) = open.upload.as_ref().filter(|upload| upload.id == status.snapshot) else { return };
        if status.state == SnapshotState::Stored {
            open.upload = None;
            return;
        }
        let snapshot = upload.id;
        let numbered = (0..).zip(&upload.chunks).skip(usize::try_from(status.next_chunk).unwrap_or(usize::MAX));
        let frames: Vec<SnapshotChunk> =
            numbered.map(|(index, chunk)| SnapshotChunk { snapshot, index, chunk: chunk.clone() }).collect();
        frames.iter().for_each(|frame| self.send(frame));
    }
}

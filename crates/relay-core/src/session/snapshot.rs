//! Snapshots: uploads in order, downloads chunk by chunk as there is room.

use super::handle::Answer;
use super::io::Io;
use super::open::OpenSession;
use super::requests::UnderWay;
use super::roster::Membership;
use crate::store::{SnapshotProgress, SpaceFacts, StoreError};
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::frame::{SnapshotAck, SnapshotChunk, SnapshotGet, SnapshotManifest, SnapshotState, SnapshotStatus};
use relay_proto::ids::SnapshotId;
use relay_proto::limits::CHUNKS_PER_STATUS;
use relay_proto::snapshot::{Manifest, verify_snapshot_ack};
use std::sync::Arc;

/// A download under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sending {
    snapshot: SnapshotId,
    next: u32,
    end: u32,
}

impl OpenSession {
    pub(super) fn start_snapshot_begin(&mut self, manifest: Bytes, io: &mut Io<'_>) {
        // The manifest claims no more than the ack before it, which may be held back.
        self.take_held_ack(io);
        match self.judge_manifest(&manifest, io) {
            Ok(snapshot) => {
                // The first status tells where to go on, so it is always sent.
                self.requests.under_way = Some(UnderWay::SnapshotUpload { snapshot, chunk: None });
                io.shared.store.snapshot_begin(self.space, manifest, io.completion(Answer::Progress));
            }
            Err(code) => io.error(code, 0),
        }
    }

    /// Form, limits, author and signature; what only the log can tell is the store's to judge.
    fn judge_manifest(&self, manifest: &Bytes, io: &Io<'_>) -> Result<SnapshotId, ErrorCode> {
        if !self.membership.may_write() {
            return Err(ErrorCode::ReadOnly);
        }
        if self.channel.is_sponsored() {
            return Err(ErrorCode::SnapshotTooLarge);
        }
        let manifest = Manifest::parse(manifest.clone()).map_err(|_| ErrorCode::SnapshotInvalid)?;
        let fields = manifest.fields();
        let log = io.shared.store.log();
        let named_right = fields.space == self.space
            && fields.device == self.device
            && fields.log_id == log.log_id
            && fields.log_epoch == log.log_epoch;
        if !named_right {
            return Err(ErrorCode::SnapshotInvalid);
        }
        if fields.total_bytes > io.shared.limits.snapshot_bytes_max {
            return Err(ErrorCode::SnapshotTooLarge);
        }
        if manifest.verify() { Ok(manifest.id()) } else { Err(ErrorCode::SnapshotInvalid) }
    }

    pub(super) fn start_snapshot_chunk(&mut self, chunk: SnapshotChunk, io: &mut Io<'_>) {
        if !self.membership.may_write() {
            io.error(ErrorCode::ReadOnly, u64::from(chunk.index));
            return;
        }
        self.requests.under_way = Some(UnderWay::SnapshotUpload { snapshot: chunk.snapshot, chunk: Some(chunk.index) });
        let done = io.completion(Answer::Progress);
        // A chunk waits in the store longer than its message should live in memory, so it is a copy of its own.
        let bytes = Bytes::copy_from_slice(&chunk.chunk);
        io.shared.store.snapshot_chunk(self.space, chunk.snapshot, chunk.index, bytes, done);
    }

    pub(super) fn on_snapshot_progress(
        &mut self,
        snapshot: SnapshotId,
        chunk: Option<u32>,
        progress: Result<SnapshotProgress, StoreError>,
        io: &mut Io<'_>,
    ) {
        let progress = match progress {
            Ok(progress) => progress,
            Err(error) => return io.store_error(&error, chunk.map_or(0, u64::from)),
        };
        if progress.stored && chunk.is_some() {
            io.shared.counters.snapshots_total.one();
        }
        let due = chunk.is_none() || progress.stored || progress.next_chunk.is_multiple_of(CHUNKS_PER_STATUS);
        if due {
            let state = if progress.stored { SnapshotState::Stored } else { SnapshotState::Wanted };
            io.send(&SnapshotStatus { snapshot, next_chunk: progress.next_chunk, state });
        }
    }

    pub(super) fn start_snapshot_get(&mut self, get: SnapshotGet, io: &mut Io<'_>) {
        let wanted = (!get.snapshot.is_zero()).then_some(get.snapshot);
        self.requests.under_way = Some(UnderWay::SnapshotGet(get));
        io.shared.store.snapshot_manifest(self.space, wanted, io.completion(Answer::Manifest));
    }

    pub(super) fn on_snapshot_manifest(
        &mut self,
        get: SnapshotGet,
        manifest: Result<Option<Bytes>, StoreError>,
        io: &mut Io<'_>,
    ) {
        let manifest = match manifest {
            Ok(Some(manifest)) => manifest,
            // "None" answers a wish for the newest; a snapshot that was named is unknown.
            Ok(None) if get.snapshot.is_zero() => {
                self.want_snapshot_above(0, io);
                return io.send(&SnapshotManifest { manifest: Bytes::new() });
            }
            Ok(None) => return io.error(ErrorCode::SnapshotUnknown, 0),
            Err(error) => return io.store_error(&error, 0),
        };
        io.send(&SnapshotManifest { manifest: manifest.clone() });
        let Ok(parsed) = Manifest::parse(manifest) else { return io.fatal(ErrorCode::Internal) };
        if get.snapshot.is_zero() {
            self.want_snapshot_above(parsed.fields().size, io);
        }
        let count = parsed.fields().chunk_count().unwrap_or(0);
        let end = get.first_chunk.saturating_add(get.chunks_max).min(count);
        self.send_next_chunk(Sending { snapshot: parsed.id(), next: get.first_chunk, end }, io);
    }

    /// Asks writers for a snapshot where the newest leaves a gap below the floor: what every device had was forgotten, and this one came later.
    fn want_snapshot_above(&self, size: u64, io: &Io<'_>) {
        let channel = Arc::clone(&self.channel);
        let told = move |facts: Result<Option<SpaceFacts>, StoreError>| {
            if let Ok(Some(facts)) = facts
                && size + 1 < facts.floor
            {
                channel.snapshot_is_due(facts.size);
            }
        };
        io.shared.store.space(self.space, Box::new(told));
    }

    fn send_next_chunk(&mut self, sending: Sending, io: &mut Io<'_>) {
        if sending.next < sending.end {
            self.requests.under_way = Some(UnderWay::SnapshotSending(sending));
            io.shared.store.snapshot_read(self.space, sending.snapshot, sending.next, io.completion(Answer::Chunk));
        }
    }

    pub(super) fn on_snapshot_chunk(&mut self, sending: Sending, chunk: Result<Bytes, StoreError>, io: &mut Io<'_>) {
        match chunk {
            Ok(chunk) => {
                io.send(&SnapshotChunk { snapshot: sending.snapshot, index: sending.next, chunk });
                self.send_next_chunk(Sending { next: sending.next + 1, ..sending }, io);
            }
            // A file that cannot be read is as good as not held: the client goes on without it.
            Err(StoreError::Damaged { .. }) => io.error(ErrorCode::SnapshotUnknown, u64::from(sending.next)),
            Err(error) => io.store_error(&error, u64::from(sending.next)),
        }
    }

    pub(super) fn start_snapshot_ack(&mut self, ack: Box<SnapshotAck>, io: &mut Io<'_>) {
        let is_device = self.membership != Membership::Root;
        if !is_device || !verify_snapshot_ack(&self.device, &self.space, &ack.snapshot, &ack.signature) {
            io.error(ErrorCode::AckInvalid, 0);
            return;
        }
        let snapshot = ack.snapshot;
        self.requests.under_way = Some(UnderWay::SnapshotAck(ack));
        io.shared.store.snapshot_manifest(self.space, Some(snapshot), io.completion(Answer::Manifest));
    }

    /// A snapshot is acked by a device that is not its author.
    pub(super) fn on_acked_manifest(
        &mut self,
        ack: &SnapshotAck,
        manifest: Result<Option<Bytes>, StoreError>,
        io: &mut Io<'_>,
    ) {
        let manifest = match manifest {
            Ok(Some(manifest)) => manifest,
            Ok(None) => return io.error(ErrorCode::SnapshotUnknown, 0),
            Err(error) => return io.store_error(&error, 0),
        };
        match Manifest::parse(manifest) {
            Ok(manifest) if manifest.fields().device != self.device => {
                self.requests.under_way = Some(UnderWay::SnapshotOpened);
                io.shared.store.snapshot_opened(self.space, ack.snapshot, self.device, io.completion(Answer::Opened));
            }
            Ok(_) => io.error(ErrorCode::AckInvalid, 0),
            Err(_) => io.fatal(ErrorCode::Internal),
        }
    }
}

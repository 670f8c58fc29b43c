//! Ephemeral frames of an open session: what it sends goes out at once, what it hears is taken when there is room.

use super::after_ms;
use super::io::Io;
use super::open::OpenSession;
use super::roster::Membership;
use crate::endpoint::{Fed, Feed, FeedKind, Moment};
use crate::hub::{EphemeralBatch, Sender, Slot, SpaceChannel};
use crate::limits::{
    EPHEMERAL_BURST_MS, EPHEMERAL_PIECE_BYTES_MAX, EPHEMERAL_RATE_BYTES_PER_FRAME, EPHEMERAL_REFUSAL_INTERVAL_MS,
    RETRY_AFTER_MS, RelayLimits,
};
use relay_proto::ErrorCode;
use relay_proto::frame::{EphemeralListen, EphemeralMissed, EphemeralSend, EphemeralView, ErrorFrame};
use relay_proto::limits::FEATURE_EPHEMERAL;
use std::sync::Arc;
use std::time::Duration;

/// What a session that uses ephemeral frames remembers of them.
#[derive(Debug, Default)]
pub(super) struct EphemeralState {
    /// While it listens.
    slot: Option<Slot>,
    /// Number of the space's next piece when this session last looked; `None`: it has not looked yet.
    seen: Option<u64>,
    /// Encoded frames of the read under way, handed to the space together.
    outgoing: Vec<u8>,
    outgoing_frames: u32,
    /// What the last such hand-over took: the next one will take about as much.
    outgoing_bytes_before: usize,
    /// Taken, but not sent before the roster was looked up.
    held: Option<EphemeralBatch>,
    /// When the frames, and the bytes, sent so far would be due at their rates.
    frames_due_at: Moment,
    bytes_due_at: Moment,
    refusal_told_at: Option<Moment>,
}

impl EphemeralState {
    /// Whether a frame is within the rates; counts it when it is.
    fn admit(&mut self, bytes: usize, frames_per_second: u32, now: Moment) -> bool {
        let frames_due_at = self.frames_due_at.max(now);
        let bytes_due_at = self.bytes_due_at.max(now);
        let burst_until = after_ms(now, EPHEMERAL_BURST_MS);
        if frames_due_at > burst_until || bytes_due_at > burst_until {
            return false;
        }
        let frames_per_second = u64::from(frames_per_second);
        self.frames_due_at = later(frames_due_at, 1, frames_per_second);
        self.bytes_due_at = later(bytes_due_at, bytes, frames_per_second * EPHEMERAL_RATE_BYTES_PER_FRAME);
        true
    }
}

/// A moment after so many at a rate.
fn later(moment: Moment, count: usize, per_second: u64) -> Moment {
    let nanos = u64::try_from(count).unwrap_or(u64::MAX).saturating_mul(1_000_000_000) / per_second.max(1);
    Moment(moment.0.saturating_add(Duration::from_nanos(nanos)))
}

/// The ephemeral frames of one session, for its transport.
struct EphemeralFeed {
    channel: Arc<SpaceChannel>,
    slot: Slot,
    session: u64,
}

impl Feed for EphemeralFeed {
    fn take(&self) -> Fed {
        self.channel.ephemeral().feed(self.slot, self.session, || self.channel.roster_changes())
    }
}

impl OpenSession {
    /// Whether the session may use a feature; tells the peer when it may not.
    pub(super) fn may_use(&self, feature: u64, io: &mut Io<'_>) -> bool {
        if self.features & feature == 0 {
            io.error(ErrorCode::UnexpectedFrame, 0);
        } else if self.membership == Membership::Root {
            // The root is no device, so nobody could tell who speaks.
            io.error(ErrorCode::ReadOnly, 0);
        } else {
            return true;
        }
        false
    }

    pub(super) fn on_ephemeral_listen(&mut self, listen: EphemeralListen, io: &mut Io<'_>) {
        if !self.may_use(FEATURE_EPHEMERAL, io) {
            return;
        }
        let ring = self.channel.ephemeral();
        let state = self.ephemeral.get_or_insert_default();
        if listen.listen && state.slot.is_none() {
            let slot = ring.listen(io.handle);
            (state.slot, state.seen) = (Some(slot), None);
            let feed = EphemeralFeed { channel: Arc::clone(&self.channel), slot, session: io.handle.id };
            if let Some(waker) = io.offer_feed(FeedKind::Ephemeral, Arc::new(feed)) {
                ring.wake_by(slot, waker);
            }
        } else if !listen.listen {
            state.slot.take().into_iter().for_each(|slot| ring.unlisten(slot));
            state.held = None;
        }
    }

    pub(super) fn on_ephemeral_send(&mut self, send: &EphemeralSend, io: &mut Io<'_>) {
        if !self.may_use(FEATURE_EPHEMERAL, io) {
            return;
        }
        let view = EphemeralView::of_frame(send);
        if self.add_ephemeral(view, io.now, &io.shared.limits) {
            return self.publish_ephemeral(io.handle.id);
        }
        io.shared.counters.ephemeral_refused_total.one();
        let state = self.ephemeral.get_or_insert_default();
        let told = state.refusal_told_at.map(|at| after_ms(at, EPHEMERAL_REFUSAL_INTERVAL_MS));
        if told.is_none_or(|again_at| io.now >= again_at) {
            state.refusal_told_at = Some(io.now);
            let code = ErrorCode::RateLimited;
            io.error_frame(code, ErrorFrame { retry_after_ms: RETRY_AFTER_MS, ..ErrorFrame::of(code) });
        }
    }

    /// Takes an ephemeral frame from where it was read; whatever else the message is, and whatever is to be said about it, is left
    /// to the way of all messages.
    pub(super) fn take_ephemeral(&mut self, message: &[u8], now: Moment, limits: &RelayLimits, session: u64) -> bool {
        let may =
            self.features & FEATURE_EPHEMERAL != 0 && self.membership != Membership::Root && self.exchange.is_none();
        let Some(view) = EphemeralView::of(message).filter(|_| may) else { return false };
        let taken = self.add_ephemeral(view, now, limits);
        let is_much = |state: &EphemeralState| state.outgoing.len() >= EPHEMERAL_PIECE_BYTES_MAX / 2;
        if taken && self.ephemeral.as_deref().is_some_and(is_much) {
            self.publish_ephemeral(session);
        }
        taken
    }

    /// Encodes a frame for everyone who listens; `false` when it came too fast.
    fn add_ephemeral(&mut self, view: EphemeralView<'_>, now: Moment, limits: &RelayLimits) -> bool {
        let state = self.ephemeral.get_or_insert_default();
        if !state.admit(view.sealed_bytes(), limits.ephemeral_frames_per_second_max, now) {
            return false;
        }
        if state.outgoing.is_empty() {
            state.outgoing.reserve_exact(state.outgoing_bytes_before.max(view.encoded_bytes_max()));
        }
        view.append(&self.device, &mut state.outgoing);
        state.outgoing_frames += 1;
        true
    }

    /// Hands what was encoded to the space.
    pub(super) fn publish_ephemeral(&mut self, session: u64) {
        let Some(state) = self.ephemeral.as_mut().filter(|state| state.outgoing_frames > 0) else { return };
        let mut outgoing = std::mem::take(&mut state.outgoing);
        state.outgoing_bytes_before = outgoing.len();
        let frames = std::mem::take(&mut state.outgoing_frames);
        self.channel.ephemeral().publish(Sender { session, slot: state.slot }, frames, &mut outgoing);
    }

    /// The session is over: what it said is still heard.
    pub(super) fn end_ephemeral(&mut self, session: u64) {
        self.publish_ephemeral(session);
        let slot = self.ephemeral.take().and_then(|state| state.slot);
        slot.into_iter().for_each(|slot| self.channel.ephemeral().unlisten(slot));
    }

    /// Sends what came for a listener; returns whether there was anything. What was taken while the roster changed waits until
    /// it is looked up, because it may have been sent after the change.
    pub(super) fn forward_ephemeral(&mut self, io: &mut Io<'_>) -> bool {
        let Some(state) = self.ephemeral.as_mut() else { return false };
        let Some(slot) = state.slot else { return false };
        let batch = match state.held.take() {
            Some(held) => held,
            None => {
                if state.seen.is_some_and(|seen| !self.channel.ephemeral().has_news(seen)) {
                    return false;
                }
                let batch = self.channel.ephemeral().take(slot, io.room_bytes(), self.roster.seen());
                state.seen = Some(batch.seen);
                if self.roster.is_looking(self.space, &self.channel, io) {
                    state.held = Some(batch);
                    return true;
                }
                batch
            }
        };
        if batch.missed > 0 {
            io.send(&EphemeralMissed { count: batch.missed });
        }
        for run in batch.run.into_iter().chain(batch.more) {
            io.send_run(run);
        }
        state.seen.is_some_and(|seen| self.channel.ephemeral().has_news(seen))
    }
}

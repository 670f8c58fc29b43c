//! Ephemeral frames of an open session: what it sends goes out at once, what it hears is taken when there is room.

use super::after_ms;
use super::io::Io;
use super::open::OpenSession;
use super::roster::Membership;
use crate::endpoint::Moment;
use crate::hub::{EphemeralBatch, shared};
use crate::limits::{
    EPHEMERAL_BURST_MS, EPHEMERAL_RATE_BYTES_PER_FRAME, EPHEMERAL_REFUSAL_INTERVAL_MS, RETRY_AFTER_MS,
};
use relay_proto::ErrorCode;
use relay_proto::frame::{EncodedFrame, Ephemeral, EphemeralListen, EphemeralMissed, EphemeralSend, ErrorFrame};
use relay_proto::limits::FEATURE_EPHEMERAL;
use std::time::Duration;

/// What a session that uses ephemeral frames remembers of them.
#[derive(Debug, Default)]
pub(super) struct EphemeralState {
    listening: bool,
    /// Number of the space's next frame when this session last looked; `None`: it has not looked yet.
    seen: Option<u64>,
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
        let state = self.ephemeral.get_or_insert_default();
        if listen.listen {
            self.channel.ephemeral().listen(io.handle);
        } else {
            self.channel.ephemeral().unlisten(io.handle.id);
            state.held = None;
        }
        (state.listening, state.seen) = (listen.listen, None);
    }

    pub(super) fn on_ephemeral_send(&mut self, send: EphemeralSend, io: &mut Io<'_>) {
        if !self.may_use(FEATURE_EPHEMERAL, io) {
            return;
        }
        let state = self.ephemeral.get_or_insert_default();
        if !state.admit(send.sealed.len(), io.shared.limits.ephemeral_frames_per_second_max, io.now) {
            io.shared.counters.ephemeral_refused_total.one();
            let told = state.refusal_told_at.map(|at| after_ms(at, EPHEMERAL_REFUSAL_INTERVAL_MS));
            if told.is_none_or(|again_at| io.now >= again_at) {
                state.refusal_told_at = Some(io.now);
                let code = ErrorCode::RateLimited;
                io.error_frame(code, ErrorFrame { retry_after_ms: RETRY_AFTER_MS, ..ErrorFrame::of(code) });
            }
            return;
        }
        io.shared.counters.ephemeral_frames_total.one();
        let frame = Ephemeral { device: self.device, key_epoch: send.key_epoch, sealed: send.sealed };
        self.channel.ephemeral().publish(io.handle.id, shared(EncodedFrame::of(&frame)));
    }

    /// Sends what came for a listener; returns whether there was anything. What was taken while the roster changed waits until
    /// it is looked up, because it may have been sent after the change.
    pub(super) fn forward_ephemeral(&mut self, io: &mut Io<'_>) -> bool {
        let Some(state) = self.ephemeral.as_mut().filter(|state| state.listening) else { return false };
        let batch = match state.held.take() {
            Some(held) => held,
            None => {
                if state.seen.is_some_and(|seen| !self.channel.ephemeral().has_news(seen)) {
                    return false;
                }
                let batch = self.channel.ephemeral().take(io.handle.id, io.room_bytes());
                state.seen = Some(batch.seen);
                if self.roster.is_looking(&self.channel, io) {
                    state.held = Some(batch);
                    return true;
                }
                batch
            }
        };
        if batch.missed > 0 {
            io.send(&EphemeralMissed { count: batch.missed });
        }
        if let Some(run) = batch.run {
            io.send_run(run);
        }
        for frame in batch.frames {
            io.send_shared(frame);
        }
        state.seen.is_some_and(|seen| self.channel.ephemeral().has_news(seen))
    }
}

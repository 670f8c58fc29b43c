//! What a session may touch while it runs: the relay, its own handle, the time, the outbox.

use super::handle::{Answer, SessionHandle};
use crate::endpoint::{Close, Feed, FeedKind, FeedWaker, Moment, Outbound, Outbox, SharedFrame, SharedRun};
use crate::hub::SpaceFull;
use crate::limits::RETRY_AFTER_MS;
use crate::relay::Shared;
use crate::store::{Completion, StoreError};
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::attestation::Attestation;
use relay_proto::frame::{ErrorFrame, Frame, Goaway};
use relay_proto::quota::Quota;
use relay_proto::wire::Reader;
use std::sync::Arc;

/// Normal closure (RFC 6455 7.4.1).
const CLOSE_DONE: u16 = 1000;

pub(super) struct Io<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) handle: &'a Arc<SessionHandle>,
    pub(super) now: Moment,
    out: &'a mut dyn Outbox,
    closed: bool,
}

impl<'a> Io<'a> {
    pub(super) fn new(
        shared: &'a Arc<Shared>,
        handle: &'a Arc<SessionHandle>,
        now: Moment,
        out: &'a mut dyn Outbox,
    ) -> Self {
        Self { shared, handle, now, out, closed: false }
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether more may be sent now.
    pub(super) fn has_room(&self) -> bool {
        !self.closed && self.out.room_bytes() > 0
    }

    /// How much more should be sent now, in bytes.
    pub(super) fn room_bytes(&self) -> usize {
        self.out.room_bytes()
    }

    pub(super) fn send(&mut self, frame: &impl Frame) {
        self.send_bytes(frame.encode());
    }

    pub(super) fn send_bytes(&mut self, frame: Bytes) {
        self.out.push(Outbound::Own(frame));
    }

    pub(super) fn send_shared(&mut self, frame: SharedFrame) {
        self.out.push(Outbound::Shared(frame));
    }

    pub(super) fn send_run(&mut self, run: SharedRun) {
        self.out.push_run(run);
    }

    pub(super) fn offer_feed(&mut self, kind: FeedKind, feed: Arc<dyn Feed>) -> Option<Arc<dyn FeedWaker>> {
        self.out.offer_feed(kind, feed)
    }

    pub(super) fn pause_reading(&mut self, paused: bool) {
        self.out.pause_reading(paused);
    }

    /// Sends an error of the registry; closes when the registry says so.
    pub(super) fn error(&mut self, code: ErrorCode, context: u64) {
        self.error_frame(code, ErrorFrame::about(code, context));
    }

    /// Sends an error with a retry hint or a detail.
    pub(super) fn error_frame(&mut self, code: ErrorCode, frame: ErrorFrame) {
        self.shared.counters.error(code);
        self.send(&frame);
        if code.close() != 0 {
            self.close(code.close(), code.name());
        }
    }

    /// Sends an error and closes, whatever the registry says of it.
    pub(super) fn fatal(&mut self, code: ErrorCode) {
        self.error(code, 0);
        self.close(ErrorCode::Overloaded.close(), code.name());
    }

    /// Sends an error with a retry hint or a detail and closes, whatever the registry says of it.
    pub(super) fn fatal_frame(&mut self, code: ErrorCode, frame: ErrorFrame) {
        self.error_frame(code, frame);
        self.close(ErrorCode::Overloaded.close(), code.name());
    }

    /// There is no place for one more session in the space, or in those of its tenant.
    pub(super) fn space_is_full(&mut self, full: &SpaceFull) {
        self.shared.counters.space_sessions_refused_total.one();
        if full.detail.quota == Quota::TenantConnections {
            self.shared.counters.tenant_sessions_refused_total.one();
        }
        let code = ErrorCode::TooManyConnections;
        let frame =
            ErrorFrame { retry_after_ms: RETRY_AFTER_MS, detail: full.detail.encode(), ..ErrorFrame::about(code, 0) };
        self.error_frame(code, frame);
    }

    /// Says when to come back.
    pub(super) fn goaway(&mut self) {
        let limits = &self.shared.limits;
        self.shared.counters.error(ErrorCode::Draining);
        self.send(&Goaway {
            reason: ErrorCode::Draining.number(),
            reconnect_after_ms: limits.drain_reconnect_after_ms,
            reconnect_spread_ms: limits.drain_reconnect_spread_ms,
        });
    }

    /// Closes after a goaway.
    pub(super) fn close_drained(&mut self) {
        self.close(ErrorCode::Draining.close(), ErrorCode::Draining.name());
    }

    /// Closes because everything was answered.
    pub(super) fn close_done(&mut self) {
        self.close(CLOSE_DONE, "done");
    }

    /// Closes after an error of a frame that cannot be read, which the registry lets pass elsewhere.
    pub(super) fn close_malformed(&mut self, code: ErrorCode) {
        self.close(ErrorCode::MalformedFrame.close(), code.name());
    }

    fn close(&mut self, code: u16, reason: &'static str) {
        if !self.closed {
            self.closed = true;
            self.out.close(Close { code, reason });
        }
    }

    /// An attestation of the store; without one that can be read the session ends.
    pub(super) fn attestation(&mut self, encoded: &Bytes) -> Option<Attestation> {
        let attestation = Attestation::read(&mut Reader::new(encoded)).ok();
        if attestation.is_none() {
            self.fatal(ErrorCode::Internal);
        }
        attestation
    }

    /// The same of a call that may have failed, which the peer is told about `context`.
    pub(super) fn attested(&mut self, attested: Result<Bytes, StoreError>, context: u64) -> Option<Attestation> {
        match attested {
            Ok(encoded) => self.attestation(&encoded),
            Err(error) => {
                self.store_error(&error, context);
                None
            }
        }
    }

    /// A completion that posts its result to this session.
    pub(super) fn completion<T: Send + 'static>(
        &self,
        answer: impl FnOnce(Result<T, StoreError>) -> Answer + Send + 'static,
    ) -> Completion<T> {
        let handle = Arc::clone(self.handle);
        Box::new(move |result| handle.post(answer(result)))
    }
}

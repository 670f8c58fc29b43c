//! What an endpoint answers, behind lengths, and what the first frame says of the status.

use bytes::{BufMut, Bytes, BytesMut};
use relay_core::endpoint::{Close, Outbound, Outbox};
use relay_core::measure::Outcome;
use relay_proto::ErrorCode;
use relay_proto::frame::{ErrorFrame, Frame};

/// Above this the endpoint waits until the answer was taken on.
const ROOM_BYTES: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(crate) struct FrameOutbox {
    bytes: BytesMut,
    /// Of the first frame, if that is an error: the status of the answer and when to try again.
    pub(crate) refusal: Option<Refused>,
    started: bool,
    pub(crate) closed: bool,
    pub(crate) reading_paused: bool,
}

/// An answer that begins with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) retry_after_ms: u32,
    pub(crate) outcome: Outcome,
}

impl Refused {
    pub(super) fn of(error: &ErrorFrame) -> Self {
        let code = ErrorCode::from_number(error.code);
        let status = code.map_or(500, |code| code.info().http);
        let outcome = code.map_or(Outcome::RelayError, Outcome::of_error);
        Self { status, retry_after_ms: error.retry_after_ms, outcome }
    }
}

impl FrameOutbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Everything so far.
    pub(crate) fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.bytes).freeze()
    }

    /// An error of the transport, after which nothing follows.
    pub(crate) fn fail(&mut self, code: ErrorCode) {
        if !self.closed {
            self.append(&ErrorFrame::of(code).encode());
            self.closed = true;
        }
    }

    /// Everything was taken on, and what follows is another answer.
    pub(crate) fn begin_again(&mut self) {
        self.started = false;
        self.refusal = None;
    }

    fn append(&mut self, frame: &[u8]) {
        if !std::mem::replace(&mut self.started, true) {
            self.refusal = refusal(frame);
        }
        self.bytes.reserve(frame.len() + 4);
        self.bytes.put_u32(u32::try_from(frame.len()).unwrap_or(u32::MAX));
        self.bytes.put_slice(frame);
    }
}

/// What an Error frame means for an answer that begins with it.
fn refusal(frame: &[u8]) -> Option<Refused> {
    let is_error = frame.first() == Some(&ErrorFrame::TYPE.number());
    let error = is_error.then(|| ErrorFrame::decode(&Bytes::copy_from_slice(frame)).ok()).flatten()?;
    Some(Refused::of(&error))
}

impl Outbox for FrameOutbox {
    fn room_bytes(&self) -> usize {
        if self.closed { 0 } else { ROOM_BYTES.saturating_sub(self.bytes.len()) }
    }

    fn push(&mut self, message: Outbound) {
        if self.closed {
            return;
        }
        match message {
            Outbound::Own(frame) => self.append(&frame),
            Outbound::Shared(frame) => self.append(frame.bytes.get(usize::from(frame.header_bytes)..).unwrap_or(&[])),
        }
    }

    fn close(&mut self, _: Close) {
        self.closed = true;
    }

    fn pause_reading(&mut self, paused: bool) {
        self.reading_paused = paused;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_fault_a_refusal_is_says_the_registry_and_not_the_status() {
        let refused = |code| refusal(&ErrorFrame::of(code).encode()).map(|refused| (refused.status, refused.outcome));
        assert_eq!(refused(ErrorCode::QuotaExceeded), Some((507, Outcome::ClientError)));
        assert_eq!(refused(ErrorCode::DiskFull), Some((507, Outcome::RelayError)));
        assert_eq!(refused(ErrorCode::SessionExpired), Some((401, Outcome::ClientError)));
        assert_eq!(refusal(b"\x11receipt"), None);
    }
}

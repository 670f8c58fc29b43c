//! One push request after the other, on the session of its token.

use super::super::endpoint_wake::EndpointWake;
use super::super::exchange::Front;
use super::super::frames::{FrameOutbox, FrameReader, bearer_token};
use super::answer::{self, Shape};
use super::request::PushRequest;
use crate::connection::session::{Panicked, Session};
use crate::connection::signal::Signal;
use crate::connection::timer::Timer;
use crate::connections::ConnectionGuard;
use crate::request_class::RequestClass;
use bytes::Bytes;
use relay_core::endpoint::{Endpoint, Moment, Opened, Outbox};
use relay_core::http::ExchangeOptions;
use relay_core::measure::Outcome;
use relay_proto::ErrorCode;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

pub(super) struct Pushing<'a> {
    front: &'a Arc<Front>,
    guard: &'a ConnectionGuard,
    open: Option<Open>,
    wake: Arc<EndpointWake>,
}

/// The session that the last request left open.
struct Open {
    /// The token as it came, in base64url.
    token: Vec<u8>,
    session: Session,
    out: FrameOutbox,
}

/// What a request came to.
pub(super) enum Pushed {
    Answer(Vec<u8>),
    /// Its body is not made of whole frames.
    Other,
    Aborted,
}

impl<'a> Pushing<'a> {
    pub(super) fn new(front: &'a Arc<Front>, guard: &'a ConnectionGuard) -> Self {
        Self { front, guard, open: None, wake: EndpointWake::new() }
    }

    /// Hands the request's pushes over and waits until all of them are answered.
    pub(super) async fn answer(
        &mut self,
        (held, timer): (&[u8], &mut Timer),
        request: &PushRequest,
        shape: Shape<'_>,
    ) -> Pushed {
        let token = held.get(request.token.0..request.token.1).unwrap_or_default();
        let body = held.get(request.body_from..request.bytes).unwrap_or_default();
        if !is_made_of_frames(body) {
            return Pushed::Other;
        }
        if shape.is_refused() {
            self.count_refusal(Outcome::ClientError);
            return Pushed::Answer(answer::too_fast(shape));
        }
        let begun = self.front.shared.clock.now();
        self.front.shared.stats.counters.frame_requests_total.add(1);
        let Some(mut open) = self.take_session(token) else {
            return Pushed::Other;
        };
        let mut rest = Bytes::copy_from_slice(body);
        let wait = Wait { front: self.front, signal: &self.guard.signal, wake: &self.wake };
        let ended = poll_fn(|cx| wait.poll_answered(&mut open, &mut rest, timer, cx)).await;
        if !ended {
            return Pushed::Aborted;
        }
        let refused = open.out.refusal.take();
        let took = self.front.shared.clock.now().0.saturating_sub(begun.0);
        match refused {
            Some(refused) => self.count_refusal(refused.outcome),
            None => self.front.shared.stats.answered(Some(RequestClass::Push), Outcome::Ok, took),
        }
        let answer = answer::bytes(&open.out.take(), refused, Shape { took, ..shape });
        if !open.out.closed {
            open.out.begin_again();
            self.open = Some(open);
        }
        Pushed::Answer(answer)
    }

    fn count_refusal(&self, outcome: Outcome) {
        let stats = &self.front.shared.stats;
        stats.counters.http_errors_total.add(1);
        // Only what ended well has a duration.
        stats.answered(Some(RequestClass::Push), outcome, Duration::ZERO);
    }

    fn take_session(&mut self, token: &[u8]) -> Option<Open> {
        if let Some(open) = self.open.take().filter(|open| open.token == token) {
            return Some(open);
        }
        self.wake.ask();
        let opened = Opened { connection_id: self.guard.id, waker: self.wake.waker() };
        let options = ExchangeOptions { wait_ms: 0, pushes_only: true };
        let decoded = bearer_token(token).unwrap_or_default();
        let now = self.front.shared.clock.now();
        let session = Session::open_with(|| self.front.http.open_exchange(&decoded, options, opened, now)).ok()?;
        Some(Open { token: token.to_vec(), session, out: FrameOutbox::default() })
    }
}

/// What a request waits on.
struct Wait<'a> {
    front: &'a Front,
    signal: &'a Signal,
    wake: &'a EndpointWake,
}

impl Wait<'_> {
    /// Ready once everything was answered; `false` when the connection is to be dropped.
    fn poll_answered(&self, open: &mut Open, rest: &mut Bytes, timer: &mut Timer, cx: &mut Context<'_>) -> Poll<bool> {
        self.wake.register(cx);
        self.signal.register(cx.waker());
        loop {
            if self.signal.requests().abort() {
                return Poll::Ready(false);
            }
            let now = self.front.shared.clock.now();
            let deadline = self.call(open, |endpoint, _| endpoint.next_deadline()).flatten();
            if self.wake.take() || deadline.is_some_and(|deadline| now >= deadline) {
                self.call(open, |endpoint, out| endpoint.poll(now, out));
            }
            self.hand_over(open, rest, now);
            let is_idle = self.call(open, |endpoint, _| endpoint.is_idle()).unwrap_or(true);
            if open.out.closed || (rest.is_empty() && is_idle) {
                return Poll::Ready(true);
            }
            let rang = deadline.map(|at| timer.poll_at(self.front.shared.clock.instant(at), cx));
            if rang.is_none_or(|rang| rang.is_pending()) {
                return Poll::Pending;
            }
        }
    }

    fn hand_over(&self, open: &mut Open, rest: &mut Bytes, now: Moment) {
        while !rest.is_empty() && !open.out.reading_paused && !open.out.closed {
            let frame_bytes_max = open.session.message_bytes_max();
            match FrameReader::default().next(rest, frame_bytes_max) {
                Ok(Some(frame)) => {
                    self.call(open, |endpoint, out| endpoint.on_message(frame, now, out));
                }
                Ok(None) => rest.clear(),
                Err(_) => open.out.fail(ErrorCode::FrameTooLarge),
            }
        }
    }

    fn call<T>(&self, open: &mut Open, body: impl FnOnce(&mut dyn Endpoint, &mut dyn Outbox) -> T) -> Option<T> {
        let out = &mut open.out;
        match open.session.call(|endpoint| body(endpoint, out)) {
            Ok(value) => Some(value),
            Err(Panicked) => {
                self.front.shared.stats.counters.endpoint_panics_total.add(1);
                open.out.fail(ErrorCode::Internal);
                None
            }
        }
    }
}

/// Frames of one request: the answers to more would not fit what an endpoint has room for, and the lane sends them at the end.
const FRAMES_MAX: usize = 64;

/// Whether a body is nothing but frames, each behind its length, at least one and not too many.
fn is_made_of_frames(mut body: &[u8]) -> bool {
    let mut frames = 0;
    while let Some((length, rest)) = body.split_first_chunk() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some(after) = rest.get(length..) else {
            return false;
        };
        body = after;
        frames += 1;
    }
    body.is_empty() && (1..=FRAMES_MAX).contains(&frames)
}

#[cfg(test)]
mod tests {
    use super::{FRAMES_MAX, is_made_of_frames};

    #[test]
    fn only_whole_frames_are_taken() {
        for (body, expected) in [
            (&[][..], false),
            (&[0, 0, 0, 0], true),
            (&[0, 0, 0, 1, 7], true),
            (&[0, 0, 0, 1, 7, 0, 0, 0, 2, 7, 7], true),
            (&[0, 0, 0, 1, 7, 0], false),
            (&[0, 0, 0, 2, 7], false),
            (&[255, 255, 255, 255, 7], false),
        ] {
            assert_eq!(is_made_of_frames(body), expected, "{body:?}");
        }
        let empty_frames = |count| vec![0; 4 * count];
        assert!(is_made_of_frames(&empty_frames(FRAMES_MAX)) && !is_made_of_frames(&empty_frames(FRAMES_MAX + 1)));
    }
}

//! The socket of a lane: what was read and not used, and the waits on the peer.

use super::Left;
use crate::clock::after_ms;
use crate::connection::{Shared, timer::Timer};
use crate::connections::ConnectionGuard;
use crate::scratch;
use crate::transport::Transport;
use bytes::Bytes;
use relay_core::endpoint::Moment;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(super) struct Reading<'a> {
    socket: Transport,
    held: Vec<u8>,
    /// The whole of a head and its body must be there by then.
    until: Moment,
    /// A request of this connection was answered.
    answered: bool,
    /// The relay drains, and the first request was given its last moment.
    hurried: bool,
    timer: Timer,
    shared: &'a Arc<Shared>,
}

/// What reading came to.
pub(super) enum Read {
    Some,
    End,
    Late,
    Aborted,
}

impl<'a> Reading<'a> {
    pub(super) fn new(socket: Transport, shared: &'a Arc<Shared>) -> Self {
        let until = after_ms(shared.clock.now(), shared.limits.http_header_timeout_ms);
        let timer = Timer::new(shared.clock.instant(until));
        Self { socket, held: Vec::new(), until, answered: false, hurried: false, timer, shared }
    }

    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    /// What was read, and the connection's timer.
    pub(super) fn parts(&mut self) -> (&[u8], &mut Timer) {
        (&self.held, &mut self.timer)
    }

    /// Whether a whole head is there, so that only its body is missing.
    pub(super) fn has_head(&self) -> bool {
        self.held.windows(4).any(|bytes| bytes == b"\r\n\r\n")
    }

    /// A request was answered; the next one has its own time.
    pub(super) fn used(&mut self, bytes: usize) {
        self.held.drain(..bytes.min(self.held.len()));
        if self.held.is_empty() {
            // A connection that rests holds no buffer.
            self.held = Vec::new();
        }
        self.until = after_ms(self.shared.clock.now(), self.shared.limits.http_header_timeout_ms);
        self.answered = true;
    }

    pub(super) fn into_other(self) -> Left {
        Left::Other(self.socket, Bytes::from(self.held))
    }

    pub(super) fn into_socket(self) -> Transport {
        self.socket
    }

    /// Reads once. Nothing read and a relay that drains is the end; who was never answered has a moment left to ask.
    pub(super) async fn more(&mut self, guard: &ConnectionGuard) -> Read {
        poll_fn(|cx| {
            guard.signal.register(cx.waker());
            let requests = guard.signal.requests();
            if requests.abort() {
                return Poll::Ready(Read::Aborted);
            }
            let ends = requests.drain() && self.held.is_empty();
            if ends && self.answered {
                return Poll::Ready(Read::End);
            }
            if ends && !self.hurried {
                self.hurried = true;
                self.until = self.until.min(after_ms(self.shared.clock.now(), self.shared.limits.drain_linger_ms));
            }
            match self.poll_read(cx) {
                Poll::Ready(Read::Late) if ends => Poll::Ready(Read::End),
                polled => polled,
            }
        })
        .await
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Read> {
        let (socket, held) = (&mut self.socket, &mut self.held);
        let read = scratch::with_read(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            let polled = Pin::new(socket).poll_read(cx, &mut buffer);
            held.extend_from_slice(buffer.filled());
            polled.map_ok(|()| buffer.filled().len())
        });
        match read {
            Poll::Ready(Ok(count)) if count > 0 => return Poll::Ready(Read::Some),
            Poll::Ready(_) => return Poll::Ready(Read::End),
            Poll::Pending => {}
        }
        loop {
            if self.shared.clock.now() >= self.until {
                return Poll::Ready(Read::Late);
            }
            ready!(self.timer.poll_at(self.shared.clock.instant(self.until), cx));
        }
    }

    /// Sends an answer; `false` when the peer does not take it, or is gone.
    pub(super) async fn send(&mut self, answer: Vec<u8>) -> bool {
        let mut sent = 0;
        let mut until = None;
        poll_fn(|cx| {
            while let Some(rest) = answer.get(sent..).filter(|rest| !rest.is_empty()) {
                match Pin::new(&mut self.socket).poll_write(cx, rest) {
                    Poll::Ready(Ok(count)) if count > 0 => {
                        sent += count;
                        until = None;
                    }
                    Poll::Ready(_) => return Poll::Ready(false),
                    Poll::Pending => return self.poll_stall(&mut until, cx),
                }
            }
            Poll::Ready(true)
        })
        .await
    }

    fn poll_stall(&mut self, until: &mut Option<Moment>, cx: &mut Context<'_>) -> Poll<bool> {
        let now = self.shared.clock.now();
        let until = *until.get_or_insert(after_ms(now, self.shared.limits.write_stall_timeout_ms));
        while self.shared.clock.now() < until {
            ready!(self.timer.poll_at(self.shared.clock.instant(until), cx));
        }
        self.shared.stats.counters.http_stalls_total.add(1);
        // What was not sent is of no use any more.
        self.socket.reset_on_drop();
        Poll::Ready(false)
    }
}

//! The end of a connection: drain, our close frame, the peer's half, lingering, and the abrupt ways.

use super::outbox::Feeds;
use super::{Connection, Phase, Turn};
use crate::clock::after_ms;
use crate::websocket::close;
use crate::websocket::frame::OpCode;
use relay_core::endpoint::Moment;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;

/// What follows once our close frame was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterClose {
    /// The peer's half of the close handshake is waited for.
    AwaitPeer,
    /// It came, or is not worth waiting for.
    Linger,
}

impl Connection {
    /// Tells the endpoint once that the relay drains; the close follows after a linger, so that answers under way arrive.
    pub(super) fn begin_drain(&mut self, now: Moment) {
        if self.drain_close_at.is_some() || self.phase != Phase::Open {
            return;
        }
        self.drain_close_at = Some(after_ms(now, self.shared.limits.drain_linger_ms).into());
        self.shared.stats.counters.drained_total.add(1);
        self.call(now, |endpoint, out| endpoint.on_drain(now, out));
    }

    pub(super) fn endpoint_panicked(&mut self, now: Moment) {
        self.shared.stats.counters.endpoint_panics_total.add(1);
        self.begin_close(now, Some(close::INTERNAL), "internal_error", AfterClose::AwaitPeer);
    }

    /// Queues our close frame and lets go of the endpoint and of what was half received.
    pub(super) fn begin_close(&mut self, now: Moment, code: Option<u16>, reason: &str, then: AfterClose) {
        if self.phase != Phase::Open {
            return;
        }
        self.queue.push_control(OpCode::Close, close::payload(code, reason));
        let limits = &self.shared.limits;
        let until = after_ms(now, limits.write_stall_timeout_ms.saturating_add(limits.close_timeout_ms));
        self.phase = Phase::Closing { await_peer: then == AfterClose::AwaitPeer, until: until.into() };
        self.session = None;
        self.feeds = Feeds::default();
        self.pong = None;
        if then == AfterClose::Linger {
            self.inbound.release();
        }
    }

    /// Once everything is sent: waits for the peer's half, then says that nothing follows, then lingers.
    pub(super) fn go_on_closing(&mut self, now: Moment, cx: &mut Context<'_>) -> Turn {
        let Phase::Closing { await_peer, until } = self.phase else {
            return Turn::Idle;
        };
        if !self.queue.is_empty() {
            return Turn::Idle;
        }
        let answer_by = after_ms(now, self.shared.limits.close_timeout_ms);
        if await_peer {
            self.phase = Phase::Closing { await_peer, until: until.min(answer_by.into()) };
            return Turn::Idle;
        }
        self.inbound.release();
        match Pin::new(&mut self.socket).poll_shutdown(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_)) => return Turn::Gone,
            // With TLS the end is a record too, and the socket may be full.
            Poll::Pending => return Turn::Idle,
        }
        self.phase = Phase::Lingering { until: answer_by.into(), discarded: 0 };
        Turn::Moved
    }

    /// The peer went without closing.
    pub(super) fn lost(&mut self) -> Turn {
        if self.phase == Phase::Open {
            self.shared.stats.counters.resets_total.add(1);
        }
        Turn::Gone
    }

    /// Lets the kernel forget what it holds for the peer as soon as the socket is dropped.
    pub(super) fn reset_on_drop(&self) {
        self.socket.reset_on_drop();
    }

    /// The peer's half of the close handshake came, or will not be understood.
    pub(super) fn stop_awaiting(&mut self) {
        if let Phase::Closing { await_peer, .. } = &mut self.phase {
            *await_peer = false;
        }
    }
}

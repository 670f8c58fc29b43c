//! The receiving side of the actor: from the socket through the decoder to the endpoint.

use super::closing::AfterClose;
use super::session::{Panicked, Session};
use super::{Connection, Phase, Turn};
use crate::limits::LINGER_BYTES_MAX;
use crate::scratch;
use crate::websocket::frame::OpCode;
use crate::websocket::{DecoderLimits, Event, Violation, close};
use bytes::Bytes;
use relay_core::endpoint::Moment;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};

/// Reads in one turn: mostly the second one only finds that there is nothing more, which costs no system call.
const READS_MAX: usize = 2;

impl Connection {
    /// Whether the peer's bytes are wanted now.
    pub(super) fn may_read(&self) -> bool {
        match self.phase {
            Phase::Open => !self.reading_paused && self.queue.room_bytes() > 0,
            Phase::Closing { await_peer, .. } => await_peer,
            Phase::Lingering { .. } => true,
        }
    }

    /// Reads what was kept back if there is any, else from the socket.
    pub(super) fn read(&mut self, now: Moment, cx: &mut Context<'_>) -> Turn {
        if !self.may_read() {
            return Turn::Idle;
        }
        if self.inbound.has_kept() {
            let (mut kept, from) = self.inbound.take_kept();
            let used = self.digest(kept.get_mut(from..).unwrap_or_default(), now);
            if self.may_keep() {
                self.inbound.keep_again(kept, from + used);
            }
            self.settle(used, now);
            return Turn::Moved;
        }
        scratch::with_read(|scratch| {
            for _ in 0..READS_MAX {
                let mut buffer = ReadBuf::new(scratch);
                let read = match Pin::new(&mut self.socket).poll_read(cx, &mut buffer) {
                    // What was read before is answered in this turn; what comes next wakes the task.
                    Poll::Pending => return Turn::Idle,
                    Poll::Ready(Err(_)) => self.lost(),
                    Poll::Ready(Ok(())) if buffer.filled().is_empty() => self.lost(),
                    Poll::Ready(Ok(())) => self.received(buffer.filled_mut(), now),
                };
                if read == Turn::Gone || !self.may_read() || self.inbound.has_kept() {
                    return read;
                }
            }
            Turn::Moved
        })
    }

    fn received(&mut self, bytes: &mut [u8], now: Moment) -> Turn {
        self.tally.bytes_in += bytes.len() as u64;
        self.heartbeat.received(now);
        if let Phase::Lingering { discarded, .. } = &mut self.phase {
            *discarded += bytes.len();
            return if *discarded > LINGER_BYTES_MAX { Turn::Gone } else { Turn::Moved };
        }
        let used = self.digest(bytes, now);
        if self.may_keep() {
            self.inbound.keep(bytes.get(used..).unwrap_or_default());
        }
        self.settle(bytes.len(), now);
        Turn::Moved
    }

    /// Decodes and hands over as long as the endpoint has room; returns how many bytes were used.
    fn digest(&mut self, bytes: &mut [u8], now: Moment) -> usize {
        let mut used = 0;
        let messages_before = self.tally.messages_in;
        while self.may_keep() && self.may_read() {
            let rest = bytes.get_mut(used..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let limits = self.decoder_limits();
            if let Some((message, consumed)) = self.inbound.decoder.whole_message(rest, limits) {
                used += consumed;
                self.whole_message(message, now);
                continue;
            }
            match self.inbound.decoder.decode(rest, limits) {
                Ok(step) => {
                    used += step.consumed;
                    if let Some(event) = step.event {
                        self.handle(event, now);
                    }
                }
                Err(violation) => self.violated(violation, now),
            }
        }
        if self.phase == Phase::Open && self.tally.messages_in != messages_before {
            self.call(now, |endpoint, out| endpoint.on_read_end(now, out));
        }
        used
    }

    /// What the next frame may be; the endpoint's part changes with its state, so with every message.
    fn decoder_limits(&self) -> DecoderLimits {
        let of_endpoint = self.session.as_ref().map_or(usize::MAX, Session::message_bytes_max);
        DecoderLimits {
            message_bytes_max: self.factory.message_bytes_max().min(of_endpoint),
            fragments_max: self.shared.limits.message_fragments_max,
            takes_text: self.factory.takes_text(),
        }
    }

    /// Whether what arrives still means something; afterwards it is thrown away.
    fn may_keep(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Closing { await_peer: true, .. })
    }

    /// Counts a message; whether the endpoint is there for it.
    fn begin_message(&mut self, now: Moment) -> bool {
        self.inbound.message_ended();
        let is_open = self.phase == Phase::Open;
        if is_open {
            self.tally.messages_in += 1;
            self.first_message_by = None;
            self.last_message = now.into();
        }
        is_open
    }

    /// Hands over a message that lies in the read buffer, as a copy when the endpoint wants to keep it.
    fn whole_message(&mut self, message: &[u8], now: Moment) {
        if !self.begin_message(now) {
            return;
        }
        match self.session.as_mut().map(|session| session.call(|endpoint| endpoint.take_in_place(message, now))) {
            Some(Ok(true)) => {}
            Some(Err(Panicked)) => self.endpoint_panicked(now),
            _ => {
                let message = Bytes::copy_from_slice(message);
                self.call(now, |endpoint, out| endpoint.on_message(message, now, out));
            }
        }
    }

    fn handle(&mut self, event: Event, now: Moment) {
        match event {
            Event::Message(message) => {
                if self.begin_message(now) {
                    self.call(now, |endpoint, out| endpoint.on_message(message, now, out));
                }
            }
            Event::Text(message) => {
                if self.begin_message(now) {
                    self.call(now, |endpoint, out| endpoint.on_text(message, now, out));
                }
            }
            Event::Ping(payload) => self.answer_ping(payload),
            Event::Pong => {}
            Event::Close(frame) => {
                if self.phase == Phase::Open {
                    self.shared.stats.counters.peer_closes_total.add(1);
                    self.begin_close(now, frame.code, "", AfterClose::Linger);
                }
                self.stop_awaiting();
            }
        }
    }

    /// Answers at once while there is room; under pressure only the latest ping is answered, as RFC 6455 5.5.3 allows.
    fn answer_ping(&mut self, payload: Bytes) {
        if self.phase == Phase::Open && self.queue.wants_more() {
            self.pong = None;
            self.queue.push_control(OpCode::Pong, payload);
        } else {
            self.pong = Some(Box::new(payload));
        }
    }

    fn violated(&mut self, violation: Violation, now: Moment) {
        if self.phase == Phase::Open {
            self.shared.stats.violation(violation);
            self.begin_close(now, Some(violation.close_code()), violation.name(), AfterClose::Linger);
        }
        self.stop_awaiting();
    }

    fn settle(&mut self, bytes: usize, now: Moment) {
        if self.may_keep() && !self.inbound.settle(bytes, now) {
            self.shared.stats.counters.partial_refused_total.add(1);
            self.begin_close(now, Some(close::TRY_AGAIN), "partial_bytes", AfterClose::Linger);
            self.stop_awaiting();
        }
    }
}

//! One dialed connection: its messages go to an endpoint, and the endpoint's to the other side while that takes them. Both
//! directions go on without each other, so that two relays that have much to say cannot wait for each other for ever.

use super::stream::{Gone, Socket, poll_flush, poll_message, poll_ready, send};
use crate::clock::{Clock, after_ms};
use atomic_waker::AtomicWaker;
use bytes::Bytes;
use relay_core::endpoint::{Close, Endpoint, EndpointFactory, Moment, Opened, Outbound, Outbox};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::time::{Sleep, sleep_until};
use tokio_websockets::{CloseCode, Message};

/// Bytes that wait to be written before the endpoint is asked for no more; one message may overshoot.
const WRITE_BYTES_MAX: usize = 256 * 1024;
/// Period of pings, in milliseconds.
const PING_MS: u64 = 20_000;
/// A connection that brings nothing for so long, not even an answer to a ping, is given up; in milliseconds.
const SILENCE_MS_MAX: u64 = 60_000;
/// The binary frames of a server begin so; others are text.
const BINARY_FRAME: u8 = 0x82;

#[derive(Default)]
struct Queue {
    messages: VecDeque<Message>,
    bytes: usize,
    close: Option<Close>,
    is_paused: bool,
}

impl Outbox for Queue {
    fn room_bytes(&self) -> usize {
        if self.close.is_some() { 0 } else { WRITE_BYTES_MAX.saturating_sub(self.bytes) }
    }

    fn push(&mut self, message: Outbound) {
        if self.close.is_some() {
            return;
        }
        let (is_text, bytes) = match message {
            Outbound::Own(bytes) => (false, bytes),
            Outbound::Shared(frame) => (frame.bytes.first() != Some(&BINARY_FRAME), frame.frame()),
        };
        self.bytes += bytes.len();
        self.messages.push_back(if is_text { Message::text(bytes) } else { Message::binary(bytes) });
    }

    fn close(&mut self, close: Close) {
        self.close.get_or_insert(close);
    }

    fn pause_reading(&mut self, paused: bool) {
        self.is_paused = paused;
    }
}

#[derive(Default)]
struct Woken {
    task: AtomicWaker,
    is_woken: AtomicBool,
}

pub(super) struct Connection {
    socket: Socket,
    endpoint: Box<dyn Endpoint>,
    queue: Queue,
    woken: Arc<Woken>,
    clock: Clock,
    heard_at: Moment,
    ping_at: Moment,
    timer: Pin<Box<Sleep>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A defect of an endpoint ends its connection alone.
        let _defect = catch_unwind(AssertUnwindSafe(|| self.endpoint.on_closed()));
    }
}

impl Connection {
    pub(super) fn open(socket: Socket, factory: &dyn EndpointFactory, clock: Clock) -> Self {
        let (now, woken) = (clock.now(), Arc::new(Woken::default()));
        woken.is_woken.store(true, Ordering::Relaxed);
        let waking = Arc::clone(&woken);
        let waker = Arc::new(move || {
            if !waking.is_woken.swap(true, Ordering::AcqRel) {
                waking.task.wake();
            }
        });
        let endpoint = factory.open(Opened { connection_id: 0, waker }, now);
        let ping_at = after_ms(now, PING_MS);
        let timer = Box::pin(sleep_until(clock.instant(ping_at)));
        Self { socket, endpoint, queue: Queue::default(), woken, clock, heard_at: now, ping_at, timer }
    }

    /// Until one side ends it.
    pub(super) async fn run(mut self) {
        poll_fn(|cx| catch_unwind(AssertUnwindSafe(|| self.poll(cx))).unwrap_or(Poll::Ready(()))).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.woken.task.register(cx.waker());
        loop {
            match self.turn(cx) {
                Err(Gone) => return Poll::Ready(()),
                Ok(true) => {}
                Ok(false) if self.wait(cx) => return Poll::Pending,
                Ok(false) => {}
            }
        }
    }

    /// Everything that can be done now; whether something was.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<bool, Gone> {
        let now = self.clock.now();
        if now >= after_ms(self.heard_at, SILENCE_MS_MAX) {
            return Err(Gone);
        }
        if now >= self.ping_at {
            self.ping_at = after_ms(now, PING_MS);
            self.queue.messages.push_back(Message::ping(Bytes::new()));
        }
        let was_full = self.queue.room_bytes() == 0;
        self.write(cx)?;
        let has_read = self.read(now, cx)?;
        let is_due = self.endpoint.next_deadline().is_some_and(|deadline| now >= deadline);
        let has_room = was_full && self.queue.room_bytes() > 0;
        if !(self.woken.is_woken.swap(false, Ordering::AcqRel) || is_due || has_room) {
            return Ok(has_read);
        }
        self.endpoint.poll(now, &mut self.queue);
        self.write(cx)?;
        Ok(true)
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), Gone> {
        while !self.queue.messages.is_empty() && is_ready(poll_ready(&mut self.socket, cx))? {
            let Some(message) = self.queue.messages.pop_front() else { break };
            self.queue.bytes = self.queue.bytes.saturating_sub(message.as_payload().len());
            send(&mut self.socket, message)?;
        }
        let is_flushed = is_ready(poll_flush(&mut self.socket, cx))?;
        if let Some(close) = self.queue.close.as_ref().filter(|_| is_flushed && self.queue.messages.is_empty()) {
            let _ = send(&mut self.socket, Message::close(CloseCode::try_from(close.code).ok(), close.reason));
            let _ = poll_flush(&mut self.socket, cx);
            return Err(Gone);
        }
        Ok(())
    }

    /// One message.
    fn read(&mut self, now: Moment, cx: &mut Context<'_>) -> Result<bool, Gone> {
        if self.queue.is_paused {
            return Ok(false);
        }
        let Poll::Ready(message) = poll_message(&mut self.socket, cx) else { return Ok(false) };
        let message = message?;
        self.heard_at = now;
        if message.is_close() {
            return Err(Gone);
        }
        let (is_text, is_binary) = (message.is_text(), message.is_binary());
        let bytes = Bytes::from(message.into_payload());
        if is_text {
            self.endpoint.on_text(bytes, now, &mut self.queue);
        } else if is_binary {
            self.endpoint.on_message(bytes, now, &mut self.queue);
        }
        self.endpoint.on_read_end(now, &mut self.queue);
        Ok(true)
    }

    /// Waits for the next deadline; `false` when it has come.
    fn wait(&mut self, cx: &mut Context<'_>) -> bool {
        let silent_at = after_ms(self.heard_at, SILENCE_MS_MAX);
        let deadlines = [Some(self.ping_at), Some(silent_at), self.endpoint.next_deadline()];
        let next = deadlines.into_iter().flatten().min().unwrap_or(self.ping_at);
        self.timer.as_mut().reset(self.clock.instant(next));
        self.timer.as_mut().poll(cx).is_pending()
    }
}

fn is_ready(polled: Poll<Result<(), Gone>>) -> Result<bool, Gone> {
    match polled {
        Poll::Ready(result) => result.map(|()| true),
        Poll::Pending => Ok(false),
    }
}

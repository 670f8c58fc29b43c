//! What a session by token does that one over a WebSocket does not: it waits for entries when it is asked to, and it ends
//! by itself once its input has ended and everything was answered, or its token has expired.

use super::after_ms;
use super::io::Io;
use super::open::OpenSession;
use super::requests::Request;
use crate::endpoint::Moment;
use crate::http::ExchangeOptions;
use crate::hub::{Live, Subscribed};
use crate::limits::LONG_POLL_MS_MAX;
use relay_proto::ErrorCode;
use relay_proto::frame::{ClientFrame, Ping, Pull};
use std::time::Duration;

/// What such a session remembers of the request that it is.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    token_until: Moment,
    /// A Pull that finds nothing waits until then.
    wait_until: Moment,
    pushes_only: bool,
    /// The client will send no more.
    pub(super) input_ended: bool,
    /// Acks the store has not answered.
    pub(super) acks: usize,
    waiting: Option<Pull>,
    /// When a subscription shows that it lives.
    beat_at: Option<Moment>,
}

impl Exchange {
    pub(super) fn new(options: ExchangeOptions, token_until: Moment, now: Moment) -> Self {
        Self {
            token_until,
            wait_until: after_ms(now, options.wait_ms.min(LONG_POLL_MS_MAX)),
            pushes_only: options.pushes_only,
            input_ended: false,
            acks: 0,
            waiting: None,
            beat_at: None,
        }
    }

    fn next_deadline(&self, subscribed: bool) -> Moment {
        let waiting = self.waiting.map(|_| self.wait_until);
        let beat = self.beat_at.filter(|_| subscribed);
        [waiting, beat].into_iter().flatten().fold(self.token_until, Moment::min)
    }
}

impl OpenSession {
    /// The session says what it owes and ends: its handshake was a request of its own.
    pub(super) fn end_after_answers(&mut self, now: Moment) {
        let mut exchange = Exchange::new(ExchangeOptions::default(), Moment(Duration::MAX), now);
        exchange.input_ended = true;
        self.exchange = Some(Box::new(exchange));
    }

    pub(super) fn exchange_deadline(&self) -> Option<Moment> {
        self.exchange.as_ref().map(|exchange| exchange.next_deadline(self.subscription.is_some()))
    }

    /// Why a frame is not taken from a session by token.
    pub(super) fn exchange_fault(&self, frame: &ClientFrame, io: &Io<'_>) -> Option<ErrorCode> {
        let exchange = self.exchange.as_ref()?;
        if io.now >= exchange.token_until {
            return Some(ErrorCode::SessionExpired);
        }
        let is_push = matches!(frame, ClientFrame::Push(_));
        (exchange.pushes_only && !is_push).then_some(ErrorCode::UnexpectedFrame)
    }

    /// Keeps a Pull that found nothing for later, if it may wait; the channel is asked after the subscription, so that nothing is missed.
    pub(super) fn hold_pull(&mut self, pull: Pull, io: &Io<'_>) -> bool {
        let Some(exchange) = self.exchange.as_mut().filter(|exchange| io.now < exchange.wait_until) else {
            return false;
        };
        exchange.waiting = Some(pull);
        if self.subscription.is_none() {
            self.channel.subscribe(io.handle, Subscribed::default());
        }
        true
    }

    /// Does what is due, before anything else is looked at.
    pub(super) fn work_on_exchange(&mut self, io: &mut Io<'_>) {
        let Some(exchange) = self.exchange.as_mut() else { return };
        let news = |pull: &Pull| !matches!(self.channel.live_after(pull.after, None), Live::Nothing);
        if let Some(pull) = exchange.waiting.take_if(|pull| io.now >= exchange.wait_until || news(pull)) {
            // Asked again, it does not wait again.
            exchange.wait_until = io.now;
            self.requests.add(Request::Pull(pull));
            if self.subscription.is_none() {
                self.channel.unsubscribe(io.handle);
            }
        }
        let Some(exchange) = self.exchange.as_mut() else { return };
        if self.subscription.is_some() {
            let beat_at = *exchange.beat_at.get_or_insert(after_ms(io.now, u64::from(io.shared.limits.heartbeat_ms)));
            if io.now >= beat_at {
                exchange.beat_at = None;
                self.requests.add(Request::Ping(Ping { nonce: 0 }));
            }
        }
    }

    /// Whether everything that was asked is answered.
    pub(super) fn owes_nothing(&self) -> bool {
        self.pushes.count == 0
            && self.requests.are_done()
            && self.exchange.as_ref().is_none_or(|exchange| exchange.acks == 0)
            && !self.subscription_is_reading()
            && !self.roster_is_owed()
    }

    /// Ends a session that has nothing more to say.
    pub(super) fn end_exchange(&mut self, io: &mut Io<'_>) {
        let Some(exchange) = self.exchange.as_ref().filter(|_| !io.is_closed()) else { return };
        let answered = self.owes_nothing();
        if answered && io.now >= exchange.token_until {
            io.error(ErrorCode::SessionExpired, 0);
        } else if answered && exchange.input_ended && exchange.waiting.is_none() && self.subscription.is_none() {
            io.close_done();
        }
    }
}

//! The live subscription: a cursor that chases the head.
//!
//! It takes frames from the hub while its next seq is kept there, and pages of the log otherwise; the client sees no
//! difference. At the start it reads the log until there is no more, because the hub knows only what was announced since.

use super::acks::notice;
use super::handle::Answer;
use super::io::Io;
use super::open::OpenSession;
use super::pull::{cursor_expired, send_page};
use super::requests::UnderWay;
use crate::hub::Live;
use crate::limits::{READ_PAGE_ENTRIES, SUBSCRIPTION_PAGE_BYTES};
use crate::store::{Page, ReadOutcome, SignedAck, StoreError};
use relay_proto::ErrorCode;
use relay_proto::frame::Subscribe;
use relay_proto::ids::DeviceKey;

#[derive(Debug)]
pub(super) struct Subscription {
    cursor: u64,
    omit_own_of: Option<DeviceKey>,
    /// A page is being read.
    reading: bool,
    /// The log was read up to what was its end then; what came later is announced.
    reached_end: bool,
}

impl OpenSession {
    pub(super) fn start_subscribe(&mut self, subscribe: Subscribe, io: &mut Io<'_>) {
        self.end_subscription(io);
        if self.epoch_is_present(subscribe.log_epoch, 0, io) {
            self.requests.under_way = Some(UnderWay::Subscribe(subscribe));
            io.shared.store.acks(self.space, io.completion(Answer::Acks));
        }
    }

    pub(super) fn on_subscribe_acks(
        &mut self,
        subscribe: Subscribe,
        acks: Result<Vec<SignedAck>, StoreError>,
        io: &mut Io<'_>,
    ) {
        match acks {
            Ok(acks) => acks.iter().for_each(|ack| io.send_shared(notice(ack))),
            Err(error) => return io.store_error(&error, 0),
        }
        let omit_own_of = subscribe.omit_own.then_some(self.device);
        self.channel.subscribe(io.handle, omit_own_of);
        let subscription = Subscription { cursor: subscribe.after, omit_own_of, reading: false, reached_end: false };
        self.subscription = Some(Box::new(subscription));
    }

    fn end_subscription(&mut self, io: &Io<'_>) {
        if self.subscription.take().is_some() {
            self.channel.unsubscribe(io.handle);
        }
    }

    pub(super) fn subscription_is_reading(&self) -> bool {
        self.subscription.as_ref().is_some_and(|subscription| subscription.reading)
    }

    /// Sends what comes next, or asks the log for it; returns whether there may be more to do now.
    pub(super) fn live(&mut self, io: &mut Io<'_>) -> bool {
        let Some(subscription) = self.subscription.as_mut().filter(|subscription| !subscription.reading) else {
            return false;
        };
        let live = if subscription.reached_end {
            self.channel.live_after(subscription.cursor, subscription.omit_own_of)
        } else {
            Live::InLog
        };
        match live {
            Live::Nothing => false,
            // The frame was taken before the roster is looked at: it may be of after the change.
            Live::Frame { .. } | Live::Run { .. } if self.roster.is_looking(&self.channel, io) => true,
            Live::Frame { frame, last_seq, is_newest } => {
                io.shared.counters.entries_live_total.add(last_seq - subscription.cursor);
                subscription.cursor = last_seq;
                io.send_shared(frame);
                !is_newest
            }
            Live::Run { run, last_seq, is_newest } => {
                io.shared.counters.entries_live_total.add(last_seq - subscription.cursor);
                subscription.cursor = last_seq;
                io.send_run(run);
                !is_newest
            }
            Live::InLog => {
                if subscription.reached_end {
                    io.shared.counters.subscribers_lagged_total.one();
                }
                subscription.reached_end = false;
                subscription.reading = true;
                let done = io.completion(Answer::SubscriptionRead);
                io.shared.store.read(self.space, subscription.cursor, READ_PAGE_ENTRIES, SUBSCRIPTION_PAGE_BYTES, done);
                true
            }
        }
    }

    pub(super) fn on_subscription_read(&mut self, read: Result<ReadOutcome, StoreError>, io: &mut Io<'_>) {
        let Some(subscription) = self.subscription.as_mut() else { return };
        subscription.reading = false;
        match read {
            Ok(ReadOutcome::Page(page)) => advance(subscription, &page, io),
            Ok(ReadOutcome::BelowFloor { attestation }) => {
                cursor_expired(0, &attestation, io);
                self.end_subscription(io);
            }
            Ok(ReadOutcome::Ahead) => {
                io.error(ErrorCode::CursorAhead, 0);
                self.end_subscription(io);
            }
            Err(error) => {
                io.store_error(&error, 0);
                self.end_subscription(io);
            }
        }
    }
}

fn advance(subscription: &mut Subscription, page: &Page, io: &mut Io<'_>) {
    subscription.reached_end = !page.more;
    if !page.entries.is_empty() {
        subscription.cursor = send_page(page, 0, subscription.omit_own_of, usize::MAX, io);
    } else if page.more {
        // More, but nothing above the cursor: such a log would be read for ever.
        io.fatal(ErrorCode::Internal);
    }
}

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
use crate::endpoint::{Fed, Feed, FeedKind, FeedWaker};
use crate::hub::{Live, SpaceChannel, Subscribed, Subscriber};
use crate::limits::{READ_PAGE_ENTRIES, SUBSCRIPTION_PAGE_BYTES};
use crate::store::{Page, ReadOutcome, SignedAck, StoreError};
use relay_proto::ErrorCode;
use relay_proto::frame::Subscribe;
use relay_proto::ids::DeviceKey;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Shared by the session and its transport, which never run at a time: the numbers are atomic only to say so to the compiler.
pub(super) struct Subscription {
    channel: Arc<SpaceChannel>,
    device: DeviceKey,
    /// Set when the transport takes the feed.
    feed_waker: OnceLock<Arc<dyn FeedWaker>>,
    /// Woken and not looked since: who does not take what it is sent is not woken again.
    announced: AtomicBool,
    omit_own_of: Option<Arc<DeviceKey>>,
    cursor: AtomicU64,
    /// A page is being read.
    reading: AtomicBool,
    /// What is being read was announced, so there is some of it.
    expects_some: AtomicBool,
    /// The log was read up to what was its end then; what came later is announced.
    reached_end: AtomicBool,
    /// Roster changes that the session had looked into when it last went on; [`NOT_SEEN`]: none yet.
    roster_seen: AtomicU64,
}

const NOT_SEEN: u64 = u64::MAX;

impl Subscription {
    fn new(channel: Arc<SpaceChannel>, device: DeviceKey, after: u64, omit_own_of: Option<Arc<DeviceKey>>) -> Self {
        Self {
            channel,
            device,
            feed_waker: OnceLock::new(),
            announced: AtomicBool::new(false),
            omit_own_of,
            cursor: AtomicU64::new(after),
            reading: AtomicBool::new(false),
            expects_some: AtomicBool::new(false),
            reached_end: AtomicBool::new(false),
            roster_seen: AtomicU64::new(NOT_SEEN),
        }
    }

    /// What comes next of what the hub keeps.
    fn next_live(&self) -> Live {
        // Before it looks, so that whatever is not seen now is announced.
        self.announced.swap(false, Ordering::AcqRel);
        if self.reached_end.load(Ordering::Relaxed) {
            self.channel.live_after(self.cursor.load(Ordering::Relaxed), self.omits())
        } else {
            Live::InLog
        }
    }

    fn omits(&self) -> Option<DeviceKey> {
        self.omit_own_of.as_deref().copied()
    }

    /// Everything up to a seq leaves, from memory.
    fn passed(&self, last_seq: u64) {
        let before = self.cursor.swap(last_seq, Ordering::Relaxed);
        self.channel.count_live(last_seq.saturating_sub(before));
    }
}

impl Subscriber for Subscription {
    fn announce(&self) {
        if !self.announced.swap(true, Ordering::AcqRel)
            && let Some(waker) = self.feed_waker.get()
        {
            Arc::clone(waker).wake();
        }
    }

    fn position(&self) -> (DeviceKey, u64) {
        (self.device, self.cursor.load(Ordering::Relaxed))
    }
}

impl Feed for Subscription {
    fn take(&self) -> Fed {
        let (run, last_seq, is_newest) = match self.next_live() {
            Live::Nothing => return Fed::Nothing,
            Live::InLog => return Fed::AskEndpoint,
            Live::Frame { frame, last_seq, is_newest } => (frame.into(), last_seq, is_newest),
            Live::Run { run, last_seq, is_newest } => (run, last_seq, is_newest),
        };
        // Looked at after the frame was taken: it may be of after a change.
        if self.channel.roster_changes() != self.roster_seen.load(Ordering::Relaxed) {
            return Fed::AskEndpoint;
        }
        self.passed(last_seq);
        Fed::Run { run, more: !is_newest }
    }
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
        let omit_own_of = subscribe.omit_own.then(|| Arc::new(self.device));
        let channel = Arc::clone(&self.channel);
        let subscription = Arc::new(Subscription::new(channel, self.device, subscribe.after, omit_own_of.clone()));
        let feed_waker = io.offer_feed(FeedKind::Entries, Arc::clone(&subscription) as Arc<dyn Feed>);
        let subscriber = feed_waker.map(|waker| {
            subscription.feed_waker.get_or_init(|| waker);
            Arc::clone(&subscription) as Arc<dyn Subscriber>
        });
        self.channel.subscribe(io.handle, Subscribed { omit_own_of, subscriber });
        self.subscription = Some(subscription);
    }

    fn end_subscription(&mut self, io: &Io<'_>) {
        if let Some(subscription) = self.subscription.take() {
            // The transport may still have it.
            subscription.reached_end.store(false, Ordering::Relaxed);
            self.channel.unsubscribe(io.handle);
        }
    }

    pub(super) fn subscription_is_reading(&self) -> bool {
        self.subscription.as_ref().is_some_and(|subscription| subscription.reading.load(Ordering::Relaxed))
    }

    /// Sends what comes next, or asks the log for it; returns whether there may be more to do now.
    pub(super) fn forward_entries(&mut self, io: &mut Io<'_>) -> bool {
        let Some(subscription) = self.subscription.as_ref() else { return false };
        if subscription.reading.load(Ordering::Relaxed) {
            return false;
        }
        let live = subscription.next_live();
        // The frame was taken before the roster is looked at: it may be of after the change.
        let looking = self.roster.is_looking(self.space, &self.channel, io);
        if let Some(seen) = self.roster.seen() {
            subscription.roster_seen.store(seen, Ordering::Relaxed);
        }
        match live {
            Live::Nothing => false,
            Live::Frame { .. } | Live::Run { .. } if looking => true,
            Live::Frame { frame, last_seq, is_newest } => {
                subscription.passed(last_seq);
                io.send_shared(frame);
                !is_newest
            }
            Live::Run { run, last_seq, is_newest } => {
                subscription.passed(last_seq);
                io.send_run(run);
                !is_newest
            }
            Live::InLog => {
                if subscription.reached_end.swap(false, Ordering::Relaxed) {
                    io.shared.counters.subscribers_lagged_total.one();
                }
                subscription.reading.store(true, Ordering::Relaxed);
                let done = io.completion(Answer::SubscriptionRead);
                let cursor = subscription.cursor.load(Ordering::Relaxed);
                subscription.expects_some.store(subscription.channel.head() > cursor, Ordering::Relaxed);
                io.shared.store.read(self.space, cursor, READ_PAGE_ENTRIES, SUBSCRIPTION_PAGE_BYTES, done);
                true
            }
        }
    }

    pub(super) fn on_subscription_read(&mut self, read: Result<ReadOutcome, StoreError>, io: &mut Io<'_>) {
        let Some(subscription) = self.subscription.as_ref() else { return };
        subscription.reading.store(false, Ordering::Relaxed);
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

fn advance(subscription: &Subscription, page: &Page, io: &mut Io<'_>) {
    subscription.reached_end.store(!page.more, Ordering::Relaxed);
    if !page.entries.is_empty() {
        let cursor = send_page(page, 0, subscription.omits(), usize::MAX, io);
        subscription.cursor.store(cursor, Ordering::Relaxed);
    } else if page.more || subscription.expects_some.load(Ordering::Relaxed) {
        // More, or announced, but nothing above the cursor: such a log would be read for ever.
        io.fatal(ErrorCode::Internal);
    }
}

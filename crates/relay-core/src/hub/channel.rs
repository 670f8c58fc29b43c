//! One active space.

use super::encode::{PageEncoding, encode_page};
use super::ephemeral::EphemeralRing;
use super::readers::ReaderPosition;
use super::ring::{LiveFrame, Ring};
use super::topics::SpaceTopics;
use crate::counters::Counters;
use crate::endpoint::{Moment, SharedFrame, SharedRun};
use crate::gcra::{Cell, Rate, Verdict};
use crate::limits::{ACK_NOTICES_MAX, RelayLimits, SPONSORED_QUOTA, SPONSORED_SESSIONS_MAX};
use crate::quota::Meter;
use crate::session::SessionHandle;
use crate::store::{SpaceCommit, StoredEntry};
use crate::tenants::Tenant;
use bytes::Bytes;
use relay_proto::attestation::Attestation;
use relay_proto::ids::{DeviceKey, Hash, SpaceId};
use relay_proto::quota::{Quota, QuotaDetail};
use relay_proto::wire::Reader;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The newest ack of a device, encoded once.
#[derive(Clone, Debug)]
pub(crate) struct AckNews {
    /// The session it came from, which is not told.
    pub(crate) session: u64,
    /// (log epoch, size), which only grow.
    pub(crate) position: (u64, u64),
    /// The AckNotice.
    pub(crate) frame: SharedFrame,
}

/// What comes after a subscriber's cursor.
#[derive(Debug)]
pub(crate) enum Live {
    /// The next frame, the seq it ends with, and whether nothing follows it yet.
    Frame { frame: SharedFrame, last_seq: u64, is_newest: bool },
    /// The next frames joined, the same way.
    Run { run: SharedRun, last_seq: u64, is_newest: bool },
    /// Something that is not kept here; it is in the log.
    InLog,
    /// Nothing that this channel knows of.
    Nothing,
}

/// What all channels share.
pub(crate) struct Common {
    pub(super) limits: RelayLimits,
    pub(super) counters: Arc<Counters>,
}

/// Up to this many sessions the list of a space grows by one place at a time: most spaces have one or two.
const MEMBERS_GROWN_BY_ONE_MAX: usize = 8;

/// One active space: its sessions and what just happened. All of it is bounded by named limits. There is one for each space with
/// a session, so what few spaces use is made when it is used first.
pub(crate) struct SpaceChannel {
    common: Arc<Common>,
    /// Counts that every session compares with its own whenever it runs; written under the lock.
    roster_changes: AtomicU64,
    ack_count: AtomicU64,
    snapshot_due: AtomicU64,
    ephemeral: OnceLock<Box<EphemeralRing>>,
    topics: OnceLock<Box<SpaceTopics>>,
    meter: Meter,
    /// On whose account the space is.
    tenant: Option<Arc<Tenant>>,
    is_sponsored: bool,
    pushes: Mutex<Cell>,
    /// What the sessions are told once the space is gone.
    erased: OnceLock<Box<Bytes>>,
    state: Mutex<ChannelState>,
}

/// One session of the space.
struct Member {
    session: Arc<SessionHandle>,
    subscription: Option<Subscribed>,
}

/// What a session wants of the entries.
#[derive(Clone, Default)]
pub(crate) struct Subscribed {
    /// The device whose own bodies it does not want.
    pub(crate) omit_own_of: Option<Arc<DeviceKey>>,
    /// Who is told of news; without one the session is woken.
    pub(crate) subscriber: Option<Arc<dyn Subscriber>>,
}

/// Who follows the entries of a space.
pub(crate) trait Subscriber: Send + Sync {
    /// There are new ones.
    fn announce(&self);
    /// Who it is, and up to which seq it was sent everything.
    fn position(&self) -> (DeviceKey, u64);
}

#[derive(Default)]
struct ChannelState {
    members: Vec<Member>,
    /// Members with a subscription.
    subscribers: usize,
    /// The newest seq announced since the channel exists (0: none).
    head: u64,
    ring: Ring,
    roster_frame: Option<Box<((Hash, Hash), SharedFrame)>>,
    acks: BTreeMap<DeviceKey, (u64, AckNews)>,
}

impl SpaceChannel {
    pub(super) fn new(common: Arc<Common>, tenant: Option<Arc<Tenant>>, is_sponsored: bool) -> Self {
        let quota = common.limits.space_quota;
        Self {
            ephemeral: OnceLock::new(),
            topics: OnceLock::new(),
            meter: Meter::new(if is_sponsored { quota.and(SPONSORED_QUOTA) } else { quota }),
            tenant,
            is_sponsored,
            pushes: Mutex::default(),
            common,
            roster_changes: AtomicU64::new(0),
            ack_count: AtomicU64::new(0),
            snapshot_due: AtomicU64::new(0),
            erased: OnceLock::new(),
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, ChannelState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ephemeral frames under way.
    pub(crate) fn ephemeral(&self) -> &EphemeralRing {
        self.ephemeral.get_or_init(|| {
            let Common { limits, counters } = &*self.common;
            Box::new(EphemeralRing::new(Arc::clone(counters), limits.live_bytes_max))
        })
    }

    /// How much the space holds.
    pub(crate) const fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The tenant on whose account it is.
    pub(crate) const fn tenant(&self) -> Option<&Arc<Tenant>> {
        self.tenant.as_ref()
    }

    /// Whether it is one of `sponsored.rs`, where only the log is for use.
    pub(crate) const fn is_sponsored(&self) -> bool {
        self.is_sponsored
    }

    /// Admits one push of any session, or says when; a space that nobody is connected to starts anew.
    pub(crate) fn admit_push(&self, rate: Rate, now: Moment) -> Verdict {
        self.pushes.lock().unwrap_or_else(PoisonError::into_inner).admit(rate, now)
    }

    /// The space's topics.
    pub(crate) fn topics(&self) -> &SpaceTopics {
        self.topics.get_or_init(|| {
            let Common { limits, counters } = &*self.common;
            Box::new(SpaceTopics::new(Arc::clone(counters), limits.live_bytes_max))
        })
    }

    /// Adds a session, or says which quota has no place for it.
    pub(super) fn join(&self, session: Arc<SessionHandle>) -> Result<(), QuotaDetail> {
        let sessions_max = self.common.limits.space_sessions_max;
        let own_max = if self.is_sponsored { SPONSORED_SESSIONS_MAX } else { u32::MAX };
        let allowed = u64::from(sessions_max.min(own_max));
        let mut state = self.lock();
        if state.members.len() >= usize::try_from(allowed).unwrap_or(usize::MAX) {
            return Err(QuotaDetail { quota: Quota::SpaceConnections, used: allowed, allowed, needed: 1 });
        }
        self.tenant.as_ref().map_or(Ok(()), |tenant| tenant.take_seat())?;
        if state.members.len() < MEMBERS_GROWN_BY_ONE_MAX {
            state.members.reserve_exact(1);
        }
        state.members.push(Member { session, subscription: None });
        Ok(())
    }

    /// Removes a session; returns how many are left.
    pub(super) fn leave(&self, session: &SessionHandle) -> usize {
        let mut state = self.lock();
        state.set_subscription(session, None);
        let before = state.members.len();
        state.members.retain(|member| member.session.id != session.id);
        if let Some(tenant) = &self.tenant {
            tenant.give_back_seats(before - state.members.len());
        }
        if state.subscribers == 0 {
            self.drop_ring(&mut state);
        }
        state.members.len()
    }

    /// How many sessions are open.
    pub(super) fn sessions(&self) -> usize {
        self.lock().members.len()
    }

    /// Those who subscribe over a WebSocket; `size` is the length of the log where it is known better than here.
    pub(super) fn readers(&self, space: SpaceId, size: Option<u64>) -> Vec<ReaderPosition> {
        let state = self.lock();
        let size = size.unwrap_or(0).max(state.head);
        let subscribers = state.members.iter().filter_map(|member| member.subscription.as_ref()?.subscriber.as_ref());
        let positions = subscribers.map(|subscriber| subscriber.position());
        let lag = |cursor| size.saturating_sub(cursor);
        positions.map(|(device, cursor)| ReaderPosition { lag: lag(cursor), cursor, space, device }).collect()
    }

    /// Starts to keep commits for a session.
    pub(crate) fn subscribe(&self, session: &SessionHandle, subscribed: Subscribed) {
        self.lock().set_subscription(session, Some(subscribed));
    }

    /// Keeps no more for a session.
    pub(crate) fn unsubscribe(&self, session: &SessionHandle) {
        let mut state = self.lock();
        state.set_subscription(session, None);
        if state.subscribers == 0 {
            self.drop_ring(&mut state);
        }
    }

    /// Entries became durable: encodes them once and wakes the subscribers.
    pub(super) fn committed(&self, commit: &SpaceCommit) {
        self.meter.committed(commit);
        let mut state = self.lock();
        if state.subscribers == 0 {
            state.head = last_seq(commit);
            return;
        }
        let frames = self.encode(&state, commit);
        let before = state.ring.bytes();
        if state.head + 1 != commit.first_seq {
            state.ring.clear();
        }
        state.head = last_seq(commit);
        for frame in frames {
            state.ring.push(frame, self.common.limits.live_space_bytes_max);
        }
        self.count_ring(before, state.ring.bytes());
        if self.is_over_limit() {
            self.drop_ring(&mut state);
        }
        state.wake_subscribers();
    }

    fn encode(&self, state: &ChannelState, commit: &SpaceCommit) -> Vec<LiveFrame> {
        let Ok(attestation) = Attestation::read(&mut Reader::new(&commit.attestation)) else {
            return Vec::new();
        };
        let encode = |omit_own_of| {
            let page = PageEncoding { request: 0, first_seq: commit.first_seq, omit_own_of, attestation: &attestation };
            encode_page(&page, &commit.entries)
        };
        let mut frames: Vec<LiveFrame> = encode(None)
            .into_iter()
            .map(|run| LiveFrame {
                first_seq: run.first_seq,
                last_seq: run.last_seq,
                frame: run.frame,
                own: Vec::new(),
            })
            .collect();
        // The frames are cut by the sizes of the sealed bytes in both forms, so they pair up.
        for author in state.authors_omitting(&commit.entries) {
            for (frame, own) in frames.iter_mut().zip(encode(Some(author))) {
                frame.own.push((author, own.frame));
            }
        }
        frames
    }

    fn drop_ring(&self, state: &mut ChannelState) {
        self.count_ring(state.ring.bytes(), 0);
        state.ring.clear();
    }

    /// Whether all spaces together keep more than they may.
    fn is_over_limit(&self) -> bool {
        usize::try_from(self.common.counters.live_bytes.get()).unwrap_or(usize::MAX) > self.common.limits.live_bytes_max
    }

    fn count_ring(&self, before: usize, after: usize) {
        self.common.counters.live_bytes.add_len(after);
        self.common.counters.live_bytes.sub_len(before);
    }

    /// Keeps nothing of what was committed: subscribers read the log, which says what is below the floor.
    pub(super) fn forget_live(&self) {
        let mut state = self.lock();
        self.drop_ring(&mut state);
        state.wake_subscribers();
    }

    /// The space is gone: nothing of it is kept, and every session is told.
    pub(super) fn erase(&self, notice: Bytes) {
        let mut state = self.lock();
        // A space goes once; a channel does not outlive it.
        let _once = self.erased.set(Box::new(notice));
        self.drop_ring(&mut state);
        state.acks.clear();
        state.roster_frame = None;
        state.wake(|_| true);
    }

    /// What to tell a session when the space is gone.
    pub(crate) fn erased(&self) -> Option<Bytes> {
        self.erased.get().map(|notice| Bytes::clone(notice))
    }

    /// Entries left for a subscriber, from memory.
    pub(crate) fn count_live(&self, entries: u64) {
        self.common.counters.entries_live_total.add(entries);
    }

    /// seq of the newest entry that was announced here; 0 before the first.
    pub(crate) fn head(&self) -> u64 {
        self.lock().head
    }

    /// What comes after a cursor, in the form for a subscriber that omits the bodies of `omit_own_of`.
    pub(crate) fn live_after(&self, cursor: u64, omit_own_of: Option<DeviceKey>) -> Live {
        let mut state = self.lock();
        let head = state.head;
        if cursor >= head {
            return Live::Nothing;
        }
        match state.ring.after(cursor).map(|live| (live.last_seq, live)) {
            None => Live::InLog,
            Some((last_seq, live)) if last_seq == head => {
                Live::Frame { frame: live.form_for(omit_own_of), last_seq, is_newest: true }
            }
            Some((last_seq, live)) => {
                let frame = live.form_for(omit_own_of);
                let before = state.ring.bytes();
                let run = state.ring.run_after(cursor, omit_own_of);
                self.count_ring(before, state.ring.bytes());
                if self.is_over_limit() {
                    // What was joined is sent and not kept.
                    let joined = state.ring.bytes();
                    state.ring.forget_runs();
                    self.count_ring(joined, state.ring.bytes());
                }
                match run {
                    Some(run) => Live::Run { run: run.frames, last_seq: run.end, is_newest: run.end == head },
                    None => Live::Frame { frame, last_seq, is_newest: false },
                }
            }
        }
    }

    /// The roster changed: every session looks it up.
    pub(super) fn roster_changed(&self) {
        let mut state = self.lock();
        self.roster_changes.fetch_add(1, Ordering::AcqRel);
        state.roster_frame = None;
        state.wake(|_| true);
    }

    /// How many roster changes were announced.
    pub(crate) fn roster_changes(&self) -> u64 {
        self.roster_changes.load(Ordering::Acquire)
    }

    /// The RosterUpdate from one roster hash to another, encoded by whoever needs it first.
    pub(crate) fn roster_frame(&self, hashes: (Hash, Hash), encode: impl FnOnce() -> SharedFrame) -> SharedFrame {
        if let Some((held, frame)) = self.lock().roster_frame.as_deref()
            && *held == hashes
        {
            return frame.clone();
        }
        let frame = encode();
        self.lock().roster_frame = Some(Box::new((hashes, frame.clone())));
        frame
    }

    /// Keeps an ack for the other sessions when it is newer than the one before.
    pub(crate) fn ack(&self, device: DeviceKey, news: AckNews) {
        let mut state = self.lock();
        let older = state.acks.get(&device).is_some_and(|(_, held)| held.position >= news.position);
        if older {
            return;
        }
        if !state.acks.contains_key(&device) && state.acks.len() >= ACK_NOTICES_MAX {
            // As many as a roster has are kept, so one of them left: the one not heard of for longest gives way.
            let oldest = state.acks.iter().min_by_key(|(_, (count, _))| *count).map(|(device, _)| *device);
            oldest.and_then(|oldest| state.acks.remove(&oldest));
        }
        let count = self.ack_count.fetch_add(1, Ordering::AcqRel) + 1;
        let from = news.session;
        state.acks.insert(device, (count, news));
        state.wake(|member| member.session.id != from);
    }

    /// The acks after the `seen`-th, for a session, and how many there were so far.
    pub(crate) fn acks_after(&self, seen: u64, session: &SessionHandle) -> (u64, Vec<SharedFrame>) {
        if seen == self.ack_count.load(Ordering::Acquire) {
            return (seen, Vec::new());
        }
        let state = self.lock();
        let newest = self.ack_count.load(Ordering::Acquire);
        let news = state.acks.values().filter(|(count, news)| *count > seen && news.session != session.id);
        (newest, news.map(|(_, news)| news.frame.clone()).collect())
    }

    /// Writers should make a snapshot that covers the log at this size.
    pub(crate) fn snapshot_is_due(&self, size: u64) {
        if self.snapshot_due.swap(size, Ordering::AcqRel) != size {
            self.lock().wake(|_| true);
        }
    }

    /// The size of the newest such wish (0: none).
    pub(crate) fn snapshot_due(&self) -> u64 {
        self.snapshot_due.load(Ordering::Acquire)
    }
}

impl ChannelState {
    fn wake(&self, which: impl Fn(&Member) -> bool) {
        self.members.iter().filter(|member| which(member)).for_each(|member| member.session.wake());
    }

    fn wake_subscribers(&self) {
        for Member { session, subscription } in &self.members {
            match subscription {
                Some(Subscribed { subscriber: Some(subscriber), .. }) => subscriber.announce(),
                Some(Subscribed { subscriber: None, .. }) => session.wake(),
                None => {}
            }
        }
    }

    fn set_subscription(&mut self, session: &SessionHandle, subscription: Option<Subscribed>) {
        if let Some(member) = self.members.iter_mut().find(|member| member.session.id == session.id) {
            self.subscribers += usize::from(subscription.is_some());
            self.subscribers -= usize::from(member.subscription.is_some());
            member.subscription = subscription;
        }
    }

    fn authors_omitting(&self, entries: &[StoredEntry]) -> BTreeSet<DeviceKey> {
        let authors: BTreeSet<DeviceKey> = entries.iter().map(|entry| entry.device).collect();
        let omitting =
            self.members.iter().filter_map(|member| member.subscription.as_ref()?.omit_own_of.as_deref().copied());
        omitting.filter(|device| authors.contains(device)).collect()
    }
}

impl Drop for SpaceChannel {
    fn drop(&mut self) {
        let bytes = self.lock().ring.bytes();
        self.common.counters.live_bytes.sub_len(bytes);
    }
}

fn last_seq(commit: &SpaceCommit) -> u64 {
    commit.first_seq + u64::try_from(commit.entries.len()).unwrap_or(u64::MAX) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Opened;

    #[test]
    fn what_is_joined_for_a_subscriber_is_not_kept_above_the_limit_of_all_spaces() {
        let live = |live_bytes_max| {
            let counters = Arc::<Counters>::default();
            let limits = RelayLimits { live_bytes_max, ..RelayLimits::default() };
            let channel = SpaceChannel::new(Arc::new(Common { limits, counters: Arc::clone(&counters) }), None, false);
            let mut state = channel.lock();
            for seq in 1..=3 {
                let frame = SharedFrame { bytes: Bytes::from_static(&[0; 100]), header_bytes: 2 };
                let own = Vec::new();
                state.ring.push(LiveFrame { first_seq: seq, last_seq: seq, frame, own }, usize::MAX);
            }
            state.head = 3;
            drop(state);
            channel.count_ring(0, 300);
            let sent = channel.live_after(0, None);
            assert!(matches!(sent, Live::Run { last_seq: 3, is_newest: true, .. }), "{sent:?}");
            counters.live_bytes.get()
        };
        assert_eq!((live(1000), live(500)), (600, 300));
    }

    #[test]
    fn a_space_that_only_has_sessions_is_small() {
        let bytes = std::mem::size_of::<SpaceChannel>();
        assert!(bytes <= 208, "{bytes} bytes per active space");
    }

    #[test]
    fn more_devices_than_a_roster_has_push_out_the_one_that_was_silent_for_longest() {
        let common = Common { limits: RelayLimits::default(), counters: Arc::default() };
        let channel = SpaceChannel::new(Arc::new(common), None, false);
        let opened = Opened { connection_id: 1, waker: Arc::new(|| {}) };
        let session = SessionHandle::new(opened.connection_id, opened.waker);
        let all = u16::try_from(ACK_NOTICES_MAX).unwrap() + 1;
        for n in 0..all {
            let mut device = DeviceKey([0; 32]);
            device.0[..2].copy_from_slice(&n.to_be_bytes());
            let frame = SharedFrame { bytes: Bytes::copy_from_slice(&n.to_be_bytes()), header_bytes: 0 };
            channel.ack(device, AckNews { session: 2, position: (1, 1), frame });
        }
        let (count, frames) = channel.acks_after(0, &session);
        assert_eq!((count, frames.len()), (u64::from(all), ACK_NOTICES_MAX));
        let held = |n: u16| frames.iter().any(|frame| frame.bytes[..] == n.to_be_bytes());
        assert!(held(all - 1) && !held(0));
    }
}

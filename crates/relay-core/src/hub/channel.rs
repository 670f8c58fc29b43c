//! One active space.

use super::acks::{AckNews, NewestAcks};
use super::ephemeral::EphemeralRing;
use super::live::{Live, LiveEntries};
use super::members::{Members, Subscribed};
use super::readers::ReaderPosition;
use super::topics::SpaceTopics;
use crate::counters::Counters;
use crate::endpoint::{Moment, SharedFrame};
use crate::gcra::{Cell, Rate, Verdict};
use crate::limits::{RelayLimits, SPONSORED_QUOTA, SPONSORED_SESSIONS_MAX};
use crate::quota::Meter;
use crate::session::SessionHandle;
use crate::store::SpaceCommit;
use crate::tenants::Tenant;
use bytes::Bytes;
use relay_proto::ids::{DeviceKey, Hash, SpaceId};
use relay_proto::quota::{Quota, QuotaDetail};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// What all channels share.
pub(crate) struct Common {
    pub(super) limits: RelayLimits,
    pub(super) counters: Arc<Counters>,
}

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

#[derive(Default)]
struct ChannelState {
    members: Members,
    live: LiveEntries,
    roster_frame: Option<Box<((Hash, Hash), SharedFrame)>>,
    acks: NewestAcks,
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
        state.members.add(session);
        Ok(())
    }

    /// Removes a session; returns how many are left.
    pub(super) fn leave(&self, session: &SessionHandle) -> usize {
        let mut state = self.lock();
        let was_there = state.members.remove(session);
        if let Some(tenant) = &self.tenant {
            tenant.give_back_seats(usize::from(was_there));
        }
        state.drop_unfollowed(&self.common);
        state.members.len()
    }

    /// How many sessions are open.
    pub(super) fn sessions(&self) -> usize {
        self.lock().members.len()
    }

    /// Those who subscribe over a WebSocket; `size` is the length of the log where it is known better than here.
    pub(super) fn readers(&self, space: SpaceId, size: Option<u64>) -> Vec<ReaderPosition> {
        let state = self.lock();
        let size = size.unwrap_or(0).max(state.live.head());
        let positions = state.members.subscribers().map(|subscriber| subscriber.position());
        let lag = |cursor| size.saturating_sub(cursor);
        positions.map(|(device, cursor)| ReaderPosition { lag: lag(cursor), cursor, space, device }).collect()
    }

    /// Starts to keep commits for a session.
    pub(crate) fn subscribe(&self, session: &SessionHandle, subscribed: Subscribed) {
        self.lock().members.set_subscription(session, Some(subscribed));
    }

    /// Keeps no more for a session.
    pub(crate) fn unsubscribe(&self, session: &SessionHandle) {
        let mut state = self.lock();
        state.members.set_subscription(session, None);
        state.drop_unfollowed(&self.common);
    }

    /// Entries became durable: encodes them once and wakes the subscribers.
    pub(super) fn committed(&self, commit: &SpaceCommit) {
        self.meter.committed(commit);
        let mut state = self.lock();
        if !state.members.any_subscribed() {
            return state.live.pass(commit);
        }
        let omitting = state.members.authors_omitting(&commit.entries);
        state.live.append(commit, &omitting, &self.common);
        state.members.wake_subscribed();
    }

    /// Keeps nothing of what was committed: subscribers read the log, which says what is below the floor.
    pub(super) fn forget_live(&self) {
        let mut state = self.lock();
        state.live.clear(&self.common);
        state.members.wake_subscribed();
    }

    /// The space is gone: nothing of it is kept, and every session is told.
    pub(super) fn erase(&self, notice: Bytes) {
        let mut state = self.lock();
        // A space goes once; a channel does not outlive it.
        let _once = self.erased.set(Box::new(notice));
        state.live.clear(&self.common);
        state.acks.clear();
        state.roster_frame = None;
        state.members.wake_all();
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
        self.lock().live.head()
    }

    /// What comes after a cursor, in the form for a subscriber that omits the bodies of `omit_own_of`.
    pub(crate) fn live_after(&self, cursor: u64, omit_own_of: Option<DeviceKey>) -> Live {
        self.lock().live.after(cursor, omit_own_of, &self.common)
    }

    /// The roster changed: every session looks it up.
    pub(super) fn roster_changed(&self) {
        let mut state = self.lock();
        self.roster_changes.fetch_add(1, Ordering::AcqRel);
        state.roster_frame = None;
        state.members.wake_all();
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
        if !state.acks.is_news(device, &news) {
            return;
        }
        let number = self.ack_count.fetch_add(1, Ordering::AcqRel) + 1;
        let from = news.session;
        state.acks.keep(device, number, news);
        state.members.wake_others(from);
    }

    /// The acks after the `seen`-th, for a session, and how many there were so far.
    pub(crate) fn acks_after(&self, seen: u64, session: &SessionHandle) -> (u64, Vec<SharedFrame>) {
        if seen == self.ack_count.load(Ordering::Acquire) {
            return (seen, Vec::new());
        }
        let state = self.lock();
        let newest = self.ack_count.load(Ordering::Acquire);
        (newest, state.acks.after(seen, session.id))
    }

    /// Writers should make a snapshot that covers the log at this size.
    pub(crate) fn snapshot_is_due(&self, size: u64) {
        if self.snapshot_due.swap(size, Ordering::AcqRel) != size {
            self.lock().members.wake_all();
        }
    }

    /// The size of the newest such wish (0: none).
    pub(crate) fn snapshot_due(&self) -> u64 {
        self.snapshot_due.load(Ordering::Acquire)
    }
}

impl ChannelState {
    /// Keeps no entries that nobody follows.
    fn drop_unfollowed(&mut self, common: &Common) {
        if !self.members.any_subscribed() {
            self.live.clear(common);
        }
    }
}

impl Drop for SpaceChannel {
    fn drop(&mut self) {
        self.lock().live.clear(&self.common);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_that_only_has_sessions_is_small() {
        let bytes = std::mem::size_of::<SpaceChannel>();
        assert!(bytes <= 208, "{bytes} bytes per active space");
    }
}

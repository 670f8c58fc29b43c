//! Fan-out: which spaces have sessions, and what just happened in them.
//!
//! The hub keeps state, not queues: the newest commits of a space encoded once, the newest ack of each device, a count of
//! roster changes. A session has cursors into that state and is woken when it moved; so a slow session costs no memory, and
//! one that fell behind what is kept reads the log instead and loses nothing.

mod acks;
mod channel;
mod encode;
mod ephemeral;
mod erased;
mod live;
mod mailbox;
mod members;
mod readers;
mod ring;
mod runs;
mod topics;

pub(crate) use acks::AckNews;
use channel::Common;
pub(crate) use channel::SpaceChannel;
pub(crate) use encode::{PageEncoding, encode_page};
pub(crate) use ephemeral::{EphemeralBatch, Sender, Slot};
pub use erased::ErasedSpaces;
pub(crate) use live::Live;
pub(crate) use mailbox::Mail;
pub(crate) use members::{Subscribed, Subscriber};
pub use readers::{OpenInSpace, ReaderPosition, SlowestReaders};
pub(crate) use topics::TopicRefusal;

use crate::counters::Counters;
use crate::limits::{HUB_SHARDS, RelayLimits};
use crate::session::SessionHandle;
use crate::sponsored::SponsoredSpaces;
use crate::store::{CommitListener, RosterCommit, SpaceCommit};
use crate::tenants::Tenants;
use bytes::Bytes;
use relay_proto::ids::SpaceId;
use relay_proto::quota::{Quota, QuotaDetail};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Shard = Mutex<HashMap<SpaceId, Arc<SpaceChannel>>>;

/// The table of active spaces.
pub(crate) struct Hub {
    shards: Vec<Shard>,
    common: Arc<Common>,
    /// None where no space is on anybody's account.
    tenants: Option<Arc<Tenants>>,
    /// None where no space is sponsored.
    sponsored: Option<Arc<SponsoredSpaces>>,
    gone: erased::Erased,
}

/// The space, or its tenant, has as many sessions as it may.
#[derive(Debug)]
pub(crate) struct SpaceFull {
    /// By which quota.
    pub(crate) detail: QuotaDetail,
}

impl Hub {
    pub(crate) fn new(
        limits: RelayLimits,
        counters: Arc<Counters>,
        tenants: Option<Arc<Tenants>>,
        sponsored: Option<Arc<SponsoredSpaces>>,
    ) -> Self {
        Self {
            shards: (0..HUB_SHARDS).map(|_| Shard::default()).collect(),
            common: Arc::new(Common { limits, counters }),
            tenants,
            sponsored,
            gone: erased::Erased::default(),
        }
    }

    /// Space ids are public keys, so any of their bytes spreads evenly; `None` never happens with at least one shard.
    fn shard(&self, space: SpaceId) -> Option<MutexGuard<'_, HashMap<SpaceId, Arc<SpaceChannel>>>> {
        let [first, second, ..] = space.0;
        let place = usize::from(u16::from_be_bytes([first, second])) % self.shards.len().max(1);
        self.shards.get(place).map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Spaces that went since this was asked last.
    pub(crate) fn take_erased(&self) -> ErasedSpaces {
        self.gone.take()
    }

    /// The channel of a space that has sessions.
    pub(crate) fn find(&self, space: SpaceId) -> Option<Arc<SpaceChannel>> {
        self.shard(space)?.get(&space).cloned()
    }

    /// Adds a session to its space.
    pub(crate) fn join(&self, space: SpaceId, session: Arc<SessionHandle>) -> Result<Arc<SpaceChannel>, SpaceFull> {
        let none = QuotaDetail { quota: Quota::SpaceConnections, used: 0, allowed: 0, needed: 1 };
        let mut shard = self.shard(space).ok_or(SpaceFull { detail: none })?;
        let channel = shard.entry(space).or_insert_with(|| {
            self.common.counters.active_spaces.one();
            let tenant = self.tenants.as_ref().and_then(|tenants| tenants.of(space));
            let is_sponsored = self.sponsored.as_ref().is_some_and(|sponsored| sponsored.contains(space));
            Arc::new(SpaceChannel::new(Arc::clone(&self.common), tenant, is_sponsored))
        });
        let channel = Arc::clone(channel);
        channel.join(session).map_err(|detail| {
            self.forget_if_left(&mut shard, space, channel.sessions());
            SpaceFull { detail }
        })?;
        Ok(channel)
    }

    fn forget_if_left(&self, shard: &mut HashMap<SpaceId, Arc<SpaceChannel>>, space: SpaceId, sessions: usize) {
        if sessions == 0 {
            shard.remove(&space);
            self.common.counters.active_spaces.one_less();
        }
    }

    /// Removes a session; a space without sessions is forgotten with what was kept for it.
    pub(crate) fn leave(&self, space: SpaceId, session: &SessionHandle) {
        let Some(mut shard) = self.shard(space) else { return };
        if let Some(left) = shard.get(&space).map(|channel| channel.leave(session)) {
            self.forget_if_left(&mut shard, space, left);
        }
    }
}

impl CommitListener for Hub {
    fn committed(&self, commit: SpaceCommit) {
        if let Some(tenants) = &self.tenants {
            tenants.committed(&commit);
        }
        if let Some(channel) = self.find(commit.space) {
            channel.committed(&commit);
        }
    }

    fn roster_changed(&self, commit: RosterCommit) {
        self.common.counters.roster_changes_total.one();
        if let Some(channel) = self.find(commit.space) {
            channel.roster_changed();
        }
    }

    fn purged(&self, space: SpaceId) {
        if let Some(tenants) = &self.tenants {
            tenants.shrank(space);
        }
        if let Some(channel) = self.find(space) {
            channel.forget_live();
        }
    }

    fn space_erased(&self, space: SpaceId, notice: Bytes) {
        self.common.counters.spaces_erased_total.one();
        self.gone.note(space, &notice);
        if let Some(tenants) = &self.tenants {
            tenants.erased(space);
        }
        if let Some(sponsored) = &self.sponsored {
            sponsored.ended(space);
        }
        if let Some(channel) = self.find(space) {
            channel.erase(notice);
        }
    }
}

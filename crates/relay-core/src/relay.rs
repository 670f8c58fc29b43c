//! The relay: what all sessions share, the endpoint factory of the native protocol, the forgetting sweep, the counters.

mod readers;
mod sweep;

use crate::admission::Admission;
use crate::counters::Counters;
pub use crate::counters::RelayStats;
use crate::endpoint::{Endpoint, EndpointFactory, Moment, Opened};
use crate::environment::{Entropy, LogSigner, WallClock};
use crate::founding::Gatekeeper;
use crate::http::{self, Authorised, ExchangeOptions, HttpSessions, Judged, Tickets, Tokens};
pub use crate::hub::ErasedSpaces;
use crate::hub::Hub;
pub use crate::hub::{OpenInSpace, ReaderPosition, SlowestReaders};
use crate::limits::RelayLimits;
use crate::measure::RequestFigures;
use crate::session::{HttpHandshake, Session};
use crate::sponsored::{SponsoredFoundings, SponsoredRecords, SponsoredSpaces, Standing};
use crate::store::{CommitListener, Completion, Store};
use crate::tenants::{Accounts, TenantAccounts, TenantId, TenantPlan, TenantRecords, TenantView, Tenants};
use relay_proto::erasure::ErasureReason;
use relay_proto::ids::SpaceId;
use relay_proto::limits::{FEATURE_SPONSORS, FEATURES};
use std::sync::Arc;
pub(crate) use sweep::SweepGuard;

/// What every session may use.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) signer: Arc<dyn LogSigner>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) wall_clock: Arc<dyn WallClock>,
    pub(crate) limits: RelayLimits,
    pub(crate) hub: Arc<Hub>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) admission: Admission,
    pub(crate) tickets: Tickets,
    pub(crate) tokens: Tokens,
    /// Without one everybody may found spaces.
    pub(crate) gatekeeper: Option<Arc<dyn Gatekeeper>>,
    /// None where no space is on anybody's account.
    pub(crate) tenants: Option<Arc<Tenants>>,
    /// None where no space is sponsored and none can come to be.
    pub(crate) sponsored: Option<Arc<SponsoredSpaces>>,
}

impl Shared {
    /// Feature bits that this relay offers.
    pub(crate) fn features(&self) -> u64 {
        let takes_sponsors =
            self.gatekeeper.is_some() && self.sponsored.as_ref().is_some_and(|spaces| spaces.are_taken());
        if takes_sponsors { FEATURES } else { FEATURES & !FEATURE_SPONSORS }
    }

    /// Where a space stands at this moment.
    pub(crate) fn standing(&self, space: SpaceId) -> Standing {
        let spaces = self.sponsored.as_ref();
        spaces.map_or(Standing::Ordinary, |spaces| spaces.standing(space, self.wall_clock.now_ms()))
    }
}

/// Who may found spaces, and what those may take on whose account they are. `Default` is everybody and everything.
#[derive(Default)]
pub struct Guards {
    /// Says who may found a space.
    pub gatekeeper: Option<Arc<dyn Gatekeeper>>,
    /// What tenants may take, and where it is kept whose space is whose.
    pub tenants: Option<(TenantPlan, Arc<dyn TenantRecords>)>,
    /// How many spaces the devices of one space may vouch for in an hour, and where it is kept which those are.
    pub sponsors: Option<(u32, Arc<dyn SponsoredRecords>)>,
}

/// What a relay is given.
pub struct RelayParts {
    /// Keeps everything.
    pub store: Arc<dyn Store>,
    /// The log's key; the same the store signs with.
    pub signer: Arc<dyn LogSigner>,
    /// Nonces.
    pub entropy: Arc<dyn Entropy>,
    /// For `not_after`, contacts and ages; never for proofs.
    pub wall_clock: Arc<dyn WallClock>,
    /// The operator's limits.
    pub limits: RelayLimits,
}

/// A running relay. It owns no thread and no socket: the transport drives its endpoints, a timer its sweep.
pub struct Relay {
    shared: Arc<Shared>,
    sweep: SweepGuard,
}

impl Relay {
    /// Puts the parts together and listens to the store's commits. Everybody may found spaces.
    #[must_use]
    pub fn new(parts: RelayParts) -> Arc<Self> {
        Self::guarded(parts, Guards::default())
    }

    /// The same, with somebody who says who may.
    #[must_use]
    pub fn guarded(parts: RelayParts, Guards { gatekeeper, tenants, sponsors }: Guards) -> Arc<Self> {
        let counters = Arc::new(Counters::default());
        let tenants = tenants.map(|(plan, records)| Arc::new(Tenants::new(plan, records)));
        let sponsored =
            sponsors.map(|(max, records)| Arc::new(SponsoredSpaces::new(max, records, Arc::clone(&counters))));
        let hub = Arc::new(Hub::new(parts.limits, Arc::clone(&counters), tenants.clone(), sponsored.clone()));
        parts.store.listen(Arc::clone(&hub) as Arc<dyn CommitListener>);
        let tickets = Tickets::new(&*parts.entropy, parts.limits.handshake_ms);
        let tokens = Tokens::new(&*parts.entropy, parts.limits.session_token_ms);
        let shared = Shared {
            store: parts.store,
            signer: parts.signer,
            entropy: parts.entropy,
            wall_clock: parts.wall_clock,
            limits: parts.limits,
            hub,
            admission: Admission::new(parts.limits.push_wait_ms_max, Arc::clone(&counters)),
            counters,
            tickets,
            tokens,
            gatekeeper,
            tenants,
            sponsored,
        };
        Arc::new(Self { shared: Arc::new(shared), sweep: SweepGuard::default() })
    }

    /// Counters and gauges.
    #[must_use]
    pub fn stats(&self) -> RelayStats {
        self.shared.counters.read()
    }

    /// How pushes over WebSockets ended, and how long the good ones took from their arrival to their receipt.
    #[must_use]
    pub fn websocket_pushes(&self) -> RequestFigures {
        self.shared.counters.websocket_pushes.read()
    }

    /// Erases a space on the operator's word; its devices are told by whom.
    pub fn erase_space(&self, space: SpaceId, done: Completion<()>) {
        self.shared.store.erase(space, ErasureReason::Operator, done);
    }

    /// Spaces that went since this was asked last, for the operator's records.
    #[must_use]
    pub fn take_erased(&self) -> ErasedSpaces {
        self.shared.hub.take_erased()
    }

    /// Spaces whose devices vouched for another one since this was asked last, for the operator's records.
    #[must_use]
    pub fn take_sponsored(&self) -> SponsoredFoundings {
        self.shared.sponsored.as_ref().map_or_else(SponsoredFoundings::default, |spaces| spaces.take_founded())
    }

    /// How many tenants have spaces, and how many spaces that are.
    #[must_use]
    pub fn tenant_count(&self) -> (usize, usize) {
        self.shared.tenants.as_ref().map_or((0, 0), |tenants| tenants.count())
    }

    /// Up to `count` tenants with ids above `after`, ascending.
    #[must_use]
    pub fn tenants(&self, after: Option<TenantId>, count: usize) -> Vec<TenantView> {
        self.shared.tenants.as_ref().map_or_else(Vec::new, |tenants| tenants.page(after, count))
    }

    /// The accounts of tenants, for what they keep beside their spaces; none where nothing is on anybody's account.
    #[must_use]
    pub fn accounts(&self) -> Option<Arc<dyn TenantAccounts>> {
        let tenants = Arc::clone(self.shared.tenants.as_ref()?);
        Some(Arc::new(Accounts { tenants, store: Arc::clone(&self.shared.store) }))
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &RelayLimits {
        &self.shared.limits
    }
}

impl EndpointFactory for Relay {
    fn open(&self, opened: Opened, now: Moment) -> Box<dyn Endpoint> {
        Box::new(Session::new(Arc::clone(&self.shared), opened, now))
    }

    fn message_bytes_max(&self) -> usize {
        self.shared.limits.message_bytes_max()
    }
}

impl HttpSessions for Relay {
    fn open_handshake(&self, opened: Opened, now: Moment) -> Box<dyn Endpoint> {
        Box::new(HttpHandshake::new(Arc::clone(&self.shared), opened, now))
    }

    fn open_exchange(&self, token: &[u8], options: ExchangeOptions, opened: Opened, now: Moment) -> Box<dyn Endpoint> {
        Box::new(Session::resume(Arc::clone(&self.shared), token, options, opened, now))
    }

    fn authorise(&self, token: &[u8], now: Moment, judged: Judged) {
        http::authorise(&self.shared, token, now, judged);
    }

    fn authorise_again(&self, who: Authorised, judged: Judged) {
        http::authorise_device(&self.shared, who.space, who.device, judged);
    }
}

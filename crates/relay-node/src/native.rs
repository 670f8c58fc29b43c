//! The native protocol behind its route: the store, the rules over it, and the timer that drives forgetting.

use crate::config::{RelayConfig, count};
use crate::environment::{SystemClock, SystemEntropy};
use crate::events::EventQueue;
use crate::failure::Failure;
use crate::founding_desk::{FoundingDesk, RelayFounding};
use crate::pseudonym::Pseudonyms;
use crate::{sponsored, tenants};
use base64ct::{Base64UrlUnpadded, Encoding};
use relay_core::blobs::{BlobStats, Blobs};
use relay_core::endpoint::EndpointFactory;
use relay_core::environment::{Entropy, LogSigner, WallClock};
use relay_core::founding::{FoundingVerdict, Gatekeeper};
use relay_core::http::HttpSessions;
use relay_core::limits::RelayLimits;
use relay_core::measure::{HistogramFigures, RequestFigures};
use relay_core::quota::SpaceQuota;
use relay_core::relay::{ErasedSpaces, Guards, Relay, RelayParts, RelayStats as RuleStats};
use relay_core::store::{Store, StoreError, StoreStats};
use relay_net::Clock;
use relay_proto::SpaceId;
use relay_store::damaged_read::DamagedRead;
use relay_store::moving::{Export, ImportError, Imported, import};
use relay_store::sponsored_book::SponsoredBook;
use relay_store::tenant_book::TenantBook;
use relay_store::{EmbeddedStore, StoreOptions, real_environment};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

/// How often spaces are looked at for entries that may go.
const SWEEP_PERIOD: Duration = Duration::from_secs(60);

/// What has to be opened before, and closed after, the listener. Clones share one store.
#[derive(Clone)]
pub(crate) struct Native {
    store: Arc<EmbeddedStore>,
    relay: Arc<Relay>,
    blobs: Arc<Blobs>,
    pseudonyms: Arc<Pseudonyms>,
    desk: Option<Arc<FoundingDesk>>,
    /// None where no space is on anybody's account, and none can come to be.
    book: Option<Arc<TenantBook>>,
    /// The same of spaces that are sponsored.
    sponsored: Option<Arc<SponsoredBook>>,
    log_id: String,
}

fn store_options(config: &RelayConfig) -> Result<StoreOptions, Failure> {
    let mut options = StoreOptions::new(PathBuf::from(&config.data_dir));
    options.limits.blobs.space_blobs_max = count("spaceBlobsMax", config.limits.space_blobs_max)?;
    options.limits.blobs.space_blob_bytes_max = count("spaceBlobBytesMax", config.limits.space_blob_bytes_max)?;
    // The control of the durability tests: this build lies, and the tests must notice.
    #[cfg(feature = "early-receipts")]
    {
        options.answer_before_write = true;
    }
    Ok(options)
}

impl Native {
    /// Opens the store and the rules over it.
    pub(crate) fn open(config: &RelayConfig, events: &Arc<EventQueue>) -> Result<Self, Failure> {
        let limits = limits(config)?;
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let wall_clock: Arc<dyn WallClock> = Arc::new(SystemClock);
        let options = store_options(config)?;
        let environment = real_environment(Arc::clone(&entropy), Arc::clone(&wall_clock));
        let embedded = EmbeddedStore::open(&options, environment)?;
        let pseudonyms = Arc::new(Pseudonyms::open(&options.dir, &*entropy)?);
        let signer = embedded.signer();
        let log_id = Base64UrlUnpadded::encode_string(signer.log_id().as_bytes());
        let store = Arc::new(embedded);
        let retention_ms = limits.forgetting.retention_ms;
        let blobs = Blobs::new(Arc::clone(&store) as Arc<_>, Arc::clone(&wall_clock), retention_ms);
        if store.stats().torn_tails > 0 {
            events.push(
                "warn",
                "torn_tail",
                "the last write before the crash was not complete and was cut; no receipt had left for it",
            );
        }
        let desk = config.asks_to_found.then(|| FoundingDesk::new(Arc::clone(events)));
        let parts = RelayParts { store: Arc::clone(&store) as Arc<dyn Store>, signer, entropy, wall_clock, limits };
        let book = tenants::open(config, &options.dir)?;
        let sponsored = sponsored::open(config, &options.dir)?;
        let guards = Guards {
            gatekeeper: desk.clone().map(|desk| desk as Arc<dyn Gatekeeper>),
            tenants: book.clone().map(|book| tenants::with_plan(config, book)).transpose()?,
            sponsors: sponsored.clone().map(|book| sponsored::with_limit(config, book)).transpose()?,
        };
        let relay = Relay::guarded(parts, guards);
        Ok(Self { store, relay, blobs: Arc::new(blobs), pseudonyms, desk, book, sponsored, log_id })
    }

    /// Who is asked before something is founded; nobody where everybody may.
    pub(crate) fn gatekeeper(&self) -> Option<Arc<dyn Gatekeeper>> {
        self.desk.clone().map(|desk| desk as Arc<dyn Gatekeeper>)
    }

    /// What serves the connections of the native route.
    pub(crate) fn endpoints(&self) -> Arc<dyn EndpointFactory> {
        Arc::clone(&self.relay) as Arc<dyn EndpointFactory>
    }

    /// What serves requests of the native protocol over HTTP.
    pub(crate) fn http(&self) -> Arc<dyn HttpSessions> {
        Arc::clone(&self.relay) as Arc<dyn HttpSessions>
    }

    /// What serves blobs.
    pub(crate) fn blobs(&self) -> Arc<Blobs> {
        Arc::clone(&self.blobs)
    }

    /// Devices that wait for a word before they found a space.
    pub(crate) fn foundings(&self) -> Vec<RelayFounding> {
        self.desk.as_ref().map(|desk| desk.drain()).unwrap_or_default()
    }

    /// That word.
    pub(crate) fn answer_founding(&self, id: i64, verdict: FoundingVerdict) {
        if let Some(desk) = &self.desk {
            desk.answer(id, verdict);
        }
    }

    /// The relay's public key, base64url.
    pub(crate) fn log_id(&self) -> String {
        self.log_id.clone()
    }

    /// Figures of the rules.
    pub(crate) fn rule_stats(&self) -> RuleStats {
        self.relay.stats()
    }

    /// Pushes over WebSockets.
    pub(crate) fn websocket_pushes(&self) -> RequestFigures {
        self.relay.websocket_pushes()
    }

    /// Durations of the store's syncs.
    pub(crate) fn sync_durations(&self) -> HistogramFigures {
        self.store.sync_durations()
    }

    /// Figures of the blobs.
    pub(crate) fn blob_stats(&self) -> BlobStats {
        self.blobs.stats()
    }

    /// Figures of the store.
    pub(crate) fn store_stats(&self) -> StoreStats {
        self.store.stats()
    }

    /// The store itself, for what is looked at off the data plane's threads.
    pub(crate) fn store(&self) -> &EmbeddedStore {
        &self.store
    }

    /// The rules, for the same.
    pub(crate) fn relay(&self) -> &Relay {
        &self.relay
    }

    /// What ids are shown as.
    pub(crate) fn pseudonyms(&self) -> &Pseudonyms {
        &self.pseudonyms
    }

    /// The space with a pseudonym. May look at every id there is.
    pub(crate) fn find_space(&self, pseudonym: &str) -> Result<SpaceId, Failure> {
        self.pseudonyms.find_space(pseudonym, &*self.store)
    }

    /// Begins to erase a space on the operator's word.
    pub(crate) fn erase_space(&self, space: SpaceId) -> Receiver<Result<(), StoreError>> {
        let (send, receive) = sync_channel(1);
        // Nobody waits when the relay is stopped meanwhile.
        self.relay.erase_space(space, Box::new(move |erased| drop(send.send(erased))));
        receive
    }

    /// Spaces that went since this was asked last.
    pub(crate) fn take_erased(&self) -> ErasedSpaces {
        self.relay.take_erased()
    }

    /// Begins to write a space as a file. Blocks.
    pub(crate) fn export(&self, space: SpaceId) -> Result<Export, StoreError> {
        Export::begin(&self.store, space, SystemClock.now_ms())
    }

    /// Makes a space of a file. Blocks.
    pub(crate) fn import<R: Read>(&self, open: impl FnMut() -> io::Result<R>) -> Result<Imported, ImportError> {
        import(&self.store, open)
    }

    /// Where the newest read met damaged bytes, once. Blocks.
    pub(crate) fn take_damage(&self) -> Option<DamagedRead> {
        self.store.take_damage()
    }

    /// Lets what may go be forgotten, until the runtime ends.
    pub(crate) async fn sweep(self, clock: Clock) {
        loop {
            tokio::time::sleep(SWEEP_PERIOD).await;
            self.relay.sweep(clock.now());
            self.blobs.sweep(clock.now());
        }
    }

    /// Makes everything durable and lets the data directory go. No connection is open any more.
    pub(crate) fn close(&self) {
        self.store.close();
        // After the store: what goes with its last calls is still to be noted.
        if let Some(book) = &self.book {
            book.close();
        }
        if let Some(book) = &self.sponsored {
            book.close();
        }
    }
}

fn limits(config: &RelayConfig) -> Result<RelayLimits, Failure> {
    let mut limits = RelayLimits::default();
    limits.entry_bytes_max = count("entryBytesMax", config.limits.entry_bytes_max)?;
    limits.push_entries_max = count("pushEntriesMax", config.limits.push_entries_max)?;
    limits.ephemeral_frames_per_second_max =
        count("ephemeralFramesPerSecondMax", config.limits.ephemeral_frames_per_second_max)?;
    limits.space_sessions_max = count("spaceConnectionsMax", config.limits.space_connections_max)?;
    limits.session_pushes_per_second_max =
        count("sessionPushesPerSecondMax", config.limits.session_pushes_per_second_max)?;
    limits.space_pushes_per_second_max = count("spacePushesPerSecondMax", config.limits.space_pushes_per_second_max)?;
    limits.space_quota = SpaceQuota {
        entries_max: count("spaceEntriesMax", config.limits.space_entries_max)?,
        bytes_max: count("spaceBytesMax", config.limits.space_bytes_max)?,
    };
    limits.push_in_flight_bytes_max = count("pushBytesInFlightMax", config.limits.push_bytes_in_flight_max)?;
    limits.handshake_ms = count("handshakeMs", config.times.handshake_ms)?;
    limits.heartbeat_ms = count("heartbeatMs", config.times.heartbeat_ms)?;
    limits.push_wait_ms_max = count("pushWaitMs", config.times.push_wait_ms)?;
    limits.forgetting.retention_ms = count("retentionMs", config.times.retention_ms)?;
    limits.forgetting.device_lease_ms = count("deviceLeaseMs", config.times.device_lease_ms)?;
    Ok(limits)
}

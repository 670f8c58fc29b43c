//! The foreign protocols: which are on, what they are given, and where their paths lead.

mod figures;
mod systems;

pub(crate) use systems::{Seating, name_of};

use crate::config::{
    RelayCompat, RelayConfig, RelayEidetica, RelayForeignLimits, RelayGraceful, RelayGun, RelayPlures, count,
};
use crate::dialing::Link;
use crate::environment::{SystemClock, SystemEntropy};
use crate::failure::Failure;
use crate::key_file;
use crate::native::Native;
use crate::stats::RelayStats;
use relay_compat::detect::FirstFrame;
use relay_compat::eidetica::{EideticaOptions, EideticaParts, EideticaService, RelayKey};
use relay_compat::graceful::{GracefulOptions, GracefulParts, GracefulService};
use relay_compat::gun::{FUTURE_GRACE_MS, GunOptions, GunParts, GunService, RELAYS_MAX};
use relay_compat::plures::{PluresOptions, PluresService, PluresStats};
use relay_compat::systems as system_numbers;
use relay_compat::{Offload, Token};
use relay_core::documents::{DocumentStore, Keyspace};
use relay_core::environment::{Entropy, WallClock};
use relay_core::foreign::{AddressRates, ForeignService, ForeignTenants, TenantParts};
use relay_net::{Clock, DialAddress, ForeignKind, ForeignRoute, ForeignServices, RouteKind};
use relay_store::data_dir::PEER_KEY_FILE;
use relay_store::documents::{DocumentOptions, EmbeddedDocuments};
use relay_store::real_environment;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const GRACEFUL: &str = "graceful";
const PLURES: &str = "plures";
const GUN: &str = "gun";
const EIDETICA: &str = "eidetica";
/// Paths that text and binary protocols share.
const SHARED: &str = "first-frame";

/// How often documents are looked at that may go.
const SWEEP_PERIOD: Duration = Duration::from_secs(60);

/// The kind of a foreign route; `None` for every other name.
pub(crate) fn route_kind(name: &str) -> Option<RouteKind> {
    let (service, takes) = match name {
        "graceful" => (GRACEFUL, ForeignKind::Requests),
        "graceful-socket" => (GRACEFUL, ForeignKind::Sockets),
        "plures-socket" => (PLURES, ForeignKind::Sockets),
        "gun-socket" => (GUN, ForeignKind::Sockets),
        "eidetica" => (EIDETICA, ForeignKind::Requests),
        "first-frame-socket" => (SHARED, ForeignKind::Sockets),
        _ => return None,
    };
    Some(RouteKind::Foreign(ForeignRoute { service, takes }))
}

/// What is on. Clones share everything.
#[derive(Clone, Default)]
pub(crate) struct Compat {
    documents: Option<Arc<EmbeddedDocuments>>,
    tenants: Option<ForeignTenants>,
    seating: Seating,
    rates: Arc<AddressRates>,
    graceful: Option<Arc<GracefulService>>,
    plures: Option<Arc<PluresService>>,
    gun: Option<Arc<GunService>>,
    /// Other relays that are to be connected to.
    links: Vec<Link>,
    eidetica: Option<Arc<EideticaService>>,
}

impl Compat {
    /// Opens what the configuration wants; documents only when something keeps some. The data directory is locked already, and
    /// this is called in a runtime. `native` has who is asked before a tenant is opened, and the accounts.
    pub(crate) fn open(config: &RelayConfig, native: &Native, now: Clock) -> Result<Self, Failure> {
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let clock: Arc<dyn WallClock> = Arc::new(SystemClock);
        let RelayCompat { graceful, plures, gun, eidetica, limits, .. } = &config.compat;
        let seating = Seating::new(limits)?;
        let rates = Arc::new(systems::address_rates(limits)?);
        let mut compat = Self { seating, rates: Arc::clone(&rates), ..Self::default() };
        if graceful.is_some() || gun.is_some() || eidetica.is_some() {
            let options = DocumentOptions::new(&PathBuf::from(&config.data_dir));
            let environment = real_environment(Arc::clone(&entropy), Arc::clone(&clock));
            let embedded = Arc::new(EmbeddedDocuments::open(&options, environment)?);
            let tenants = ForeignTenants::open(TenantParts {
                documents: Arc::clone(&embedded) as Arc<_>,
                clock: Arc::clone(&clock),
                moments: Arc::new(move || now.now()),
                gatekeeper: native.gatekeeper(),
                by_owner: config.compat.by_owner,
                accounts: native.relay().accounts(),
                rules: systems::rules(limits)?,
            });
            let tenants = tenants.map_err(|error| Failure::new("store_failed", error.to_string()))?;
            let documents = || Arc::new(tenants.clone()) as Arc<dyn DocumentStore>;
            if let Some(graceful) = graceful {
                let options = graceful_options(graceful)?;
                let parts = GracefulParts {
                    documents: documents(),
                    clock: Arc::clone(&clock),
                    seats: compat.seating.of(system_numbers::GRACEFUL),
                    rates: Arc::clone(&rates),
                    options,
                };
                compat.graceful = Some(Arc::new(GracefulService::new(parts)));
            }
            if let Some(gun) = gun {
                let (clock, entropy, options) = (Arc::clone(&clock), Arc::clone(&entropy), gun_options(gun, limits)?);
                let seats = compat.seating.of(system_numbers::GUN);
                let (rates, offload, jobs_max) = (Arc::clone(&rates), offload(), jobs_max());
                let documents = documents();
                let parts = GunParts { documents, clock, entropy, seats, rates, offload, jobs_max, options };
                let service = GunService::new(parts);
                compat.links = gun_links(&service, &gun.peers)?;
                compat.gun = Some(Arc::new(service));
            }
            if let Some(eidetica) = eidetica {
                let (clock, entropy) = (Arc::clone(&clock), Arc::clone(&entropy));
                let (key, options) = (peer_key(&config.data_dir, &*entropy)?, eidetica_options(eidetica)?);
                let (documents, offload) = (documents(), offload());
                let parts = EideticaParts { documents, clock, entropy, rates, key, offload, options };
                compat.eidetica = Some(Arc::new(EideticaService::new(parts)));
            }
            compat.documents = Some(embedded);
            compat.tenants = Some(tenants);
        }
        if let Some(RelayPlures { token }) = plures {
            let token = token.as_ref().map(|token| Token::new(token.as_bytes()));
            let seats = compat.seating.of(system_numbers::PLURES);
            compat.plures = Some(Arc::new(PluresService::new(PluresOptions { token }, seats, entropy, clock)));
        }
        Ok(compat)
    }

    /// The services by name.
    pub(crate) fn services(&self) -> ForeignServices {
        let mut services = ForeignServices::new();
        let plures = self.plures.clone().map(|plures| plures as Arc<dyn ForeignService>);
        if let Some(graceful) = &self.graceful {
            services.add(GRACEFUL, Arc::clone(graceful) as Arc<dyn ForeignService>);
        }
        let gun = self.gun.clone().map(|gun| gun as Arc<dyn ForeignService>);
        if let Some(plures) = &plures {
            services.add(PLURES, Arc::clone(plures));
        }
        if let Some(gun) = &gun {
            services.add(GUN, Arc::clone(gun));
        }
        if let Some(eidetica) = &self.eidetica {
            services.add(EIDETICA, Arc::clone(eidetica) as Arc<dyn ForeignService>);
        }
        match (gun, plures) {
            // Alone it greets at once; otherwise it waits for a first frame, as the others read no greeting.
            (Some(gun), None) => services.add(SHARED, gun),
            (None, None) => {}
            (text, binary) => services.add(SHARED, Arc::new(FirstFrame { text, binary })),
        }
        services
    }

    /// The relays that this one connects to.
    pub(crate) fn links(&self) -> Vec<Link> {
        self.links.clone()
    }

    /// Stores what waited for its time, until the runtime ends.
    pub(crate) async fn store_due(self) {
        let Some(gun) = self.gun else { return };
        loop {
            tokio::time::sleep(Duration::from_millis(FUTURE_GRACE_MS)).await;
            gun.store_due();
        }
    }

    /// Lets documents go that were kept for long enough, and tenants that are to go, until the runtime ends.
    pub(crate) async fn sweep(self) {
        let Some(tenants) = self.tenants else { return };
        loop {
            tokio::time::sleep(SWEEP_PERIOD).await;
            if let Some(graceful) = &self.graceful {
                graceful.sweep();
            }
            tenants.resume_erasures();
            tenants.forget_erased();
            if let Some(eidetica) = &self.eidetica {
                eidetica.sweep();
            }
        }
    }

    /// The tenants of all systems; none where nothing is kept.
    pub(crate) fn tenants(&self) -> Option<&ForeignTenants> {
        self.tenants.as_ref()
    }

    /// The WebSockets of a tenant.
    pub(crate) fn connections(&self, keyspace: Keyspace) -> u64 {
        self.seating.of(keyspace.system).of(keyspace.tenant)
    }

    /// Figures of PluresDB, which has topics instead of tenants; none while it is off.
    pub(crate) fn plures_stats(&self) -> Option<PluresStats> {
        self.plures.as_ref().map(|plures| plures.stats())
    }

    /// Copies the figures.
    pub(crate) fn add_stats(&self, snapshot: &mut RelayStats) {
        figures::add(self, snapshot);
    }

    /// Makes everything durable. No connection is open any more.
    pub(crate) fn close(&self) {
        if let Some(documents) = &self.documents {
            documents.close();
        }
    }
}

/// Each address opens the graph of its token. An address may be a secret, so no error has it.
fn gun_links(service: &GunService, addresses: &[String]) -> Result<Vec<Link>, Failure> {
    if addresses.len() > RELAYS_MAX {
        return Err(Failure::config(format!("gunPeers: {} are too many, {RELAYS_MAX} at most", addresses.len())));
    }
    let link = |(number, text): (usize, &String)| {
        let wrong = || Failure::config(format!("gunPeers: number {} is no address such as wss://host/gun", number + 1));
        let address: DialAddress = text.parse().map_err(|_| wrong())?;
        let factory = service.link(address.uri()).map_err(|_| wrong())?;
        Ok((address, factory))
    };
    addresses.iter().enumerate().map(link).collect()
}

/// Who the relay is to peers that know it by a key.
fn peer_key(data_dir: &str, entropy: &dyn Entropy) -> Result<RelayKey, Failure> {
    let unusable = |what: &dyn std::fmt::Display| {
        Failure::new("peer_key_unusable", format!("cannot use {}: {what}", Path::new(data_dir).join(PEER_KEY_FILE).display()))
            .with_hint("Make the data directory writable for the relay's user; a broken key file may be removed, peers see another relay then.")
    };
    let seed = key_file::open(Path::new(data_dir), PEER_KEY_FILE, entropy).map_err(|error| unusable(&error))?;
    RelayKey::new(&seed).ok_or_else(|| unusable(&"it is not the seed of a key"))
}

/// Jobs that are too long for a thread of the transport.
fn offload() -> Offload {
    let runtime = tokio::runtime::Handle::current();
    Arc::new(move |job| drop(runtime.spawn_blocking(job)))
}

/// How many of them a service has at once: half of the processors, so that connections keep the other half.
fn jobs_max() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| processors.get().div_ceil(2))
}

fn eidetica_options(options: &RelayEidetica) -> Result<EideticaOptions, Failure> {
    Ok(EideticaOptions {
        tokenless: options.tokenless,
        proof: options.proof,
        signed_only: options.signed_only,
        tenant_bytes_max: count("eideticaTenantBytesMax", options.tenant_bytes_max)?,
        body_bytes_max: count("eideticaBodyBytesMax", options.body_bytes_max)?,
    })
}

fn gun_options(options: &RelayGun, limits: &RelayForeignLimits) -> Result<GunOptions, Failure> {
    Ok(GunOptions {
        tokenless: options.tokenless,
        signed_only: options.signed_only,
        sealed_only: options.sealed_only,
        tenant_bytes_max: count("gunTenantBytesMax", options.tenant_bytes_max)?,
        puts_per_second_max: count("connectionPutsPerSecondMax", limits.connection_puts_per_second_max)?,
    })
}

fn graceful_options(options: &RelayGraceful) -> Result<GracefulOptions, Failure> {
    Ok(GracefulOptions {
        tokenless: options.tokenless,
        strict: options.strict,
        rollout_share: count("gracefulRolloutShare", options.rollout_share)?,
        requests_per_minute_max: count("gracefulRequestsPerMinuteMax", options.requests_per_minute_max)?,
        tenant_bytes_max: count("gracefulTenantBytesMax", options.tenant_bytes_max)?,
        retention_ms: count("gracefulRetentionMs", options.retention_ms)?,
        body_bytes_max: count("gracefulBodyBytesMax", options.body_bytes_max)?,
        ping_ms: count("gracefulPingMs", options.ping_ms)?,
        silence_ms_max: count("gracefulSilenceMsMax", options.silence_ms_max)?,
    })
}

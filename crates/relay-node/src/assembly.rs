//! Puts store, protocol and transport together, and takes them apart again in order.

use crate::compat::{self, Compat};
use crate::config::{self, RelayConfig, count};
use crate::dialing::Dialing;
use crate::erased_watch;
use crate::events::EventQueue;
use crate::failure::Failure;
use crate::founding_desk::RelayFounding;
use crate::info::RelayInfo;
use crate::listening::listening;
use crate::measures::{self, RelayMeasures};
use crate::native::Native;
use crate::sponsored;
use crate::stats::{self, RelayStats, number};
use crate::take_over;
use crate::tls::Tls;
use crate::tracing;
use crate::transport::{Opening, Transport};
use crate::watch;
use relay_core::founding::FoundingVerdict;
use relay_core::store::StoreError;
use relay_net::{
    AllowedOrigins, Clock, ControlPlane, Embedded, Endpoints, FrameRoute, GateConfig, LivenessProbe, NetLimits,
    ProxyHeader, ProxySecret, Route, RouteKind, ServerConfig, Tracer, TrustedProxies, WakeProgram,
};
use relay_proto::SpaceId;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long the runtime's threads may take to end after everything was closed.
const RUNTIME_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// A running relay. Dropping it without `stop` ends its threads in the background.
pub struct Running {
    runtime: Option<Runtime>,
    transport: Transport,
    tracer: Option<Arc<Tracer>>,
    native: Native,
    tls: Option<Arc<Tls>>,
    compat: Compat,
    dialing: Dialing,
    probe: LivenessProbe,
    clock: Clock,
    info: RelayInfo,
    events: Arc<EventQueue>,
}

/// Starts everything; returns once connections are accepted. Called outside of any runtime.
pub(crate) fn start(
    config: RelayConfig,
    program: Option<WakeProgram>,
    events: &Arc<EventQueue>,
) -> Result<Running, Failure> {
    let clock = Clock::start();
    let probe = LivenessProbe::new();
    let tls = config.tls.as_ref().map(|tls| Tls::open(tls, Path::new(&config.data_dir)).map(Arc::new)).transpose()?;
    let server_config = server_config(&config, probe.clone(), tls.as_deref())?;
    let runtime = build_runtime(config.workers)?;
    // Everything from here to the spawns runs in the runtime, and none of it waits for it.
    let entered = runtime.enter();
    // The port comes first, so that a taken one leaves no trace on disk.
    let tracer = config.trace_per_mille.map(tracing::tracer);
    let opening = Opening::bind(server_config, listening(&config)?, tracer.clone(), program)?;
    let native = take_over::open(&config, events)?;
    let compat = Compat::open(&config, &native, clock)?;
    let endpoints = Endpoints {
        native: native.endpoints(),
        http: native.http(),
        blobs: Some(native.blobs()),
        foreign: compat.services(),
    };
    let transport = opening.serve(endpoints, clock)?;
    drop(entered);
    runtime.spawn(watch::watch(transport.clone(), native.clone(), compat.clone(), Arc::clone(events)));
    runtime.spawn(native.clone().sweep(clock));
    runtime.spawn(compat.clone().sweep());
    runtime.spawn(compat.clone().store_due());
    let dialing = Dialing::start(runtime.handle(), compat.links(), clock);
    if let Some(tls) = &tls {
        runtime.spawn(Arc::clone(tls).watch(Arc::clone(events)));
    }
    let info = transport.info(native.log_id(), tls.as_deref());
    let events = Arc::clone(events);
    Ok(Running { runtime: Some(runtime), transport, tracer, native, tls, compat, dialing, probe, clock, info, events })
}

fn build_runtime(workers: u32) -> Result<Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().thread_name("relay");
    if let Ok(count @ 1..) = usize::try_from(workers) {
        builder.worker_threads(count);
    }
    builder
        .build()
        .map_err(|error| Failure::new("runtime_failed", format!("cannot start the relay's threads: {error}")))
}

fn server_config(config: &RelayConfig, probe: LivenessProbe, tls: Option<&Tls>) -> Result<ServerConfig, Failure> {
    let ip: IpAddr =
        config.host.parse().map_err(|_| Failure::config(format!("host: {:?} is not an IP address", config.host)))?;
    let secure = config.tls.as_ref().zip(tls).map(|(config, tls)| tls.server_config(config, ip)).transpose()?;
    Ok(ServerConfig {
        bind: SocketAddr::new(ip, config.port),
        routes: config.routes.iter().map(route).collect::<Result<_, _>>()?,
        control_plane: config.control_plane.as_ref().map(control_plane).transpose()?,
        liveness: Some(probe),
        gate: gate(&config.gate)?,
        tls: secure,
        limits: limits(config)?,
    })
}

fn gate(gate: &config::RelayGate) -> Result<GateConfig, Failure> {
    let header = match gate.proxy_header.as_str() {
        "x-forwarded-for" => ProxyHeader::XForwardedFor,
        "forwarded" => ProxyHeader::Forwarded,
        other => return Err(Failure::config(format!("proxyHeader: {other:?} is not known"))),
    };
    let networks = gate.trusted_proxies.iter().map(String::as_str);
    let trusted_proxies = TrustedProxies::parse(networks, header)
        .map_err(|text| Failure::config(format!("trustedProxies: {text:?} is no network, or one too many")))?;
    Ok(GateConfig {
        requests_per_minute: count("requestsPerMinute", gate.requests_per_minute)?,
        native_requests_per_minute: count("nativeRequestsPerMinute", gate.native_requests_per_minute)?,
        connections_per_minute: count("connectionsPerMinute", gate.connections_per_minute)?,
        connections_max: count("connectionsMax", gate.connections_max)?,
        trusted_proxies,
        proxy_protocol: gate.proxy_protocol,
        require_https: gate.require_https,
        origins: AllowedOrigins::parse(gate.origins.iter().map(String::as_str))
            .map_err(|text| Failure::config(format!("origins: {text:?} is no origin, or one too many")))?,
    })
}

fn route(route: &config::RelayRoute) -> Result<Route, Failure> {
    let kind = match route.kind.as_str() {
        "native" => RouteKind::Native,
        "liveness" => RouteKind::Liveness,
        "probe" => RouteKind::Probe,
        "session" => RouteKind::Frames(FrameRoute::Session),
        "push" => RouteKind::Frames(FrameRoute::Push),
        "pull" => RouteKind::Frames(FrameRoute::Pull),
        "subscribe" => RouteKind::Frames(FrameRoute::Subscribe),
        "blobs" => RouteKind::Blobs,
        "frames" => RouteKind::Frames(FrameRoute::Frames),
        other => {
            let unknown = || Failure::config(format!("routes: {other:?} is not a kind of route"));
            compat::route_kind(other).ok_or_else(unknown)?
        }
    };
    Ok(Route { path: route.path.clone(), kind })
}

fn control_plane(plane: &config::RelayControlPlane) -> Result<ControlPlane, Failure> {
    Ok(ControlPlane { socket_path: PathBuf::from(&plane.socket_path), secret: ProxySecret::new(plane.secret.clone())? })
}

fn limits(config: &RelayConfig) -> Result<NetLimits, Failure> {
    let mut limits = NetLimits::default();
    limits.connections_max = count("connectionsMax", config.limits.connections_max)?;
    limits.partial_bytes_max = count("assemblyBytesMax", config.limits.assembly_bytes_max)?;
    limits.handshake_timeout_ms = count("handshakeMs", config.times.handshake_ms)?;
    limits.heartbeat_ms = count("heartbeatMs", config.times.heartbeat_ms)?;
    limits.liveness_silence_ms_max = count("eventLoopSilenceMs", config.times.event_loop_silence_ms)?;
    Ok(limits)
}

impl Running {
    pub(crate) fn info(&self) -> &RelayInfo {
        &self.info
    }

    /// The side of the sockets' owner, if the relay has no port.
    pub(crate) fn embedded(&self) -> Option<&Arc<Embedded>> {
        self.transport.embedded()
    }

    /// What keeps the spans, if requests are traced.
    pub(crate) fn tracer(&self) -> Option<&Arc<Tracer>> {
        self.tracer.as_ref()
    }

    /// The JavaScript event loop turns.
    pub(crate) fn beat(&self) {
        self.probe.beat(self.clock.now());
    }

    /// The store and the rules, to be looked at off the data plane's threads.
    pub(crate) fn native(&self) -> Native {
        self.native.clone()
    }

    /// The foreign protocols, to be looked at as the rules are.
    pub(crate) fn compat(&self) -> Compat {
        self.compat.clone()
    }

    /// Devices that wait for a word before they found a space.
    pub(crate) fn foundings(&self) -> Vec<RelayFounding> {
        self.native.foundings()
    }

    /// That word.
    pub(crate) fn answer_founding(&self, id: i64, verdict: FoundingVerdict) {
        self.native.answer_founding(id, verdict);
    }

    /// Begins to erase a space; what it came to is received once nothing is left to overwrite.
    pub(crate) fn erase_space(&self, space: SpaceId) -> Receiver<Result<(), StoreError>> {
        self.native.erase_space(space)
    }

    /// TLS, if there is any.
    pub(crate) fn tls(&self) -> Option<Arc<Tls>> {
        self.tls.clone()
    }

    pub(crate) fn stats(&self, events_dropped: u64) -> RelayStats {
        let now = self.clock.now();
        let (tenants, tenant_spaces) = self.native.relay().tenant_count();
        let mut snapshot = RelayStats {
            tenants: stats::length(tenants),
            tenant_spaces: stats::length(tenant_spaces),
            uptime_ms: stats::millis(now.0),
            event_loop_silence_ms: stats::millis(self.probe.silence(now)),
            events_dropped_total: number(events_dropped),
            spans_dropped_total: number(self.tracer.as_ref().map_or(0, |tracer| tracer.dropped())),
            ..RelayStats::default()
        };
        stats::add_tls(&mut snapshot, self.tls.as_ref().map_or_else(Default::default, |tls| tls.figures()));
        stats::add_net(&mut snapshot, &self.transport.stats());
        stats::add_rules(&mut snapshot, &self.native.rule_stats());
        stats::add_store(&mut snapshot, &self.native.store_stats());
        stats::add_blobs(&mut snapshot, &self.native.blob_stats());
        self.compat.add_stats(&mut snapshot);
        self.dialing.add_stats(&mut snapshot);
        snapshot
    }

    pub(crate) fn measures(&self) -> RelayMeasures {
        let (pushes, requests) = (self.native.websocket_pushes(), self.transport.requests());
        measures::measures(&pushes, &requests, &self.native.sync_durations(), &self.native.rule_stats())
    }

    /// Tells clients when to return, closes what is left at the deadline, then the store, then the threads.
    pub(crate) fn stop(mut self, drain: Duration) -> Result<(), Failure> {
        let Some(runtime) = self.runtime.take() else { return Ok(()) };
        runtime.block_on(self.transport.drain(drain));
        self.dialing.hang_up();
        self.compat.close();
        self.native.close();
        erased_watch::look(&self.native, &self.events);
        sponsored::look(&self.native, &self.events);
        runtime.shutdown_timeout(RUNTIME_SHUTDOWN_TIMEOUT);
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A blocking drop of the runtime would stall the JavaScript thread, where the garbage collector runs this.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

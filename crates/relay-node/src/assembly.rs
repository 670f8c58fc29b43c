//! Puts store, protocol and transport together, and takes them apart again in order.

use crate::config::{self, RelayConfig, count};
use crate::events::EventQueue;
use crate::failure::Failure;
use crate::info::RelayInfo;
use crate::listening::listening;
use crate::native::Native;
use crate::stats::{self, RelayStats, number};
use crate::take_over;
use crate::tracing;
use crate::transport::{Opening, Transport};
use crate::watch;
use relay_core::store::StoreError;
use relay_net::{
    Clock, ControlPlane, Embedded, Endpoints, FrameRoute, LivenessProbe, NetLimits, ProxySecret, Route, RouteKind,
    ServerConfig, Tracer, WakeProgram,
};
use relay_proto::SpaceId;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
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
    probe: LivenessProbe,
    clock: Clock,
    info: RelayInfo,
}

/// Starts everything; returns once connections are accepted. Called outside of any runtime.
pub(crate) fn start(
    config: RelayConfig,
    program: Option<WakeProgram>,
    events: &Arc<EventQueue>,
) -> Result<Running, Failure> {
    let clock = Clock::start();
    let probe = LivenessProbe::new();
    let server_config = server_config(&config, probe.clone())?;
    let runtime = build_runtime(config.workers)?;
    // Everything from here to the spawns runs in the runtime, and none of it waits for it.
    let entered = runtime.enter();
    // The port comes first, so that a taken one leaves no trace on disk.
    let tracer = config.trace_per_mille.map(tracing::tracer);
    let opening = Opening::bind(server_config, listening(&config)?, tracer.clone(), program)?;
    let native = take_over::open(&config, events)?;
    let endpoints = Endpoints { native: native.endpoints(), http: native.http(), blobs: Some(native.blobs()) };
    let transport = opening.serve(endpoints, clock)?;
    drop(entered);
    runtime.spawn(watch::watch(transport.clone(), native.clone(), Arc::clone(events)));
    runtime.spawn(native.clone().sweep(clock));
    let info = transport.info(native.log_id());
    Ok(Running { runtime: Some(runtime), transport, tracer, native, probe, clock, info })
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

fn server_config(config: &RelayConfig, probe: LivenessProbe) -> Result<ServerConfig, Failure> {
    let ip: IpAddr =
        config.host.parse().map_err(|_| Failure::config(format!("host: {:?} is not an IP address", config.host)))?;
    Ok(ServerConfig {
        bind: SocketAddr::new(ip, config.port),
        routes: config.routes.iter().map(route).collect::<Result<_, _>>()?,
        control_plane: config.control_plane.as_ref().map(control_plane).transpose()?,
        liveness: Some(probe),
        limits: limits(config)?,
    })
}

fn route(route: &config::RelayRoute) -> Result<Route, Failure> {
    let kind = match route.kind.as_str() {
        "native" => RouteKind::Native,
        "liveness" => RouteKind::Liveness,
        "session" => RouteKind::Frames(FrameRoute::Session),
        "push" => RouteKind::Frames(FrameRoute::Push),
        "pull" => RouteKind::Frames(FrameRoute::Pull),
        "subscribe" => RouteKind::Frames(FrameRoute::Subscribe),
        "blobs" => RouteKind::Blobs,
        "frames" => RouteKind::Frames(FrameRoute::Frames),
        other => return Err(Failure::config(format!("routes: {other:?} is not a kind of route"))),
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

    /// Begins to erase a space; what it came to is received once nothing is left to overwrite.
    pub(crate) fn erase_space(&self, space: SpaceId) -> Receiver<Result<(), StoreError>> {
        self.native.erase_space(space)
    }

    pub(crate) fn stats(&self, events_dropped: u64) -> RelayStats {
        let now = self.clock.now();
        let mut snapshot = RelayStats {
            uptime_ms: stats::millis(now.0),
            event_loop_silence_ms: stats::millis(self.probe.silence(now)),
            events_dropped_total: number(events_dropped),
            spans_dropped_total: number(self.tracer.as_ref().map_or(0, |tracer| tracer.dropped())),
            ..RelayStats::default()
        };
        stats::add_net(&mut snapshot, &self.transport.stats());
        stats::add_rules(&mut snapshot, &self.native.rule_stats());
        stats::add_store(&mut snapshot, &self.native.store_stats());
        stats::add_blobs(&mut snapshot, &self.native.blob_stats());
        snapshot
    }

    /// Tells clients when to return, closes what is left at the deadline, then the store, then the threads.
    pub(crate) fn stop(mut self, drain: Duration) -> Result<(), Failure> {
        let Some(runtime) = self.runtime.take() else { return Ok(()) };
        runtime.block_on(self.transport.drain(drain));
        self.native.close();
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

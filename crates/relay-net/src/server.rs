//! The public server: bound and started once, asked for its stats, drained once.

use crate::clock::Clock;
use crate::compat::{Compat, ForeignServices};
use crate::connection::Shared;
use crate::connection::pump::Pumps;
use crate::connection::signal::Signal;
use crate::connections::Connections;
use crate::gate::{Gate, GateConfig};
use crate::http::control_plane::ControlPlane;
use crate::http::exchange::Front;
use crate::http::listener;
use crate::http::liveness::LivenessProbe;
use crate::http::proxy::Proxy;
use crate::http::redirect::redirect_loop;
use crate::http::refusals::Refusals;
use crate::http::route::{Route, RouteTable};
use crate::http::secure::Secure;
use crate::limits::{ABORT_TIMEOUT, NetLimits};
use crate::request_class::RequestClass;
use crate::start_error::StartError;
use crate::stats::{NetStats, Stats};
use crate::tls::{TlsConfig, TlsError};
use crate::traces::Tracer;
use crate::transport::handshake::TlsAcceptor;
use relay_core::blobs::Blobs;
use relay_core::endpoint::EndpointFactory;
use relay_core::http::HttpSessions;
use relay_core::measure::RequestFigures;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// What a server is told at its start.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Address of the public port; port 0 lets the system choose.
    pub bind: SocketAddr,
    /// Paths the core serves itself.
    pub routes: Vec<Route>,
    /// Where every other request goes; without it they are answered with 404.
    pub control_plane: Option<ControlPlane>,
    /// The control plane's sign of life; without it the liveness route always answers 200.
    pub liveness: Option<LivenessProbe>,
    /// Who is let in.
    pub gate: GateConfig,
    /// TLS; without it only plain connections are served.
    pub tls: Option<TlsConfig>,
    /// All limits.
    pub limits: NetLimits,
}

/// What is served on the routes of the data plane.
#[derive(Clone)]
pub struct Endpoints {
    /// The native protocol.
    pub native: Arc<dyn EndpointFactory>,
    /// The same over HTTP.
    pub http: Arc<dyn HttpSessions>,
    /// Blobs; without them their route knows none.
    pub blobs: Option<Arc<Blobs>>,
    /// Foreign protocols; a route of one that is not there passes its requests on.
    pub foreign: ForeignServices,
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Endpoints { native: …, http: …, blobs: …, foreign: … }")
    }
}

/// A server whose port is open but not served yet: who connects waits in the backlog.
pub struct BoundServer {
    listener: TcpListener,
    local_addr: SocketAddr,
    routes: RouteTable,
    control_plane: Option<ControlPlane>,
    liveness: Option<LivenessProbe>,
    gate: GateConfig,
    secure: Option<Secure>,
    redirect: Option<TcpListener>,
    limits: NetLimits,
    tracer: Option<Arc<Tracer>>,
}

/// Where the public port comes from.
#[derive(Debug, Default)]
pub enum Listening {
    /// It is opened for this relay alone.
    #[default]
    Alone,
    /// It is opened beside another relay of the same user, which is about to stop.
    Beside,
    /// It was opened by whoever started the process.
    Adopted(std::net::TcpListener),
}

impl fmt::Debug for BoundServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BoundServer").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

impl BoundServer {
    /// Traces the requests it will serve.
    #[must_use]
    pub fn traced(self, tracer: Option<Arc<Tracer>>) -> Self {
        Self { tracer, ..self }
    }

    /// Begins to serve, on the tokio runtime it is called in.
    #[must_use]
    pub fn serve(self, endpoints: Endpoints, clock: Clock) -> Server {
        let Self { listener, local_addr, routes, control_plane, liveness, gate, secure, redirect, limits, tracer } =
            self;
        let connections = Connections::new(limits.connections_max);
        let stats = Stats::new(limits.partial_bytes_max);
        let shared = Arc::new(Shared { limits, stats, clock });
        let pumps = Arc::new(Pumps::start(&shared));
        let proxy = control_plane.map(|plane| Proxy::new(plane, &shared.limits));
        let gate = Arc::new(Gate::new(gate));
        let Endpoints { native, http, blobs, foreign } = endpoints;
        let compat = Compat::new(foreign, shared.limits.foreign_requests_max);
        let front = Front {
            routes,
            proxy,
            liveness,
            gate: Arc::clone(&gate),
            native,
            http,
            blobs,
            compat,
            shared: Arc::clone(&shared),
            pumps: Arc::clone(&pumps),
            refusals: Refusals::new(secure.is_some()),
            secure,
            tracer,
        };
        let front = Arc::new(front);
        let (stop, stopped) = watch::channel(false);
        let redirect_addr = redirect.as_ref().and_then(|listener| listener.local_addr().ok());
        if let Some(redirect) = redirect {
            tokio::spawn(redirect_loop(redirect, local_addr.port(), stopped.clone()));
        }
        let accepting = tokio::spawn(listener::accept_loop(listener, front, Arc::clone(&connections), stopped));
        Server {
            local_addr,
            redirect_addr,
            shared,
            gate,
            connections,
            stop,
            accepting: std::sync::Mutex::new(Some(accepting)),
            _pumps: pumps,
        }
    }
}

/// A running server. Dropping it closes the port and aborts all connections; [`Server::drain`] does so in order.
pub struct Server {
    local_addr: SocketAddr,
    redirect_addr: Option<SocketAddr>,
    shared: Arc<Shared>,
    gate: Arc<Gate>,
    connections: Arc<Connections>,
    stop: watch::Sender<bool>,
    accepting: std::sync::Mutex<Option<JoinHandle<()>>>,
    // They run until the last connection could have gone.
    _pumps: Arc<Pumps>,
}

impl Server {
    /// Opens the port, on the tokio runtime it is called in. Whatever else a start needs can still fail without a trace.
    ///
    /// # Errors
    /// [`StartError`] if the port cannot be opened or the configuration makes no sense.
    pub fn bind(config: ServerConfig) -> Result<BoundServer, StartError> {
        Self::bind_as(config, Listening::Alone)
    }

    /// Like [`Self::bind`], with the port from elsewhere.
    ///
    /// # Errors
    /// [`StartError`] if the port cannot be used or the configuration makes no sense.
    pub fn bind_as(config: ServerConfig, listening: Listening) -> Result<BoundServer, StartError> {
        let ServerConfig { bind, routes, control_plane, liveness, gate, tls, limits } = config;
        let routes = RouteTable::new(routes)?;
        let listener = listener::listen(bind, limits.accept_backlog, listening)?;
        let local_addr = listener.local_addr().map_err(|source| StartError::Listen { address: bind, source })?;
        let redirect = tls.as_ref().and_then(|tls| tls.redirect);
        let redirect =
            redirect.map(|address| listener::listen(address, limits.accept_backlog, Listening::Alone)).transpose()?;
        let secure = tls.map(|tls| {
            let acceptor = TlsAcceptor::new(Arc::clone(&tls.certificate))?;
            Ok(Secure::new(&tls, acceptor))
        });
        let secure = secure.transpose().map_err(TlsError::Library)?;
        let tracer = None;
        Ok(BoundServer {
            listener,
            local_addr,
            routes,
            control_plane,
            liveness,
            gate,
            secure,
            redirect,
            limits,
            tracer,
        })
    }

    /// The address the server listens on, with the port the system chose.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The address of the listener that sends plain HTTP to TLS, if there is one.
    #[must_use]
    pub fn redirect_addr(&self) -> Option<SocketAddr> {
        self.redirect_addr
    }

    /// A snapshot of all counters and gauges.
    #[must_use]
    pub fn stats(&self) -> NetStats {
        self.shared.stats.snapshot(self.connections.open(), self.gate.crowded())
    }

    /// How requests over HTTP ended, and how long the good ones took, by kind.
    #[must_use]
    pub fn requests(&self) -> Vec<(RequestClass, RequestFigures)> {
        self.shared.stats.requests()
    }

    /// Closes the port, tells every endpoint, flushes and closes every connection with 1012, and aborts what is left at
    /// the deadline. Afterwards no connection is open.
    pub async fn drain(&self, deadline: Duration) {
        self.stop.send_replace(true);
        let accepting = self.accepting.lock().map_or(None, |mut task| task.take());
        if let Some(task) = accepting {
            // The loop only ends by the stop just sent, or by a panic, after which the port is closed as well.
            let _ = task.await;
        }
        self.connections.signal_all(Signal::drain);
        if timeout(deadline, self.connections.until_none()).await.is_err() {
            self.connections.signal_all(Signal::abort);
            // A task that does not run cannot go; the process is about to end anyway.
            let _ = timeout(ABORT_TIMEOUT, self.connections.until_none()).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.connections.signal_all(Signal::abort);
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Server").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

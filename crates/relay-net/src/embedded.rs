//! The relay without a port: a program owns the sockets and hands over what arrives on them, in batches, and takes what is to
//! be sent, in batches. Sessions and requests are those of the relay's own port.
//!
//! Invariants:
//! 1. A socket that is not read costs at most one window of memory on either side of the border.
//! 2. [`Embedded::receive`] does not block: it copies, and wakes the tasks of the streams.

pub(crate) mod handed_body;
mod outbox;
pub(crate) mod outlet;
mod request;
mod session;
pub(crate) mod stream;
pub(crate) mod wire;

pub use outlet::WakeProgram;
pub use wire::BatchError;

use crate::clock::Clock;
use crate::compat::Compat;
use crate::connection::Shared;
use crate::connection::pump::Pumps;
use crate::connection::signal::Signal;
use crate::connections::{ConnectionGuard, Connections};
use crate::gate::{Gate, GateConfig};
use crate::http::exchange::Front;
use crate::http::listener::TOO_MANY;
use crate::http::problem::Problem;
use crate::http::refusals::Refusals;
use crate::http::route::{Route, RouteTable};
use crate::limits::{ABORT_TIMEOUT, NetLimits};
use crate::request_class::RequestClass;
use crate::server::Endpoints;
use crate::start_error::StartError;
use crate::stats::{NetStats, Stats};
use crate::websocket::close;
use http::StatusCode;
use outlet::Outlet;
use relay_core::measure::RequestFigures;
use request::EmbeddedRequest;
use session::EmbeddedSession;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use stream::Streams;
use tokio::runtime::Handle;
use tokio::time::timeout;
use wire::{Input, Output, Record};

const DRAINING: Problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "draining", "The relay is stopping.");
const BAD_HEAD: Problem = Problem::new(StatusCode::BAD_REQUEST, "bad_request", "The head of the request is malformed.");

/// A relay whose sockets belong to somebody else.
pub struct Embedded {
    front: Arc<Front>,
    connections: Arc<Connections>,
    streams: Arc<Streams>,
    outlet: Arc<Outlet>,
    draining: AtomicBool,
    runtime: Handle,
}

impl Embedded {
    /// Begins to serve, on the tokio runtime it is called in. `wake` is called when output waits, once until it is taken.
    ///
    /// # Errors
    /// [`StartError`] if the routes make no sense.
    pub fn start(
        routes: Vec<Route>,
        limits: NetLimits,
        endpoints: Endpoints,
        clock: Clock,
        wake: WakeProgram,
    ) -> Result<Self, StartError> {
        let routes = RouteTable::new(routes)?;
        let connections = Connections::new(limits.connections_max);
        let stats = Stats::new(limits.partial_bytes_max);
        let shared = Arc::new(Shared { limits, stats, clock });
        let pumps = Arc::new(Pumps::start(&shared));
        let Endpoints { native, http, blobs, foreign } = endpoints;
        let front = Front {
            routes,
            proxy: None,
            liveness: None,
            // Who may come in, and over which TLS, is the program's business.
            gate: Arc::new(Gate::new(GateConfig::default())),
            native,
            http,
            blobs,
            compat: Compat::new(foreign, shared.limits.foreign_requests_max),
            shared,
            pumps,
            refusals: Refusals::new(false),
            secure: None,
            tracer: None,
        };
        Ok(Self {
            front: Arc::new(front),
            connections,
            streams: Arc::default(),
            outlet: Arc::new(Outlet::new(wake)),
            draining: AtomicBool::new(false),
            runtime: Handle::current(),
        })
    }

    /// Takes one batch of what happened on the sockets. A record of a stream that is over is ignored.
    ///
    /// # Errors
    /// [`BatchError`] when the batch is not a row of records; those before the broken one were taken.
    pub fn receive(&self, mut batch: &[u8]) -> Result<(), BatchError> {
        while let Some(record) = wire::next(&mut batch)? {
            match record.kind {
                Input::OpenSession => self.open_session(record.stream),
                Input::OpenRequest => self.open_request(&record),
                _ => {
                    if let Some(stream) = self.streams.get(record.stream) {
                        stream.put(&record);
                    }
                }
            }
        }
        Ok(())
    }

    /// The next piece of output; to be called until there is none.
    #[must_use]
    pub fn take(&self) -> Option<Vec<u8>> {
        self.outlet.take()
    }

    /// A snapshot of all counters and gauges.
    #[must_use]
    pub fn stats(&self) -> NetStats {
        self.front.shared.stats.snapshot(self.connections.open(), 0)
    }

    /// How requests over HTTP ended, and how long the good ones took, by kind.
    #[must_use]
    pub fn requests(&self) -> Vec<(RequestClass, RequestFigures)> {
        self.front.shared.stats.requests()
    }

    /// Opens nothing more, tells every endpoint, closes every session with 1012, and cuts what is left at the deadline.
    pub async fn drain(&self, deadline: Duration) {
        self.draining.store(true, Ordering::Release);
        self.connections.signal_all(Signal::drain);
        if timeout(deadline, self.connections.until_none()).await.is_err() {
            self.connections.signal_all(Signal::abort);
            // A task that does not run cannot go; the program is about to end anyway.
            let _ = timeout(ABORT_TIMEOUT, self.connections.until_none()).await;
        }
    }

    fn open_session(&self, id: u32) {
        let Some(guard) = self.admit() else {
            let mut records = Vec::new();
            let (code, reason) = self.refusal();
            wire::append(&mut records, Output::Close, id, &[&code.to_be_bytes(), reason.as_bytes()]);
            return self.outlet.append(&records);
        };
        let opened = self.streams.open(id);
        let (outlet, shared) = (Arc::clone(&self.outlet), Arc::clone(&self.front.shared));
        let native = Arc::clone(&self.front.native);
        self.runtime.spawn(async move {
            let mut session = EmbeddedSession::open(native.as_ref(), opened, outlet, shared, guard);
            poll_fn(|cx| session.poll(cx)).await;
        });
    }

    fn open_request(&self, record: &Record<'_>) {
        let refuse = |problem: Problem| request::refuse(&self.outlet, record.stream, self.front.refuse(problem));
        let Some(head) = request::head_of(record.payload) else {
            return refuse(BAD_HEAD);
        };
        let Some(guard) = self.admit() else {
            return refuse(if self.is_draining() { DRAINING } else { TOO_MANY });
        };
        let opened = self.streams.open(record.stream);
        let request = EmbeddedRequest::new(Arc::clone(&self.front), opened, Arc::clone(&self.outlet), guard);
        self.runtime.spawn(request.run(head));
    }

    fn admit(&self) -> Option<ConnectionGuard> {
        let counters = &self.front.shared.stats.counters;
        let guard = if self.is_draining() { None } else { self.connections.admit() };
        if guard.is_some() {
            counters.accepted_total.add(1)
        } else {
            counters.refused_total.add(1)
        }
        guard
    }

    fn refusal(&self) -> (u16, &'static str) {
        if self.is_draining() { (close::RESTART, "drain") } else { (close::TRY_AGAIN, TOO_MANY.code) }
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.connections.signal_all(Signal::abort);
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Embedded { … }")
    }
}

//! The transport of the data plane: sockets, HTTP/1.1, WebSocket, write queues, drain and the proxy to the control plane.
//!
//! Invariants:
//! 1. A peer that does not read costs at most one write queue of memory; output is pulled from the endpoint, never stored up.
//! 2. A peer that does not finish what it sends costs at most its share of the process-wide budget of partial bytes.
//! 3. Every wait on a peer has a named limit in [`NetLimits`], and reaching it is counted in [`NetStats`].
//! 4. Whatever one connection sends, and even if its endpoint panics, the others are not affected.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod clock;
mod compat;
mod connection;
mod connections;
mod dial;
mod embedded;
mod gate;
mod http;
mod limits;
mod partial;
mod request_class;
mod scratch;
mod server;
mod start_error;
mod stats;
pub mod tls;
mod traces;
mod transport;
pub mod websocket;
mod write_queue;

pub use crate::clock::Clock;
pub use crate::compat::{ForeignKind, ForeignRoute, ForeignServices};
pub use crate::dial::{DialAddress, DialStats, WrongAddress, keep_dialed};
pub use crate::embedded::{BatchError, Embedded, WakeProgram};
pub use crate::gate::{AllowedOrigins, GateConfig, ProxyHeader, TrustedProxies};
pub use crate::http::control_plane::{ControlPlane, ProxySecret};
pub use crate::http::frames::FrameRoute;
pub use crate::http::liveness::LivenessProbe;
pub use crate::http::route::{Route, RouteKind};
pub use crate::limits::NetLimits;
pub use crate::request_class::RequestClass;
pub use crate::server::{BoundServer, Endpoints, Listening, Server, ServerConfig};
pub use crate::start_error::StartError;
pub use crate::stats::NetStats;
pub use crate::traces::{SPANS_MAX, Span, TraceSource, Tracer};

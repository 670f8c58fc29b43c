//! Graceful Books: devices push sealed changes and pull those of the others, over HTTP, and a WebSocket says when there is something.
//!
//! A tenant is who shows the same bearer token; who shows none is the one tenant of a self-hosted relay, where that is allowed.
//! Changes are kept in the order in which they were received: each has its own receive time in milliseconds, strictly increasing
//! within a tenant, and a cursor is such a time. So paging loses nothing, whatever the clocks of devices say.

mod accept;
mod ack;
mod answer;
mod export;
mod message;
mod notify;
mod pull;
mod push;
mod rate;
mod record;
mod service;
mod socket;
mod sweep;

pub use message::fuzz_request;
pub use notify::GracefulStats;
pub use service::{GracefulOptions, GracefulParts, GracefulService};

/// The version of the protocol, in bodies.
pub const PROTOCOL_VERSION: &str = "1.0.0";
/// Largest body of a request, in bytes (default).
pub const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Changes in one push.
pub const PUSH_CHANGES_MAX: usize = 10_000;
/// Changes in one ack.
pub const ACK_CHANGES_MAX: usize = 1000;
/// Changes in one page of a pull.
pub const PULL_CHANGES_MAX: usize = 100;
/// Bytes of changes in one page of a pull; one change may overshoot.
pub const PULL_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Changes looked at for one page of a pull: those of the device itself are left out.
pub const PULL_LOOKS_MAX: usize = 2000;
/// Devices a tenant may declare.
pub const DEVICES_MAX: usize = 256;
/// Longest id of a change, a device or an entity, in bytes.
pub const NAME_BYTES_MAX: usize = 1024;
/// Period of the pings of a WebSocket, in milliseconds (default).
pub const PING_MS: u64 = 30_000;
/// Silence after which a WebSocket is closed, in milliseconds (default).
pub const SILENCE_MS_MAX: u64 = 60_000;

//! Every limit of the transport, with its unit in its name. The defaults are stated once, here.

use std::time::Duration;

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty = $default:expr;)+) => {
        /// Limits of the transport. All of them end in their unit, or count what their name says.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct NetLimits { $($(#[doc = $doc])+ pub $name: $kind,)+ }

        impl Default for NetLimits {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }
    };
}

limits! {
    /// Connections open at a time, HTTP and WebSocket together; above it they are answered with 503. Default 20,000.
    connections_max: usize = 20_000;
    /// Connections the kernel may hold before the relay accepts them. Default 1,024.
    accept_backlog: u32 = 1024;
    /// Longest pause after a failed accept (out of file descriptors, say). Default 1 s.
    accept_backoff_ms_max: u64 = 1_000;

    /// The TLS handshake must be done within this. Default 10 s.
    tls_handshake_timeout_ms: u64 = 10_000;

    /// A request's head must arrive within this, and a kept-alive connection may idle this long. Default 5 s.
    http_header_timeout_ms: u64 = 5_000;
    /// Largest head of a request; above it 431. Default 16 KiB.
    http_header_bytes_max: usize = 16 * 1024;
    /// Most header lines of a request; above it 431. Default 100.
    http_headers_max: usize = 100;
    /// Longest path and query of a request; above it 414. Default 8 KiB.
    http_target_bytes_max: usize = 8 * 1024;
    /// Largest body passed on to the control plane; above it 413. Default 1 MiB.
    http_body_bytes_max: u64 = 1024 * 1024;
    /// A body that is passed on must have arrived within this; else 408. Default 30 s.
    http_body_timeout_ms: u64 = 30_000;

    /// An upload of a blob that brings nothing for this long is cut; it can be resumed. Default 10 s.
    blob_stall_timeout_ms: u64 = 10_000;

    /// Requests of foreign protocols under way at a time; above it 503. Default 1,024.
    foreign_requests_max: usize = 1_024;
    /// The service of a foreign protocol must answer within this; else the request failed. Default 30 s.
    foreign_answer_timeout_ms: u64 = 30_000;

    /// Requests passed on to the control plane at a time; above it 503. Default 256.
    proxy_requests_max: usize = 256;
    /// The control plane must take the connection within this; else 502. Default 1 s.
    proxy_connect_timeout_ms: u64 = 1_000;
    /// The control plane must send the head of its answer within this; else 504. Default 30 s.
    proxy_response_timeout_ms: u64 = 30_000;
    /// A kept connection to the control plane is not used again after resting this long; below the control plane's own
    /// limit of 15 s. Default 5 s.
    proxy_idle_ms_max: u64 = 5_000;
    /// With the control plane silent for this long, liveness turns 503. Default 30 s.
    liveness_silence_ms_max: u64 = 30_000;

    /// A WebSocket must deliver its first message within this. Default 10 s.
    handshake_timeout_ms: u64 = 10_000;
    /// Period of WebSocket pings; a peer silent for two periods is closed. Default 30 s.
    heartbeat_ms: u64 = 30_000;
    /// Without any message in either direction for this long, a WebSocket is closed; zero never closes. Default 0.
    idle_timeout_ms: u64 = 0;
    /// A write that makes no progress for this long aborts the connection. Default 10 s.
    write_stall_timeout_ms: u64 = 10_000;
    /// Time the peer has to finish the close handshake. Default 2 s.
    close_timeout_ms: u64 = 2_000;
    /// Time between telling an endpoint that the relay drains and closing its connection. Default 100 ms.
    drain_linger_ms: u64 = 100;

    /// Bytes in one connection's write queue, bookkeeping included; the endpoint waits above it. Default 256 KiB.
    write_queue_bytes_max: usize = 256 * 1024;
    /// Below this the endpoint is asked for more output. Default 64 KiB.
    write_queue_low_water_bytes: usize = 64 * 1024;
    /// Unsent bytes the kernel may hold for one socket. Default 128 KiB.
    socket_unsent_bytes_max: u32 = 128 * 1024;

    /// Most frames in one WebSocket message. Default 1,024.
    message_fragments_max: u32 = 1024;
    /// Time a message may take before its rate is judged. Default 10 s.
    message_grace_ms: u64 = 10_000;
    /// Least average rate at which a message must arrive after the grace, in bytes per second. Default 1 KiB/s.
    message_rate_bytes_min: u64 = 1024;
    /// Bytes of received but incomplete messages in the whole process; a connection that needs more is closed with
    /// 1013. Default 256 MiB.
    partial_bytes_max: usize = 256 * 1024 * 1024;
}

/// Bytes read and thrown away after a close frame, so that the peer gets to read it.
pub(crate) const LINGER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Refused connections that are being told so at a time; beyond it they are dropped without a word.
pub(crate) const REFUSALS_MAX: usize = 64;
/// The same with TLS, where each costs a handshake.
pub(crate) const TLS_REFUSALS_MAX: usize = 16;
/// Such handshakes in a second.
pub(crate) const TLS_REFUSALS_PER_SECOND_MAX: u32 = 32;
/// Time a refused connection has for its handshake and to read its answer.
pub(crate) const TLS_REFUSAL_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections taken from the system when the port closes, at most.
pub(crate) const WAITING_MAX: usize = 4096;
/// Time a refused connection has to read its answer.
pub(crate) const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);
/// First pause after a failed accept.
pub(crate) const ACCEPT_BACKOFF_MIN: Duration = Duration::from_millis(5);
/// Time connections that were told to abort have to go.
pub(crate) const ABORT_TIMEOUT: Duration = Duration::from_secs(1);
/// Connections to the control plane that are kept while nothing is asked.
pub(crate) const PROXY_LINKS_IDLE_MAX: usize = 64;
/// Addresses whose rates are known one by one, for each rate; more share the lowest of eight.
pub(crate) const ADDRESSES_MAX: usize = 16_384;
/// Shards of the count of open connections by address.
pub(crate) const ADDRESS_SHARDS: usize = 64;
/// Most networks of trusted proxies.
pub(crate) const TRUSTED_PROXIES_MAX: usize = 64;
/// Most origins whose pages are named.
pub(crate) const ORIGINS_MAX: usize = 64;
/// Longest route path.
pub(crate) const ROUTE_PATH_BYTES_MAX: usize = 1024;
/// Most routes.
pub(crate) const ROUTES_MAX: usize = 1024;

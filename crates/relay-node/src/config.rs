//! What TypeScript hands over at start. Validated in `src/config`; here only the number ranges of the types are checked.

use crate::failure::Failure;
use napi_derive::napi;
use std::time::Duration;

/// Everything the core is told when it starts.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayConfig {
    /// IP address to listen on.
    pub host: String,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// Directory of the store; made when missing.
    pub data_dir: String,
    /// Threads that move data; 0 is one per processor.
    pub workers: u32,
    /// Paths the core serves itself; every other request goes to the control plane.
    pub routes: Vec<RelayRoute>,
    /// Where the control plane listens, or null for none.
    pub control_plane: Option<RelayControlPlane>,
    /// Who is let in.
    pub gate: RelayGate,
    /// Whether a device that would found a space waits for `answerFounding`; otherwise everybody may found one.
    pub asks_to_found: bool,
    /// What tenants may take together.
    pub tenants: RelayTenants,
    /// TLS, or null for plain connections only.
    pub tls: Option<RelayTls>,
    /// Set: another relay of this user may still serve port and store; the port is opened beside it, and the store waited for
    /// at most this long, in milliseconds. Null: both must be free.
    pub take_over_ms: Option<i64>,
    /// A listening socket this process was started with, by its descriptor; null opens the port.
    pub listen_fd: Option<i32>,
    /// How many of a thousand requests begin a trace; null traces nothing, not even what clients trace.
    pub trace_per_mille: Option<u32>,
    /// Named limits.
    pub limits: RelayLimits,
    /// Named times.
    pub times: RelayTimes,
    /// Foreign protocols.
    pub compat: RelayCompat,
}

/// The foreign protocols that are on; null is off.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayCompat {
    /// Graceful Books.
    pub graceful: Option<RelayGraceful>,
    /// PluresDB.
    pub plures: Option<RelayPlures>,
    /// GUN.
    pub gun: Option<RelayGun>,
    /// Eidetica.
    pub eidetica: Option<RelayEidetica>,
    /// What holds for the tenants of all of them.
    pub limits: RelayForeignLimits,
    /// Whether the control plane is asked whom tokens name; otherwise each names itself.
    pub by_owner: bool,
}

/// Limits over all foreign tenants; 0 is no limit.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayForeignLimits {
    /// Tenants of all systems.
    pub tenants_max: i64,
    /// Bytes of the tenants of one system that nobody let in.
    pub open_bytes_max: i64,
    /// WebSockets of one system.
    pub connections_max: i64,
    /// WebSockets of one tenant.
    pub tenant_connections_max: i64,
    /// Works in a second that store something, of one tenant.
    pub tenant_writes_per_second_max: i64,
    /// Puts in a second of one connection.
    pub connection_puts_per_second_max: i64,
    /// Writes in a minute of one client address, to all systems together.
    pub address_writes_per_minute_max: i64,
}

/// What an operator decides about Eidetica.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayEidetica {
    /// Whether requests without a token are those of one tenant; otherwise they are refused.
    pub tokenless: bool,
    /// Whether reading a signed tree without a token takes the proof of a key that signed in it.
    pub proof: bool,
    /// Takes entries that are signed by a key they name, and no others.
    pub signed_only: bool,
    /// Bytes a tenant may hold.
    pub tenant_bytes_max: i64,
    /// Largest body of a request, in bytes.
    pub body_bytes_max: i64,
}

/// What an operator decides about GUN.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayGun {
    /// Whether peers without a token share one graph; otherwise they are refused.
    pub tokenless: bool,
    /// Takes signed values in graphs of users alone.
    pub signed_only: bool,
    /// Takes encrypted values, links and deletions alone.
    pub sealed_only: bool,
    /// Addresses of the relays that this one connects to.
    pub peers: Vec<String>,
    /// Bytes a tenant may hold.
    pub tenant_bytes_max: i64,
}

/// What an operator decides about Graceful Books.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayGraceful {
    /// Whether requests without a token are those of one tenant; otherwise they are refused.
    pub tokenless: bool,
    /// Refuses known ids and changes that are not newer than their entity.
    pub strict: bool,
    /// How many tenants of 10,000 are served.
    pub rollout_share: i64,
    /// Requests of one client in a minute.
    pub requests_per_minute_max: i64,
    /// Bytes a tenant may hold.
    pub tenant_bytes_max: i64,
    /// How long changes are kept, in milliseconds.
    pub retention_ms: i64,
    /// Largest body, in bytes.
    pub body_bytes_max: i64,
    /// Period of pings, in milliseconds.
    pub ping_ms: i64,
    /// Silence after which a WebSocket is closed, in milliseconds.
    pub silence_ms_max: i64,
}

/// What an operator decides about PluresDB.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayPlures {
    /// What peers must show, or null.
    pub token: Option<String>,
}

/// One path the core serves.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayRoute {
    /// Absolute path, matched exactly; of blobs, what comes before the id.
    pub path: String,
    /// What is served there: `native`, `session`, `push`, `pull`, `subscribe`, `frames`, `blobs` or `liveness`; of foreign
    /// protocols `graceful`, `graceful-socket`, `plures-socket`, `gun-socket`, `eidetica` or `first-frame-socket`.
    pub kind: String,
}

/// The Unix socket or named pipe of the public control-plane app.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayControlPlane {
    /// Path of the socket.
    pub socket_path: String,
    /// Secret of this boot; the control plane believes the client address only when it is present.
    pub secret: String,
}

/// Rates and counts of one client address; 0 is no limit.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayGate {
    /// Requests in a minute for the control plane.
    pub requests_per_minute: i64,
    /// Requests in a minute for what the core serves itself, liveness excepted.
    pub native_requests_per_minute: i64,
    /// New connections in a minute.
    pub connections_per_minute: i64,
    /// Connections open at a time.
    pub connections_max: i64,
    /// Networks of proxies whose word about the client's address is believed.
    pub trusted_proxies: Vec<String>,
    /// Whether their connections begin with a header of the PROXY protocol.
    pub proxy_protocol: bool,
    /// The header they write it into: `x-forwarded-for` or `forwarded`.
    pub proxy_header: String,
    /// Whether requests are refused whose client did not speak TLS, to the relay or to such a proxy; probes are not.
    pub require_https: bool,
    /// Origins whose pages may read answers; none stands for all.
    pub origins: Vec<String>,
}

/// What the spaces of a tenant may take together.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayTenants {
    /// Of every tenant that has no limits of its own.
    pub general: RelayTenantLimits,
    /// Of the others.
    pub own: Vec<RelayTenantOwn>,
}

/// The limits of one tenant.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayTenantOwn {
    /// Its id: 32 hexadecimal digits.
    pub tenant: String,
    /// What it may take.
    pub limits: RelayTenantLimits,
}

/// Limits of a tenant; 0 is no limit.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayTenantLimits {
    /// Entries held of all its spaces.
    pub entries_max: i64,
    /// Sealed bytes of those entries.
    pub bytes_max: i64,
    /// Sessions of all its spaces at a time.
    pub connections_max: i64,
    /// Pushes of all its sessions in a second.
    pub pushes_per_second_max: i64,
}

/// TLS 1.3 on the public port. Exactly one of `files` and `acme` is given.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayTls {
    /// A certificate that somebody else looks after.
    pub files: Option<RelayTlsFiles>,
    /// A certificate that the relay obtains itself.
    pub acme: Option<RelayAcme>,
    /// Seconds for which browsers are to insist on HTTPS; 0 does not say so.
    pub hsts_max_age_s: i64,
    /// Port on which plain HTTP is sent to HTTPS, or null for none.
    pub redirect_port: Option<u16>,
}

/// Files of a certificate.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayTlsFiles {
    /// PEM file of the chain.
    pub certificate: String,
    /// PEM file of the key.
    pub key: String,
}

/// An authority that speaks ACME.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayAcme {
    /// URL of its directory.
    pub directory: String,
    /// Names the certificate is for.
    pub domains: Vec<String>,
    /// Where it may write to, or null.
    pub email: Option<String>,
    /// PEM file of the root that its own HTTPS is checked against, or null for the system's roots.
    pub ca: Option<String>,
}

/// Limits, in bytes or counts.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayLimits {
    /// Connections open at the same time.
    pub connections_max: i64,
    /// Bytes of one sealed entry.
    pub entry_bytes_max: i64,
    /// Entries in one push.
    pub push_entries_max: i64,
    /// Pushed bytes of one connection that wait for the disk.
    pub push_bytes_in_flight_max: i64,
    /// Bytes of partly received messages in the whole process.
    pub assembly_bytes_max: i64,
    /// Ephemeral frames of one session in a second.
    pub ephemeral_frames_per_second_max: i64,
    /// Pushes of one session in a second; 0 is no limit.
    pub session_pushes_per_second_max: i64,
    /// Pushes of all sessions of one space in a second; 0 is no limit.
    pub space_pushes_per_second_max: i64,
    /// Sessions of one space at a time.
    pub space_connections_max: i64,
    /// Spaces that the devices of one space may vouch for in an hour, where a founding needs a token; 0 is none.
    pub sponsored_spaces_per_hour_max: i64,
    /// Entries a space may hold; 0 is no limit.
    pub space_entries_max: i64,
    /// Sealed bytes of the entries a space may hold; 0 is no limit.
    pub space_bytes_max: i64,
    /// Blobs of one space.
    pub space_blobs_max: i64,
    /// Bytes of all blobs of one space.
    pub space_blob_bytes_max: i64,
}

/// Times, in milliseconds.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayTimes {
    /// From accept to an open session.
    pub handshake_ms: i64,
    /// Period of the heartbeat.
    pub heartbeat_ms: i64,
    /// How long a push may be expected to wait for its commit.
    pub push_wait_ms: i64,
    /// How long an entry is kept.
    pub retention_ms: i64,
    /// How long a silent device is waited for.
    pub device_lease_ms: i64,
    /// Liveness fails when the JavaScript event loop was silent for this long.
    pub event_loop_silence_ms: i64,
}

/// A count or a number of bytes from JavaScript.
pub(crate) fn count<T: TryFrom<i64>>(name: &str, value: i64) -> Result<T, Failure> {
    T::try_from(value).map_err(|_| Failure::config(format!("{name}: {value} is out of range")))
}

/// A time from JavaScript.
pub(crate) fn milliseconds(name: &str, value: i64) -> Result<Duration, Failure> {
    count(name, value).map(Duration::from_millis)
}

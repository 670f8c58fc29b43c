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
}

/// One path the core serves.
#[napi(object, object_to_js = false, use_nullable = true)]
pub struct RelayRoute {
    /// Absolute path, matched exactly; of blobs, what comes before the id.
    pub path: String,
    /// What is served there: `native`, `session`, `push`, `pull`, `subscribe`, `frames`, `blobs` or `liveness`.
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

//! The one snapshot behind `/metrics` and the live figures: flat, numbers only.

use napi_derive::napi;

/// Counters end in `Total`, gauges say what they count. All since the start of the process.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Default)]
pub struct RelayStats {
    /// Milliseconds since the relay started.
    pub uptime_ms: i64,
    /// Milliseconds since the JavaScript event loop last said it turns.
    pub event_loop_silence_ms: i64,
    /// Events lost because nobody drained them.
    pub events_dropped_total: i64,
}

/// A counter for JavaScript, which counts exactly up to 2^53.
pub(crate) fn number(value: u64) -> i64 {
    const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;
    i64::try_from(value.min(SAFE_INTEGER_MAX)).unwrap_or(i64::MAX)
}

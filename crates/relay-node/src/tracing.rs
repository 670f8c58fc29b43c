//! Finished spans on their way to the exporter, which is JavaScript's.

use crate::environment::SystemEntropy;
use crate::stats::number;
use napi_derive::napi;
use relay_core::environment::Entropy;
use relay_net::{Span, TraceSource, Tracer};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// One finished span of the data plane.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RelaySpan {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// The span it was caused by, or null.
    pub parent_span_id: Option<String>,
    /// What was asked: a kind of route.
    pub name: String,
    /// Microseconds since 1970.
    pub start_us: i64,
    /// Microseconds since 1970.
    pub end_us: i64,
    /// Status of the answer.
    pub status: u16,
}

impl From<Span> for RelaySpan {
    fn from(span: Span) -> Self {
        Self {
            trace_id: hex::encode(span.trace_id),
            span_id: hex::encode(span.span_id),
            parent_span_id: span.parent_id.map(hex::encode),
            name: span.name.to_owned(),
            start_us: number(span.start_us),
            end_us: number(span.end_us),
            status: span.status,
        }
    }
}

struct SystemSource;

impl TraceSource for SystemSource {
    fn now_us(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    fn fill(&self, bytes: &mut [u8]) {
        SystemEntropy.fill(bytes);
    }
}

/// A tracer by the system's clock and randomness.
pub(crate) fn tracer(sample_per_mille: u32) -> Arc<Tracer> {
    Tracer::new(Box::new(SystemSource), sample_per_mille)
}

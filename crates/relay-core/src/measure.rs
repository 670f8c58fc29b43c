//! How long things take and how requests end: fixed buckets and relaxed atomics, cheap enough to record every push.

mod histogram;
mod requests;

pub use histogram::{BOUNDS_MICROS, Histogram, HistogramFigures};
pub use requests::{Outcome, RequestFigures, RequestMeter};

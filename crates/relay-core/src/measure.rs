//! How long things take and how requests end: fixed buckets and relaxed atomics, cheap enough to record every push.

mod buckets;
mod histogram;
mod requests;

pub use buckets::{BUCKETS, TABLE};
pub use histogram::{Histogram, HistogramFigures};
pub use requests::{Outcome, RequestFigures, RequestMeter};

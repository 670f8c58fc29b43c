//! Whether the control plane still beats: its event loop calls `beat`, the liveness route looks at how long ago.

use super::answer_body::Answer;
use super::problem::json;
use relay_core::endpoint::Moment;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The control plane's last sign of life, shared between it and the server. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct LivenessProbe {
    last_beat_ms: Arc<AtomicU64>,
}

impl LivenessProbe {
    /// A probe that counts silence from the relay's start.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The control plane lives at `now`.
    pub fn beat(&self, now: Moment) {
        let now_ms = u64::try_from(now.0.as_millis()).unwrap_or(u64::MAX);
        self.last_beat_ms.fetch_max(now_ms, Ordering::Relaxed);
    }

    /// How long the control plane has been silent at `now`.
    #[must_use]
    pub fn silence(&self, now: Moment) -> Duration {
        now.0.saturating_sub(Duration::from_millis(self.last_beat_ms.load(Ordering::Relaxed)))
    }
}

/// The answer of the liveness route.
pub(crate) fn answer(probe: Option<&LivenessProbe>, now: Moment, silence_ms_max: u64) -> Answer {
    let silent = probe.is_some_and(|probe| probe.silence(now) >= Duration::from_millis(silence_ms_max));
    if silent {
        json(http::StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"control_plane_silent"}"#)
    } else {
        json(http::StatusCode::OK, r#"{"status":"ok"}"#)
    }
}

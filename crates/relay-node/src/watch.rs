//! Turns counters whose growth an operator should read about into events, at most one per counter and period.

use crate::admin::foreign;
use crate::compat::Compat;
use crate::erased_watch;
use crate::events::EventQueue;
use crate::heap_trim::HeapTrim;
use crate::native::Native;
use crate::sponsored;
use crate::store_watch::StoreWatch;
use crate::transport::Transport;
use relay_net::NetStats;
use std::sync::Arc;
use std::time::Duration;

/// How often the counters are looked at.
const PERIOD: Duration = Duration::from_secs(5);

struct Watched {
    level: &'static str,
    code: &'static str,
    read: fn(&NetStats) -> u64,
    what: &'static str,
}

const WATCHED: [Watched; 5] = [
    Watched {
        level: "error",
        code: "endpoint_panicked",
        read: |net| net.endpoint_panics_total,
        what: "connections closed by a bug in their endpoint",
    },
    Watched {
        level: "warn",
        code: "accept_failed",
        read: |net| net.accept_errors_total,
        what: "connections could not be accepted",
    },
    Watched {
        level: "warn",
        code: "connections_refused",
        read: |net| net.refused_total,
        what: "connections refused, limits.connections-max is reached",
    },
    Watched {
        level: "warn",
        code: "partial_refused",
        read: |net| net.partial_refused_total,
        what: "connections closed, limits.assembly-max is reached",
    },
    Watched {
        level: "warn",
        code: "proxy_failed",
        read: |net| net.proxy_errors_total,
        what: "requests the control plane did not answer",
    },
];

/// Watches until the runtime ends.
pub(crate) async fn watch(transport: Transport, native: Native, compat: Compat, events: Arc<EventQueue>) {
    let mut seen = transport.stats();
    let mut store = StoreWatch::default();
    let mut heap = HeapTrim::default();
    loop {
        tokio::time::sleep(PERIOD).await;
        let now = transport.stats();
        report(&seen, &now, &events);
        seen = now;
        store = store.look(&native, &events).await;
        erased_watch::look(&native, &events);
        sponsored::look(&native, &events);
        foreign::report_opened(&native, &compat, &events);
        heap.look(native.store_stats().spaces_let_go).await;
    }
}

fn report(seen: &NetStats, now: &NetStats, events: &EventQueue) {
    for Watched { level, code, read, what } in WATCHED {
        let grown = read(now).saturating_sub(read(seen));
        if grown > 0 {
            events.push(level, code, format!("{grown} {what} in the last {} s", PERIOD.as_secs()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_reported_once_and_rest_is_silent() {
        let events = EventQueue::without_wake();
        let seen = NetStats::default();
        let mut now = NetStats::default();
        now.refused_total = 3;
        report(&seen, &now, &events);
        report(&now, &now, &events);
        let drained = events.drain();
        assert_eq!(drained.len(), 1);
        assert!(drained.iter().all(|event| event.code == "connections_refused" && event.message.starts_with("3 ")));
    }
}

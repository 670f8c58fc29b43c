//! Who is connected, and the word to the other devices of a tenant that there is something to pull.

use relay_core::documents::Tenant;
use relay_core::endpoint::Waker;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Devices whose news wait for one socket; more are told as one of those.
pub(super) const SOURCES_MAX: usize = 16;

/// Counters (since the start) and gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GracefulStats {
    /// WebSockets open.
    pub sockets: u64,
    /// Requests answered.
    pub requests: u64,
    /// Requests answered with an error.
    pub refused: u64,
    /// Requests over their client's rate.
    pub rate_limited: u64,
    /// Changes told of on WebSockets.
    pub notified: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) requests: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) rate_limited: AtomicU64,
    notified: AtomicU64,
}

/// One WebSocket.
pub(super) struct Listener {
    pub(super) device_id: String,
    waker: Waker,
    sources: Mutex<BTreeSet<Arc<str>>>,
}

impl Listener {
    pub(super) fn new(device_id: String, waker: Waker) -> Self {
        Self { device_id, waker, sources: Mutex::default() }
    }

    /// The devices that have news, once.
    pub(super) fn take(&self) -> BTreeSet<Arc<str>> {
        std::mem::take(&mut *self.sources.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn tell(&self, source: &Arc<str>) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if sources.len() < SOURCES_MAX {
            sources.insert(Arc::clone(source));
        }
        drop(sources);
        (self.waker)();
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Listeners {
    tenants: Mutex<HashMap<Tenant, Vec<Arc<Listener>>>>,
    pub(super) counters: Counters,
}

impl Listeners {
    fn lock(&self) -> MutexGuard<'_, HashMap<Tenant, Vec<Arc<Listener>>>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one; how many the tenant has now.
    pub(super) fn add(&self, tenant: Tenant, listener: Arc<Listener>) -> usize {
        let mut tenants = self.lock();
        let listeners = tenants.entry(tenant).or_default();
        listeners.push(listener);
        listeners.len()
    }

    pub(super) fn remove(&self, tenant: Tenant, listener: &Arc<Listener>) {
        let mut tenants = self.lock();
        if let Some(listeners) = tenants.get_mut(&tenant) {
            listeners.retain(|other| !Arc::ptr_eq(other, listener));
            if listeners.is_empty() {
                tenants.remove(&tenant);
            }
        }
    }

    /// Tells the tenant's other devices.
    pub(super) fn tell_others(&self, tenant: Tenant, source: &str) {
        let source: Arc<str> = source.into();
        let listeners = self.lock().get(&tenant).cloned().unwrap_or_default();
        for listener in listeners.iter().filter(|listener| *listener.device_id != *source) {
            self.counters.notified.fetch_add(1, Ordering::Relaxed);
            listener.tell(&source);
        }
    }

    pub(super) fn stats(&self) -> GracefulStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let sockets = self.lock().values().map(|listeners| listeners.len() as u64).sum();
        let counters = &self.counters;
        GracefulStats {
            sockets,
            requests: read(&counters.requests),
            refused: read(&counters.refused),
            rate_limited: read(&counters.rate_limited),
            notified: read(&counters.notified),
        }
    }
}

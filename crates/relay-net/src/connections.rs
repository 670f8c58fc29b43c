//! The registry of open connections: how a drain reaches all of them, and how one waits until they are gone.

use crate::connection::signal::Signal;
use crate::gate::OpenSeat;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::Notify;

/// All open connections of one server; at most the limit it was made with.
#[derive(Debug)]
pub(crate) struct Connections {
    connections_max: usize,
    next_id: AtomicU64,
    open: AtomicUsize,
    signals: Mutex<HashMap<u64, Arc<Signal>>>,
    closed: Notify,
}

impl Connections {
    pub(crate) fn new(connections_max: usize) -> Arc<Self> {
        Arc::new(Self {
            connections_max,
            next_id: AtomicU64::new(1),
            open: AtomicUsize::new(0),
            signals: Mutex::default(),
            closed: Notify::new(),
        })
    }

    /// Registers a connection; none if too many are open.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<ConnectionGuard> {
        let mut signals = self.lock();
        if signals.len() >= self.connections_max {
            return None;
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let signal = Arc::new(Signal::default());
        signals.insert(id, Arc::clone(&signal));
        self.open.store(signals.len(), Ordering::Relaxed);
        Some(ConnectionGuard { connections: Arc::clone(self), id, signal, seat: OnceLock::new() })
    }

    /// Connections open now.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Calls `send` for every open connection.
    pub(crate) fn signal_all(&self, send: impl Fn(&Signal)) -> usize {
        let signals: Vec<_> = self.lock().values().cloned().collect();
        for signal in &signals {
            send(signal);
        }
        signals.len()
    }

    /// Waits until no connection is open.
    pub(crate) async fn until_none(&self) {
        loop {
            let closed = self.closed.notified();
            if self.open() == 0 {
                return;
            }
            closed.await;
        }
    }

    /// The map holds no invariant a panicking holder could have broken half-way.
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Signal>>> {
        self.signals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open connection; counted from its making to its drop, exactly once.
#[derive(Debug)]
pub(crate) struct ConnectionGuard {
    connections: Arc<Connections>,
    pub(crate) id: u64,
    pub(crate) signal: Arc<Signal>,
    /// Its place among the connections of its client's address, where those are counted.
    seat: OnceLock<OpenSeat>,
}

impl ConnectionGuard {
    /// Keeps a seat for as long as the connection is open; the first one counts.
    pub(crate) fn keep(&self, seat: Option<OpenSeat>) {
        if let Some(seat) = seat {
            // A connection has one client, so a second seat would be of the same address.
            let _ = self.seat.set(seat);
        }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut signals = self.connections.lock();
        signals.remove(&self.id);
        self.connections.open.store(signals.len(), Ordering::Relaxed);
        if signals.is_empty() {
            self.connections.closed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Connections;

    #[test]
    fn the_limit_holds_and_guards_count_once() {
        let connections = Connections::new(2);
        let first = connections.admit().unwrap();
        let second = connections.admit().unwrap();
        assert_ne!(first.id, second.id);
        assert!(connections.admit().is_none());
        drop(first);
        assert_eq!(connections.open(), 1);
        assert!(connections.admit().is_some());
        assert_eq!(connections.open(), 1);
    }
}

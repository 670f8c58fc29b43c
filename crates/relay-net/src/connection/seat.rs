//! The place of a connection between the two who run it: its own task, for reading, timers and a socket that is full, and
//! the worker's pump, for output. Whoever runs it holds its lock.

use super::pump::Pump;
use super::{Connection, Shared};
use crate::connections::ConnectionGuard;
use crate::stats::Tally;
use crate::transport::Transport;
use relay_core::endpoint::{EndpointFactory, FeedWaker, Moment, Waker};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

/// One connection, or the place where it was.
pub(crate) struct Seat {
    /// In the pump's list, and what for.
    listed: AtomicU8,
    pump: Arc<Pump>,
    connection: Mutex<Option<Connection>>,
}

/// A feed has something, the endpoint has something.
const FEED: u8 = 1;
const ENDPOINT: u8 = 2;

impl Seat {
    /// Lists the connection for its pump; again only after the pump looked.
    fn list(self: Arc<Self>, why: u8) {
        if self.listed.fetch_or(why, Ordering::AcqRel) == 0 {
            let pump = Arc::clone(&self.pump);
            pump.add(self);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the endpoint and sends, once; what remains to be done is left to the connection's task.
    pub(super) fn pump(&self, now: Moment, tally: &mut Tally) {
        // A swap, so that whatever was said before a wake-up that found the seat listed is seen now.
        let why = self.listed.swap(0, Ordering::AcqRel);
        let mut seat = self.lock();
        let Some(connection) = seat.as_mut() else { return };
        let pumped =
            catch_unwind(AssertUnwindSafe(
                || {
                    if why == FEED { connection.pump_feeds(now) } else { connection.pump(now) }
                },
            ));
        tally.add(&mut connection.tally);
        match pumped {
            Ok(Pumped::Done) => {}
            Ok(Pumped::TaskMustLook) => connection.guard.signal.wake(),
            Err(_) => {
                // A defect of ours ends the one connection that met it.
                let signal = Arc::clone(&connection.guard.signal);
                let lost = seat.take();
                drop(seat);
                drop(lost);
                signal.wake();
            }
        }
    }
}

impl FeedWaker for Seat {
    fn wake(self: Arc<Self>) {
        self.list(FEED);
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Seat").field("listed", &self.listed).finish_non_exhaustive()
    }
}

/// What a pump left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pumped {
    /// Nothing is left to do until something else happens.
    Done,
    /// The socket is full, or a deadline, the reading or the phase changed.
    TaskMustLook,
}

/// The task's hold on its seat; dropping it, whatever the reason, frees the connection.
pub(crate) struct Seated(Arc<Seat>);

impl Seated {
    /// Takes over an upgraded socket; `first_bytes` came right behind the handshake.
    pub(crate) fn new(
        socket: Transport,
        first_bytes: &[u8],
        factory: Arc<dyn EndpointFactory>,
        shared: Arc<Shared>,
        guard: ConnectionGuard,
        pump: Arc<Pump>,
    ) -> Self {
        let seat = Arc::new(Seat { listed: AtomicU8::new(0), pump, connection: Mutex::new(None) });
        let woken = Arc::clone(&seat);
        let waker: Waker = Arc::new(move || Arc::clone(&woken).list(ENDPOINT));
        // Locked until it is there, so that a wake-up during the making waits for it.
        let mut place = seat.lock();
        *place = Some(Connection::new(socket, first_bytes, factory, shared, guard, waker, Arc::clone(&seat)));
        drop(place);
        Self(seat)
    }

    /// Runs one stretch of the connection; ready when it is over.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self.0.lock().as_mut() {
            Some(connection) => connection.poll(cx),
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        // Taken out first: what a connection releases may wake others.
        let connection = self.0.lock().take();
        drop(connection);
    }
}

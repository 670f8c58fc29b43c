//! Connections over a limit are told so, with and without TLS, as long as that costs little; beyond that they are closed
//! without a word and counted.

use super::exchange::Front;
use super::linger::linger;
use crate::connection::signal::Signal;
use crate::limits::{
    REFUSAL_TIMEOUT, REFUSALS_MAX, TLS_REFUSAL_TIMEOUT, TLS_REFUSALS_MAX, TLS_REFUSALS_PER_SECOND_MAX,
};
use crate::transport::Transport;
use relay_core::gcra::{Cell, Rate};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// See the module.
pub(crate) struct Refusals {
    under_way: Arc<Semaphore>,
    /// A handshake costs a signature, so their rate is bounded too: who is refused must not cost more than who is served.
    handshakes: Mutex<Cell>,
}

impl Refusals {
    pub(crate) fn new(over_tls: bool) -> Self {
        let at_once = if over_tls { TLS_REFUSALS_MAX } else { REFUSALS_MAX };
        Self { under_way: Arc::new(Semaphore::new(at_once)), handshakes: Mutex::new(Cell::NEW) }
    }

    fn permit(&self, front: &Front) -> Option<OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.under_way).try_acquire_owned().ok()?;
        let rate = Rate::per_second(TLS_REFUSALS_PER_SECOND_MAX).filter(|_| front.secure.is_some());
        let mut cell = self.handshakes.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = rate.is_none_or(|rate| cell.admit(rate, front.shared.clock.now()).is_admitted());
        admitted.then_some(permit)
    }

    /// Sends a connection its answer, or closes it at once.
    pub(crate) fn tell(front: &Arc<Front>, socket: TcpStream, answer: Vec<u8>) {
        let Some(permit) = front.refusals.permit(front) else {
            front.shared.stats.counters.refusals_untold_total.add(1);
            return;
        };
        let front = Arc::clone(front);
        tokio::spawn(async move {
            let time = if front.secure.is_some() { TLS_REFUSAL_TIMEOUT } else { REFUSAL_TIMEOUT };
            // A peer that does not take the answer is dropped without it.
            let _ = timeout(time, say(&front, socket, &answer)).await;
            drop(permit);
        });
    }
}

async fn say(front: &Front, socket: TcpStream, answer: &[u8]) {
    let socket = match &front.secure {
        None => Some(Transport::Plain(socket)),
        // It is no connection of the relay, so no drain waits for it.
        Some(secure) => Box::pin(secure.acceptor.accept(socket, &Signal::default(), &front.shared)).await,
    };
    let Some(mut socket) = socket else { return };
    if socket.write_all(answer).await.is_ok() {
        linger(socket, REFUSAL_TIMEOUT).await;
    }
}

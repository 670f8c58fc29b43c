//! Moving house: a space of this store as a file, and a file as a space of this store. What a good file is, is in
//! `relay_core::moving`; an import goes through the committer like everything else, behind a durable word that undoes it.

mod blobs;
mod export;
mod going_on;
mod import;
mod prefix;

pub use export::Export;
pub use import::{ImportError, Imported, import, verify};

use relay_core::store::{Completion, StoreError};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Longest wait for one answer of the store.
const ANSWER_WAIT: Duration = Duration::from_secs(60);
/// Entries and sealed bytes that are read or appended at once.
const BATCH_ENTRIES: u32 = 1024;
const BATCH_BYTES: u32 = 1024 * 1024;

/// Calls the store and waits for its answer: for threads that may wait.
fn ask<T: Send + 'static>(call: impl FnOnce(Completion<T>)) -> Result<T, StoreError> {
    let (send, receive) = sync_channel(1);
    // Nobody waits when it took too long.
    call(Box::new(move |answer| drop(send.send(answer))));
    receive.recv_timeout(ANSWER_WAIT).unwrap_or_else(|error| match error {
        RecvTimeoutError::Timeout => Err(StoreError::Overloaded),
        RecvTimeoutError::Disconnected => Err(StoreError::Closed),
    })
}

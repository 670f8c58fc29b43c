//! The operator's way to erase a space without its owner.

use crate::failure::{Failure, contained};
use napi::{Env, Task};
use relay_core::store::StoreError;
use relay_proto::SpaceId;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// Longest wait for everything to be overwritten; what takes longer goes on, and a repeated call waits for the rest.
const ERASE_WAIT: Duration = Duration::from_secs(60);

/// A space id as an operator writes it.
pub(crate) fn space_id(text: &str) -> Result<SpaceId, Failure> {
    let mut space = SpaceId::ZERO;
    let invalid = |_| {
        Failure::new("space_id_invalid", "a space id has 64 hexadecimal digits")
            .with_hint("Take the id from where the space is listed, not from a space link.")
    };
    hex::decode_to_slice(text, &mut space.0).map(|()| space).map_err(invalid)
}

/// Waits, off the JavaScript thread, until nothing of a space is left.
pub struct EraseSpaceTask {
    /// `None` when the relay was stopped.
    pub(crate) begun: Option<Receiver<Result<(), StoreError>>>,
}

impl Task for EraseSpaceTask {
    type Output = Result<(), Failure>;
    type JsValue = ();

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let begun = self.begun.take();
        Ok(contained(|| wait(&begun.ok_or_else(stopped)?)))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        output.map_err(|failure| failure.into_error(&env))
    }
}

/// Waits until nothing of a space is left, at most [`ERASE_WAIT`].
pub(crate) fn wait(begun: &Receiver<Result<(), StoreError>>) -> Result<(), Failure> {
    match begun.recv_timeout(ERASE_WAIT) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(failure(&error)),
        Err(RecvTimeoutError::Timeout) => {
            Err(Failure::new("erase_unfinished", "the space is gone, but not everything is overwritten yet")
                .with_hint("It goes on by itself; call again to wait for the rest.")
                .temporary(true))
        }
        Err(RecvTimeoutError::Disconnected) => Err(stopped()),
    }
}

fn stopped() -> Failure {
    Failure::new("stopped", "the relay was stopped")
}

fn failure(error: &StoreError) -> Failure {
    let (code, temporary) = match error {
        StoreError::UnknownSpace => ("space_unknown", false),
        StoreError::DiskFull => ("disk_full", true),
        StoreError::Overloaded => ("overloaded", true),
        StoreError::Closed => ("stopped", false),
        _ => ("store_poisoned", false),
    };
    Failure::new(code, error.to_string()).temporary(temporary)
}

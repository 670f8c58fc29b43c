//! The wake-up of the program that owns the sockets of an embedded relay.

use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use relay_net::WakeProgram;
use std::sync::Arc;

/// The wake-up is weak: waiting for output never keeps the process alive.
type Wake = ThreadsafeFunction<(), (), (), Status, false, true, 0>;

/// Calls `callback` on the JavaScript thread whenever output waits.
pub(crate) fn waking(callback: &Function<'_, (), ()>) -> napi::Result<WakeProgram> {
    let wake: Wake = callback.build_threadsafe_function().weak::<true>().build()?;
    Ok(Arc::new(move || {
        // Fails only when JavaScript is about to end.
        wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }))
}

//! The store of a relay that is about to stop: waited for, because one process holds it at a time.

use crate::config::{RelayConfig, milliseconds};
use crate::events::EventQueue;
use crate::failure::Failure;
use crate::native::Native;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the store is asked for.
const PERIOD: Duration = Duration::from_millis(20);
const LOCKED: &str = "data_dir_locked";

/// Opens the store, once the relay that holds it has let it go.
pub(crate) fn open(config: &RelayConfig, events: &Arc<EventQueue>) -> Result<Native, Failure> {
    let Some(wait_ms) = config.take_over_ms else { return Native::open(config, events) };
    let wait = milliseconds("takeOverMs", wait_ms)?;
    let began = Instant::now();
    loop {
        match Native::open(config, events) {
            Err(failure) if failure.code == LOCKED && began.elapsed() < wait => std::thread::sleep(PERIOD),
            Err(failure) if failure.code == LOCKED => return Err(timed_out(&failure, wait)),
            opened => {
                let waited_ms = began.elapsed().as_millis();
                events.push("info", "store_taken_over", format!("the store was free after {waited_ms} ms"));
                return opened;
            }
        }
    }
}

fn timed_out(failure: &Failure, wait: Duration) -> Failure {
    Failure::new(
        "store_wait_timeout",
        format!("{}, and was not let go within {} ms", failure.message, wait.as_millis()),
    )
    .with_hint("Stop the other relay (SIGTERM) while this one waits, or allow more with --reuse-port-wait.")
    .temporary(true)
}

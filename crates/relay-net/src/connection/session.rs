//! Holds an endpoint so that its panics stay its own and `on_closed` is called exactly once.

use relay_core::endpoint::{Endpoint, EndpointFactory, Moment, Opened};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The endpoint panicked; it is not called again, except to be told that the connection is closed.
#[derive(Debug)]
pub(crate) struct Panicked;

pub(crate) struct Session {
    endpoint: Box<dyn Endpoint>,
}

impl Session {
    pub(crate) fn open(factory: &dyn EndpointFactory, opened: Opened, now: Moment) -> Result<Self, Panicked> {
        Self::open_with(|| factory.open(opened, now))
    }

    pub(crate) fn open_with(open: impl FnOnce() -> Box<dyn Endpoint>) -> Result<Self, Panicked> {
        let endpoint = catch_unwind(AssertUnwindSafe(open)).map_err(|_| Panicked)?;
        Ok(Self { endpoint })
    }

    /// Largest message the endpoint takes now, in bytes.
    pub(crate) fn message_bytes_max(&self) -> usize {
        self.endpoint.message_bytes_max()
    }

    /// Calls the endpoint. State a panic may have left half-changed is dropped with the endpoint.
    pub(crate) fn call<T>(&mut self, body: impl FnOnce(&mut dyn Endpoint) -> T) -> Result<T, Panicked> {
        catch_unwind(AssertUnwindSafe(|| body(self.endpoint.as_mut()))).map_err(|_| Panicked)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A panic in a clean-up that already ends the session has nobody left to be reported to.
        let _ = self.call(|endpoint| endpoint.on_closed());
    }
}

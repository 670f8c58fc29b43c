//! Foreign protocols on the public port: their requests are read whole within limits and handed to a service of relay-core's
//! [`ForeignService`] as they are, and their WebSockets are connections like all others.

mod body;
mod request;
mod socket;

use relay_core::foreign::ForeignService;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A path of a foreign protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ForeignRoute {
    /// Name of the service, as [`ForeignServices::add`] has it.
    pub service: &'static str,
    /// What is served there.
    pub takes: ForeignKind,
}

/// What a path of a foreign protocol takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ForeignKind {
    /// Requests with bodies.
    Requests,
    /// WebSockets.
    Sockets,
}

/// The services by name.
#[derive(Clone, Default)]
pub struct ForeignServices(HashMap<&'static str, Arc<dyn ForeignService>>);

impl ForeignServices {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, in the place of what had its name.
    pub fn add(&mut self, name: &'static str, service: Arc<dyn ForeignService>) {
        self.0.insert(name, service);
    }

    fn get(&self, name: &str) -> Option<&Arc<dyn ForeignService>> {
        self.0.get(name)
    }
}

impl fmt::Debug for ForeignServices {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// The services, and how many of their requests are under way.
#[derive(Debug)]
pub(crate) struct Compat {
    services: ForeignServices,
    permits: Semaphore,
}

impl Compat {
    pub(crate) fn new(services: ForeignServices, requests_max: usize) -> Self {
        Self { services, permits: Semaphore::new(requests_max.min(Semaphore::MAX_PERMITS)) }
    }
}

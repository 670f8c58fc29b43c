//! Start and stop, off the JavaScript thread.

use crate::assembly::{self, Running};
use crate::config::RelayConfig;
use crate::core::{RelayCore, Shared};
use crate::events::EventQueue;
use crate::failure::{Failure, contained};
use napi::{Env, Task};
use relay_net::WakeProgram;
use std::sync::Arc;
use std::time::Duration;

/// Starts a relay; resolves to its handle once it accepts connections.
pub struct StartTask {
    pub(crate) config: Option<RelayConfig>,
    pub(crate) events: Arc<EventQueue>,
    /// How the program that owns the sockets is woken; none when the relay has a port.
    pub(crate) program: Option<WakeProgram>,
}

impl Task for StartTask {
    type Output = Result<Running, Failure>;
    type JsValue = RelayCore;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let (config, program) = (self.config.take(), self.program.take());
        let events = Arc::clone(&self.events);
        Ok(contained(move || {
            let config = config.ok_or_else(|| Failure::new("internal", "the start task ran twice"))?;
            assembly::start(config, program, &events)
        }))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        match output {
            Ok(running) => Ok(RelayCore::new(running, Arc::clone(&self.events))),
            Err(failure) => Err(failure.into_error(&env)),
        }
    }
}

/// Stops a relay; resolves once the listener is closed, connections have gone and the store is closed.
pub struct StopTask {
    pub(crate) shared: Arc<Shared>,
    pub(crate) drain: Duration,
}

impl Task for StopTask {
    type Output = Result<(), Failure>;
    type JsValue = ();

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(contained(|| match self.shared.take() {
            Some(running) => running.stop(self.drain),
            None => Ok(()),
        }))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        output.map_err(|failure| failure.into_error(&env))
    }
}

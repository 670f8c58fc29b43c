//! How bytes reach the relay: through a port of its own, or through a program that owns the sockets.

use crate::failure::Failure;
use crate::info::RelayInfo;
use crate::tls::Tls;
use relay_core::measure::RequestFigures;
use relay_net::{
    Clock, Embedded, Endpoints, Listening, NetStats, RequestClass, Server, ServerConfig, Tracer, WakeProgram,
};
use std::sync::Arc;
use std::time::Duration;

/// The transport of one relay.
#[derive(Clone)]
pub(crate) enum Transport {
    Port(Arc<Server>),
    Embedded(Arc<Embedded>),
}

/// What of a transport can fail without a trace on disk.
pub(crate) enum Opening {
    Port(relay_net::BoundServer),
    Embedded(ServerConfig, WakeProgram),
}

impl Opening {
    /// Opens the port, unless a program owns the sockets and is woken for output.
    pub(crate) fn bind(
        config: ServerConfig,
        listening: Listening,
        tracer: Option<Arc<Tracer>>,
        program: Option<WakeProgram>,
    ) -> Result<Self, Failure> {
        Ok(match program {
            Some(wake) => Self::Embedded(config, wake),
            None => Self::Port(Server::bind_as(config, listening)?.traced(tracer)),
        })
    }

    /// Begins to serve, on the runtime it is called in.
    pub(crate) fn serve(self, endpoints: Endpoints, clock: Clock) -> Result<Transport, Failure> {
        Ok(match self {
            Self::Port(bound) => Transport::Port(Arc::new(bound.serve(endpoints, clock))),
            Self::Embedded(ServerConfig { routes, limits, .. }, wake) => {
                Transport::Embedded(Arc::new(Embedded::start(routes, limits, endpoints, clock, wake)?))
            }
        })
    }
}

impl Transport {
    pub(crate) fn stats(&self) -> NetStats {
        match self {
            Self::Port(server) => server.stats(),
            Self::Embedded(embedded) => embedded.stats(),
        }
    }

    pub(crate) fn requests(&self) -> Vec<(RequestClass, RequestFigures)> {
        match self {
            Self::Port(server) => server.requests(),
            Self::Embedded(embedded) => embedded.requests(),
        }
    }

    pub(crate) async fn drain(&self, deadline: Duration) {
        match self {
            Self::Port(server) => server.drain(deadline).await,
            Self::Embedded(embedded) => embedded.drain(deadline).await,
        }
    }

    /// Where the relay listens: nowhere when it is embedded.
    pub(crate) fn info(&self, log_id: String, tls: Option<&Tls>) -> RelayInfo {
        let (host, port, redirect_port) = match self {
            Self::Port(server) => {
                let address = server.local_addr();
                let redirect_port = server.redirect_addr().map(|address| address.port());
                (address.ip().to_string(), address.port(), redirect_port)
            }
            Self::Embedded(_) => (String::new(), 0, None),
        };
        let certificate_name = tls.and_then(Tls::name);
        RelayInfo { host, port, log_id, tls: tls.is_some(), certificate_name, redirect_port }
    }

    /// The embedded side, if it is one.
    pub(crate) fn embedded(&self) -> Option<&Arc<Embedded>> {
        match self {
            Self::Port(_) => None,
            Self::Embedded(embedded) => Some(embedded),
        }
    }
}

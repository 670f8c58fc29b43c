//! Why a server could not start: always the environment or the caller, and what to do about it.

use crate::tls::TlsError;
use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;

/// Why [`crate::Server::bind`] failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The address could not be listened on.
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// A route's path cannot be served.
    Route {
        /// The path.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There are too many routes.
    Routes {
        /// How many were given.
        count: usize,
        /// How many there may be.
        count_max: usize,
    },
    /// The control plane's secret is empty or cannot be sent in a header.
    Secret,
    /// A certificate cannot be served.
    Tls(TlsError),
}

impl From<TlsError> for StartError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl StartError {
    /// What the operator (or the caller) can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Listen { source, .. } => match source.kind() {
                io::ErrorKind::AddrInUse => "stop the program that uses this port, or choose another port",
                io::ErrorKind::PermissionDenied => {
                    "ports below 1024 need a privilege: choose a port above, or grant CAP_NET_BIND_SERVICE"
                }
                io::ErrorKind::AddrNotAvailable => "choose an address this machine has, or 127.0.0.1",
                _ => "check the address and the limits of the operating system",
            },
            Self::Route { .. } | Self::Routes { .. } => "correct the route table",
            Self::Secret => "pass a random secret of printable ASCII characters",
            Self::Tls(error) => error.hint(),
        }
    }

    /// Whether trying again later can help.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, source } => {
                let reason = match source.kind() {
                    io::ErrorKind::AddrInUse => "the port is taken".to_owned(),
                    io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
                    _ => source.to_string(),
                };
                write!(formatter, "cannot listen on {address}: {reason}")?;
            }
            Self::Route { path, problem } => write!(formatter, "cannot serve the route {path:?}: {problem}")?,
            Self::Routes { count, count_max } => write!(formatter, "{count} routes are more than {count_max}")?,
            Self::Secret => write!(formatter, "the secret of the control plane cannot be sent in a header")?,
            Self::Tls(error) => write!(formatter, "{error}")?,
        }
        write!(formatter, "; {}", self.hint())
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Listen { source, .. } => Some(source),
            Self::Tls(error) => error.source(),
            Self::Route { .. } | Self::Routes { .. } | Self::Secret => None,
        }
    }
}

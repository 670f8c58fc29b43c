//! Where the control plane listens, and how the core proves to it that it is the core.

use crate::start_error::StartError;
use http::HeaderValue;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The control plane behind the core.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    /// Unix domain socket, or named pipe on Windows.
    pub socket_path: PathBuf,
    /// Sent with every request; made anew at every boot.
    pub secret: ProxySecret,
}

/// The per-boot secret; never shown, not even by `Debug`.
#[derive(Clone)]
pub struct ProxySecret(HeaderValue);

impl ProxySecret {
    /// Wraps a secret.
    ///
    /// # Errors
    /// [`StartError::Secret`] if it is empty or cannot be sent in a header.
    pub fn new(secret: String) -> Result<Self, StartError> {
        let mut value = HeaderValue::try_from(secret).map_err(|_| StartError::Secret)?;
        if value.is_empty() {
            return Err(StartError::Secret);
        }
        value.set_sensitive(true);
        Ok(Self(value))
    }

    pub(crate) fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for ProxySecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ProxySecret(…)")
    }
}

/// A connection to the control plane.
#[cfg(unix)]
pub(crate) type ControlStream = tokio::net::UnixStream;
/// A connection to the control plane.
#[cfg(windows)]
pub(crate) type ControlStream = tokio::net::windows::named_pipe::NamedPipeClient;

/// Connects to the control plane.
#[cfg(unix)]
pub(crate) async fn connect(path: &Path) -> io::Result<ControlStream> {
    tokio::net::UnixStream::connect(path).await
}

/// Connects to the control plane.
#[cfg(windows)]
pub(crate) async fn connect(path: &Path) -> io::Result<ControlStream> {
    tokio::net::windows::named_pipe::ClientOptions::new().open(path)
}

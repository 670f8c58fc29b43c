//! Where the public port comes from: opened here, beside another relay, or handed over by whoever started the process.

use crate::config::RelayConfig;
use crate::failure::Failure;
use relay_net::Listening;

/// What the configuration asks for.
pub(crate) fn listening(config: &RelayConfig) -> Result<Listening, Failure> {
    match config.listen_fd {
        Some(descriptor) => adopt(descriptor),
        None if config.take_over_ms.is_some() => Ok(Listening::Beside),
        None => Ok(Listening::Alone),
    }
}

#[cfg(unix)]
fn adopt(descriptor: i32) -> Result<Listening, Failure> {
    use std::os::fd::FromRawFd;
    /// Standard input, output and error are never a listener.
    const FIRST: i32 = 3;
    if descriptor < FIRST {
        return Err(Failure::config(format!("listenFd: {descriptor} is a standard stream")));
    }
    // SAFETY: by its contract the descriptor is open, was made for this process by whoever started it, and belongs to nobody
    // else here: TypeScript hands it over once, from LISTEN_FDS of the service manager, and never uses it itself.
    Ok(Listening::Adopted(unsafe { std::net::TcpListener::from_raw_fd(descriptor) }))
}

#[cfg(not(unix))]
fn adopt(_: i32) -> Result<Listening, Failure> {
    Err(Failure::config("listenFd: this system hands over no sockets"))
}

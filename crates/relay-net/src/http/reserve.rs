//! One file descriptor kept back, so that a client can be told when the process has no other left.

use super::listener::TOO_MANY;
use std::fs::File;
use std::io;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

/// Time a client that is turned away has to take its answer; nobody else is accepted meanwhile.
const TURN_AWAY_TIMEOUT: Duration = Duration::from_millis(100);
/// What is opened to hold the descriptor.
const HELD: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// See the module.
pub(crate) struct Reserve(Option<File>);

impl Reserve {
    pub(crate) fn new() -> Self {
        Self(File::open(HELD).ok())
    }

    /// Whether an accept failed because no descriptor is left, in this process (EMFILE) or on this machine (ENFILE).
    pub(crate) fn is_needed(error: &io::Error) -> bool {
        const ENFILE: i32 = 23;
        const EMFILE: i32 = 24;
        cfg!(unix) && matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
    }

    /// Lets the descriptor go for one client, which is told that there is no room; returns whether there was one.
    pub(crate) async fn turn_one_away(&mut self, listener: &TcpListener) -> bool {
        if self.0.take().is_none() {
            *self = Self::new();
            return false;
        }
        let turned = timeout(TURN_AWAY_TIMEOUT, async {
            let (mut socket, _) = listener.accept().await?;
            socket.write_all(&TOO_MANY.raw()).await?;
            socket.shutdown().await
        });
        let told = matches!(turned.await, Ok(Ok(())));
        *self = Self::new();
        told
    }
}

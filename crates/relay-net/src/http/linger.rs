//! The end of an HTTP connection: what was sent is delivered even if the peer still sends.

use crate::scratch;
use crate::transport::Transport;
use std::task::{Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, ReadBuf};

/// Says that nothing follows, then throws away what arrives until the peer closes, for at most `time`. Closing at once
/// would make the kernel reset the connection and the peer lose an answer it has not read; so time is the only bound, and a
/// peer that sends all the while costs no more than one whose body is read.
pub(crate) async fn linger(socket: Transport, time: Duration) {
    // The time-out is the ordinary end for a peer that does not close, and for one that does not read: with TLS the end is
    // a record too, for which the socket may have no room.
    let _ = tokio::time::timeout(time, end(socket)).await;
}

async fn end(mut socket: Transport) {
    if socket.shutdown().await.is_err() {
        return;
    }
    let discard = std::future::poll_fn(|cx| {
        loop {
            let read = scratch::with_read(|scratch| {
                let mut buffer = ReadBuf::new(scratch);
                socket.poll_discard(cx, &mut buffer).map_ok(|()| buffer.filled().len())
            });
            match ready!(read) {
                Ok(count) if count > 0 => {}
                Ok(_) | Err(_) => return Poll::Ready(()),
            }
        }
    });
    discard.await;
}

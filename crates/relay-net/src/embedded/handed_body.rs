//! The body of a request whose socket the program owns.

use super::outlet::Outlet;
use super::stream::Stream;
use super::wire::{self, Output, RECORD_HEADER_BYTES};
use bytes::Bytes;
use std::sync::Arc;
use std::task::{Context, Poll};

pub(crate) struct HandedBody {
    stream: Arc<Stream>,
    outlet: Arc<Outlet>,
    id: u32,
    length_bytes: Option<u64>,
}

impl HandedBody {
    pub(crate) fn new(stream: Arc<Stream>, outlet: Arc<Outlet>, id: u32, length_bytes: Option<u64>) -> Self {
        Self { stream, outlet, id, length_bytes }
    }

    /// What the request said of the body's length.
    pub(crate) fn length_bytes(&self) -> Option<u64> {
        self.length_bytes
    }

    /// The next piece; none once the body is complete. Taking one tells the program that it may read on.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.stream.register(cx.waker());
        let Some(piece) = self.stream.next() else {
            return if self.stream.is_ended() { Poll::Ready(None) } else { Poll::Pending };
        };
        let mut taken = Vec::with_capacity(RECORD_HEADER_BYTES + 4);
        wire::append_count(&mut taken, Output::Taken, self.id, RECORD_HEADER_BYTES + piece.len());
        self.outlet.append(&taken);
        Poll::Ready(Some(piece))
    }
}

//! The body of a request: read from this relay's own socket, or handed over by a program that owns the socket.

use crate::embedded::handed_body::HandedBody;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

pub(crate) enum InputBody {
    Socket(Incoming),
    Handed(HandedBody),
}

impl From<Incoming> for InputBody {
    fn from(body: Incoming) -> Self {
        Self::Socket(body)
    }
}

impl Body for InputBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Socket(body) => Pin::new(body).poll_frame(cx).map_err(io::Error::other),
            Self::Handed(body) => body.poll_piece(cx).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Socket(body) => body.is_end_stream(),
            Self::Handed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Socket(body) => body.size_hint(),
            Self::Handed(body) => body.length_bytes().map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

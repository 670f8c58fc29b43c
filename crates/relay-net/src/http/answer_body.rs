//! The body of an answer: made here at once, made here as it comes, or passed back from the control plane.

use super::blobs::BlobBody;
use super::frames::FrameBody;
use super::proxy::ProxiedBody;
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use relay_core::measure::Outcome;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The core's answer to a request.
pub(crate) type Answer = Response<AnswerBody>;

/// How a request ended: as the error it was answered with says, which knows whose fault it was, or else as its status does.
pub(crate) fn outcome_of(answer: &Answer) -> Outcome {
    answer.extensions().get().copied().unwrap_or_else(|| Outcome::of_status(answer.status().as_u16()))
}

pub(crate) enum AnswerBody {
    Whole(Full<Bytes>),
    Frames(Box<FrameBody>),
    Blob(Box<BlobBody>),
    Proxied(ProxiedBody),
}

impl AnswerBody {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Full::new(bytes.into()))
    }

    pub(crate) fn empty() -> Self {
        Self::Whole(Full::default())
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Whole(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Self::Frames(body) => body.poll_frame(cx).map(|frame| frame.map(Ok)),
            Self::Blob(body) => body.poll_frame(cx),
            Self::Proxied(body) => Pin::new(body).poll_frame(cx).map_err(io::Error::other),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Frames(_) => false,
            Self::Blob(body) => body.left_bytes() == 0,
            Self::Proxied(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Frames(_) => SizeHint::default(),
            Self::Blob(body) => SizeHint::with_exact(body.left_bytes()),
            Self::Proxied(body) => body.size_hint(),
        }
    }
}

//! A request's body on its way to the control plane: bounded in bytes and in time, without trailers.

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// Why a body was cut off; read by the proxy when its request fails.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict(Arc<AtomicU8>);

const TOO_LARGE: u8 = 1;
const TOO_SLOW: u8 = 2;
const BROKEN: u8 = 3;

impl Verdict {
    pub(crate) fn is_too_large(&self) -> bool {
        self.0.load(Ordering::Relaxed) == TOO_LARGE
    }

    pub(crate) fn is_too_slow(&self) -> bool {
        self.0.load(Ordering::Relaxed) == TOO_SLOW
    }

    /// The client's bytes are no body, or the client went away.
    pub(crate) fn is_broken(&self) -> bool {
        self.0.load(Ordering::Relaxed) == BROKEN
    }

    fn set(&self, value: u8) -> io::Error {
        self.0.store(value, Ordering::Relaxed);
        io::ErrorKind::InvalidData.into()
    }
}

/// The bounded body.
pub(crate) struct RequestBody {
    /// None: there is no body.
    inner: Option<Incoming>,
    left_bytes: u64,
    /// Made when the body keeps us waiting, and counted from the request's start.
    deadline: Option<Pin<Box<Sleep>>>,
    until: Instant,
    verdict: Verdict,
}

impl RequestBody {
    pub(crate) fn new(inner: Incoming, bytes_max: u64, timeout_ms: u64, verdict: Verdict) -> Self {
        let until = Instant::now() + Duration::from_millis(timeout_ms);
        let inner = (!inner.is_end_stream()).then_some(inner);
        Self { inner, left_bytes: bytes_max, deadline: None, until, verdict }
    }

    /// No body at all.
    pub(crate) fn empty() -> Self {
        Self { inner: None, left_bytes: 0, deadline: None, until: Instant::now(), verdict: Verdict::default() }
    }

    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let until = self.until;
        self.deadline.get_or_insert_with(|| Box::pin(sleep_until(until))).as_mut().poll(cx).is_ready()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        let frame = match Pin::new(inner).poll_frame(cx) {
            Poll::Pending if self.is_late(cx) => {
                return Poll::Ready(Some(Err(self.verdict.set(TOO_SLOW))));
            }
            Poll::Pending => return Poll::Pending,
            Poll::Ready(frame) => frame,
        };
        let Some(frame) = frame else {
            return Poll::Ready(None);
        };
        // Trailers could smuggle headers past the border, so the body ends before them.
        let Ok(data) = frame.map_err(|_| self.verdict.set(BROKEN))?.into_data() else {
            return Poll::Ready(None);
        };
        match self.left_bytes.checked_sub(data.len() as u64) {
            Some(left) => {
                self.left_bytes = left;
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            None => Poll::Ready(Some(Err(self.verdict.set(TOO_LARGE)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

//! The answer to a request of frames: its head once the first frame is there, its body as frames come.

use super::super::answer_body::{Answer, AnswerBody};
use super::exchange::FrameExchange;
use super::outbox::Refused;
use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use hyper::body::Frame;
use relay_proto::frame::{ErrorFrame, Frame as _};
use std::future::poll_fn;
use std::task::{Context, Poll};

/// Asks proxies to pass frames on as they come.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Waits for the first frame. An answer that is complete by then has a length; another one is a stream.
pub(super) async fn of(mut exchange: FrameExchange) -> Answer {
    let first = poll_fn(|cx| exchange.poll_output(cx)).await.unwrap_or_default();
    let refused = exchange.out.refusal;
    let body = if exchange.is_finished() {
        AnswerBody::whole(first)
    } else {
        AnswerBody::Frames(Box::new(FrameBody { first: Some(first), exchange }))
    };
    with_head(body, refused)
}

/// An error that needs no endpoint.
pub(super) fn of_error(error: &ErrorFrame) -> Answer {
    let frame = error.encode();
    let mut bytes = BytesMut::with_capacity(frame.len() + 4);
    bytes.put_u32(u32::try_from(frame.len()).unwrap_or(u32::MAX));
    bytes.put_slice(&frame);
    with_head(AnswerBody::whole(bytes.freeze()), Some(Refused::of(error)))
}

fn with_head(body: AnswerBody, refused: Option<Refused>) -> Answer {
    let mut answer = Response::new(body);
    let status = refused.map_or(StatusCode::OK, |refused| {
        StatusCode::from_u16(refused.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    });
    *answer.status_mut() = status;
    if let Some(refused) = refused {
        answer.extensions_mut().insert(refused.outcome);
    }
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(refused) = refused.filter(|refused| refused.retry_after_ms > 0) {
        headers.insert(RETRY_AFTER, HeaderValue::from(refused.retry_after_ms.div_ceil(1000)));
    }
    answer
}

/// An answer under way.
pub(crate) struct FrameBody {
    first: Option<Bytes>,
    exchange: FrameExchange,
}

impl FrameBody {
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Frame::data(first)));
        }
        self.exchange.poll_output(cx).map(|bytes| bytes.map(Frame::data))
    }
}

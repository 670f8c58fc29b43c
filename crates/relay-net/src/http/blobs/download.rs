//! A download: bytes are asked of the store as the socket takes them, one chunk ahead.

use super::super::answer_body::{Answer, AnswerBody};
use super::CHUNK_BYTES;
use super::answer::{self, Refused};
use super::grant::Grant;
use super::range::{self, Wanted};
use bytes::Bytes;
use http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use hyper::body::Frame;
use relay_core::blobs::{Blobs, Found};
use relay_proto::ErrorCode;
use relay_proto::ids::BlobId;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::oneshot;

/// Answers GET and HEAD.
pub(super) async fn get(blobs: &Arc<Blobs>, grant: Grant, blob: BlobId, head: &Parts) -> Result<Answer, Refused> {
    let facts = match super::ask(|done| blobs.find(&grant.who, blob, done)).await? {
        Found::Blob(facts) => facts,
        Found::Upload { received_bytes, total_bytes } => return Ok(answer::unfinished(received_bytes, total_bytes)),
    };
    let etag = answer::etag(blob);
    if range::has_it(&head.headers, &etag) {
        return Ok(answer::unchanged(blob));
    }
    let total_bytes = facts.total_bytes;
    let (start, end, is_part) = match range::wanted(&head.headers, &etag, total_bytes) {
        Wanted::Whole => (0, total_bytes, false),
        Wanted::Part(start, end) => (start, end, true),
        Wanted::Missed => return Err(Refused::range(total_bytes)),
    };
    let body = match head.method {
        Method::HEAD => AnswerBody::empty(),
        _ => BlobBody::open(blobs, grant, blob, start, end).await?,
    };
    let mut answer = Response::new(body);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(end - start));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, answer::KEPT);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(ETAG, HeaderValue::try_from(etag).map_err(|_| ErrorCode::Internal)?);
    if is_part {
        let range = format!("bytes {start}-{}/{total_bytes}", end - 1);
        headers.insert(CONTENT_RANGE, HeaderValue::try_from(range).map_err(|_| ErrorCode::Internal)?);
        *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(answer)
}

type Reading = oneshot::Receiver<Result<Bytes, Refused>>;

/// The bytes of a blob on their way to a client.
pub(crate) struct BlobBody {
    blobs: Arc<Blobs>,
    grant: Grant,
    blob: BlobId,
    /// What was read and not handed on.
    ready: Option<Bytes>,
    reading: Option<Reading>,
    /// Where the next read begins, and where the last one ends.
    next: u64,
    end: u64,
    left_bytes: u64,
}

impl BlobBody {
    /// Reads the first chunk, so that a damaged beginning is an error and not a cut answer.
    async fn open(blobs: &Arc<Blobs>, grant: Grant, blob: BlobId, start: u64, end: u64) -> Result<AnswerBody, Refused> {
        let blobs = Arc::clone(blobs);
        let mut body =
            Self { blobs, grant, blob, ready: None, reading: None, next: start, end, left_bytes: end - start };
        body.read_on();
        if let Some(reading) = body.reading.take() {
            let first = reading.await.map_err(|_| ErrorCode::StoreUnavailable)??;
            body.next += first.len() as u64;
            body.ready = Some(first);
            body.read_on();
        }
        Ok(AnswerBody::Blob(Box::new(body)))
    }

    fn read_on(&mut self) {
        let wanted = (self.end - self.next).min(CHUNK_BYTES as u64);
        let Some(wanted) = u32::try_from(wanted).ok().filter(|wanted| *wanted > 0) else { return };
        let (offset, blob, who, blobs) = (self.next, self.blob, self.grant.who, Arc::clone(&self.blobs));
        let (send, receive) = oneshot::channel();
        // Whoever waits for it may have gone with its connection.
        let done = move |read: Result<Bytes, Refused>| drop(send.send(read));
        self.grant.ask_again(move |judged| match judged {
            Ok(()) => blobs.read(&who, blob, offset, wanted, Box::new(move |read| done(read.map_err(Refused::from)))),
            Err(code) => done(Err(Refused::from(code))),
        });
        self.reading = Some(receive);
    }

    pub(crate) fn left_bytes(&self) -> u64 {
        self.left_bytes
    }

    /// The next bytes. Bytes that cannot be read end the answer short of its length, which the client notices.
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.ready.is_none()
            && let Some(reading) = self.reading.as_mut()
        {
            let read = ready!(Pin::new(reading).poll(cx));
            self.reading = None;
            let bytes = match read {
                Ok(Ok(bytes)) => bytes,
                Ok(Err(_)) | Err(_) => return Poll::Ready(Some(Err(io::ErrorKind::BrokenPipe.into()))),
            };
            self.next += bytes.len() as u64;
            self.ready = Some(bytes);
            self.read_on();
        }
        let Some(bytes) = self.ready.take() else { return Poll::Ready(None) };
        self.left_bytes = self.left_bytes.saturating_sub(bytes.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

//! One request whose socket the program owns: answered like the relay's own, its body and its answer in pieces, as far as the
//! windows allow.

use super::handed_body::HandedBody;
use super::outlet::Outlet;
use super::stream::{Stream, StreamLease};
use super::wire::{self, Output};
use crate::connections::ConnectionGuard;
use crate::http::answer_body::{Answer, AnswerBody};
use crate::http::exchange::Front;
use crate::http::input_body::InputBody;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Uri};
use hyper::body::Body;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::time::timeout;

/// Bytes of an answer in one record.
const PIECE_BYTES_MAX: usize = 64 * 1024;

pub(super) struct EmbeddedRequest {
    front: Arc<Front>,
    stream: Arc<Stream>,
    outlet: Arc<Outlet>,
    guard: ConnectionGuard,
    lease: StreamLease,
}

impl EmbeddedRequest {
    pub(super) fn new(
        front: Arc<Front>,
        (stream, lease): (Arc<Stream>, StreamLease),
        outlet: Arc<Outlet>,
        guard: ConnectionGuard,
    ) -> Self {
        Self { front, stream, outlet, guard, lease }
    }

    /// Answers; ends early when the socket is gone or the relay's patience with it.
    pub(super) async fn run(self, head: Parts) {
        let mut answering = pin!(self.answer(head));
        poll_fn(|cx| {
            self.stream.register(cx.waker());
            self.guard.signal.register(cx.waker());
            if self.stream.is_gone() {
                return Poll::Ready(());
            }
            if self.guard.signal.requests().abort() {
                self.front.shared.stats.counters.aborted_total.add(1);
                self.say(Output::Cut, &[]);
                return Poll::Ready(());
            }
            answering.as_mut().poll(cx)
        })
        .await;
    }

    async fn answer(&self, head: Parts) {
        let length = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = HandedBody::new(Arc::clone(&self.stream), Arc::clone(&self.outlet), self.lease.id, length);
        let answer = self.front.handed(&head, InputBody::Handed(body), &self.guard).await;
        let (mut head, body) = answer.into_parts();
        add_length(&mut head.headers, &body);
        self.say(Output::Head, &[&head_text(head.status.as_u16(), &head.headers)]);
        let ended = self.pass_on(body).await;
        self.say(if ended { Output::End } else { Output::Cut }, &[]);
    }

    /// Passes the body on; `false` when it broke off, or the socket took nothing for too long.
    async fn pass_on(&self, body: AnswerBody) -> bool {
        let mut body = pin!(body);
        let mut outstanding = 0;
        loop {
            let bytes = match poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
                None => return true,
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                Some(Err(_)) => return false,
            };
            for piece in pieces(&bytes) {
                outstanding += self.say(Output::Data, &[piece]);
                if !self.room(&mut outstanding).await {
                    self.front.shared.stats.counters.http_stalls_total.add(1);
                    return false;
                }
            }
        }
    }

    /// Waits until the socket took enough.
    async fn room(&self, outstanding: &mut usize) -> bool {
        let limits = &self.front.shared.limits;
        let patience = Duration::from_millis(limits.write_stall_timeout_ms);
        loop {
            *outstanding = outstanding.saturating_sub(self.stream.look().taken_bytes);
            if *outstanding < limits.write_queue_bytes_max {
                return true;
            }
            let taken = poll_fn(|cx| {
                self.stream.register(cx.waker());
                let taken = self.stream.look().taken_bytes;
                if taken == 0 { Poll::Pending } else { Poll::Ready(taken) }
            });
            match timeout(patience, taken).await {
                Ok(taken) => *outstanding = outstanding.saturating_sub(taken),
                Err(_) => return false,
            }
        }
    }

    fn say(&self, kind: Output, parts: &[&[u8]]) -> usize {
        let mut record = Vec::new();
        let cost = wire::append(&mut record, kind, self.lease.id, parts);
        self.outlet.append(&record);
        cost
    }
}

fn pieces(bytes: &Bytes) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(PIECE_BYTES_MAX)
}

/// An answer that needs no task.
pub(super) fn refuse(outlet: &Outlet, stream: u32, answer: Answer) {
    let (mut head, body) = answer.into_parts();
    add_length(&mut head.headers, &body);
    let mut records = Vec::new();
    wire::append(&mut records, Output::Head, stream, &[&head_text(head.status.as_u16(), &head.headers)]);
    if let AnswerBody::Whole(mut whole) = body {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        if let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut whole).poll_frame(&mut cx) {
            wire::append(&mut records, Output::Data, stream, &[&frame.into_data().unwrap_or_default()]);
        }
    }
    wire::append(&mut records, Output::End, stream, &[]);
    outlet.append(&records);
}

/// Says the length of an answer that is complete, as the relay's own port does.
fn add_length(headers: &mut HeaderMap, body: &AnswerBody) {
    if let (AnswerBody::Whole(_), Some(bytes)) = (body, body.size_hint().exact()) {
        headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(bytes));
    }
}

fn head_text(status: u16, headers: &HeaderMap) -> Vec<u8> {
    let mut text = status.to_string().into_bytes();
    for (name, value) in headers {
        text.push(b'\n');
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
    }
    text
}

/// Reads the head of a request as the program wrote it; none if it is none.
pub(super) fn head_of(text: &[u8]) -> Option<Parts> {
    let mut lines = text.split(|byte| *byte == b'\n');
    let (method, target) = std::str::from_utf8(lines.next()?).ok()?.split_once(' ')?;
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = Uri::try_from(target).ok()?;
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        let value = value.get(1..)?.trim_ascii();
        request.headers_mut().append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    Some(request.into_parts().0)
}

#[cfg(test)]
mod tests {
    use super::head_of;

    #[test]
    fn a_head_is_read_line_by_line_and_nothing_else_is_taken_for_one() {
        let head = head_of(b"GET /v1/pull?after=0\nhost: a\nauthorization: Bearer x").unwrap();
        assert_eq!((head.method.as_str(), head.uri.path(), head.headers.len()), ("GET", "/v1/pull", 2));
        for broken in ["", "GET", "G T /", "GET /\nhost", "GET /\n: a", "GET / b", "GET /\nhost: a\u{1}"] {
            assert!(head_of(broken.as_bytes()).is_none(), "{broken:?}");
        }
    }
}

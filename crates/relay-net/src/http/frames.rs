//! The native protocol over HTTP: a request's body is frames, each behind its length, and so is its answer's.

mod answer;
mod exchange;
mod input;
mod outbox;
mod query;
mod reader;

pub(crate) use answer::FrameBody;
pub(crate) use outbox::{FrameOutbox, Refused};
pub(crate) use reader::FrameReader;

use super::answer_body::Answer;
use super::exchange::Front;
use super::input_body::InputBody;
use super::problem::Problem;
use crate::connection::signal::Signal;
use exchange::FrameExchange;
use http::header::{ALLOW, AUTHORIZATION, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};
use input::Input;
use relay_core::endpoint::Opened;
use relay_core::http::ExchangeOptions;
use relay_proto::frame::ErrorFrame;
use std::sync::Arc;

/// A route of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameRoute {
    /// The handshake, in two requests.
    Session,
    /// Pushes in, receipts out.
    Push,
    /// Entries after a cursor, once or after a wait.
    Pull,
    /// Entries after a cursor for as long as the client stays.
    Subscribe,
    /// Any frames of an open session.
    Frames,
}

impl FrameRoute {
    /// Pulls and subscriptions are asked for in the query, the others in the body.
    pub(super) fn method(self) -> Method {
        match self {
            Self::Pull | Self::Subscribe => Method::GET,
            Self::Session | Self::Push | Self::Frames => Method::POST,
        }
    }
}

const NOT_ALLOWED: Problem =
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This path is not served for this method.");

impl Front {
    /// Answers one request of frames.
    pub(super) async fn frames(
        &self,
        route: FrameRoute,
        head: &Parts,
        body: InputBody,
        connection: (u64, &Arc<Signal>),
    ) -> Answer {
        if head.method != route.method() {
            let mut answer = self.refuse(NOT_ALLOWED);
            let allowed = if route.method() == Method::GET { "GET" } else { "POST" };
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
            return answer;
        }
        self.shared.stats.counters.frame_requests_total.add(1);
        let query = head.uri.query().unwrap_or_default();
        let asked = match route {
            FrameRoute::Pull => query::pull(query),
            FrameRoute::Subscribe => query::subscribe(query),
            FrameRoute::Session | FrameRoute::Push | FrameRoute::Frames => Ok(query::Asked::default()),
        };
        let asked = match asked {
            Ok(asked) => asked,
            Err(code) => {
                self.shared.stats.counters.http_errors_total.add(1);
                return answer::of_error(&ErrorFrame::of(code));
            }
        };
        let input = asked.frame.map_or_else(|| Input::body(body), Input::frame);
        let open = |opened: Opened, now| match route {
            FrameRoute::Session => self.http.open_handshake(opened, now),
            _ => {
                let options = ExchangeOptions { wait_ms: asked.wait_ms, pushes_only: route == FrameRoute::Push };
                self.http.open_exchange(&token(&head.headers), options, opened, now)
            }
        };
        let exchange = FrameExchange::open(open, input, connection, Arc::clone(&self.shared));
        let answer = answer::of(exchange).await;
        let is_refused = answer.status().is_client_error() || answer.status().is_server_error();
        self.shared.stats.counters.http_errors_total.add(u64::from(is_refused));
        answer
    }
}

/// The bearer's token; none, and none that can be read, is the empty one, which never holds.
fn token(headers: &HeaderMap) -> Vec<u8> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => bearer(value.as_bytes()).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// The token of an Authorization header.
pub(crate) fn bearer(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, text) = value.split_at_checked(7)?;
    bearer_token(text).filter(|_| scheme.eq_ignore_ascii_case(b"Bearer "))
}

/// A token in base64url.
pub(crate) fn bearer_token(text: &[u8]) -> Option<Vec<u8>> {
    use base64ct::{Base64UrlUnpadded, Encoding};
    Base64UrlUnpadded::decode_vec(std::str::from_utf8(text).ok()?.trim_ascii()).ok()
}

//! Passes a request on to the control plane, on kept connections, and its answer back.

use super::answer_body::{Answer, AnswerBody};
use super::control_plane::ControlPlane;
use super::forward;
use super::links::{Link, Links, Lost};
use super::problem::Problem;
use super::request_body::{RequestBody, Verdict};
use crate::connection::Shared;
use crate::gate::Client;
use crate::limits::NetLimits;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, Version, request::Parts};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

const TOO_LARGE: Problem =
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is larger than this relay accepts.");
const TOO_SLOW: Problem =
    Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "The body did not arrive in time.");
const BROKEN: Problem =
    Problem::new(StatusCode::BAD_REQUEST, "body_malformed", "The body is cut off or its chunks are malformed.");
const BUSY: Problem =
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "control_plane_busy", "Too many requests are under way; try again.");
const UNREACHABLE: Problem =
    Problem::new(StatusCode::BAD_GATEWAY, "control_plane_unreachable", "The control plane cannot be reached.");
const SILENT: Problem =
    Problem::new(StatusCode::GATEWAY_TIMEOUT, "control_plane_silent", "The control plane did not answer in time.");

/// The way to the control plane.
#[derive(Debug)]
pub(crate) struct Proxy {
    links: Arc<Links>,
    permits: Arc<Semaphore>,
}

/// Why there is no answer.
enum Failed {
    Unreachable,
    Silent,
}

impl Proxy {
    pub(crate) fn new(control_plane: ControlPlane, limits: &NetLimits) -> Self {
        let permits = limits.proxy_requests_max.min(Semaphore::MAX_PERMITS);
        let links = Links::new(control_plane, limits.proxy_idle_ms_max);
        Self { links, permits: Arc::new(Semaphore::new(permits)) }
    }

    /// The control plane's answer to a client of an address and a scheme, or why there is none.
    pub(crate) async fn pass(
        &self,
        head: Parts,
        body: Incoming,
        client: Client,
        shared: &Shared,
    ) -> Result<Answer, Problem> {
        let limits = &shared.limits;
        if body.size_hint().lower() > limits.http_body_bytes_max {
            return Err(TOO_LARGE);
        }
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| BUSY)?;
        shared.stats.counters.proxied_total.add(1);
        let failed = |problem| {
            shared.stats.counters.proxy_errors_total.add(1);
            problem
        };
        // A request that changes nothing and has no body can be asked again.
        let is_repeatable = head.method.is_idempotent() && body.is_end_stream();
        let verdict = Verdict::default();
        let body = RequestBody::new(body, limits.http_body_bytes_max, limits.http_body_timeout_ms, verdict.clone());
        let request = self.request(head, body, client).ok_or(UNREACHABLE).map_err(failed)?;
        match self.ask(request, is_repeatable, limits).await {
            Ok((answer, link)) => Ok(self.passed_back(answer, permit, link)),
            Err(_) if verdict.is_too_large() => Err(TOO_LARGE),
            Err(_) if verdict.is_too_slow() => Err(TOO_SLOW),
            Err(_) if verdict.is_broken() => Err(BROKEN),
            Err(Failed::Unreachable) => Err(failed(UNREACHABLE)),
            Err(Failed::Silent) => Err(failed(SILENT)),
        }
    }

    /// Asks on a kept connection if there is one; when that turns out to be dead, once more on a new one.
    async fn ask(
        &self,
        request: Request<RequestBody>,
        is_repeatable: bool,
        limits: &NetLimits,
    ) -> Result<(Response<Incoming>, Link), Failed> {
        let again = is_repeatable.then(|| repeated(&request));
        let mut request = request;
        if let Some(mut link) = self.links.take() {
            match answer_within(limits, link.ask(request)).await? {
                Ok(answer) => return Ok((answer, link)),
                Err(Lost::Unsent(unsent)) => request = *unsent,
                Err(Lost::Sent) => request = again.ok_or(Failed::Unreachable)?,
            }
        }
        let connected = self.links.connect(limits.proxy_connect_timeout_ms).await;
        let mut link = connected.ok_or(Failed::Unreachable)?;
        match answer_within(limits, link.ask(request)).await? {
            Ok(answer) => Ok((answer, link)),
            Err(_) => Err(Failed::Unreachable),
        }
    }

    /// The request as the control plane gets it: origin form, the core's headers, HTTP/1.1.
    fn request(&self, head: Parts, body: RequestBody, client: Client) -> Option<Request<RequestBody>> {
        let secret = &self.links.control_plane().secret;
        let mut request = Request::new(body);
        *request.uri_mut() = Uri::from(head.uri.path_and_query()?.clone());
        *request.headers_mut() = forward::request_headers(&head.headers, &client, secret);
        *request.method_mut() = head.method;
        *request.version_mut() = Version::HTTP_11;
        Some(request)
    }

    fn passed_back(&self, answer: Response<Incoming>, permit: OwnedSemaphorePermit, link: Link) -> Answer {
        let (mut head, body) = answer.into_parts();
        forward::clean_answer(&mut head.headers);
        head.version = Version::HTTP_11;
        let links = Arc::clone(&self.links);
        let body = ProxiedBody { inner: body, ended: false, link: Some(link), links, _permit: permit };
        Response::from_parts(head, AnswerBody::Proxied(body))
    }
}

async fn answer_within(
    limits: &NetLimits,
    answer: impl Future<Output = Result<Response<Incoming>, Lost>>,
) -> Result<Result<Response<Incoming>, Lost>, Failed> {
    timeout(Duration::from_millis(limits.proxy_response_timeout_ms), answer).await.map_err(|_| Failed::Silent)
}

/// The same request, which has no body.
fn repeated(request: &Request<RequestBody>) -> Request<RequestBody> {
    let mut again = Request::new(RequestBody::empty());
    *again.uri_mut() = request.uri().clone();
    *again.headers_mut() = request.headers().clone();
    *again.method_mut() = request.method().clone();
    again
}

/// The control plane's body; holds the request's permit and connection until it was passed back, and gives the connection
/// back when that happened to the end.
pub(crate) struct ProxiedBody {
    inner: Incoming,
    ended: bool,
    link: Option<Link>,
    links: Arc<Links>,
    _permit: OwnedSemaphorePermit,
}

impl Body for ProxiedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        self.ended |= matches!(polled, Poll::Ready(None));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for ProxiedBody {
    fn drop(&mut self) {
        if let Some(link) = self.link.take().filter(|_| self.ended || self.inner.is_end_stream()) {
            self.links.give_back(link);
        }
    }
}

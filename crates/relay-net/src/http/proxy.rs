//! Passes a request on to the control plane, one connection per request, and its answer back.

use super::answer_body::{Answer, AnswerBody};
use super::control_plane::{self, ControlPlane};
use super::forward;
use super::problem::Problem;
use super::request_body::{RequestBody, Verdict};
use crate::connection::Shared;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, Version, request::Parts};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
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
    control_plane: ControlPlane,
    permits: Arc<Semaphore>,
}

impl Proxy {
    pub(crate) fn new(control_plane: ControlPlane, requests_max: usize) -> Self {
        Self { control_plane, permits: Arc::new(Semaphore::new(requests_max.min(Semaphore::MAX_PERMITS))) }
    }

    /// The control plane's answer, or why there is none.
    pub(crate) async fn pass(
        &self,
        head: Parts,
        body: Incoming,
        client: IpAddr,
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
        let verdict = Verdict::default();
        let body = RequestBody::new(body, limits.http_body_bytes_max, limits.http_body_timeout_ms, verdict.clone());
        let request = self.request(head, body, client).ok_or(UNREACHABLE).map_err(failed)?;
        let connected = self.connect(limits.proxy_connect_timeout_ms).await.ok_or(UNREACHABLE).map_err(failed)?;
        let (mut sender, task) = connected;
        let answer = sender.send_request(request);
        match timeout(Duration::from_millis(limits.proxy_response_timeout_ms), answer).await {
            Ok(Ok(answer)) => Ok(passed_back(answer, permit, task)),
            Ok(Err(_)) if verdict.is_too_large() => Err(TOO_LARGE),
            Ok(Err(_)) if verdict.is_too_slow() => Err(TOO_SLOW),
            Ok(Err(_)) if verdict.is_broken() => Err(BROKEN),
            Ok(Err(_)) => Err(failed(UNREACHABLE)),
            Err(_) => Err(failed(SILENT)),
        }
    }

    /// The request as the control plane gets it: origin form, the core's headers, HTTP/1.1.
    fn request(&self, head: Parts, body: RequestBody, client: IpAddr) -> Option<Request<RequestBody>> {
        let mut request = Request::new(body);
        *request.uri_mut() = Uri::from(head.uri.path_and_query()?.clone());
        *request.headers_mut() = forward::request_headers(&head.headers, client, &self.control_plane.secret);
        *request.method_mut() = head.method;
        *request.version_mut() = Version::HTTP_11;
        Some(request)
    }

    async fn connect(&self, timeout_ms: u64) -> Option<(http1::SendRequest<RequestBody>, AbortOnDrop)> {
        let connecting = async {
            let stream = control_plane::connect(&self.control_plane.socket_path).await.ok()?;
            http1::handshake(TokioIo::new(stream)).await.ok()
        };
        let (sender, connection) = timeout(Duration::from_millis(timeout_ms), connecting).await.ok()??;
        let task = tokio::spawn(async move {
            // An error of the connection reaches the request that waits on it.
            let _ = connection.await;
        });
        Some((sender, AbortOnDrop(task)))
    }
}

fn passed_back(answer: Response<Incoming>, permit: OwnedSemaphorePermit, task: AbortOnDrop) -> Answer {
    let (mut head, body) = answer.into_parts();
    forward::clean_answer(&mut head.headers);
    head.version = Version::HTTP_11;
    Response::from_parts(head, AnswerBody::Proxied(ProxiedBody { inner: body, _permit: permit, _task: task }))
}

/// The control plane's body; holds the request's permit and connection until it was passed back.
pub(crate) struct ProxiedBody {
    inner: Incoming,
    _permit: OwnedSemaphorePermit,
    _task: AbortOnDrop,
}

impl Body for ProxiedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

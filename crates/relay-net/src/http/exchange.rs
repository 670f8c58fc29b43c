//! One request: checked, routed, answered.

use super::answer_body::{Answer, AnswerBody, outcome_of};
use super::cors;
use super::frames::FrameRoute;
use super::head;
use super::listener::{TOO_FAST, TOO_MANY_OF_ADDRESS};
use super::liveness::{self, LivenessProbe};
use super::marks;
use super::problem::Problem;
use super::proxy::Proxy;
use super::refusals::Refusals;
use super::route::{RouteKind, RouteTable};
use super::secure::Secure;
use crate::compat::{Compat, ForeignKind};
use crate::connection::Shared;
use crate::connection::pump::Pumps;
use crate::connections::ConnectionGuard;
use crate::gate::{AddressKey, Client, Gate, Peer, write_headers};
use crate::request_class::RequestClass;
use crate::traces::Tracer;
use crate::websocket::handshake;
use http::header::{
    ALLOW, CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use relay_core::blobs::Blobs;
use relay_core::endpoint::EndpointFactory;
use relay_core::http::HttpSessions;
use std::sync::{Arc, OnceLock};

/// Set when a request of the connection was answered with an upgrade.
pub(crate) type Accepted = OnceLock<Arc<dyn EndpointFactory>>;

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
pub(super) const NOT_FOUND: Problem =
    Problem::new(StatusCode::NOT_FOUND, "not_found", "Nothing is served at this path.");
const HTTPS_REQUIRED: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "https_required",
    "This relay takes requests over HTTPS only; nothing of this one was stored.",
);
const NOT_ALLOWED: Problem =
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This path is read with GET.");

/// Everything a request can meet.
pub(crate) struct Front {
    pub(crate) routes: RouteTable,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) liveness: Option<LivenessProbe>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) native: Arc<dyn EndpointFactory>,
    pub(crate) http: Arc<dyn HttpSessions>,
    pub(crate) blobs: Option<Arc<Blobs>>,
    pub(crate) compat: Compat,
    pub(crate) shared: Arc<Shared>,
    pub(crate) pumps: Arc<Pumps>,
    /// How connections over a limit are told so.
    pub(crate) refusals: Refusals,
    /// None where only plain connections are served.
    pub(crate) secure: Option<Secure>,
    /// Traces requests, if that is wanted.
    pub(crate) tracer: Option<Arc<Tracer>>,
}

impl Front {
    /// Answers one request of the connection from `peer`.
    pub(crate) async fn exchange(
        &self,
        request: Request<Incoming>,
        peer: Peer,
        guard: &ConnectionGuard,
        accepted: &Accepted,
    ) -> Answer {
        let begun = self.shared.clock.now();
        let (mut head, body) = request.into_parts();
        let kind = self.routes.get(head.uri.path(), handshake::is_asked_for(&head.headers));
        let class = RequestClass::of(kind);
        let span = self.tracer.as_ref().and_then(|tracer| tracer.begin(&mut head.headers, span_name(kind)));
        // RFC 9112 6.1: after a body whose length was told twice the connection must not be trusted; the parser does not
        // say which one was, so every chunked request is the last.
        let is_last = head.headers.contains_key(TRANSFER_ENCODING);
        let mut answer = self.route(kind, head, body, peer, (guard, accepted)).await;
        let took = self.shared.clock.now().0.saturating_sub(begun.0);
        self.shared.stats.answered(class, outcome_of(&answer), took);
        marks::add(answer.headers_mut(), took);
        if let Some(secure) = &self.secure {
            secure.mark(&mut answer);
        }
        if let Some(span) = span {
            span.end(answer.status());
        }
        if is_last {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }

    async fn route(
        &self,
        kind: Option<RouteKind>,
        head: Parts,
        body: Incoming,
        peer: Peer,
        (guard, accepted): (&ConnectionGuard, &Accepted),
    ) -> Answer {
        let open = kind.filter(|kind| cors::is_open(*kind));
        let asking = self.gate.origins.asking(&head.headers);
        let client = self.gate.client(peer, &head.headers, self.secure.is_some());
        let key = AddressKey::of(client.address);
        let verdict = self.gate.request(kind, key, self.shared.clock.now(), &self.shared.stats.counters);
        let is_too_fast = verdict.is_some_and(|verdict| !verdict.is_admitted());
        let answer = if is_too_fast {
            Err(TOO_FAST)
        } else if self.gate.needs_https(kind, &client) {
            Err(HTTPS_REQUIRED)
        } else if let Err(problem) = head::check(&head, &self.shared.limits) {
            Err(problem)
        } else {
            match open.and_then(|kind| cors::preflight(kind, &head)) {
                Some(answer) => Ok(answer),
                None => self.serve(kind, head, body, client, guard, accepted).await,
            }
        };
        let mut answer = answer.unwrap_or_else(|problem| self.refuse(problem));
        if let Some(verdict) = verdict {
            write_headers(answer.headers_mut(), &verdict);
        }
        if open.is_some() || (is_too_fast && cors::tells_refusals(kind)) {
            cors::allow(answer.headers_mut());
        }
        self.gate.origins.narrow(answer.headers_mut(), asking);
        answer
    }

    async fn serve(
        &self,
        kind: Option<RouteKind>,
        head: Parts,
        body: Incoming,
        client: Client,
        guard: &ConnectionGuard,
        accepted: &Accepted,
    ) -> Result<Answer, Problem> {
        match (kind, &self.proxy) {
            (Some(RouteKind::Native), _) => self.upgrade(&head, &client, guard, accepted, &self.native),
            (Some(RouteKind::Frames(route)), _) => {
                Ok(self.frames(route, &head, body.into(), (guard.id, &guard.signal)).await)
            }
            (Some(RouteKind::Blobs), _) => Ok(self.blob(&head, body.into()).await),
            (Some(RouteKind::Liveness), _) => Ok(self.liveness(&head.method)),
            (Some(RouteKind::Foreign(route)), _) => {
                let answer = match route.takes {
                    ForeignKind::Requests => self.foreign(route.service, head, body, client.address).await.map(Ok),
                    ForeignKind::Sockets => self.foreign_socket(route.service, head, &client, guard, accepted).await,
                };
                answer.ok_or(NOT_FOUND)?
            }
            (Some(RouteKind::Probe) | None, Some(proxy)) => proxy.pass(head, body, client, &self.shared).await,
            (Some(RouteKind::Probe) | None, None) => Err(NOT_FOUND),
        }
    }

    pub(crate) fn refuse(&self, problem: Problem) -> Answer {
        self.shared.stats.counters.http_errors_total.add(1);
        problem.answer()
    }

    fn liveness(&self, method: &Method) -> Answer {
        if method != Method::GET && method != Method::HEAD {
            let mut answer = self.refuse(NOT_ALLOWED);
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        self.shared.stats.counters.liveness_total.add(1);
        let now = self.shared.clock.now();
        liveness::answer(self.liveness.as_ref(), now, self.shared.limits.liveness_silence_ms_max)
    }

    pub(crate) fn upgrade(
        &self,
        head: &Parts,
        client: &Client,
        guard: &ConnectionGuard,
        accepted: &Accepted,
        factory: &Arc<dyn EndpointFactory>,
    ) -> Result<Answer, Problem> {
        match handshake::accept(&head.method, head.version, &head.headers) {
            Ok(accept) => {
                let seat = self.gate.upgrade(client, &self.shared.stats.counters);
                guard.keep(seat.map_err(|_| TOO_MANY_OF_ADDRESS)?);
                accepted.get_or_init(|| Arc::clone(factory));
                let mut answer = Response::new(AnswerBody::empty());
                *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
                answer.headers_mut().insert(UPGRADE, WEBSOCKET);
                answer.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, accept);
                Ok(answer)
            }
            Err(refusal) => Ok(self.refuse_upgrade(refusal)),
        }
    }

    fn refuse_upgrade(&self, refusal: handshake::Refusal) -> Answer {
        self.shared.stats.counters.upgrades_refused_total.add(1);
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let mut answer = self.refuse(Problem::new(status, "websocket_handshake", refusal.detail()));
        let headers = answer.headers_mut();
        match refusal.status() {
            405 => headers.insert(ALLOW, HeaderValue::from_static("GET")),
            426 => {
                headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(handshake::VERSION));
                headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
                headers.insert(UPGRADE, WEBSOCKET)
            }
            _ => None,
        };
        answer
    }
}

/// What a request is called in a trace.
const fn span_name(kind: Option<RouteKind>) -> &'static str {
    match kind {
        Some(RouteKind::Native) => "connect",
        Some(RouteKind::Frames(FrameRoute::Session)) => "session",
        Some(RouteKind::Frames(FrameRoute::Push)) => "push",
        Some(RouteKind::Frames(FrameRoute::Pull)) => "pull",
        Some(RouteKind::Frames(FrameRoute::Subscribe)) => "subscribe",
        Some(RouteKind::Frames(FrameRoute::Frames)) => "frames",
        Some(RouteKind::Blobs) => "blobs",
        Some(RouteKind::Foreign(_)) => "foreign",
        Some(RouteKind::Liveness) => "liveness",
        Some(RouteKind::Probe) | None => "control_plane",
    }
}

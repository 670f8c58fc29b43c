//! Pages of any origin may use the routes that take a bearer's token: there is no cookie to misuse, so the origin says nothing
//! that the token does not (Fetch standard, "CORS protocol"). Credentials of the browser are never allowed. Where the operator
//! listed origins, the gate narrows it afterwards.

use super::answer_body::{Answer, AnswerBody};
use super::route::RouteKind;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue,
    ORIGIN,
};
use http::request::Parts;
use http::{Method, Response, StatusCode};

/// The lines of [`allow`], for answers that are made as bytes.
pub(super) const LINES: &str = "access-control-allow-origin: *\r\naccess-control-expose-headers: retry-after, content-range, etag, upload-offset, upload-length, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-response-time\r\n";

const ANY_ORIGIN: HeaderValue = HeaderValue::from_static("*");
/// What a client needs of an answer beside its status and body.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "retry-after, content-range, etag, upload-offset, upload-length, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-response-time",
);
/// Named one by one: a star does not stand for `authorization`.
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, content-range, range, if-range, if-none-match");
/// How long a browser need not ask again, in seconds; browsers believe two hours at most.
const MAX_AGE_S: HeaderValue = HeaderValue::from_static("7200");

/// Whether pages of any origin may use this route.
pub(super) const fn is_open(kind: RouteKind) -> bool {
    matches!(kind, RouteKind::Frames(_) | RouteKind::Blobs)
}

/// Whether they may read that this route refused them. The control plane and foreign protocols have paths that pages use, and
/// the refusal says nothing of the others: without it a page could not know when to come back.
pub(super) const fn tells_refusals(kind: Option<RouteKind>) -> bool {
    !matches!(kind, Some(RouteKind::Native | RouteKind::Liveness | RouteKind::Probe))
}

/// The answer to a browser that asks whether a page may send a request to this route; `None` for every other request.
pub(super) fn preflight(kind: RouteKind, head: &Parts) -> Option<Answer> {
    let asks = head.headers.contains_key(ORIGIN) && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if head.method != Method::OPTIONS || !asks {
        return None;
    }
    let methods = match kind {
        RouteKind::Frames(route) if route.method() == Method::GET => "GET",
        RouteKind::Frames(_) => "POST",
        RouteKind::Blobs => "GET, HEAD, PUT, DELETE",
        RouteKind::Native | RouteKind::Liveness | RouteKind::Probe | RouteKind::Foreign(_) => return None,
    };
    let mut answer = Response::new(AnswerBody::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE_S);
    Some(answer)
}

/// Lets the page read the answer. Said whoever asks, so that no cache keeps an answer without it.
pub(super) fn allow(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let mut headers = HeaderMap::new();
        allow(&mut headers);
        let line =
            |(name, value): (&http::HeaderName, &HeaderValue)| format!("{name}: {}\r\n", value.to_str().unwrap());
        assert_eq!(headers.iter().map(line).collect::<String>(), LINES);
    }
}

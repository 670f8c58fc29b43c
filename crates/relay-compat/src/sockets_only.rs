//! What services say that serve WebSockets alone: in words, as everything else is said on the sockets.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use relay_core::foreign::{RequestRefusal, SocketRequest};

/// An answer in plain text.
pub(crate) fn plain(status: StatusCode, body: &'static str) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from_static(body.as_bytes()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    answer
}

/// Of a WebSocket beyond those there may be.
pub(crate) fn too_many() -> Response<Bytes> {
    let mut answer = plain(StatusCode::SERVICE_UNAVAILABLE, "Too many connections");
    answer.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from_static("5"));
    answer
}

/// Of a request that cannot be judged now.
pub(crate) fn busy() -> Response<Bytes> {
    let mut answer = plain(StatusCode::SERVICE_UNAVAILABLE, "Overloaded");
    answer.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

/// Of a request that is none for a WebSocket.
pub(crate) fn not_found() -> Response<Bytes> {
    plain(StatusCode::NOT_FOUND, "Not Found")
}

/// Of a request that the transport ends.
pub(crate) fn refusal(refusal: RequestRefusal) -> Response<Bytes> {
    match refusal {
        RequestRefusal::Overloaded => plain(StatusCode::SERVICE_UNAVAILABLE, "Overloaded"),
        RequestRefusal::Failed => plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
        _ => not_found(),
    }
}

/// Of a request at the path of a WebSocket that asks for none.
pub(crate) fn want_upgrade(request: &SocketRequest) -> Result<(), Box<Response<Bytes>>> {
    let answer = || Box::new(plain(StatusCode::UPGRADE_REQUIRED, "This address speaks WebSocket"));
    request.is_upgrade.then_some(()).ok_or_else(answer)
}

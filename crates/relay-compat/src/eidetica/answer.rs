//! Answers: JSON with status 200 for all that was understood, errors of the app included; plain text with another status where
//! no request was read, as the original server does it.

use super::canonical::write_text;
use crate::account_words;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use relay_core::documents::DocumentError;
use relay_core::foreign::RequestRefusal;
use relay_core::store::StoreError;

/// Longest text of an error, in characters: what a request is quoted with is cut.
const TEXT_CHARS_MAX: usize = 512;

/// Why a request is answered with an error.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refused {
    /// In the words of the protocol.
    Said(String),
    NotJson(String),
    NotARequest(String),
    NotJsonType,
    NotPost,
    NotFound,
    Unauthorized,
    /// Who may open a tenant is asked here, and nobody let this one in.
    NotAdmitted,
    /// The tenant writes too often; when it may again, in milliseconds.
    TooFast {
        retry_after_ms: u32,
    },
    Transport(RequestRefusal),
    Store {
        temporary: bool,
    },
}

impl From<DocumentError> for Refused {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Full(_) => {
                Self::Said("this relay keeps as much as it may; nothing of this request was stored".to_owned())
            }
            DocumentError::Account(detail) => Self::Said(account_words::sentence(detail)),
            DocumentError::TooFast { retry_after_ms } => Self::TooFast { retry_after_ms },
            DocumentError::NotAdmitted => Self::NotAdmitted,
            DocumentError::Erased => {
                Self::Said("the operator of this relay erased what it kept for this token".to_owned())
            }
            DocumentError::TooLarge => Self::Said("the request changes more than one request may".to_owned()),
            DocumentError::Store(StoreError::Overloaded | StoreError::DiskFull) => Self::Store { temporary: true },
            _ => Self::Store { temporary: false },
        }
    }
}

/// An answer that a client of the protocol reads.
pub(super) fn ok(body: Vec<u8>) -> Response<Bytes> {
    said(StatusCode::OK, body)
}

fn said(status: StatusCode, body: Vec<u8>) -> Response<Bytes> {
    response(status, body.into(), Some("application/json"))
}

/// What a page of another origin has to know before it may ask: that it may.
pub(super) fn preflight() -> Response<Bytes> {
    let mut response = response(StatusCode::NO_CONTENT, Bytes::new(), None);
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, OPTIONS"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Content-Type, Authorization"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

/// Nothing of an answer depends on who a browser is signed in as, so pages of every origin may read it.
fn response(status: StatusCode, body: Bytes, kind: Option<&'static str>) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some(kind) = kind {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

fn error_body(text: &str) -> Vec<u8> {
    let mut body = b"{\"Error\":".to_vec();
    write_text(&text.chars().take(TEXT_CHARS_MAX).collect::<String>(), &mut body);
    body.push(b'}');
    body
}

fn text(status: StatusCode, text: String) -> Response<Bytes> {
    let text: String = text.chars().take(TEXT_CHARS_MAX).collect();
    response(status, text.into(), Some("text/plain; charset=utf-8"))
}

/// The answer for a refusal.
pub(super) fn refused(refused: &Refused) -> Response<Bytes> {
    let transport = |status, words: &str| text(status, words.to_owned());
    match refused {
        Refused::Said(words) => said(StatusCode::OK, error_body(words)),
        Refused::NotJson(error) => {
            text(StatusCode::BAD_REQUEST, format!("Failed to parse the request body as JSON: {error}"))
        }
        Refused::NotARequest(error) => text(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("Failed to deserialize the JSON body into the target type: {error}"),
        ),
        Refused::NotJsonType => {
            transport(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Expected request with `Content-Type: application/json`")
        }
        Refused::NotPost => {
            let mut response = transport(StatusCode::METHOD_NOT_ALLOWED, "This path takes POST");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            response
        }
        Refused::NotFound => transport(StatusCode::NOT_FOUND, "Nothing is served at this path"),
        Refused::Unauthorized => {
            let words = "Authentication required: this relay wants a token, as http://token@host or as a bearer";
            let mut response = said(StatusCode::UNAUTHORIZED, error_body(words));
            let basic = HeaderValue::from_static("Basic realm=\"sealrelay\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, basic);
            response
        }
        Refused::NotAdmitted => said(
            StatusCode::UNAUTHORIZED,
            error_body("Authentication required: this relay takes only who was invited, and the token is not such"),
        ),
        Refused::TooFast { retry_after_ms } => {
            let mut response = said(StatusCode::TOO_MANY_REQUESTS, error_body("Too many writes; try again later"));
            let seconds = u64::from(*retry_after_ms).div_ceil(1000);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
        Refused::Transport(RequestRefusal::BodyTooLarge { bytes_max, .. }) => text(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("Failed to buffer the request body: length limit exceeded ({bytes_max} bytes)"),
        ),
        Refused::Transport(RequestRefusal::BodyTooSlow) => {
            transport(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time")
        }
        Refused::Transport(RequestRefusal::BodyBroken) => {
            transport(StatusCode::BAD_REQUEST, "Failed to buffer the request body: it was cut off")
        }
        Refused::Transport(RequestRefusal::Overloaded) => busy("The relay is busy; try again"),
        Refused::Transport(_) => transport(StatusCode::INTERNAL_SERVER_ERROR, "The request failed"),
        Refused::Store { temporary: true } => busy("The relay cannot store anything now; try again"),
        Refused::Store { temporary: false } => {
            said(StatusCode::INTERNAL_SERVER_ERROR, error_body("The relay cannot read or store anything"))
        }
    }
}

fn busy(words: &str) -> Response<Bytes> {
    let mut response = said(StatusCode::SERVICE_UNAVAILABLE, error_body(words));
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

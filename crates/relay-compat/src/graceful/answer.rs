//! Answers: bodies, errors, and the headers that every one of them carries.

use super::PROTOCOL_VERSION;
use super::accept::QUOTA;
use super::rate::Allowance;
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use relay_core::documents::{DocumentError, QuotaDetail};
use relay_core::foreign::RequestRefusal;
use relay_core::store::StoreError;
use serde_json::{Value, json};

/// Why a request is answered with an error.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refused {
    Invalid {
        message: &'static str,
        required: &'static [&'static str],
    },
    ProtocolMismatch {
        client: String,
    },
    Unauthorized,
    /// The tenant is not among those that are served yet.
    NotEnabled,
    NotFound,
    UpgradeRequired,
    RateLimited,
    Transport(RequestRefusal),
    /// The tenant holds as much as it may.
    Quota,
    /// All tenants together do, or there are as many as there may be.
    RelayFull,
    /// The account that the tenant is on keeps as much as it may.
    AccountFull(QuotaDetail),
    /// The tenant writes too often; when it may again, in milliseconds.
    WritesTooFast {
        retry_after_ms: u32,
    },
    TooManySockets,
    /// Who may open a tenant is asked here, and nobody let this one in.
    NotAdmitted,
    /// The operator erased the tenant.
    Erased,
    Store {
        temporary: bool,
    },
}

impl Refused {
    pub(super) fn invalid(message: &'static str, required: &'static [&'static str]) -> Self {
        Self::Invalid { message, required }
    }
}

impl From<DocumentError> for Refused {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::TooLarge => Self::invalid("The request changes more than one request may", &[]),
            DocumentError::Withdrawn => Self::Quota,
            DocumentError::Full(_) => Self::RelayFull,
            DocumentError::Account(detail) => Self::AccountFull(detail),
            DocumentError::TooFast { retry_after_ms } => Self::WritesTooFast { retry_after_ms },
            DocumentError::NotAdmitted => Self::NotAdmitted,
            DocumentError::Erased => Self::Erased,
            DocumentError::Store(StoreError::Overloaded | StoreError::DiskFull) => Self::Store { temporary: true },
            _ => Self::Store { temporary: false },
        }
    }
}

/// When a client that is not served yet may ask again, in seconds.
const NOT_ENABLED_RETRY_S: u64 = 3600;

/// What an answer is besides its headers.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    retry_after_s: Option<u64>,
}

impl Answer {
    pub(super) fn ok(body: &Value) -> Self {
        Self { status: StatusCode::OK, body: body.to_string().into(), retry_after_s: None }
    }

    pub(super) fn bytes(body: impl Into<Bytes>) -> Self {
        Self { status: StatusCode::OK, body: body.into(), retry_after_s: None }
    }

    pub(super) fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: Bytes::new(), retry_after_s: None }
    }

    pub(super) fn refused(refused: &Refused, now_ms: u64, allowance: Option<Allowance>) -> Self {
        let (status, code, message, details) = words(refused, allowance);
        let mut error = json!({"code": code, "message": message});
        if let (Some(error), Some(details)) = (error.as_object_mut(), details) {
            error.insert("details".to_owned(), details);
        }
        let wait_s =
            allowance.map_or(1, |allowance| allowance.reset_at_ms.saturating_sub(now_ms).div_ceil(1000).max(1));
        let retry_after_s = match (refused, status) {
            (Refused::WritesTooFast { retry_after_ms }, _) => Some(u64::from(*retry_after_ms).div_ceil(1000)),
            (Refused::NotEnabled, _) => Some(NOT_ENABLED_RETRY_S),
            (_, StatusCode::TOO_MANY_REQUESTS) => Some(wait_s),
            (_, StatusCode::SERVICE_UNAVAILABLE) => Some(1),
            _ => None,
        };
        Self { status, body: json!({"error": error, "timestamp": now_ms}).to_string().into(), retry_after_s }
    }

    pub(super) fn response(self, allowance: Option<Allowance>, took_ms: u64) -> Response<Bytes> {
        let is_empty = self.body.is_empty();
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        for (name, value) in FIXED_HEADERS {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        if !is_empty {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
        let mut text = |name: &'static str, value: String| put(headers, HeaderName::from_static(name), &value);
        if let Some(allowance) = allowance {
            text("x-ratelimit-limit", allowance.limit.to_string());
            text("x-ratelimit-remaining", allowance.remaining.to_string());
            text("x-ratelimit-reset", allowance.reset_at_ms.to_string());
        }
        text("x-response-time", format!("{took_ms}ms"));
        if let Some(seconds) = self.retry_after_s {
            put(headers, RETRY_AFTER, &seconds.to_string());
        }
        response
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

const FIXED_HEADERS: [(&str, &str); 11] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET, POST, OPTIONS"),
    ("access-control-allow-headers", "Content-Type, Authorization"),
    (
        "access-control-expose-headers",
        "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, X-Response-Time",
    ),
    ("access-control-max-age", "86400"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-xss-protection", "1; mode=block"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
    ("cache-control", "no-store"),
];

type Words = (StatusCode, &'static str, &'static str, Option<Value>);

fn words(refused: &Refused, allowance: Option<Allowance>) -> Words {
    let invalid = |message: &'static str, details| (StatusCode::BAD_REQUEST, "INVALID_REQUEST", message, details);
    let overloaded = (StatusCode::SERVICE_UNAVAILABLE, "INTERNAL_ERROR", "The relay is busy; try again", None);
    match refused {
        Refused::Invalid { message, required: [] } => invalid(message, None),
        Refused::Invalid { message, required } => invalid(message, Some(json!({"required": required}))),
        Refused::ProtocolMismatch { client } => {
            let details = json!({"server_version": PROTOCOL_VERSION, "client_version": client});
            (
                StatusCode::BAD_REQUEST,
                "PROTOCOL_MISMATCH",
                "This version of the protocol is not spoken here",
                Some(details),
            )
        }
        Refused::Unauthorized => {
            (StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "A bearer token is needed on this relay", None)
        }
        Refused::NotEnabled => (
            StatusCode::SERVICE_UNAVAILABLE,
            "NOT_ENABLED",
            "Sync is not enabled for this user yet; nothing is lost, work on offline",
            None,
        ),
        Refused::NotFound => {
            (StatusCode::NOT_FOUND, "NOT_FOUND", "Nothing is served at this path with this method", None)
        }
        Refused::UpgradeRequired => {
            (StatusCode::UPGRADE_REQUIRED, "INVALID_REQUEST", "This path speaks WebSocket", None)
        }
        Refused::RateLimited => {
            let details =
                allowance.map(|allowance| json!({"limit": allowance.limit, "reset_at": allowance.reset_at_ms}));
            (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT_EXCEEDED", "Too many requests; try again later", details)
        }
        Refused::Transport(RequestRefusal::BodyTooLarge { bytes, bytes_max }) => {
            let details = json!({"max_size_bytes": bytes_max, "actual_size_bytes": bytes});
            (
                StatusCode::PAYLOAD_TOO_LARGE,
                "PAYLOAD_TOO_LARGE",
                "The body is larger than this relay takes",
                Some(details),
            )
        }
        Refused::Transport(RequestRefusal::BodyTooSlow) => {
            (StatusCode::REQUEST_TIMEOUT, "INVALID_REQUEST", "The body did not arrive in time", None)
        }
        Refused::Transport(RequestRefusal::BodyBroken) => invalid("The body was cut off", None),
        Refused::Transport(RequestRefusal::Overloaded) => overloaded,
        Refused::Transport(_) => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "The request failed", None),
        Refused::Store { temporary: true } => {
            (StatusCode::SERVICE_UNAVAILABLE, "DATABASE_ERROR", "The relay cannot store anything now; try again", None)
        }
        Refused::Store { temporary: false } => {
            (StatusCode::INTERNAL_SERVER_ERROR, "DATABASE_ERROR", "The relay cannot read or store anything", None)
        }
        limit => limit_words(limit),
    }
}

/// Of what an operator's limits refuse.
fn limit_words(refused: &Refused) -> Words {
    match refused {
        Refused::RelayFull => (
            StatusCode::INSUFFICIENT_STORAGE,
            "QUOTA_EXCEEDED",
            "The relay keeps as much as it may; nothing was stored",
            None,
        ),
        Refused::AccountFull(detail) => (
            StatusCode::INSUFFICIENT_STORAGE,
            "QUOTA_EXCEEDED",
            "The account of this token keeps as much as it may; nothing was stored",
            Some(json!({
                "quota": detail.quota.name(),
                "used": detail.used,
                "allowed": detail.allowed,
                "needed": detail.needed,
            })),
        ),
        Refused::WritesTooFast { .. } => {
            (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT_EXCEEDED", "Too many writes; try again later", None)
        }
        Refused::TooManySockets => {
            (StatusCode::SERVICE_UNAVAILABLE, "INTERNAL_ERROR", "Too many WebSockets are open; try again later", None)
        }
        Refused::NotAdmitted => (
            StatusCode::UNAUTHORIZED,
            "UNAUTHORIZED",
            "This relay takes only who was invited; the token is not such",
            None,
        ),
        Refused::Erased => {
            (StatusCode::GONE, "ERASED", "The operator of this relay erased what it kept for this token", None)
        }
        Refused::Quota => (StatusCode::INSUFFICIENT_STORAGE, "QUOTA_EXCEEDED", QUOTA, None),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "The request failed", None),
    }
}
